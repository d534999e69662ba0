"""A submission mended at the desk: safe fixes, or single cells typed in a page. What comes of it is a new file, and a new arrival.

The original is never touched: it is unpacked, the changes are written into copies, and all files together arrive again with
the member, period, policy and instructions of the first.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.catalogue import Field
from pipelines.desk.desk import Desk
from pipelines.desk.made import CannotError, Work
from pipelines.engine import connect, quote_text
from pipelines.fixing import Fix, UnfixableError, checked_fixes
from pipelines.fixing.delimited import write_delimited
from pipelines.fixing.proposals import TYPED
from pipelines.fixing.workbook import write_workbook
from pipelines.identifiers import SubmissionId
from pipelines.intake import read_staged
from pipelines.intake.mapping import instructions_for
from pipelines.intake.readers.sheets import column_number
from pipelines.intake.sources import RawTable, SourceFile
from pipelines.intake.unpack import unpack
from pipelines.records import StagedPackage
from pipelines.returning.parts import UnpatchableError
from pipelines.returning.records import UnreturnableError
from pipelines.validation.report import FINDINGS

MENDED = ("csv", "xlsx")
"""Kinds of files that can be written again with nothing changed but what shall change."""

_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Cell:
    """A bad cell that can be typed anew. number: of its finding, the same as long as the report is the same."""

    number: int
    code: str
    severity: str
    table: str | None
    field: str | None
    file: str
    sheet: str | None
    row: int
    letter: str
    value: str
    parameters: str


@dataclass(frozen=True)
class _Typed:
    """Fixes that a person typed, in the order in which files are written."""

    all: Sequence[Fix]

    def of_sheet(self, sheet: str | None) -> Iterator[Fix]:
        own = [fix for fix in self.all if fix.sheet == sheet]
        return iter(sorted(own, key=lambda fix: (fix.row, fix.column)))


def _bad_cells() -> str:
    """One line a cell, with the gravest of its findings; notices are no work for anybody."""
    files = " OR ".join(f"lower(source_file) LIKE '%.{ending}'" for ending in (*MENDED, "tsv", "txt"))
    return (
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY source_file, sheet, row_number, column_letter ORDER BY file_row_number) AS nth "
        "FROM read_parquet({path}, file_row_number = true) WHERE severity IN ('error', 'warning') AND row_number IS NOT NULL "
        f"AND column_letter IS NOT NULL AND ({files})) WHERE nth = 1"
    )


def bad_cells(desk: Desk, submission_id: str, *, after: int = -1, limit: int = 50) -> tuple[Cell, ...]:
    """Cells with an error or warning, errors first, after the one with a number."""
    return _cells(
        desk, submission_id, f"file_row_number > {int(after)} ORDER BY file_row_number LIMIT {int(limit)}"
    )


def count_bad_cells(desk: Desk, submission_id: str) -> int:
    path = desk.site.zones.report_folder(SubmissionId(submission_id)) / FINDINGS
    with connect(memory_limit="500MB") as con:
        query = _bad_cells().format(path=quote_text(path))
        return int(con.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0])


def _cells(desk: Desk, submission_id: str, condition: str) -> tuple[Cell, ...]:
    path = desk.site.zones.report_folder(SubmissionId(submission_id)) / FINDINGS
    columns = "file_row_number, code, severity, table_name, field, source_file, sheet, row_number, column_letter, coalesce(value, ''), coalesce(parameters, '{}')"
    with connect(memory_limit="500MB") as con:
        query = f"SELECT {columns} FROM ({_bad_cells().format(path=quote_text(path))}) WHERE {condition}"
        return tuple(Cell(*row) for row in con.execute(query).fetchall())


def cells_of(desk: Desk, submission_id: str, numbers: Sequence[int]) -> tuple[Cell, ...]:
    """The bad cells with these numbers; other numbers are nobody's."""
    own = ", ".join(str(int(number)) for number in numbers) or "-1"
    return _cells(desk, submission_id, f"file_row_number IN ({own})")


@contextmanager
def _files(desk: Desk, submission_id: str) -> Iterator[tuple[StagedPackage, list[SourceFile], Path]]:
    """What was sent, unpacked, and a folder to work in."""
    staged = read_staged(desk.site.zones.staged_folder(SubmissionId(submission_id)))
    desk.site.zones.tmp.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mend-", dir=desk.site.zones.tmp) as kept:
        unpacked = unpack([Path(staged.folder) / "original"], Path(kept) / "files", desk.site.limits)
        yield staged, unpacked.files, Path(kept)


def _copied(file: SourceFile, folder: Path) -> Path:
    """The file under the name that it was sent with, by which instructions know it."""
    folder.mkdir(parents=True)
    path = folder / PurePosixPath(file.name).name
    shutil.copyfile(file.path, path)
    return path


