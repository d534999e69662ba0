"""All findings of a report as CSV, in one language, read and written as a stream."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pyarrow.parquet as pq

from pipelines.catalogue import Catalogue
from pipelines.records import Finding, Severity
from pipelines.reporting.language import translations
from pipelines.reporting.places import sheet_name
from pipelines.reporting.sentences import Sentences

_BATCH = 5_000
_RUNS = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*([eE][-+]?\d+)?%?")


def findings_lines(
    findings: Path, catalogue: Catalogue, package_type: str, language: str, *, excel: bool = False
) -> Iterator[bytes]:
    """``findings.parquet`` as lines of CSV: UTF-8, comma, CRLF (RFC 4180), the gravest first.

    excel: with a byte order mark, by which Excel knows UTF-8. Text that a spreadsheet would run gets an
    apostrophe before it in both; numbers are left as they are.
    """
    if excel:
        yield b"\xef\xbb\xbf"
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(_headings(language))
    sentences = Sentences(catalogue, catalogue.package_type(package_type), language)
    words = _Words(sentences)
    with pq.ParquetFile(findings) as file:
        for batch in file.iter_batches(_BATCH):
            for row in batch.to_pylist():
                writer.writerow(words.line(row))
            yield taken(buffer)
    yield taken(buffer)


def taken(buffer: io.StringIO) -> bytes:
    """What has been written into a buffer, as UTF-8, and the buffer empty again."""
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "backslashreplace")


def guarded(text: str) -> str:
    """Text that no spreadsheet runs: an apostrophe before what begins like a formula and is no number."""
    return f"'{text}" if _RUNS.match(text) and not _NUMBER.fullmatch(text) else text


def _headings(language: str) -> tuple[str, ...]:
    _ = translations(language).gettext
    return (
        _("Severity"),
        _("Code"),
        _("File"),
        _("Sheet"),
        _("Row"),
        _("Cell"),
        _("Table"),
        _("Field"),
        _("Value"),
        _("Suggestion"),
        _("What happened"),
        _("What to do"),
    )


def severity_name(severity: Severity, language: str) -> str:
    """A severity in one word."""
    _ = translations(language).gettext
    return {Severity.ERROR: _("error"), Severity.WARNING: _("warning"), Severity.NOTICE: _("notice")}[
        severity
    ]


class _Words:
    """Lines of the file. Sentences that say the same are made once: most of 100,000 findings differ in little."""

    def __init__(self, sentences: Sentences) -> None:
        self.sentences = sentences
        self.severities = {each.value: severity_name(each, sentences.language) for each in Severity}
        self.made: dict[tuple[Any, ...], tuple[str, ...]] = {}
        self.used: dict[str, tuple[str, ...]] = {}
        self.sheets: dict[str, str] = {}

    def line(self, row: Mapping[str, Any]) -> tuple[str | int, ...]:
        number, letter = row["row_number"], row["column_letter"]
        file, sheet, table, field, suggestion, what, fix = self.texts(row)
        cell = f"{letter or ''}{number or ''}" if letter else ""
        if cell and number and sheet:
            cell = self.address(row["sheet"]) + cell
        severity, value = self.severities[row["severity"]], guarded(row["value"] or "")
        return (
            severity,
            row["code"],
            file,
            sheet,
            number or "",
            cell,
            table,
            field,
            value,
            suggestion,
            what,
            fix,
        )

    def address(self, sheet: str) -> str:
        """``Contratos!``"""
        if sheet not in self.sheets:
            self.sheets[sheet] = f"{sheet_name(sheet)}!"
        return self.sheets[sheet]

    def texts(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """File, sheet, table, field, suggestion, what happened, what to do."""
        key = (
            row["code"],
            row["table_name"],
            row["field"],
            row["source_file"],
            row["sheet"],
            row["parameters"],
            *(row[column] for column in self.columns_used(row["code"])),
        )
        if key not in self.made:
            if len(self.made) > _BATCH:
                self.made.clear()
            self.made[key] = tuple(guarded(text) for text in self.say(row))
        return self.made[key]

    def say(self, row: Mapping[str, Any]) -> Iterator[str]:
        finding = Finding(
            row["code"],
            row["table_name"],
            row["field"],
            row["source_file"],
            row["sheet"],
            row["row_number"],
            row["column_letter"],
            row["value"],
            json.loads(row["parameters"] or "{}"),
        )
        text = self.sentences.finding(finding)
        yield from (finding.source_file or "", finding.sheet or "")
        yield self.sentences.table_title(finding.table)
        yield self.sentences.field_title(finding.table, finding.field)
        yield from (self.sentences.suggestion(finding) or "", text.what, text.fix)

    def columns_used(self, code: str) -> tuple[str, ...]:
        """Columns that differ from finding to finding and that the sentences of a code name."""
        if code not in self.used:
            text = self.sentences.catalogue.texts.finding(self.sentences.language, code)
            said = {name for part in text for _, name, _, _ in Formatter().parse(part)}
            own = {"value": ("value",), "row": ("row_number",), "cell": ("row_number", "column_letter")}
            self.used[code] = tuple(column for name in own.keys() & said for column in own[name])
        return self.used[code]
