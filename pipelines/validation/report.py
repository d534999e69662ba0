"""The stored report: ``report.json`` (summary and examples) beside ``findings.parquet`` (every finding).

One JSON file is two things at once: our own record of the judgement, and a report that Frictionless loads
(``frictionless.Report.from_descriptor``), whose keys stand beside ours. It is small however much was found.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.catalogue import Catalogue
from pipelines.engine import connect, fetch_one, quote_name, quote_text
from pipelines.exceptions import ValidationError
from pipelines.identifiers import MemberCode, SubmissionId
from pipelines.records import (
    AcceptancePolicy,
    Finding,
    FindingGroup,
    Severity,
    SkippedCheck,
    SourceCounts,
    StagedPackage,
    TableCounts,
    ValidationReport,
    Verdict,
)
from pipelines.reporting.details import Details
from pipelines.reporting.frictionless_form import (
    CELL_CHARACTERS,
    PLACES,
    Source,
    column_number,
    frictionless_form,
)
from pipelines.reporting.sentences import Sentences

NAME = "report.json"
FINDINGS = "findings.parquet"


def report_to_dict(report: ValidationReport) -> dict[str, Any]:
    """The report as JSON data; the inverse of `report_from_dict`."""
    data = asdict(report)
    data["validated_at"] = report.validated_at.isoformat()
    data["groups"] = [
        {**asdict(group), "examples": [example.to_dict() for example in group.examples]}
        for group in report.groups
    ]
    data["findings"] = {severity.value: report.count(severity) for severity in Severity}
    return data


def report_from_dict(data: dict[str, Any]) -> ValidationReport:
    return ValidationReport(
        SubmissionId(data["submission_id"]),
        MemberCode(data["member"]),
        data["package_type"],
        data["schema_version"],
        data["ruleset_version"],
        AcceptancePolicy(data["policy"]),
        Verdict(data["verdict"]),
        tuple(SourceCounts(**each) for each in data["sources"]),
        tuple(TableCounts(**each) for each in data["counts"]),
        tuple(
            FindingGroup(
                each["code"],
                Severity(each["severity"]),
                each["table"],
                each["field"],
                each["count"],
                tuple(Finding.from_dict(example) for example in each["examples"]),
            )
            for each in data["groups"]
        ),
        tuple(SkippedCheck(**each) for each in data["skipped"]),
        data["typed"],
        datetime.fromisoformat(data["validated_at"]),
        data["seconds"],
        data.get("against"),
    )


def write_report(folder: Path, report: ValidationReport, staged: StagedPackage, catalogue: Catalogue) -> None:
    """Write ``report.json`` into a folder that has its ``findings.parquet``."""
    sentences = Sentences(catalogue, catalogue.package_type(report.package_type), "en")
    con = connect(memory_limit="1GB")
    try:
        found = f"read_parquet({quote_text(folder / FINDINGS)})"
        sources = _sources(con, found, report, staged)
        (rows,) = fetch_one(
            con,
            f"SELECT count(*) FROM (SELECT DISTINCT source_file, sheet, row_number FROM {found} "
            "WHERE severity = 'error' AND row_number IS NOT NULL)",
        )
    finally:
        con.close()
    own = report_to_dict(report)
    details = Details(rows_with_errors=int(rows), understood=staged.understood)
    data = {**frictionless_form(report, sentences, sources), **own, **asdict(details)}
    text = json.dumps(data, ensure_ascii=False, indent=1, default=str)
    # The name of a file may hold bytes that are no text; as a JSON escape they are JSON all the same.
    (folder / NAME).write_bytes(text.encode("utf-8", "backslashreplace"))


def read_report(folder: Path) -> ValidationReport:
    """The report of a folder. Raises ValidationError when there is none."""
    return report_from_dict(read_stored(folder))


def read_details(folder: Path) -> Details:
    """What `folder`'s report says beside the judgement. Raises ValidationError when there is no report."""
    data = read_stored(folder)
    return Details(data.get("rows_with_errors"), data.get("understood", {}))