def offer_fixes(desk: Desk, work: Work, folder: Path) -> list[dict[str, Any]]:
    """What can be mended with certainty, file by file; every change in ``<number>.parquet``."""
    found: list[dict[str, Any]] = []
    with _files(desk, work.submission_id) as (staged, files, room):
        for number, file in enumerate(files):
            if file.format not in MENDED:
                continue
            path = _copied(file, room / f"source-{number}")
            try:
                proposal, _mended = checked_fixes(
                    path,
                    desk.site.catalogue,
                    staged.understood.get("instructions", {}),
                    room / f"fix-{number}",
                )
            except UnfixableError as error:
                found.append({"file": file.name, "number": number, "trouble": str(error), "groups": []})
                continue
            with proposal:
                proposal.con.execute(
                    f"COPY (SELECT * FROM fixes ORDER BY sheet, row_number, position) TO {quote_text(folder / f'{number}.parquet')}"
                )
                groups = [
                    {
                        "kind": group.kind, "sheet": group.sheet, "column": group.column, "table": group.table, "field": group.field,
                        "count": group.count, "first": [[each.cell, each.before, each.after] for each in group.first],
                    }
                    for group in proposal.groups(places=5)
                ]  # fmt: skip
                found.append({"file": file.name, "number": number, "trouble": None, "groups": groups})
    return found


def read_fixes(path: Path) -> Iterator[Fix]:
    """Every change that `offer_fixes` wrote down of a file."""
    with connect(memory_limit="500MB") as con:
        rows = con.execute(
            f"SELECT kind, sheet, row_number, position, before, after, form FROM read_parquet({quote_text(path)})"
        )
        while some := rows.fetchmany(5_000):
            for row in some:
                yield Fix(*row)


def apply_fixes(desk: Desk, work: Work, _folder: Path) -> dict[str, str]:
    """The fixes of the kinds that were agreed to, written into new files that arrive again."""
    with _files(desk, work.submission_id) as (staged, files, room):
        told, changed = staged.understood.get("instructions", {}), {}
        for number, file in enumerate(files):
            if file.format in MENDED:
                path = _copied(file, room / f"source-{number}")
                try:
                    proposal, mended = checked_fixes(
                        path, desk.site.catalogue, told, room / f"fix-{number}", work.arguments["kinds"]
                    )
                except UnfixableError:
                    continue  # it goes as it is; the page of the offer has said so
                with proposal:
                    if proposal.count:
                        changed[file.name] = mended
        if not changed:
            raise CannotError("nothing-to-mend")
        return _send_again(desk, work, staged, files, changed)


def write_cells(desk: Desk, work: Work, _folder: Path) -> dict[str, str]:
    """Cells that a person typed, written into new files that arrive again. arguments: ``cells``: number of a cell -> text."""
    typed: Mapping[str, str] = work.arguments["cells"]
    cells = cells_of(desk, work.submission_id, [int(number) for number in typed])
    with _files(desk, work.submission_id) as (staged, files, room):
        package_type = desk.site.catalogue.package_type(staged.submission.package_type)
        changed: dict[str, Path] = {}
        refused: list[str] = []
        for number, file in enumerate(files):
            own = [cell for cell in cells if cell.file == file.name]
            if not own:
                continue
            fixes = []
            for cell in own:
                table = package_type.by_name.get(cell.table or "")
                field = table.by_name.get(cell.field or "") if table else None
                fixes.append(_fix(cell, typed[str(cell.number)], field))
            target = room / f"typed-{number}" / PurePosixPath(file.name).name
            target.parent.mkdir()
            try:
                left = _write(file, target, _Typed(fixes), staged)
            except (UnpatchableError, UnreturnableError) as error:
                raise CannotError("unusual-file", [file.name]) from error
            refused += [f"{fix.sheet}!{fix.cell}" if fix.sheet else fix.cell for fix in left]
            changed[file.name] = target
        if refused or not changed:
            raise CannotError("cannot-write", refused)
        return _send_again(desk, work, staged, files, changed)


def _fix(cell: Cell, text: str, field: Field | None) -> Fix:
    """What was typed, as the kind of cell that its field asks for where it is written so; else as text."""
    kind, form = field.type if field else "string", "text"
    if kind in ("number", "integer") and _PLAIN.fullmatch(text):
        form = "number"
    elif kind in ("date", "datetime") and _DAY.fullmatch(text):
        form = "date"
    return Fix(TYPED, cell.sheet, cell.row, column_number(cell.letter), cell.value, text, form)


def _write(file: SourceFile, target: Path, fixes: _Typed, staged: StagedPackage) -> list[Fix]:
    if file.format == "xlsx":
        return write_workbook(file.path, target, fixes)
    if file.format != "csv":
        raise CannotError("unusual-file", [file.name])
    told = staged.understood.get("instructions", {})
    form = instructions_for(RawTable(file.name, PurePosixPath(file.name).stem, lambda: iter(())), told)
    return write_delimited(file.path, target, fixes, form)


def _send_again(
    desk: Desk, work: Work, staged: StagedPackage, files: Sequence[SourceFile], changed: Mapping[str, Path]
) -> dict[str, str]:
    """An arrival of all files, the changed ones in their new form. Its id is the work's: done twice, it is one arrival."""
    entry = desk.site.ledger.submission(work.submission_id)
    folder = desk.arrivals.folder(work.id)
    if desk.arrivals.find(work.id) is None:
        shutil.rmtree(folder, ignore_errors=True)
        for file in files:
            target = folder / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(changed.get(file.name, file.path), target)
        desk.arrivals.add(
            work.id, entry.member, work.actor, period=entry.period, package_type=entry.package_type,
            policy=staged.understood.get("policy", "whole"), instructions=staged.understood.get("instructions", {}),
        )  # fmt: skip
    return {"arrival": work.id}
