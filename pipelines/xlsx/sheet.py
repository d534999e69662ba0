"""The cells of an XLSX sheet, value for value as openpyxl reads them, without building its tree.

Frictionless reads workbooks through openpyxl (read-only, values instead of formulas): twenty microseconds a cell. Here the
cells of the plain form are cut from the XML itself and the values are made by openpyxl's own functions
from the same three things that it looks at: type, style and text. Nothing is taken on trust:

- every ``<`` of a row must belong to an element that was understood, otherwise openpyxl's parser reads the row;
- what an XML parser refuses is refused: expat, or the form of a plain row, which leaves no room for it, sees to that;
- head and tail of the sheet (without its rows) go through openpyxl's parser, which may refuse them;
- what remains doubtful raises `Unproved`: the caller then leaves the workbook to frictionless.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from xml.etree.ElementTree import fromstring

from openpyxl.cell.text import Text
from openpyxl.packaging.relationship import get_dependents, get_rels_path
from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.worksheet.dimensions import SheetDimension
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from pipelines.xlsx.parts import Pieces, Unproved, check_characters, unescape
from pipelines.xlsx.rows import RowReader

_STRING = re.compile(r'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')


class Sheet:
    """One worksheet of a workbook that `open_sheet` has found fit."""

    def __init__(self, book: Any, path: str, strings: list[str]) -> None:
        self.book, self.path, self.strings = book, path, strings

    def rows(self) -> Iterator[list[Any]]:
        """Rows as `iter_rows` gives them, values only; raises `Unproved` when a part turns out unfit."""
        try:
            yield from self._rows()
        except Exception as error:  # openpyxl may raise here too: frictionless will tell
            raise Unproved(f"{self.path}: {error}") from error

    def _rows(self) -> Iterator[list[Any]]:
        pieces = Pieces(self.book._archive, self.path, b"sheetData", check=False)
        max_column, max_row = _size(pieces.head, self.path)
        width = max_column or 0
        reader = RowReader(self.book, self.strings, pieces.root, max_column)
        counter = number = 1
        for number, row in self._numbered(pieces, reader):
            if max_row is not None and number > max_row:
                break
            for _ in range(counter, number):
                counter += 1
                yield [None] * width
            # A row whose number is behind the last one is passed over.
            if counter <= number:
                counter += 1
                yield row
        else:
            pieces.finish()
            _check_frame(self.book, pieces)
        if max_row is not None and max_row < number:
            for _ in range(counter, max_row + 1):
                yield [None] * width

    @staticmethod
    def _numbered(pieces: "Pieces", reader: "RowReader") -> Iterator[tuple[int, list[Any]]]:
        for text in pieces.between(b"</row>"):
            yield from reader.read(text)


def _size(head: bytes, path: str) -> tuple[int | None, int | None]:
    """Last column and row that the sheet claims; openpyxl cuts and fills accordingly."""
    found = re.findall(rb'<dimension ref="([^"<>&]*)" ?/>', head)
    if head.count(b"dimension") != len(found) or len(found) > 1:
        raise Unproved(f"{path}: its dimension")
    if not found:
        return None, None
    _, _, column, row = SheetDimension(ref=found[0].decode()).boundaries
    return column, row


def _check_frame(book: Any, pieces: Pieces) -> None:
    """Let openpyxl parse the sheet without its rows: what it refuses there it refuses in the whole."""
    frame = BytesIO(pieces.opened + pieces.tail)
    parser = WorkSheetParser(frame, [], data_only=True, epoch=book.epoch)
    for _ in parser.parse():
        raise Unproved("rows outside the rows")


class _Reader(ExcelReader):
    """openpyxl's reader of workbooks without the two slow things: shared strings, and the size of every sheet."""

    def read_strings(self) -> None:
        self.shared_strings: list[str] = []

    def read_worksheets(self) -> None:
        for sheet, link in self.parser.find_sheets():
            if link.target not in self.valid_files:
                continue
            if "chartsheet" in link.Type:
                raise Unproved("a sheet that is a chart")
            links = get_rels_path(link.target)
            if links in self.valid_files:
                get_dependents(self.archive, links)
            page = _Page(self.wb, sheet.name, link.target, self.shared_strings)
            page.sheet_state = sheet.state
            self.wb._sheets.append(page)


class _Page(ReadOnlyWorksheet):
    def _get_size(self) -> None:
        """Looked at by `open_sheet`."""


def open_sheet(stream: Any, sheet: str | int) -> Sheet:
    """The sheet of that name or number (from 1), as frictionless chooses it; raises `Unproved`."""
    try:
        reader = _Reader(stream, read_only=True, data_only=True)
        reader.read()
        book = reader.wb
        page = book[sheet] if isinstance(sheet, str) else book.worksheets[sheet - 1]
        strings = _shared_strings(reader)
        for each in book.worksheets:
            _check_size(book._archive, each._worksheet_path)
        return Sheet(book, page._worksheet_path, strings)
    except Exception as error:  # frictionless will tell what is wrong
        raise Unproved(str(error)) from error


def _check_size(archive: Any, path: str) -> None:
    """openpyxl looks for the size of every sheet when it opens a workbook, through the whole of one that tells none: what is
    broken there, behind the rows that are asked for, is told at once.
    """
    pieces = Pieces(archive, path, b"sheetData")
    if _size(pieces.head, path) == (None, None):
        pieces.skip()


def _shared_strings(reader: ExcelReader) -> list[str]:
    """The table of strings, as `openpyxl.reader.strings` reads it."""
    part = reader.package.find(SHARED_STRINGS)
    if part is None:
        return []
    pieces = Pieces(reader.archive, str(PurePosixPath(part.PartName[1:])), b"sst", check=False)
    strings: list[str] = []
    for text in pieces.between(b"</si>"):
        found = _STRING.findall(text)
        if text.count("<") == 4 * len(found):
            # Every mark is accounted for; what else an XML parser would refuse is in the characters between them.
            check_characters(text)
            escaped = "&" in text or "x005F_" in text
            strings += [unescape(each).replace("x005F_", "") for each in found] if escaped else found
        else:
            root = pieces.opened[pieces.opened.rindex(b"<sst") :].decode()
            for item in fromstring(f"{root}{text}</sst>"):
                if item.tag == f"{{{SHEET_MAIN_NS}}}si":
                    strings.append(Text.from_tree(item).content.replace("x005F_", ""))
    pieces.finish()
    fromstring(pieces.opened + pieces.tail)
    return strings
