"""A look at the sheets of a workbook before its library reads them: how far they reach, where formulas are.

The library keeps a sheet as one full grid, from its first to its last cell. One cell in the last corner of an
otherwise empty sheet, a file of eight kilobytes, makes it ask for half a terabyte and takes the process
with it; so the corners are measured first, on the file itself.
"""

import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from pipelines.intake.readers.containers import BrokenContainerError, OleFile, open_zip, read_entry
from pipelines.intake.readers.log import MAX_FINDINGS

MAX_SHEET_CELLS = 75_000_000
"""Cells of the grid from the first to the last cell of a sheet: 2.4 GB of memory in the library."""

_MAX_ERRORS = 100_000
_NEAR_ROWS, _NEAR_COLUMNS = 99_999, 702  # addresses of up to five digits and two letters
_ADDRESS = rb"r\s*=\s*[\"']"  # begins with a plain letter: looked for ten times faster than a border of words
_CELL = re.compile(_ADDRESS + rb"[A-Za-z]{1,4}\d{1,9}[\"']")
_CELL_COLUMN = re.compile(_ADDRESS + rb"([A-Za-z]{1,4})\d{1,9}[\"']")
_CELL_ROW = re.compile(_ADDRESS + rb"[A-Za-z]{1,4}(\d{1,9})[\"']")
_FAR_COLUMN = re.compile(_ADDRESS + rb"[A-Za-z]{3,4}\d")
_FAR_ROW = re.compile(_ADDRESS + rb"[A-Za-z]{1,4}(\d{6,9})[\"']")
_FORMULA = re.compile(rb"<(?:\w{1,20}:)?f[\s/>]")
_ERROR = re.compile(rb"t\s*=\s*[\"']e[\"']")
_NO_SHEETS = ("sharedstrings.xml", "styles.xml", "calcchain.xml")
_OVERLAP = 64
_OFFICE_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_RELATION = "http://purl.oclc.org/ooxml/officeDocument/relationships"


@dataclass(slots=True)
class SheetScan:
    """What one sheet holds. Rows and columns count from 0.

    height, width: of the grid up to the last cell with content (XLSX: at most that).
    formulas: the first `MAX_FINDINGS` cells with a formula, formula_count all of them.
    errors: cells whose formula failed -> the error as the program shows it, ``#REF!``.
    """

    height: int = 0
    width: int = 0
    formula_count: int = 0
    formulas: list[tuple[int, int]] = field(default_factory=list)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        return self.height * self.width

    def reach(self, row: int, column: int) -> None:
        self.height = max(self.height, row + 1)
        self.width = max(self.width, column + 1)

    def add_formula(self, row: int, column: int) -> None:
        self.formula_count += 1
        if len(self.formulas) < MAX_FINDINGS:
            self.formulas.append((row, column))


