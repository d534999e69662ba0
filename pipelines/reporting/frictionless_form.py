"""The same result as a Frictionless report: what ``frictionless.Report.from_descriptor`` loads and writes back.

Frictionless loads only the types of error that it knows. A finding of ours that it has no word for takes the
type of the place it speaks of (a cell, a row, a table, a file) whose message says the note; ``code`` beside it
is our own. Title, description, message and tags are Frictionless's: it would write the same again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frictionless import Error, errors
from frictionless import __version__ as version

from pipelines.records import Finding, Severity, ValidationReport
from pipelines.reporting.sentences import Sentences
from pipelines.reporting.visible import visible

PLACES = 10
"""Errors listed of a group."""
ERRORS = 1000
"""Errors listed in all, as Frictionless's own limit; the figures are always whole."""
CELL_CHARACTERS = 200
NOTE_CHARACTERS = 500

_OF_CELLS = {
    "type-error": errors.TypeError,
    "url-malformed": errors.TypeError,
    "constraint-required": errors.ConstraintError,
    "constraint-enum": errors.ConstraintError,
    "constraint-pattern": errors.ConstraintError,
    "constraint-minimum": errors.ConstraintError,
    "constraint-maximum": errors.ConstraintError,
    "constraint-length": errors.ConstraintError,
}
_OF_ROWS = {
    "blank-row": errors.BlankRowError,
    "primary-key-empty": errors.PrimaryKeyError,
    "primary-key-duplicate": errors.PrimaryKeyError,
    "duplicate-row": errors.DuplicateRowError,
}
_OF_FILES = {
    "empty-file": errors.SourceError,
    "unreadable-file": errors.SourceError,
    "unknown-format": errors.FormatError,
    "not-a-table": errors.FormatError,
    "invalid-json": errors.FormatError,
    "invalid-bytes": errors.EncodingError,
    "truncated-archive": errors.CompressionError,
    "archive-too-large": errors.CompressionError,
    "archive-too-deep": errors.CompressionError,
    "archive-too-many-files": errors.CompressionError,
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file or sheet as it was sent, for its task.

    labels: the headings in the order of the columns. errors: how many in all. cells: of the rows that examples
    name, by row number, as many as there are labels.
    """

    file: str
    sheet: str | None
    type: str
    rows: int
    fields: int
    heading_row: int
    labels: tuple[str, ...]
    errors: int
    cells: Mapping[int, tuple[str, ...]]

    @property
    def place(self) -> str:
        return f"{self.file}#{self.sheet}" if self.sheet else self.file


def frictionless_form(
    report: ValidationReport, sentences: Sentences, sources: Sequence[Source]
) -> dict[str, Any]:
    """The keys of a Frictionless report, in English (`sentences` decides).

    Everything found as an error is counted; listed are the first of each group. Our warnings are lines of
    ``warnings``; our notices are left out. Tables are checked together, so each task shows the time of the whole.
    """
    known = {(source.file, source.sheet): source for source in sources}
    listed: dict[str | None, list[dict[str, Any]]] = {}
    for group in report.groups:
        if group.severity is not Severity.ERROR:
            continue
        for example in group.examples[:PLACES]:
            source = known.get((example.source_file or "", example.sheet))
            if sum(map(len, listed.values())) < ERRORS:
                error = _error(example, source, sentences)
                listed.setdefault(source.place if source else None, []).append(error)
    tasks = [_task(source, listed.get(source.place, []), report.seconds) for source in sources]
    total = report.count(Severity.ERROR)
    warnings = [
        f"{group.count} × {group.code}: {visible(sentences.group(group).what, NOTE_CHARACTERS)}"
        for group in report.groups
        if group.severity is Severity.WARNING
    ][:ERRORS]
    count = sum(map(len, listed.values()))
    if count < total:
        warnings.insert(0, f"{count} of {total} errors are listed here; all of them are in findings.parquet")
    return {
        "version": version,
        "valid": not total,
        "stats": {"tasks": len(tasks), "errors": total, "warnings": len(warnings), "seconds": report.seconds},
        "warnings": warnings,
        "errors": listed.get(None, []),
        "tasks": tasks,
    }


def _task(source: Source, listed: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    cut = len(listed) < source.errors
    warnings = [f"{len(listed)} of {source.errors} errors of this table are listed here"] if cut else []
    return {
        "name": re.sub(r"[^-a-z0-9._/]+", "-", source.place.lower()).strip("-") or "table",
        "type": source.type,
        "valid": not source.errors,
        "place": source.place,
        "labels": list(source.labels),
        "stats": {
            "errors": source.errors,
            "warnings": len(warnings),
            "seconds": seconds,
            "fields": source.fields,
            "rows": source.rows,
        },
        "warnings": warnings,
        "errors": listed,
    }


def _error(finding: Finding, source: Source | None, sentences: Sentences) -> dict[str, Any]:
    note = visible(sentences.finding(finding).what, NOTE_CHARACTERS)
    made = _made(finding, source, note)
    return {**made.to_descriptor(), "code": finding.code}


def _made(finding: Finding, source: Source | None, note: str) -> Error:
    """The finding as an error of Frictionless's, the narrowest that has all its properties."""
    code = finding.code
    if source is not None and finding.row_number:
        cells = list(source.cells.get(finding.row_number, ()))
        row: dict[str, Any] = {"note": note, "cells": cells, "row_number": finding.row_number}
        number = column_number(finding.column)
        if code in ("reference-missing", "reference-refused"):
            return errors.ForeignKeyError(
                **row,
                field_names=[finding.field or ""],
                field_cells=[finding.value or ""],
                reference_name=str(finding.parameters.get("parent", "")),
                reference_field_names=[],
            )
        if code in _OF_ROWS:
            return _OF_ROWS[code](**row)
        if finding.field and number:
            kind = _OF_CELLS.get(code, errors.ForbiddenValueError)
            cell = (finding.value or "")[:CELL_CHARACTERS]
            return kind(**row, cell=cell, field_name=finding.field, field_number=number)
        if code == "extra-cell":
            first = int(finding.parameters.get("expected", len(source.labels))) + 1
            return errors.ExtraCellError(**row, cell="", field_name="", field_number=first)
        if code == "missing-cell":
            first = int(finding.parameters.get("found", 0)) + 1
            name = source.labels[first - 1] if first <= len(source.labels) else ""
            return errors.MissingCellError(**row, cell="", field_name=name, field_number=first)
        return errors.RowConstraintError(**row)
    if source is not None and code in ("no-heading", "column-missing"):
        heading: dict[str, Any] = {
            "note": note,
            "labels": list(source.labels),
            "row_numbers": [source.heading_row],
        }
        if code == "no-heading":
            return errors.BlankHeaderError(**heading)
        name = str(finding.parameters.get("name", finding.field or ""))
        return errors.MissingLabelError(
            **heading, label="", field_name=name, field_number=len(source.labels) + 1
        )
    if code in _OF_FILES:
        return _OF_FILES[code](note=note)
    if finding.table:
        return errors.TableError(note=note)
    return errors.FileError(note=note) if finding.source_file else errors.PackageError(note=note)


def column_number(letter: str | None) -> int:
    """``A`` -> 1, ``AA`` -> 27; 0 without a letter."""
    number = 0
    for character in letter or "":
        number = number * 26 + ord(character) - ord("A") + 1
    return number
