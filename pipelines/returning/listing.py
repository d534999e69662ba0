"""The two sheets in front of a returned workbook: what is wrong, kind by kind, and every place of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipelines.returning.parts import DECLARATION, address, xml_attribute, xml_text
from pipelines.returning.styles import MAIN

CELL_CHARACTERS = 32_767
_LINE_POINTS = 15.0


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads to a cell of a sheet."""

    text: str
    sheet: str
    cell: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, and its look (`styles`)."""

    content: str | int | Link | None
    look: str = "text"


@dataclass(slots=True)
class ListSheet:
    """A sheet made by us. heading_row: rows down to it stay in view, 0 for none."""

    name: str
    widths: Sequence[float]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    heading_row: int = 0
    filtered: bool = False
    merged: dict[int, int] = field(default_factory=dict)
    """Rows in which a cell reaches to the last column, and the column of that cell."""


def location(sheet: str, cell: str) -> str:
    """A place inside the workbook as links write it: ``'Sheet 1'!F12``."""
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{cell}"


def render_sheet(sheet: ListSheet, looks: dict[str, int], active: bool) -> str:
    """The sheet as markup. Texts are texts: none of them can begin a formula."""
    links: list[str] = []
    rows = "".join(_row(sheet, number, cells, looks, links) for number, cells in enumerate(sheet.rows, 1))
    last = address(max(1, len(sheet.rows)), len(sheet.widths) - 1)
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{width}" customWidth="1"/>'
        for at, width in enumerate(sheet.widths, 1)
    )
    pane = ""
    if sheet.heading_row:
        top = address(sheet.heading_row + 1, 0)
        pane = (
            f'<pane ySplit="{sheet.heading_row}" topLeftCell="{top}" activePane="bottomLeft" state="frozen"/>'
        )
    merged = "".join(
        f'<mergeCell ref="{address(row, first)}:{address(row, len(sheet.widths) - 1)}"/>'
        for row, first in sheet.merged.items()
    )
    filtered = ""
    if sheet.filtered and len(sheet.rows) > sheet.heading_row:
        filtered = f'<autoFilter ref="{address(sheet.heading_row, 0)}:{last}"/>'
    return (
        f'{DECLARATION}<worksheet xmlns="{MAIN}"><sheetPr><tabColor rgb="FFC00000"/><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<dimension ref="A1:{last}"/><sheetViews><sheetView showGridLines="0"{" tabSelected=" + chr(34) + "1" + chr(34) if active else ""} '
        f'workbookViewId="0">{pane}</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols>'
        f"<sheetData>{rows}</sheetData>{filtered}"
        + (f'<mergeCells count="{len(sheet.merged)}">{merged}</mergeCells>' if merged else "")
        + (f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else "")
        + '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>'
    )


def _row(
    sheet: ListSheet, number: int, cells: Sequence[Cell], looks: dict[str, int], links: list[str]
) -> str:
    pieces = []
    for column, cell in enumerate(cells):
        place = address(number, column)
        pieces.append(_cell(place, cell, looks[cell.look]))
        if isinstance(cell.content, Link):
            target = xml_attribute(location(cell.content.sheet, cell.content.cell))
            links.append(
                f'<hyperlink ref="{place}" location="{target}" display="{xml_attribute(cell.content.text[:255])}"/>'
            )
    height = _height(sheet, number, cells)
    return f'<row r="{number}" ht="{height}" customHeight="1">{"".join(pieces)}</row>'


def _cell(place: str, cell: Cell, style: int) -> str:
    content = cell.content.text if isinstance(cell.content, Link) else cell.content
    if content is None or content == "":
        return f'<c r="{place}" s="{style}"/>'
    if isinstance(content, int):
        return f'<c r="{place}" s="{style}"><v>{content}</v></c>'
    text = xml_text(content[:CELL_CHARACTERS])
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _height(sheet: ListSheet, number: int, cells: Sequence[Cell]) -> float:
    """Points for the tallest cell, since programs do not measure rows that others wrote."""
    if cells and cells[0].look == "title":
        return 30
    lines = 1
    for column, cell in enumerate(cells):
        text = cell.content if isinstance(cell.content, str) else ""
        width = sum(sheet.widths[column:]) if sheet.merged.get(number) == column else sheet.widths[column]
        lines = max(lines, text_lines(text, width))
    return min(409.0, lines * _LINE_POINTS + 3)


def text_lines(text: str, width: float) -> int:
    """Lines that a text takes in a column of so many characters, by words."""
    lines = 0
    for paragraph in text.split("\n") or [""]:
        used = 0.0
        lines += 1
        for word in paragraph.split(" "):
            if used and used + len(word) + 1 > width * 1.05:
                lines += 1
                used = 0.0
            used += len(word) + 1
            lines += int(len(word) // max(width * 1.05, 1))
    return lines


def blank(cells: Iterable[str], look: str) -> list[Cell]:
    """A row of texts of one look."""
    return [Cell(text, look) for text in cells]
