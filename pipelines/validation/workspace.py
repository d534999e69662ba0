"""Where one validation works: a private DuckDB with the staged tables, the findings so far, and the refused rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.catalogue import Catalogue, PackageType, Table
from pipelines.engine import fetch_one, quote_text
from pipelines.flat import FLAT, flat_column
from pipelines.records import Finding, FindingGroup, Severity
from pipelines.validation.near import NearCodes

FINDINGS = "ingp_findings"
REFUSED = "ingp_refused"
SHEETS = "ingp_sheets"
EXAMPLES = 50
"""Findings of a group that the report carries; all of them are in ``findings.parquet``."""

_FINDINGS_SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("severity", pa.string()),
        ("table_name", pa.string()),
        ("field", pa.string()),
        ("source_file", pa.string()),
        ("sheet", pa.string()),
        ("row_number", pa.int64()),
        ("column_letter", pa.string()),
        ("value", pa.string()),
        ("parameters", pa.string()),
    ]
)
VALUE_CHARACTERS = 200
"""A value is shown up to this length; the cell itself is in the submission."""


class Workspace:
    """Tables of a staged package as DuckDB tables with ``rid`` (a number per row) beside their columns.

    letters: (table, field) -> column letter in the source, for cell addresses.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, catalogue: Catalogue, package_type: PackageType
    ) -> None:
        self.con = con
        self.catalogue = catalogue
        self.package_type = package_type
        self.columns: dict[str, tuple[str, ...]] = {}
        self.derived: set[str] = set()
        self._codes_in_use: dict[tuple[str, str], list[str]] = {}
        self.near_codes = NearCodes(catalogue)
        self.earlier: dict[str, tuple[str, ...]] = {}
        self.letters: dict[tuple[str, str, str], str] = {}
        self._sheets: dict[str, tuple[str, str]] = {}
        con.execute(f"CREATE TABLE {SHEETS} (origin VARCHAR, file VARCHAR, sheet VARCHAR)")
        con.execute(
            f"CREATE TABLE {FINDINGS} (code VARCHAR, severity VARCHAR, table_name VARCHAR, field VARCHAR, source_file VARCHAR, "
            "sheet VARCHAR, row_number BIGINT, column_letter VARCHAR, value VARCHAR, parameters VARCHAR)"
        )
        con.execute(f"CREATE TABLE {REFUSED} (table_name VARCHAR, rid BIGINT, reason VARCHAR)")

    def add_table(self, name: str, sql: str, columns: Sequence[str], *, derived: bool = False) -> None:
        """Materialise a table. ``rid`` names a row; it says nothing of the order, which only the provenance knows."""
        listed = ", ".join(f'"{column}"' for column in columns)
        self.con.execute(
            f'CREATE TABLE "{name}" AS SELECT (row_number() OVER ()) - 1 AS rid, {listed}, source_file, source_row_number FROM ({sql})'
        )
        self.columns[name] = tuple(columns)
        if derived:
            self.derived.add(name)

    def add_earlier(self, name: str, paths: Sequence[str]) -> None:
        """Rows of a table that are accepted already: view ``earlier_<table>``, every column text."""
        listed = "[" + ", ".join(quote_text(path) for path in paths) + "]"
        source = f"read_parquet({listed}, union_by_name = true)"
        names = [row[0] for row in self.con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        self.con.execute(f'CREATE VIEW "earlier_{name}" AS SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {source}')
        self.earlier[name] = tuple(names)

    def add_sheet(self, origin: str, file: str, sheet: str) -> None:
        """Tell that `origin` in the provenance of rows is a sheet of a file: file names may hold a ``#`` themselves."""
        self._sheets[origin] = file, sheet
        self.con.execute(f"INSERT INTO {SHEETS} VALUES (?, ?, ?)", [origin, file, sheet])

    def place(self, origin: str) -> tuple[str, str | None]:
        """(file, sheet) of a provenance."""
        return self._sheets.get(origin, (origin, None))

    def has(self, table: str, *fields: str) -> bool:
        """Whether a table is there with all these columns."""
        return table in self.columns and set(fields) <= set(self.columns[table])

    def codes_in_use(self, table: str, field: str, codes: Sequence[str]) -> list[str]:
        """Which of these codes a column holds, the most frequent first; looked up once a column."""
        if (table, field) not in self._codes_in_use:
            with self.con.cursor() as own:
                rows = own.execute(
                    f'SELECT "{field}" FROM "{table}" WHERE list_contains(?, "{field}") GROUP BY 1 ORDER BY count(*) DESC, 1',
                    [list(codes)],
                ).fetchall()
            self._codes_in_use[table, field] = [code for (code,) in rows]
        return self._codes_in_use[table, field]

    def tables(self) -> list[Table]:
        return [table for table in self.package_type.tables if table.name in self.columns]

    def rows(self, table: str) -> int:
        return int(fetch_one(self.con, f'SELECT count(*) FROM "{table}"')[0])

    def add_findings(self, findings: Iterable[Finding]) -> None:
        rows = [
            {
                "code": each.code,
                "severity": self.catalogue.severity(each.code).value,
                "table_name": each.table,
                "field": each.field,
                "source_file": each.source_file,
                "sheet": each.sheet,
                "row_number": each.row_number,
                "column_letter": each.column,
                "value": each.value[:VALUE_CHARACTERS] if each.value else each.value,
                "parameters": json.dumps(dict(each.parameters), ensure_ascii=False, default=str),
            }
            for each in findings
        ]
        if rows:
            batch = pa.Table.from_pylist(rows, schema=_FINDINGS_SCHEMA)
            self.con.register("batch_of_findings", batch)
            self.con.execute(f"INSERT INTO {FINDINGS} SELECT * FROM batch_of_findings")
            self.con.unregister("batch_of_findings")

    def tell(self, code: str, table: str, field: str | None, parameters: Mapping[str, Any]) -> None:
        """One finding about a whole column."""
        shown_table, shown_field = self.shown(table, field)
        self.add_findings([Finding(code, table=shown_table, field=shown_field, parameters=parameters)])

    def add_findings_sql(
        self, code: str, table: str, sql: str, *, field: str | None = None, refuse: bool = False
    ) -> int:
        """Findings from a query over a table: columns rid, value, parameters (JSON text); returns how many.

        An error, or `refuse`, refuses the rows. Findings on tables derived from the flat one are told at
        the flat row and column that they came from.
        """
        severity = self.catalogue.severity(code)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE hits AS {sql}")
        (count,) = fetch_one(self.con, "SELECT count(*) FROM hits")
        if not count:
            return 0
        shown_table, shown_field = self.shown(table, field)
        self.con.execute(
            f"INSERT INTO {FINDINGS} SELECT ?, ?, ?, ?, coalesce(s.file, t.source_file), s.sheet, t.source_row_number, NULL, "
            f"left(CAST(h.value AS VARCHAR), {VALUE_CHARACTERS}), CAST(h.parameters AS VARCHAR) "
            f'FROM hits h JOIN "{table}" t ON t.rid = h.rid LEFT JOIN {SHEETS} s ON s.origin = t.source_file ORDER BY h.rid',
            [code, severity.value, shown_table, shown_field],
        )
        if refuse or severity is Severity.ERROR:
            self.con.execute(f"INSERT INTO {REFUSED} SELECT ?, rid, ? FROM hits", [table, code])
        return int(count)

    def shown(self, table: str, field: str | None) -> tuple[str, str | None]:
        """Table and field as the sender knows them: a derived linked field is a column of the flat table."""
        if table in self.derived and FLAT in self.columns and FLAT not in self.derived:
            return FLAT, flat_column(self.package_type, table, field)
        return table, field

    def refuse_source_rows(self, severities: Mapping[str, Severity]) -> None:
        """Refuse the rows that findings of the intake name by file and row (ragged, damaged, with formulas)."""
        codes = [code for code, severity in severities.items() if severity is Severity.ERROR]
        for table in self.columns:
            self.con.execute(
                f'INSERT INTO {REFUSED} SELECT DISTINCT ?, t.rid, f.code FROM "{table}" t JOIN {FINDINGS} f '
                "ON f.row_number = t.source_row_number AND (f.source_file || CASE WHEN f.sheet IS NULL THEN '' ELSE '#' || f.sheet END) = t.source_file "
                "WHERE list_contains(?, f.code) AND coalesce(f.table_name, ?) = ?",
                [table, codes, table, table],
            )

    def complete_findings(self) -> None:
        """Once, when all are found: column letters, and ``row_key``, by which a row is known again when rows move."""
        letters = [(*key, letter) for key, letter in self.letters.items()]
        origin = "(f.source_file || CASE WHEN f.sheet IS NULL THEN '' ELSE '#' || f.sheet END)"
        self.con.execute(f"ALTER TABLE {FINDINGS} ADD COLUMN row_key VARCHAR")
        if letters:
            names = ("origin", "table_name", "field", "letter")
            self.con.register("letters", pa.table(dict(zip(names, zip(*letters, strict=True), strict=True))))
            self.con.execute(
                f"UPDATE {FINDINGS} f SET column_letter = l.letter FROM letters l WHERE f.column_letter IS NULL "
                f"AND f.table_name = l.table_name AND f.field = l.field AND {origin} = l.origin"
            )
            self.con.unregister("letters")
        for table in self.tables():
            key = [f'"{column}"' for column in table.primary_key if column in self.columns[table.name]]
            if not key or table.name in self.derived:
                continue
            # One line of a file may have become several rows of a table: the first key stands for it.
            self.con.execute(
                f"UPDATE {FINDINGS} f SET row_key = k.row_key FROM (SELECT source_file, source_row_number, "
                f"min(nullif(concat_ws(' / ', {', '.join(key)}), '')) AS row_key FROM \"{table.name}\" WHERE source_row_number IN "
                f"(SELECT row_number FROM {FINDINGS} WHERE table_name = ?) GROUP BY ALL) k "
                f"WHERE f.table_name = ? AND f.row_number = k.source_row_number AND {origin} = k.source_file",
                [table.name, table.name],
            )

    def groups(self) -> list[FindingGroup]:
        """Findings by code, table and field: gravest first, then most frequent."""
        rows = self.con.execute(
            f"SELECT code, severity, table_name, field, count(*) AS n FROM {FINDINGS} "
            "GROUP BY code, severity, table_name, field "
            "ORDER BY CASE severity WHEN 'error' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, n DESC, code, table_name, field"
        ).fetchall()
        return [
            FindingGroup(
                code, Severity(severity), table, field, count, tuple(self.examples(code, table, field))
            )
            for code, severity, table, field, count in rows
        ]

    def examples(self, code: str, table: str | None, field: str | None) -> list[Finding]:
        rows = self.con.execute(
            f"SELECT source_file, sheet, row_number, column_letter, value, parameters FROM {FINDINGS} "
            "WHERE code = ? AND table_name IS NOT DISTINCT FROM ? AND field IS NOT DISTINCT FROM ? "
            f"ORDER BY row_number NULLS FIRST, source_file LIMIT {EXAMPLES}",
            [code, table, field],
        ).fetchall()
        return [
            Finding(
                code,
                table=table,
                field=field,
                source_file=source_file,
                sheet=sheet,
                row_number=row_number,
                column=column or self.letters.get((_origin(source_file, sheet), table or "", field or "")),
                value=value,
                parameters=json.loads(parameters) if parameters else {},
            )
            for source_file, sheet, row_number, column, value, parameters in rows
        ]


def _origin(source_file: str | None, sheet: str | None) -> str:
    return f"{source_file}#{sheet}" if sheet else source_file or ""


def json_object(**columns: Any) -> str:
    """SQL of a JSON object text from SQL expressions: the parameters of a finding."""
    if not columns:
        return "'{}'"
    pairs = ", ".join(f"'{name}', {expression}" for name, expression in columns.items())
    return f"CAST(json_object({pairs}) AS VARCHAR)"
