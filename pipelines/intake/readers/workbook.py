"""Workbooks (XLSX, XLS, ODS) -> one raw table per visible sheet, typed cells as canonical text.

Rows and columns are those of the sheet, so that the address of a cell is the one the sender sees; empty
rows and columns above and to the left are kept, those after the last cell are not. A merged cell holds its
value once, in its first cell; a hyperlink is its text.
"""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from pipelines.intake.limits import Limits
from pipelines.intake.readers.cleaning import clean_cells, number_text
from pipelines.intake.readers.containers import BrokenContainerError
from pipelines.intake.readers.log import FindingLog
from pipelines.intake.readers.sheets import MAX_SHEET_CELLS, SheetScan, scan_sheets
from pipelines.intake.sources import Instructions, RawTable, Row, SourceFile
from pipelines.records import Finding

CACHED_CELLS = 2**23
"""Cells of sheets kept between two readings of a workbook, about 300 MB; the last sheet is always kept."""

TRIAL_SECONDS = 300

_NOT_AVAILABLE = "#N/A"
_TRIAL = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
except ImportError:
    pass
import python_calamine
try:
    with open(sys.argv[1], "rb") as file:
        book = python_calamine.CalamineWorkbook.from_filelike(file)
        for index in range(len(book.sheet_names)):
            book.get_sheet_by_index(index)
except python_calamine.CalamineError:
    pass
"""


def read_workbook(file: SourceFile, instructions: Instructions, limits: Limits) -> Iterator[RawTable]:
    """One table per visible sheet that has any cell. Instructions: ``skip_rows``."""
    try:
        scans = scan_sheets(file.path, file.format)
        if file.format != "xlsx" and (cells := sum(scan.cells for scan in scans.values())) > MAX_SHEET_CELLS:
            # Of these formats the library reads all sheets at once, when it opens the file.
            raise BrokenContainerError(f"grid of {cells} cells")
        if file.format == "xls":
            _try_elsewhere(file.path)
        workbook = _Workbook(file)
    except _Unreadable as error:
        yield _refused(file, error.code, error.reason)
        return
    except BrokenContainerError as error:
        yield _refused(file, "unreadable-file", str(error))
        return
    sheets = [each for each in enumerate(workbook.sheets) if each[1].typ is SheetTypeEnum.WorkSheet]
    hidden = [
        Finding("file-ignored", source_file=file.name, sheet=sheet.name)
        for _index, sheet in sheets
        if sheet.visible is not SheetVisibleEnum.Visible
        and (sheet.name not in scans or scans[sheet.name].cells)
    ]
    told = 0
    for index, sheet in sheets:
        if sheet.visible is not SheetVisibleEnum.Visible:
            continue
        table = _read_sheet(file, workbook, index, sheet.name, scans.get(sheet.name), instructions, limits)
        if table is not None:
            table.findings[:0] = hidden
            hidden = []
            told += 1
            yield table
    if not told:
        empty = RawTable(
            file.name, file.stem, lambda: iter(()), typed=True, understood={"format": file.format}
        )
        empty.findings += hidden or [Finding("empty-file", source_file=file.name)]
        yield empty


def _refused(file: SourceFile, code: str, reason: str, sheet: str | None = None) -> RawTable:
    parameters = {"reason": reason} if reason else {}
    finding = Finding(code, source_file=file.name, sheet=sheet, parameters=parameters)
    understood = {"format": file.format}
    return RawTable(
        file.name,
        sheet or file.stem,
        lambda: iter(()),
        sheet,
        typed=True,
        understood=understood,
        findings=[finding],
    )


def _read_sheet(
    file: SourceFile,
    workbook: "_Workbook",
    index: int,
    name: str,
    scan: SheetScan | None,
    instructions: Instructions,
    limits: Limits,
) -> RawTable | None:
    """The table of a sheet; None for an empty one."""
    if scan is None:
        return _refused(file, "unreadable-file", "sheet without its part", name)
    if scan.cells > MAX_SHEET_CELLS:
        return _refused(file, "unreadable-file", f"grid of {scan.height} x {scan.width} cells", name)
    if not scan.cells:
        return None
    try:
        if workbook.sheet(index).start is None:
            return None
    except _Unreadable as error:
        return _refused(file, error.code, error.reason, name)
    log = FindingLog(file.name, name)
    for row, column in scan.formulas:
        log.add("formula-in-cell", row + 1, column)
    log.add_further("formula-in-cell", scan.formula_count - len(scan.formulas))
    skip = instructions.get("skip_rows", 0)
    reader = _SheetReader(
        workbook, index, name, scan, limits, skip if isinstance(skip, int) else 0, log.findings()
    )
    understood = {"format": file.format}
    return RawTable(
        file.name, name, reader.rows, name, typed=True, understood=understood, findings=reader.findings
    )


def _try_elsewhere(path: Path) -> None:
    """Open an XLS in a process of its own first.

    Its records state sizes that the library believes: a damaged byte may make it ask for more memory than
    there is, which ends a process without an exception. What ends the trial is not opened here.
    """
    command = [sys.executable, "-I", "-c", _TRIAL, str(path)]
    try:
        result = subprocess.run(command, capture_output=True, timeout=TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise BrokenContainerError(f"not opened after {TRIAL_SECONDS} seconds") from error
    if result.returncode:
        raise BrokenContainerError(f"opening ended with status {result.returncode}")


class _Unreadable(Exception):  # noqa: N818 - not an error of the machine
    """The library refuses the workbook or a sheet."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


