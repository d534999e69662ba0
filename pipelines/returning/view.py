"""Tables as a plain workbook: the form in which a CSV, XLS or ODS can be coloured."""

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
from xlsxwriter import Workbook

from pipelines.intake.readers.log import column_letter
from pipelines.returning.listing import CELL_CHARACTERS
from pipelines.returning.parts import DECLARATION, xml_text
from pipelines.returning.patch import write_bare_workbook
from pipelines.returning.records import Record
from pipelines.returning.styles import MAIN

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
_MERGED_CELLS = 3_000_000
"""Up to so many cells a workbook is made in memory, which merging needs."""

_SAMPLE_ROWS = 200
_ROWS_AT_A_TIME = 500
_MARKUP = re.compile("[&<>\r_\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STYLES = (
    f'{DECLARATION}<styleSheet xmlns="{MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_NO_FORMULAS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def sheet_title(name: str) -> str:
    """A name that a sheet may have: 31 characters, none of ``[]:*?/\\``, no apostrophe at its ends."""
    return name.translate(_FORBIDDEN).strip(" '")[:31].strip(" '") or "CSV"


def write_records(records: Iterable[Record], path: Path, sheet: str, heading_row: int) -> bool:
    """Records of a delimited file as a sheet, every cell as text; False when they are more than a sheet holds."""
    source = iter(records)
    sample = list(islice(source, _SAMPLE_ROWS))
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{width}" style="1" customWidth="1"/>'
        for at, width in enumerate(_widths(sample), 1)
    )
    pane = ""
    if heading_row:
        pane = f'<pane ySplit="{heading_row}" topLeftCell="A{heading_row + 1}" activePane="bottomLeft" state="frozen"/>'
    write_bare_workbook(path, (sheet,), _STYLES)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as out,
    ):
        out.write(
            f'{DECLARATION}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
            f"<cols>{columns}</cols><sheetData>".encode()
        )
        fits = _write_rows(_chain(sample, source), out, heading_row)
        out.write(b"</sheetData></worksheet>")
    return fits


def _write_rows(records: Iterable[Record], out: IO[bytes], heading_row: int) -> bool:
    letters: list[str] = []
    buffer: list[str] = []
    for record in records:
        if record.number > MAX_ROWS or len(record.cells) > MAX_COLUMNS:
            return False
        while len(letters) < len(record.cells):
            letters.append(column_letter(len(letters)))
        style = 2 if record.number == heading_row else 1
        cells = "".join(
            f'<c r="{letter}{record.number}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{_shown(cell)}</t></is></c>'
            for letter, cell in zip(letters, record.cells, strict=False)
            if cell
        )
        if cells:
            buffer.append(f'<row r="{record.number}">{cells}</row>')
        if len(buffer) >= _ROWS_AT_A_TIME:
            out.write("".join(buffer).encode())
            buffer.clear()
    out.write("".join(buffer).encode())
    return True


def _chain(first: list[Record], rest: Iterator[Record]) -> Iterator[Record]:
    yield from first
    yield from rest


def _widths(sample: list[Record]) -> list[int]:
    widths: list[int] = []
    for record in sample:
        widths += [8] * (min(len(record.cells), MAX_COLUMNS) - len(widths))
        for column, cell in enumerate(record.cells[: len(widths)]):
            widths[column] = max(widths[column], min(len(cell) + 2, 48))
    return widths


def _shown(cell: str) -> str:
    """A cell as it stands in a sheet's markup; bytes that are no text become the sign for that."""
    if len(cell) > CELL_CHARACTERS:
        cell = cell[: CELL_CHARACTERS - 1] + "…"
    return xml_text(cell) if _MARKUP.search(cell) else cell


def _cut(text: str) -> str:
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"


def write_values(source: Path, path: Path, date_format: str) -> None:
    """The sheets of an XLS, ODS or XLSX with their values, hidden ones hidden, merged cells merged.

    Only for files that the intake has read: their size and their structure are known to be sane.
    """
    with source.open("rb") as file:
        workbook = CalamineWorkbook.from_filelike(file)
        names = [
            each
            for each in workbook.sheets_metadata
            if each.typ in (SheetTypeEnum.WorkSheet, SheetTypeEnum.DialogSheet)
        ]
        sheets = [(each, workbook.get_sheet_by_name(each.name)) for each in names]
        cells = sum(sheet.total_height * sheet.total_width for _, sheet in sheets)
        in_memory = cells <= _MERGED_CELLS
        book = Workbook(path, {"constant_memory": not in_memory, **_NO_FORMULAS})
        forms = {
            dt.date: book.add_format({"num_format": date_format}),
            dt.datetime: book.add_format({"num_format": f"{date_format} hh:mm:ss"}),
            dt.time: book.add_format({"num_format": "hh:mm:ss"}),
            dt.timedelta: book.add_format({"num_format": "[h]:mm:ss"}),
        }
        for each, sheet in sheets:
            page = book.add_worksheet(each.name)
            if each.visible is not SheetVisibleEnum.Visible:
                page.hide()
            _write_values(page, sheet, forms)
            if in_memory:
                for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
                    _merge(page, top, left, bottom, right)
        book.close()


def _write_values(page: Any, sheet: Any, forms: dict[type, Any]) -> None:
    left = (sheet.start or (0, 0))[1]
    for row, values in enumerate(sheet.iter_rows()):
        for column, value in enumerate(values, left):
            if value == "" or value is None:
                continue
            if isinstance(value, bool):
                page.write_boolean(row, column, value)
            elif isinstance(value, int | float):
                page.write_number(row, column, value)
            elif isinstance(value, str):
                page.write_string(row, column, _cut(value))
            elif type(value) in (dt.date, dt.datetime) and value.year < 1900:
                page.write_string(row, column, value.isoformat())
            else:
                page.write_datetime(row, column, value, forms[type(value)])


def _merge(page: Any, top: int, left: int, bottom: int, right: int) -> None:
    """Merge cells that hold their values already; XlsxWriter's own method would write them anew."""
    page.merge.append([top, left, bottom, right])