def column_number(letters: str) -> int:
    """``A`` -> 0, ``AA`` -> 26."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def scan_sheets(path: Path, format: str) -> dict[str, SheetScan]:
    """Sheet name -> scan, for ``xlsx``, ``ods`` and ``xls``.

    Raises BrokenContainerError when the parts cannot be followed.
    """
    if format == "xls":
        return _scan_xls(path)
    with open_zip(path) as archive:
        return _scan_ods(archive) if format == "ods" else _scan_xlsx(archive)


def _parse(
    chunks: Iterator[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Stream XML through handlers; names come as ``namespace name``. Document types are not allowed."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> None:
        raise BrokenContainerError("document type in a sheet")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    if end:
        parser.EndElementHandler = end
    if text:
        parser.CharacterDataHandler = text
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BrokenContainerError(f"{type(error).__name__}: {error}"[:200]) from error


# XLSX ------------------------------------------------------------


def _scan_xlsx(archive: zipfile.ZipFile) -> dict[str, SheetScan]:
    parts = {entry.filename.lower(): entry for entry in archive.infolist()}
    targets = _sheet_parts(archive, parts)
    # Every part is measured, whatever it is called: a sheet may hide under any name.
    quick = {
        name: _scan_part(archive, entry)
        for name, entry in parts.items()
        if name in targets.values() or not name.endswith(_NO_SHEETS)
    }
    for name, (scan, _) in quick.items():
        if scan.cells > MAX_SHEET_CELLS and name not in targets.values():
            raise BrokenContainerError(f"a part that is no sheet has {scan.cells} cells")
    scans: dict[str, SheetScan] = {}
    for sheet, part in targets.items():
        if part not in quick:
            raise BrokenContainerError("sheet without its part")
        scan, needs_detail = quick[part]
        if needs_detail or not 0 < scan.cells <= MAX_SHEET_CELLS:
            scan = _scan_sheet(archive, parts[part])
        scans[sheet] = scan
    return scans


def _sheet_parts(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> dict[str, str]:
    """Sheet name -> part, lower case."""
    relations: dict[str, str] = {}
    sheets: list[tuple[str, str]] = []

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(" ")[2] == "Relationship":
            relations[attributes.get("Id", "")] = attributes.get("Target", "")

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(" ")[2] == "sheet" and "name" in attributes:
            ids = [
                attributes[key]
                for key in (f"{_OFFICE_RELATION} id", f"{_STRICT_RELATION} id")
                if key in attributes
            ]
            sheets.append((attributes["name"], ids[0] if ids else ""))

    if "xl/_rels/workbook.xml.rels" not in parts:
        raise BrokenContainerError("relations of the workbook missing")
    _parse(read_entry(archive, parts["xl/_rels/workbook.xml.rels"]), relation)
    _parse(read_entry(archive, parts["xl/workbook.xml"]), sheet)
    found = {}
    for name, relation_id in sheets:
        if name in found:
            raise BrokenContainerError("two sheets of one name")
        target = relations.get(relation_id, "").lower()
        found[name] = target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"
    return {
        name: part
        for name, part in found.items()
        if "chartsheets/" not in part and "dialogsheets/" not in part
    }


def _scan_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[SheetScan, bool]:
    """How far the addresses of a part reach at most, and whether it has formulas or errors.

    All addresses are read only in a part that has one beyond column ZZ, or so many rows that with the columns to
    ZZ it would be too large.
    """
    scan = SheetScan()
    needs_detail = False
    for text in _overlapping(archive, entry):
        needs_detail = needs_detail or _has_formula_or_error(text)
        if _FAR_COLUMN.search(text):
            break
        if not scan.cells and _CELL.search(text):
            scan.reach(_NEAR_ROWS - 1, _NEAR_COLUMNS - 1)
        if far := set(_FAR_ROW.findall(text)):
            scan.reach(max(map(int, far)) - 1, 0)
            if scan.cells > MAX_SHEET_CELLS:
                break
    else:
        return scan, needs_detail
    scan = SheetScan()
    for text in _overlapping(archive, entry):
        needs_detail = needs_detail or _has_formula_or_error(text)
        columns = set(_CELL_COLUMN.findall(text))
        if columns:
            rows = set(_CELL_ROW.findall(text))
            scan.reach(max(map(int, rows)) - 1, max(column_number(each.decode()) for each in columns))
    return scan, needs_detail


def _has_formula_or_error(text: bytes) -> bool:
    # The plain searches are quick, and nearly always enough.
    if (b"<f" in text or b":f" in text) and _FORMULA.search(text):
        return True
    return (b'"e"' in text or b"'e'" in text) and bool(_ERROR.search(text))


def _overlapping(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Chunks of a part, each with the end of the one before, so that no address is cut."""
    before = b""
    for chunk in read_entry(archive, entry):
        yield (text := before + chunk)
        before = text[-_OVERLAP:]


class _SheetHandler:
    """Reads the cells of one XLSX sheet: addresses, formulas, errors."""

    def __init__(self) -> None:
        self.scan = SheetScan()
        self.row = self.column = -1
        self.is_error = False
        self.value: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "row":
            self.row = int(attributes["r"]) - 1 if attributes.get("r", "").isdecimal() else self.row + 1
            self.column = -1
        elif local == "c":
            address = re.fullmatch(r"([A-Za-z]{1,4})(\d{1,9})", attributes.get("r", ""))
            if address:
                self.row, self.column = int(address[2]) - 1, column_number(address[1])
            else:
                self.column += 1
            self.is_error = attributes.get("t") == "e"
        elif local == "f":
            self.scan.reach(self.row, self.column)
            self.scan.add_formula(self.row, self.column)
        elif local in ("v", "is"):
            self.scan.reach(self.row, self.column)
            self.value = [] if self.is_error else None

    def text(self, text: str) -> None:
        if self.value is not None:
            self.value.append(text)

    def end(self, name: str) -> None:
        if self.value is not None and name.rpartition(" ")[2] == "v":
            if len(self.scan.errors) < _MAX_ERRORS:
                self.scan.errors[self.row, self.column] = "".join(self.value)[:100]
            self.value = None


