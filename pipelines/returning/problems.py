"""The findings of one file of a submission: by kind, by cell, by row."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue import Catalogue, PackageType
from pipelines.engine import connect, fetch_one, quote_text
from pipelines.intake.readers.sheets import column_number
from pipelines.records import Finding, FindingGroup, Severity, StagedPackage
from pipelines.reporting import Sentences

FIRST_PLACES = 10
"""Places of a kind of problem that stand beside its explanation."""

_ORDER = "list_position(['error', 'warning', 'notice'], severity)"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and the cell that shows it: row from 1, column from 0, None where no cell does."""

    finding: Finding
    severity: Severity
    row: int | None
    column: int | None


@dataclass(slots=True)
class Kind:
    """All findings of one code in one column of this file. first: the first places."""

    group: FindingGroup
    first: list[Found] = field(default_factory=list)


class Problems:
    """What a report says of the files of a submission; use as a context manager.

    Findings are read from ``findings.parquet`` as often as needed, never held in memory.
    """

    def __init__(
        self, report_folder: Path, staged: StagedPackage, catalogue: Catalogue, language: str
    ) -> None:
        self.package_type: PackageType = catalogue.package_type(staged.submission.package_type)
        self.sentences = Sentences(catalogue, self.package_type, language)
        self.staged = staged
        self.con: duckdb.DuckDBPyConnection = connect(memory_limit="1GB", threads=2)
        self._prepare(report_folder / "findings.parquet")

    def __enter__(self) -> "Problems":
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def _prepare(self, findings: Path) -> None:
        """A view of the findings with the cell that shows each: that of the finding, else the heading of its
        column, else the first column of its row."""
        understood = self.staged.understood
        rows = [
            (file["file"], file["sheet"], table["table"], table["heading_row"])
            for file in understood.get("files", ())
            for table in file["tables"]
        ]
        self.con.execute(
            "CREATE TABLE headings (file VARCHAR, sheet VARCHAR, name VARCHAR, heading_row BIGINT)"
        )
        if rows:
            self.con.executemany("INSERT INTO headings VALUES (?, ?, ?, ?)", rows)
        origins = {
            f"{file['file']}#{file['sheet']}" if file["sheet"] else file["file"]: (
                file["file"],
                file["sheet"],
            )
            for file in understood.get("files", ())
        }
        letters = [
            (*origins[each["origin"]], each["table"], name, letter, column_number(letter))
            for each in understood.get("letters", ())
            if each["origin"] in origins
            for name, letter in each["columns"].items()
        ]
        self.con.execute(
            "CREATE TABLE letters (file VARCHAR, sheet VARCHAR, name VARCHAR, field VARCHAR, letter VARCHAR, position BIGINT)"
        )
        if letters:
            self.con.executemany("INSERT INTO letters VALUES (?, ?, ?, ?, ?, ?)", letters)
        # A finding about a whole column names its table only: it is shown in every file that has the column.
        self.con.execute(
            f"CREATE VIEW sent AS SELECT f.code, f.severity, f.table_name, f.field, "
            "coalesce(f.source_file, l.file) AS source_file, coalesce(f.sheet, l.sheet) AS sheet, f.row_number, "
            "coalesce(f.column_letter, l.letter) AS letter, f.value, f.parameters, f.row_number IS NOT NULL AS has_row "
            f"FROM read_parquet({quote_text(findings)}) f LEFT JOIN letters l ON f.table_name = l.name AND f.field = l.field "
            "AND (f.source_file IS NULL OR (f.source_file = l.file AND f.sheet IS NOT DISTINCT FROM l.sheet))"
        )
        self.con.execute(
            "CREATE VIEW firsts AS SELECT file, sheet, name, arg_min(letter, position) AS letter FROM letters GROUP BY ALL"
        )
        self.con.execute(
            "CREATE VIEW heads AS SELECT file, sheet, name, min(heading_row) AS heading_row FROM headings "
            "WHERE heading_row > 0 GROUP BY ALL"
        )
        self.con.execute(
            "CREATE VIEW problems AS SELECT s.* EXCLUDE (letter, row_number), s.row_number, s.letter, "
            "coalesce(s.row_number, CASE WHEN s.letter IS NOT NULL THEN h.heading_row END) AS shown_row, "
            "coalesce(s.letter, CASE WHEN s.row_number IS NOT NULL THEN coalesce(r.letter, 'A') END) AS shown_letter "
            "FROM sent s LEFT JOIN heads h ON s.source_file = h.file AND s.sheet IS NOT DISTINCT FROM h.sheet AND s.table_name = h.name "
            "LEFT JOIN firsts r ON s.source_file = r.file AND s.sheet IS NOT DISTINCT FROM r.sheet AND s.table_name = r.name"
        )

    def _of_file(self, file: str) -> str:
        """The condition that picks what concerns a file: its own, and what names no file at all."""
        own = quote_text(file)
        tables = "SELECT name FROM headings WHERE file = " + own
        return (
            f"(source_file = {own} OR (source_file IS NULL AND (table_name IS NULL OR table_name IN ({tables}) "
            "OR table_name NOT IN (SELECT name FROM headings))))"
        )

    def kinds(self, file: str) -> list[Kind]:
        """Kinds of problems, the gravest first, each with its first places."""
        chosen = self._of_file(file)
        groups = self.con.execute(
            f"SELECT code, severity, table_name, field, count(*) AS n FROM problems WHERE {chosen} "
            f"GROUP BY code, severity, table_name, field ORDER BY {_ORDER}, n DESC, code, table_name, field"
        ).fetchall()
        found = []
        for code, severity, table, name, count in groups:
            rows = self._rows(
                f"WHERE {chosen} AND code = {quote_text(code)} AND table_name IS NOT DISTINCT FROM {_literal(table)} "
                f"AND field IS NOT DISTINCT FROM {_literal(name)} ORDER BY sheet NULLS FIRST, row_number NULLS FIRST, letter LIMIT {FIRST_PLACES}"
            )
            first = list(rows)
            examples = tuple(each.finding for each in first)
            found.append(Kind(FindingGroup(code, Severity(severity), table, name, count, examples), first))
        return found

    def counts(self, file: str) -> Mapping[Severity, int]:
        rows = self.con.execute(
            f"SELECT severity, count(*) FROM problems WHERE {self._of_file(file)} GROUP BY 1"
        ).fetchall()
        return {Severity(severity): count for severity, count in rows}

    def cells(self, file: str, sheet: str | None) -> dict[Severity, list[tuple[int, int]]]:
        """Bad cells (column from 0, row) by their gravest severity, down one column after the other.

        Notices only tell how a file was read: they are in the list, and colour nothing.
        """
        rows = self.con.execute(
            f"SELECT shown_letter, shown_row, min({_ORDER}) FROM problems WHERE source_file = ? AND sheet IS NOT DISTINCT FROM ? "
            "AND shown_row IS NOT NULL AND shown_letter IS NOT NULL AND severity <> 'notice' GROUP BY 1, 2",
            [file, sheet],
        ).fetchall()
        severities = list(Severity)
        found: dict[Severity, list[tuple[int, int]]] = {}
        for letter, row, order in rows:
            found.setdefault(severities[order - 1], []).append((column_number(letter), row))
        return {severity: sorted(found[severity]) for severity in severities if severity in found}

    def first_cells(self, file: str, sheet: str | None, most: int) -> dict[tuple[int, int], list[Found]]:
        """What is wrong in the first `most` bad cells, the gravest first: (row, column) -> findings."""
        chosen = (
            f"source_file = {quote_text(file)} AND sheet IS NOT DISTINCT FROM {_literal(sheet)} AND shown_row IS NOT NULL "
            "AND shown_letter IS NOT NULL AND severity <> 'notice'"
        )
        cells: dict[tuple[int, int], list[Found]] = {}
        rows = self._rows(
            f"JOIN (SELECT shown_row, shown_letter, min({_ORDER}) AS gravest FROM problems WHERE {chosen} "
            f"GROUP BY 1, 2 ORDER BY gravest, 1, 2 LIMIT {most}) USING (shown_row, shown_letter) WHERE {chosen} "
            f"ORDER BY shown_row, shown_letter, {_ORDER}, code"
        )
        for each in rows:
            if each.row is not None and each.column is not None:
                cells.setdefault((each.row, each.column), []).append(each)
        return cells

    def places(self, file: str, most: int) -> Iterator[Found]:
        """Findings that name a cell or row of a file, the gravest first, at most so many."""
        return self._rows(
            f"WHERE source_file = {quote_text(file)} AND has_row AND severity <> 'notice' "
            f"ORDER BY {_ORDER}, code, table_name, field, sheet, row_number, letter LIMIT {most}"
        )

    def count_places(self, file: str) -> int:
        (count,) = fetch_one(
            self.con,
            "SELECT count(*) FROM problems WHERE source_file = ? AND has_row AND severity <> 'notice'",
            [file],
        )
        return int(count)

    def has(self, file: str, code: str) -> bool:
        """Whether a code was found in a file."""
        (count,) = fetch_one(
            self.con, "SELECT count(*) FROM problems WHERE source_file = ? AND code = ?", [file, code]
        )
        return bool(count)

    def by_row(self, file: str) -> Iterator[Found]:
        """Errors and warnings that name a row of a file without sheets, from the first row to the last."""
        return self._rows(
            f"WHERE source_file = {quote_text(file)} AND sheet IS NULL AND has_row AND severity <> 'notice' "
            f"ORDER BY row_number, {_ORDER}, letter, code"
        )

    def _rows(self, clause: str) -> Iterator[Found]:
        cursor = self.con.cursor()
        cursor.execute(
            "SELECT code, severity, table_name, field, source_file, sheet, row_number, letter, value, parameters, "
            f"shown_row, shown_letter FROM problems {clause}"
        )
        while rows := cursor.fetchmany(2_000):
            for row in rows:
                yield _found(*row)
        cursor.close()

    def heading_row(self, file: str, sheet: str | None) -> int:
        """Row of the heading; 0 when it is not known."""
        (row,) = fetch_one(
            self.con,
            "SELECT coalesce(min(heading_row), 0) FROM heads WHERE file = ? AND sheet IS NOT DISTINCT FROM ?",
            [file, sheet],
        )
        return int(row)


def _literal(text: str | None) -> str:
    return "NULL" if text is None else quote_text(text)


def _found(
    code: str,
    severity: str,
    table: str | None,
    name: str | None,
    file: str | None,
    sheet: str | None,
    row: int | None,
    letter: str | None,
    value: str | None,
    parameters: str | None,
    shown_row: int | None,
    shown_letter: str | None,
) -> Found:
    data: dict[str, Any] = json.loads(parameters) if parameters else {}
    finding = Finding(
        code,
        table=table,
        field=name,
        source_file=file,
        sheet=sheet,
        row_number=row,
        column=letter,
        value=value,
        parameters=data,
    )
    column = column_number(shown_letter) if shown_letter else None
    return Found(finding, Severity(severity), shown_row, column)
