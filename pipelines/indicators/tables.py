"""The tables of the standard as the SQL of the indicators reads them: every table, every column, typed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from pipelines.catalogue import Catalogue, Field, Table
from pipelines.catalogue.model import OcdsSource
from pipelines.catalogue.texts import read_rows
from pipelines.engine import quote_name, quote_text

PACKAGE_TYPE = "procurement"
BASE = Path(__file__).with_name("base.sql")

_TYPES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "DECIMAL(38,18)": "DECIMAL(38,6)"}
"""Types as the indicators read them: six decimals are those of their sums, and are cast once."""
_REFERENCES: Mapping[str, Mapping[str, str]] = {
    "thresholds": {
        **dict.fromkeys(("member_code", "purpose", "category", "procurement_method_details"), "VARCHAR"),
        "amount": "DECIMAL(38,6)",
        "currency": "VARCHAR",
        "days": "BIGINT",
        "valid_from": "DATE",
        "valid_to": "DATE",
        **dict.fromkeys(("legal_basis", "source", "url", "retrieved"), "VARCHAR"),
    },
    "method_crosswalk": {
        **dict.fromkeys(("member_code", "procurement_method_details", "procurement_method"), "VARCHAR"),
        "price_comparison": "BOOLEAN",
        "excluded": "BOOLEAN",
        **dict.fromkeys(("source", "url", "retrieved"), "VARCHAR"),
    },
    "exchange_rates": {
        "currency": "VARCHAR",
        "to_currency": "VARCHAR",
        "date": "DATE",
        "rate": "DECIMAL(38,18)",
        **dict.fromkeys(("source", "url", "retrieved"), "VARCHAR"),
    },
}
"""Reference tables of ``schemas/``: file -> columns. Empty where nothing is known."""

_WORKING = (
    *("bidder", "process", "award", "supplied", "contract", "item_class", "award_class", "bid", "price_gap"),
    *(
        "participation",
        "publishes",
        "process_limit",
        "member_countries",
        "observed",
        "flagging",
        *_REFERENCES,
    ),
)
"""Working tables of ``base.sql`` and of the computation."""

_MACROS = """
CREATE OR REPLACE TEMP MACRO r8(sorted, tau) AS
  -- Quantile R-8 of Hyndman and Fan, which Cardinal uses: position (n + 1/3) tau + 1/3 of the sorted values.
  CASE
    WHEN len(sorted) = 0 THEN NULL
    WHEN floor((len(sorted) + 1.0 / 3) * tau + 1.0 / 3) < 1 THEN sorted[1]
    WHEN floor((len(sorted) + 1.0 / 3) * tau + 1.0 / 3) >= len(sorted) THEN sorted[len(sorted)]
    ELSE sorted[CAST(floor((len(sorted) + 1.0 / 3) * tau + 1.0 / 3) AS BIGINT)]
      + ((len(sorted) + 1.0 / 3) * tau + 1.0 / 3 - floor((len(sorted) + 1.0 / 3) * tau + 1.0 / 3))
      * (sorted[CAST(floor((len(sorted) + 1.0 / 3) * tau + 1.0 / 3) AS BIGINT) + 1]
         - sorted[CAST(floor((len(sorted) + 1.0 / 3) * tau + 1.0 / 3) AS BIGINT)])
  END;
CREATE OR REPLACE TEMP MACRO days(earlier, later) AS
  CAST(trunc((epoch(later) - epoch(earlier)) / 86400) AS BIGINT);