def read_stored(folder: Path) -> dict[str, Any]:
    """``report.json`` as it is. Raises ValidationError when there is none."""
    try:
        data: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValidationError(f"no report in {folder}") from error
    return data


def frictionless_part(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of a stored report, what Frictionless itself would write."""
    return {name: data[name] for name in ("version", "valid", "stats", "warnings", "errors", "tasks")}


@dataclass
class _Sent:
    """A file or sheet while its headings are gathered. fields: fields of the standard by column."""

    file: str
    sheet: str | None
    type: str
    rows: int
    heading_row: int = 1
    tables: list[str] = field(default_factory=list)
    columns: dict[int, tuple[str, str, str]] = field(default_factory=dict)


def _sources(con: Any, found: str, report: ValidationReport, staged: StagedPackage) -> list[Source]:
    """Every file and sheet with its headings, its errors, and the rows that examples name."""
    errors = {
        (file, sheet): count
        for file, sheet, count in con.execute(
            f"SELECT source_file, sheet, count(*) FROM {found} WHERE severity = 'error' GROUP BY ALL"
        ).fetchall()
    }
    return [
        Source(
            sent.file,
            sent.sheet,
            sent.type,
            sent.rows,
            sum(1 for label in labels if label),
            sent.heading_row,
            labels,
            errors.get((sent.file, sent.sheet), 0),
            _cells(con, sent, len(labels), report, staged),
        )
        for sent in _sent(staged)
        for labels in [_labels(sent)]
    ]


def _sent(staged: StagedPackage) -> list[_Sent]:
    understood = staged.understood
    letters = {(each["origin"], each["table"]): each["columns"] for each in understood.get("letters", ())}
    sent = []
    for entry in understood.get("files", ()):
        one = _Sent(entry["file"], entry["sheet"], "table", entry["rows"])
        origin = f"{one.file}#{one.sheet}" if one.sheet else one.file
        for table in entry.get("tables", ()):
            one.heading_row = table["heading_row"]
            placed = letters.get((origin, table["table"]), {})
            for name, label in table["columns"].items():
                if isinstance(label, dict):
                    continue
                position = column_number(placed.get(name)) or len(one.columns) + 1
                if placed and name not in placed:
                    continue
                one.columns[position] = (table["table"], name, label if isinstance(label, str) else name)
            one.tables.append(table["table"])
        sent.append(one)
    for entry in (understood.get("ocds") or {}).get("files", ()):
        sent.append(_Sent(entry["file"], None, "json", entry["releases"]))
    return sent


def _labels(sent: _Sent) -> tuple[str, ...]:
    width = max(sent.columns, default=0)
    return tuple(sent.columns[each][2] if each in sent.columns else "" for each in range(1, width + 1))


def _cells(
    con: Any, sent: _Sent, width: int, report: ValidationReport, staged: StagedPackage
) -> dict[int, tuple[str, ...]]:
    """Cells of the rows that the listed errors name, in the order of the file's columns, as text."""
    wanted = {
        example.row_number
        for group in report.groups
        if group.severity is Severity.ERROR
        for example in group.examples[:PLACES]
        if example.row_number and (example.source_file, example.sheet) == (sent.file, sent.sheet)
    }
    rows: dict[int, list[str]] = {}
    origin = f"{sent.file}#{sent.sheet}" if sent.sheet else sent.file
    for name in sent.tables if wanted else ():
        table = staged.table(name)
        own = [(position, field) for position, (of, field, _label) in sent.columns.items() if of == name]
        own = [(position, field) for position, field in own if table and field in table.columns]
        if table is None or not own:
            continue
        listed = ", ".join(f"left({quote_name(field)}, {CELL_CHARACTERS})" for _position, field in own)
        for number, *cells in con.execute(
            f"SELECT source_row_number, {listed} FROM read_parquet({quote_text(table.path)}) "
            "WHERE source_file = ? AND list_contains(?, source_row_number)",
            [origin, sorted(wanted)],
        ).fetchall():
            row = rows.setdefault(number, [""] * width)
            for (position, _field), cell in zip(own, cells, strict=True):
                row[position - 1] = cell or ""
    return {number: tuple(cells) for number, cells in rows.items()}