def _scan_sheet(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> SheetScan:
    handler = _SheetHandler()
    _parse(read_entry(archive, entry), handler.start, handler.end, handler.text)
    return handler.scan


# ODS ------------------------------------------------------------


class _OdsHandler:
    """Reads the tables of an ODS: repeated rows and cells count as often as they are repeated."""

    _NO_CONTENT = frozenset(("style-name", "number-columns-repeated", "content-validation-name", "protected"))

    def __init__(self) -> None:
        self.scans: dict[str, SheetScan] = {}
        self.scan = SheetScan()
        self.tables = 0
        self.next_row = self.next_column = 0
        self.cell: tuple[int, int] | None = None
        self.row_repeats = self.width = 0
        self.formulas: list[tuple[int, int]] = []

    @staticmethod
    def _repeats(attributes: dict[str, str], kind: str) -> int:
        for name, value in attributes.items():
            if name.endswith(f" number-{kind}-repeated"):
                return max(1, int(value)) if value.isdecimal() and len(value) < 10 else 2**31
        return 1

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "table" and ":table:" in name:
            self.tables += 1
            if self.tables == 1:
                title = next((value for key, value in attributes.items() if key.endswith(" name")), "")
                self.scan = self.scans.setdefault(title, SheetScan())
                self.next_row = 0
        elif self.tables != 1:
            return
        elif local == "table-row":
            self.row_repeats = self._repeats(attributes, "rows")
            self.next_column = self.width = 0
            self.formulas = []
        elif local in ("table-cell", "covered-table-cell"):
            repeats = self._repeats(attributes, "columns")
            self.cell = (self.next_column, repeats)
            self.next_column += repeats
            if any(key.rpartition(" ")[2] not in self._NO_CONTENT for key in attributes):
                self.width = self.next_column
            if any(key.endswith(" formula") for key in attributes):
                self.formulas.append(self.cell)
        elif self.cell is not None:
            self.width = self.next_column

    def end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        if local == "table" and ":table:" in name:
            self.tables -= 1
        elif self.tables != 1:
            return
        elif local in ("table-cell", "covered-table-cell"):
            self.cell = None
        elif local == "table-row":
            if self.width:
                self.scan.reach(self.next_row + self.row_repeats - 1, self.width - 1)
            for column, repeats in self.formulas:
                self.scan.add_formula(self.next_row, column)
                self.scan.formula_count += self.row_repeats * repeats - 1
            self.next_row += self.row_repeats


def _scan_ods(archive: zipfile.ZipFile) -> dict[str, SheetScan]:
    handler = _OdsHandler()
    try:
        entry = archive.getinfo("content.xml")
    except KeyError as error:
        raise BrokenContainerError("content.xml missing") from error
    _parse(read_entry(archive, entry), handler.start, handler.end)
    return handler.scans


# XLS ------------------------------------------------------------

_XLS_CELLS = frozenset(
    (0x0006, 0x0203, 0x027E, 0x00BD, 0x0204, 0x00FD, 0x0205, 0x00D6, 0x0004, 0x0003, 0x0002, 0x0005)
)
_XLS_FORMULA = 0x0006
_XLS_SEVERAL = 0x00BD  # a run of numbers: first column in front, last column at the end
_XLS_SHEET = 0x0085
_XLS_BEGIN = 0x0809


def _scan_xls(path: Path) -> dict[str, SheetScan]:
    """Walk the records of the workbook stream ([MS-XLS] 2.1.4); only addresses are read."""
    with path.open("rb") as file:
        ole = OleFile(file)
        stream = "Workbook" if "Workbook" in ole.streams else "Book"
        names: dict[int, str] = {}
        scans: dict[int, SheetScan] = {}
        scan = SheetScan()
        for offset, kind, data in _records(ole.read(stream)):
            if kind == _XLS_BEGIN:
                scan = scans.setdefault(offset, SheetScan())
            elif kind == _XLS_SHEET and len(data) > 8:
                names[struct.unpack_from("<L", data)[0]] = _xls_name(data[6:])
            elif kind in _XLS_CELLS and len(data) >= 6:
                row, column = struct.unpack_from("<2H", data)
                last = struct.unpack_from("<H", data, len(data) - 2)[0] if kind == _XLS_SEVERAL else column
                scan.reach(row, max(column, last))
                if kind == _XLS_FORMULA:
                    scan.add_formula(row, column)
    return {name: scans.get(offset, SheetScan()) for offset, name in names.items()}


def _xls_name(data: bytes) -> str:
    """A sheet's name: length, flag of two-byte characters (BIFF8), characters."""
    length, wide = data[0], data[1]
    if wide not in (0, 1):
        return data[1 : 1 + length].decode("latin-1")
    return data[2 : 2 + length * (1 + wide)].decode("utf-16-le" if wide else "latin-1", "replace")


def _records(pieces: Iterator[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """(offset in the stream, kind, data) of each record."""
    buffer, start, position = b"", 0, 0
    while True:
        while len(buffer) - position >= 4:
            kind, length = struct.unpack_from("<2H", buffer, position)
            if len(buffer) - position < 4 + length:
                break
            yield start + position, kind, buffer[position + 4 : position + 4 + length]
            position += 4 + length
        more = b"".join(piece for _, piece in zip(range(128), pieces, strict=False))
        if not more:
            return
        buffer, start, position = buffer[position:] + more, start + position, 0
