"""Which cells of a file can be mended with certainty, and how."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from pipelines.catalogue import Catalogue, Field
from pipelines.engine import connect, quote_name, quote_text
from pipelines.fixing.reading import FileRead, TableRead, canonical, changed_part, columns_of, read_file
from pipelines.fixing.texts import as_read, repaired, trimmed
from pipelines.intake import readings
from pipelines.intake.canonical import CodeReader
from pipelines.intake.plan import column_letter
from pipelines.intake.tabular import Part

KINDS = ("trim", "dates", "numbers", "codes", "encoding")
TYPED = "typed"
_UNDECIDED = ("numbers-ambiguous", "numbers-mixed", "dates-ambiguous")
_TYPED = {"number": "numbers", "integer": "numbers", "date": "dates", "datetime": "dates"}
_MIDNIGHT = re.compile(r".*[ T]0?0:00(:00(\.0+)?)?( ?(Z|z|GMT|UTC|[+-]\d{2}(:?\d{2})?))?")
_NUMBERS = {"number": re.compile(r"-?\d+(\.\d+)?|-?\.\d+"), "integer": re.compile(r"-?\d+")}
_ISO = re.compile(f"{readings.ISO_DATE}|{readings.ISO_INSTANT}", re.ASCII)

_COLUMNS = (
    "kind VARCHAR, sheet VARCHAR, row_number BIGINT, position INTEGER, table_name VARCHAR, field VARCHAR, "
    "before VARCHAR, after VARCHAR, form VARCHAR, alters BOOLEAN"
)


@dataclass(frozen=True, slots=True)
class Fix:
    """One cell. column from 0. form: what a workbook shall hold: ``text``, ``number``, ``date``, ``datetime``.

    kind: one of `KINDS`, or `TYPED` where a person typed what shall stand there, whatever stands there now.
    """

    kind: str
    sheet: str | None
    row: int
    column: int
    before: str
    after: str
    form: str

    @property
    def cell(self) -> str:
        return f"{column_letter(self.column)}{self.row}"


class Fixes(Protocol):
    """What is written into a new file."""

    def of_sheet(self, sheet: str | None) -> Iterator[Fix]:
        """Fixes of one sheet, of a file without sheets when None, from the first row to the last."""


@dataclass(frozen=True, slots=True)
class FixGroup:
    """Fixes of one kind in one column."""

    kind: str
    sheet: str | None
    column: int
    table: str | None
    field: str | None
    count: int
    first: tuple[Fix, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """What a person has to decide: reason is a finding code of the intake, or ``formula``, ``formatted``."""

    reason: str
    sheet: str | None
    column: int | None
    table: str | None
    field: str | None
    example: str
    count: int = 1


@dataclass(slots=True)
class Proposal:
    """Everything that can be mended in one file; use as a context manager. Fixes wait in DuckDB, not in memory."""

    read: FileRead
    con: duckdb.DuckDBPyConnection
    left: list[Left] = field(default_factory=list)

    def __enter__(self) -> "Proposal":
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    @property
    def count(self) -> int:
        return int(self.con.execute("SELECT count(*) FROM fixes").fetchall()[0][0])

    def groups(self, places: int = 10) -> list[FixGroup]:
        rows = self.con.execute(
            "SELECT kind, sheet, position, any_value(table_name), any_value(field), count(*) AS n FROM fixes "
            "GROUP BY kind, sheet, position ORDER BY list_position(?, kind), sheet, position",
            [list(KINDS)],
        ).fetchall()
        return [
            FixGroup(
                kind, sheet, position, table, name, count,
                tuple(self.fixes("kind = ? AND sheet IS NOT DISTINCT FROM ? AND position = ?", [kind, sheet, position], places)),
            )
            for kind, sheet, position, table, name, count in rows
        ]  # fmt: skip

    def fixes(
        self, condition: str = "true", parameters: Any = None, limit: int | None = None
    ) -> Iterator[Fix]:
        """Fixes from the first row to the last, sheet after sheet."""
        cursor = self.con.cursor()
        end = f" LIMIT {limit}" if limit else ""
        cursor.execute(
            f"SELECT kind, sheet, row_number, position, before, after, form FROM fixes WHERE {condition} "
            f"ORDER BY sheet, row_number, position{end}",
            parameters or [],
        )
        while rows := cursor.fetchmany(5_000):
            for row in rows:
                yield Fix(*row)
        cursor.close()

    def of_sheet(self, sheet: str | None) -> Iterator[Fix]:
        """Fixes of one sheet, of a file without sheets when None, from the first row to the last."""
        return self.fixes("sheet IS NOT DISTINCT FROM ?", [sheet])

    def drop(self, condition: str, parameters: Any) -> None:
        self.con.execute(f"DELETE FROM fixes WHERE {condition}", parameters)


def propose_fixes(
    path: Path,
    catalogue: Catalogue,
    instructions: Mapping[str, Any],
    work: Path,
    kinds: Collection[str] = KINDS,
) -> Proposal:
    """Look for fixes in a CSV or XLSX. Nothing is written but below `work`. Raises UnfixableError.

    A date, number or code is mended when the intake reads it with certainty, and then as the intake reads it;
    what it cannot decide is left, with the reason, and so is the whole column in that respect: the cells that
    are certain are the evidence by which the others are read.
    """
    read = read_file(path, catalogue, instructions, work)
    con = connect(memory_limit="2GB", threads=2, temp=work / "duckdb")
    con.execute(f"CREATE TABLE fixes ({_COLUMNS})")
    proposal = Proposal(read, con)
    for number, table in enumerate(read.tables):
        _Search(proposal, catalogue, table, work / f"table-{number}", frozenset(kinds)).run()
    # One column may stand for fields of several tables: only what all of them agree on.
    con.execute(
        f"CREATE TABLE agreed ({_COLUMNS}); INSERT INTO agreed SELECT arg_min(kind, list_position({list(KINDS)}, kind)), sheet, row_number, "
        "position, min(table_name), min(field), any_value(before), any_value(after), min(form), bool_or(alters) FROM fixes "
        "GROUP BY sheet, row_number, position HAVING count(DISTINCT after) = 1; DROP TABLE fixes; ALTER TABLE agreed RENAME TO fixes"
    )
    return proposal


class _Search:
    """Looks for fixes in one sheet."""

    def __init__(
        self, proposal: Proposal, catalogue: Catalogue, table: TableRead, folder: Path, kinds: frozenset[str]
    ) -> None:
        self.proposal = proposal
        self.catalogue = catalogue
        self.table = table
        self.folder = folder
        self.kinds = kinds
        self.codec = str(table.raw.understood.get("encoding", "utf-8")).replace("windows-", "cp")
        uses: dict[int, set[tuple[str, str | None]]] = {}
        for part in table.parts:
            for name, column in columns_of(part).items():
                known = part.table.by_name[name]
                kind = known.type if known.type in _TYPED else "text"
                uses.setdefault(column, set()).add((kind, known.codelist))
        self.contested = {column for column, several in uses.items() if len(several) > 1}

    def run(self) -> None:
        if "encoding" in self.kinds:
            self._headings()
        for number, (part, plan) in enumerate(zip(self.table.parts, self.table.planned.plans, strict=True)):
            if not plan.leftovers and part.rows:
                self._search_part(part, self.folder / str(number))

    def _headings(self) -> None:
        """Headings in a wrong encoding are why a column is not known. A mapping file names them as they are."""
        planned = self.table.planned
        number = planned.plans[0].heading_row if planned.plans else planned.heading_row
        if not number or any(plan.told.get("columns") for plan in planned.plans):
            return
        cells = next((cells for row, cells in self.table.raw.rows() if row == number), [])
        rows = [
            ("encoding", self.table.raw.sheet, number, column, None, None, cell, after, "text", True)
            for column, cell in enumerate(cells)
            if cell and (after := repaired(cell)) != cell and self._writable(after)
        ]
        if rows:
            self.proposal.con.executemany(f"INSERT INTO fixes VALUES ({', '.join('?' * 10)})", rows)

    def _writable(self, text: str) -> bool:
        try:
            text.encode(self.codec)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def _mended(self, text: str) -> str:
        return trimmed(repaired(text) if "encoding" in self.kinds else text)

    def _search_part(self, part: Part, folder: Path) -> None:
        con = self.proposal.con
        folder.mkdir(parents=True)
        # Times without a zone stay without one: a zone that the sender did not write is not ours to write.
        mended = changed_part(part, self._mended, folder / "mended.parquet")
        mended = replace(mended, told={**part.told, "time_zone": "UTC"})
        path, findings = canonical(
            con, self.catalogue, self.proposal.read.package_type, mended, folder / "read"
        )
        undecided = set()
        for finding in findings:
            if finding.code in _UNDECIDED:
                undecided.add(finding.field)
                self._leave(finding, part)
        for name, column in columns_of(part).items():
            known = part.table.by_name[name]
            decided = name not in undecided and column not in self.contested
            pairs = con.execute(
                f"SELECT DISTINCT p.{quote_name(name)} AS before, c.{quote_name(name)} AS canon FROM read_parquet({quote_text(str(part.path))}) p "
                f"JOIN read_parquet({quote_text(str(path))}) c USING (source_row_number) "
                f"WHERE p.{quote_name(name)} IS NOT NULL AND p.{quote_name(name)} IS DISTINCT FROM c.{quote_name(name)}"
            ).fetchall()
            chosen = [
                (before, canon, *fix)
                for before, canon in pairs
                if (fix := self._choose(known, before, canon, decided)) is not None
            ]
            if chosen:
                self._keep(part, path, name, column, chosen)

    def _keep(self, part: Part, path: Path, name: str, column: int, chosen: list[tuple[Any, ...]]) -> None:
        con = self.proposal.con
        names = ("before", "canon", "kind", "after", "form", "alters")
        con.register("chosen", pa.table(dict(zip(names, zip(*chosen, strict=True), strict=True))))
        con.execute(
            f"INSERT INTO fixes SELECT f.kind, ?, p.source_row_number, {column}, ?, ?, f.before, f.after, f.form, f.alters "
            f"FROM read_parquet({quote_text(str(part.path))}) p JOIN read_parquet({quote_text(str(path))}) c USING (source_row_number) "
            f"JOIN chosen f ON f.before = p.{quote_name(name)} AND f.canon IS NOT DISTINCT FROM c.{quote_name(name)}",
            [part.sheet, part.table.name, name],
        )
        con.unregister("chosen")

    def _choose(
        self, known: Field, before: str, canon: str | None, decided: bool
    ) -> tuple[str, str, str, bool] | None:
        """(kind, new text, form, whether the value itself changes) for a cell; None when it stays as it is."""
        mended = self._mended(before)
        kind, after, form = "trim", mended, "text"
        if decided and canon and canon != mended:
            typed = self._typed(known, mended, canon)
            if typed is not None and typed[0] in self.kinds:
                kind, after, form = typed
        if kind == "trim" and "encoding" in self.kinds and trimmed(before) != mended:
            kind = "encoding"
        if after == before or kind not in self.kinds or not self._writable(after):
            return None
        alters = repaired(before) != before or (kind == "trim" and as_read(before) != after)
        return kind, after, form, alters

    def _typed(self, known: Field, text: str, canon: str) -> tuple[str, str, str] | None:
        if known.codelist in self.catalogue.codelists:
            return self._code(known, text, canon)
        if known.type in _NUMBERS:
            return ("numbers", canon, "number") if _NUMBERS[known.type].fullmatch(canon) else None
        if known.type == "date":
            if (":" in text and not _MIDNIGHT.fullmatch(text)) or not _is_day(canon):
                return None
            return "dates", canon, "date"
        if known.type == "datetime" and not _ISO.fullmatch(text) and _is_day(canon[:10]) and "T" in canon:
            if ":" not in text:
                return "dates", canon[:10], "date"
            return "dates", canon.removesuffix("Z"), "datetime"
        return None

    def _code(self, known: Field, text: str, canon: str) -> tuple[str, str, str] | None:
        codelist = self.catalogue.codelists[known.codelist or ""]
        reader = CodeReader(self.catalogue, codelist)
        # The dropdowns of our template offer the labels: there they are what belongs into a cell.
        if self.proposal.read.is_template and reader.is_label(text, canon):
            return None
        return "codes", canon, "text"

    def _leave(self, finding: Any, part: Part) -> None:
        column = columns_of(part).get(finding.field)
        example = str(finding.parameters.get("example") or finding.value or "")
        count = int(finding.parameters.get("count", 1))
        self.proposal.left.append(
            Left(finding.code, part.sheet, column, part.table.name, finding.field, example, count)
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10
