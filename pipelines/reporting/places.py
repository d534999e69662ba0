"""Where a finding is, as the program that the officer has open says it."""

import re

from pipelines.records import Finding
from pipelines.reporting.language import translations
from pipelines.reporting.visible import visible

_PLAIN_SHEET = re.compile(r"[^\W\d]\w*")
_LIKE_A_CELL = re.compile(r"[A-Za-z]{1,3}\d+|[RrCc]\d*")
_RECORDS = (".json", ".jsonl", ".ndjson")
NAME_CHARACTERS = 120


def file_name(name: str) -> str:
    """The name of a file or sheet, safe to show; a very long one keeps its end, where the extension is."""
    shown = visible(name)
    half = NAME_CHARACTERS // 2
    return shown if len(shown) <= NAME_CHARACTERS else f"{shown[:half]}…{shown[-half:]}"


def sheet_name(name: str) -> str:
    """The name of a sheet as it stands before the ``!`` of an address: quoted where a spreadsheet quotes it."""
    if _PLAIN_SHEET.fullmatch(name) and not _LIKE_A_CELL.fullmatch(name):
        return file_name(name)
    return "'" + file_name(name).replace("'", "''") + "'"


def is_record(finding: Finding) -> bool:
    """Whether the finding is about JSON, where rows are records and places are paths."""
    return (finding.source_file or "").lower().endswith(_RECORDS)


def where(finding: Finding, language: str, path: str = "") -> str:
    """The place inside its file; '' when the finding speaks of the whole file.

    In a workbook the address that can be typed into the name box (``Contratos!F1042``); in a CSV row and column
    as a spreadsheet shows them; in JSON the number of the record and the path: the finder's own, else `path`.
    """
    _ = translations(language).gettext
    row, column = finding.row_number, finding.column
    if finding.sheet and row and column:
        return f"{sheet_name(finding.sheet)}!{column}{row}"
    if is_record(finding):
        parts = [_("record {row}").format(row=row)] if row else []
        path = finding.parameters.get("path") or path
        if path and row:
            parts.append(visible(str(path), NAME_CHARACTERS))
        return ", ".join(parts)
    if row and column:
        inside = _("row {row}, column {column}").format(row=row, column=column)
    elif row:
        inside = _("row {row}").format(row=row)
    elif column:
        inside = _("column {column}").format(column=column)
    else:
        inside = ""
    sheet = file_name(finding.sheet) if finding.sheet else ""
    return ", ".join(part for part in (sheet, inside) if part)


def place(finding: Finding, language: str) -> str:
    """File and place: ``awards.xlsx, Sheet1!D17``; '' for the whole package."""
    file = file_name(finding.source_file) if finding.source_file else ""
    return ", ".join(part for part in (file, where(finding, language)) if part)