def _guarded(action: Callable[[], Any]) -> Any:
    """Call the library; whatever it raises about the file becomes `_Unreadable`."""
    try:
        return action()
    except PasswordError as error:
        raise _Unreadable("password-protected") from error
    except (CalamineError, OSError, ValueError) as error:
        raise _Unreadable("unreadable-file", f"{type(error).__name__}: {error}"[:200]) from error
    except BaseException as error:
        # A panic of the library's Rust code; its class derives from BaseException and cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise _Unreadable("unreadable-file", f"{type(error).__name__}: {error}"[:200]) from error


class _Workbook:
    """An open workbook that keeps the sheets it read last."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self._book: CalamineWorkbook = _guarded(lambda: _open(file.path, file.format))
        self.sheets = self._book.sheets_metadata
        self._kept: dict[int, CalamineSheet] = {}

    def sheet(self, index: int) -> CalamineSheet:
        sheet = self._kept.get(index)
        if sheet is None:
            sheet = _guarded(lambda: self._book.get_sheet_by_index(index))
            if (
                sum(each.total_height * each.total_width for each in (*self._kept.values(), sheet))
                > CACHED_CELLS
            ):
                self._kept.clear()
            self._kept[index] = sheet
        return sheet


def _open(path: Path, format: str) -> CalamineWorkbook:
    if path.suffix.lower() == f".{format}":
        return CalamineWorkbook.from_path(path)
    # Under any other name the library would go by the ending; a stream is judged by its content.
    with path.open("rb") as file:
        return CalamineWorkbook.from_filelike(file)


class _SheetReader:
    """Reads the rows of one sheet, as often as asked."""

    def __init__(
        self,
        workbook: _Workbook,
        index: int,
        name: str,
        scan: SheetScan,
        limits: Limits,
        skip: int,
        findings: list[Finding],
    ) -> None:
        self.workbook = workbook
        self.index = index
        self.name = name
        self.limits = limits
        self.skip = skip
        self.findings = findings
        self.told = False
        self.errors: dict[int, list[tuple[int, str]]] = {}
        for (row, column), text in scan.errors.items():
            if text != _NOT_AVAILABLE:
                self.errors.setdefault(row + 1, []).append((column, text))

    def rows(self) -> Iterator[Row]:
        log = FindingLog(self.workbook.file.name, self.name)
        sheet = self.workbook.sheet(self.index)
        start = sheet.start or (0, 0)
        before: list[str | None] = [None] * start[1]
        limit = self.limits.max_cell_characters
        blank: list[int] = []
        convert = _CONVERT
        for number, values in enumerate(sheet.iter_rows(), 1):
            if number <= self.skip:
                continue
            cells = before + [convert[type(value)](value) for value in values]
            for column, text in self.errors.get(number, ()):
                if column < len(cells) and cells[column] is None:
                    cells[column] = text
            if not any(cells):
                blank.append(number)
                continue
            for each in blank:
                yield each, []
            blank.clear()
            clean_cells(number, cells, limit, log)
            yield number, cells
        if not self.told:
            self.told = True
            self.findings += log.findings()


def _datetime_text(value: dt.datetime) -> str:
    # Serial numbers of spreadsheets are binary fractions of a day: a full second comes out as 59.9999.
    if value.microsecond:
        value = (value + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    return value.isoformat()


def _time_text(value: dt.time) -> str:
    seconds = round(value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6)
    return _clock(min(seconds, 86_399))


def _duration_text(value: dt.timedelta) -> str:
    seconds = round(value.total_seconds())
    return f"-{_clock(-seconds)}" if seconds < 0 else _clock(seconds)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


_CONVERT: dict[type, Callable[[Any], str | None]] = {
    str: lambda value: value or None,
    float: number_text,
    int: number_text,
    bool: lambda value: "true" if value else "false",
    dt.date: dt.date.isoformat,
    dt.datetime: _datetime_text,
    dt.time: _time_text,
    dt.timedelta: _duration_text,
}
