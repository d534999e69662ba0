"""Fixes applied: a new file beside the original, read again before anybody gets it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.catalogue import Catalogue
from pipelines.engine import connect, quote_name, quote_text
from pipelines.fixing.delimited import write_delimited
from pipelines.fixing.proposals import KINDS, Fix, Left, Proposal, propose_fixes
from pipelines.fixing.reading import UnfixableError, canonical, columns_of, read_file
from pipelines.fixing.workbook import write_workbook
from pipelines.intake.mapping import instructions_for
from pipelines.intake.sources import RawTable
from pipelines.returning.parts import UnpatchableError
from pipelines.returning.records import UnreturnableError

_ROUNDS = 4


def checked_fixes(
    path: Path,
    catalogue: Catalogue,
    instructions: Mapping[str, Any],
    work: Path,
    kinds: Collection[str] = KINDS,
) -> tuple[Proposal, Path]:
    """The fixes that hold, and the mended file below `work`.

    A fix holds when it can be written, and when the mended file is read as the original was: same values in
    every cell, but those whose text was mended itself (wrong encoding, signs of no width). Columns in which
    anything else comes out are left as they are. Raises UnfixableError.
    """
    work.mkdir(parents=True, exist_ok=True)
    proposal = propose_fixes(path, catalogue, instructions, work / "search", kinds)
    for number in range(_ROUNDS):
        folder = work / f"round-{number}"
        folder.mkdir()
        mended = folder / path.name
        left = _write(proposal, mended)
        for fix in left:
            _drop(proposal, fix)
        changed = [] if left else _changed_columns(proposal, mended, catalogue, instructions, folder)
        for sheet, position in changed:
            proposal.drop(
                "sheet IS NOT DISTINCT FROM ? AND position = ? AND kind IN ('dates', 'numbers', 'codes')"
                if number < _ROUNDS - 2
                else "sheet IS NOT DISTINCT FROM ? AND position = ?",
                [sheet, position],
            )
        if not left and not changed:
            return proposal, mended
    raise UnfixableError("unstable")


def _write(proposal: Proposal, target: Path) -> list[Fix]:
    file = proposal.read.file
    told = instructions_for(RawTable(file.name, file.stem, lambda: iter(())), proposal.read.told)
    try:
        if file.format == "csv":
            return write_delimited(file.path, target, proposal, told)
        return write_workbook(file.path, target, proposal)
    except (UnpatchableError, UnreturnableError) as error:
        raise UnfixableError("kind") from error


def _drop(proposal: Proposal, fix: Fix) -> None:
    proposal.drop(
        "sheet IS NOT DISTINCT FROM ? AND row_number = ? AND position = ?", [fix.sheet, fix.row, fix.column]
    )
    proposal.left.append(Left("formatted", fix.sheet, fix.column, None, None, fix.before))


def _changed_columns(
    proposal: Proposal, mended: Path, catalogue: Catalogue, instructions: Mapping[str, Any], folder: Path
) -> set[tuple[str | None, int]]:
    """Columns in which the mended file counts otherwise than the original: (sheet, column)."""
    after = read_file(mended, catalogue, instructions, folder / "again")
    found: set[tuple[str | None, int]] = set()
    con = connect(memory_limit="2GB", threads=2, temp=folder / "duckdb")
    try:
        altered = proposal.con.sql(
            "SELECT sheet, row_number, position FROM fixes WHERE alters"
        ).to_arrow_table()
        con.register("altered", altered)
        for number, (one, two) in enumerate(zip(proposal.read.tables, after.tables, strict=False)):
            by_table = {(part.table.name, place): part for place, part in enumerate(two.parts)}
            for place, part in enumerate(one.parts):
                other = by_table.get((part.table.name, place))
                if other is None:
                    continue
                paths = [
                    canonical(
                        con,
                        catalogue,
                        proposal.read.package_type,
                        replace(each),
                        folder / f"{number}-{place}-{name}",
                    )[0]
                    for name, each in (("one", part), ("two", other))
                ]
                for name, column in columns_of(part).items():
                    if name in other.columns and _differs(con, paths, name, part.sheet, column):
                        found.add((part.sheet, column))
    finally:
        con.close()
    return found


def _differs(con: Any, paths: list[Path], name: str, sheet: str | None, column: int) -> bool:
    one, two = (f"read_parquet({quote_text(str(path))})" for path in paths)
    place = "NULL" if sheet is None else quote_text(sheet)
    rows = con.execute(
        f"SELECT 1 FROM {one} a JOIN {two} b USING (source_row_number) "
        f"ANTI JOIN (SELECT row_number FROM altered WHERE sheet IS NOT DISTINCT FROM {place} AND position = {column}) x "
        f"ON x.row_number = a.source_row_number WHERE a.{quote_name(name)} IS DISTINCT FROM b.{quote_name(name)} LIMIT 1"
    ).fetchall()
    return bool(rows)