CREATE OR REPLACE TEMP MACRO number(name) AS CAST(getvariable(name) AS DOUBLE);
"""


def extra_tables(schemas: Path) -> tuple[Table, ...]:
    """Tables that the indicators read and the standard does not have: bids, as OCDS gives them."""
    return tuple(_extra_tables(schemas))


def _extra_tables(schemas: Path) -> Iterator[Table]:
    for path in sorted((schemas / "indicators").glob("*.table.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        fields = tuple(Field(each["name"], each["type"], each["level"], each) for each in told["fields"])
        sources = tuple(OcdsSource(each["path"], {}) for each in told["ocds"]["sources"])
        yield Table(PACKAGE_TYPE, told["name"], fields, tuple(told["primaryKey"]), (), sources, told)


def open_tables(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    relations: Mapping[str, str],
    *,
    member: str = "",
    references: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
) -> None:
    """Create a view of each table of the standard in `con`, then the working tables of ``base.sql``.

    relations: table (``awards``) -> what stands after FROM (a published table, ``read_parquet(...)``). A table that is
    not there is one without rows; a column that is not there is NULL; text is cast, and what does not read is NULL.
    member: the member of rows that do not say whose they are. references: rows to add to the reference tables
    ``thresholds``, ``method_crosswalk`` and ``exchange_rates`` of ``schemas/``.
    """
    con.execute(_MACROS)
    for table in (*catalogue.package_type(PACKAGE_TYPE).tables, *extra_tables(catalogue.folder)):
        _open(con, table, relations.get(table.name), member)
    for name, columns in _REFERENCES.items():
        told = [*read_rows(catalogue.folder / f"{name}.csv"), *(references or {}).get(name, ())]
        _reference(con, name, columns, told)
    con.execute("CREATE OR REPLACE TEMP TABLE member_countries (member_code VARCHAR, alpha2 VARCHAR)")
    con.executemany(
        "INSERT INTO member_countries VALUES (?, ?)",
        [(code, each.alpha2) for code, each in catalogue.members.items()],
    )
    con.execute(BASE.read_text(encoding="utf-8"))


def _open(con: duckdb.DuckDBPyConnection, table: Table, relation: str | None, member: str) -> None:
    own: dict[str, str] = {}
    if relation:
        described = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        own = {name: kind for name, kind, *_ in described}
    whose = "member_code" if "member_code" in own else f"{quote_text(member)} AS member_code"
    year = "CAST(year AS INTEGER) AS year" if "year" in own else "CAST(NULL AS INTEGER) AS year"
    place = "place" if "place" in own else "CAST(0 AS BIGINT) AS place"
    columns = ", ".join([whose, year, place, *(_column(each, own.get(each.name)) for each in table.fields)])
    rows = relation or "(SELECT 1 WHERE false)"
    con.execute(f"CREATE OR REPLACE TEMP VIEW {quote_name(table.name)} AS SELECT {columns} FROM {rows}")


def _column(field: Field, kind: str | None) -> str:
    name, wanted = quote_name(field.name), field.duckdb_type
    seen = _TYPES.get(wanted, wanted)
    if kind is None:
        return f"CAST(NULL AS {seen}) AS {name}"
    if kind != wanted and kind == "VARCHAR":
        return f"CAST(TRY_CAST({name} AS {wanted}) AS {seen}) AS {name}"
    if wanted == "VARCHAR":
        # A key may be an empty text; for a reader nothing was said.
        return f"nullif({name}, '') AS {name}"
    return f"CAST({name} AS {seen}) AS {name}"


def _reference(
    con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], told: Sequence[Mapping[str, str]]
) -> None:
    listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({listed})")
    rows = [[row.get(column) or None for column in columns] for row in told]
    if rows:
        con.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", rows)


def close_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what `open_tables` and the computation left in the temporary schema: it would take memory and hide names."""
    for kind, name in con.execute(
        "SELECT 'VIEW', view_name FROM duckdb_views() WHERE temporary AND NOT internal "
        "UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE temporary AND table_name IN "
        f"({', '.join(quote_text(name) for name in _WORKING)})"
    ).fetchall():
        con.execute(f"DROP {kind} temp.{quote_name(name)}")
    for macro in ("r8", "days", "number"):
        con.execute(f"DROP MACRO temp.{macro}")
