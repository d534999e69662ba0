"""The columns behind the pages: one DuckDB file in which every row has the number that it has in the SQLite file.

It is not given out. The site counts, groups, filters and sorts in it and takes the rows from SQLite by number.
The number is the place of the row in the order of its key, so that pages, which are ordered by key, are ordered
by number. Texts are exactly those of the SQLite file; amounts keep their decimals, for the exports.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.engine import quote_name, quote_text
from pipelines.publication.gather import PublishedColumn, PublishedTable, text_of

NUMBER = "_rowid"
FLOAT = "~"
"""Ending of the column that has an amount as SQLite has it: turning exact decimals into floats takes a second a million.

No column with this ending is one of the table."""

LINE = f"_line{FLOAT}"
"""Which row of the table's CSV file it is, the first being 0."""

PLACE = Path("site") / "pages.duckdb"
_KEPT = ("BIGINT", "INTEGER", "BOOLEAN", "DOUBLE", "DECIMAL")


def _value(column: PublishedColumn, key: Sequence[str]) -> str:
    if column.duckdb_type.startswith("DECIMAL") or column.duckdb_type in _KEPT:
        return quote_name(column.name)
    text = text_of(column)
    # A row page is addressed by its key: an empty part is an empty text, not NULL.
    return f"coalesce({text}, '')" if column.name in key else text


def _values(columns: Sequence[PublishedColumn], key: Sequence[str]) -> str:
    values = [f"{_value(column, key)} AS {quote_name(column.name)}" for column in columns]
    values += [
        f"CAST({quote_name(column.name)} AS DOUBLE) AS {quote_name(column.name + FLOAT)}"
        for column in columns
        if column.duckdb_type.startswith("DECIMAL")
    ]
    return ", ".join(values)


def write_pages(
    con: duckdb.DuckDBPyConnection, tables: Sequence[PublishedTable], extra: Sequence[str], path: Path
) -> None:
    """Write all published tables, and the `extra` reference tables, numbered, into a new DuckDB file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"ATTACH {quote_text(path)} AS pages")
    con.execute("SET preserve_insertion_order = true")
    try:
        for table in tables:
            values = f"{_values(table.columns, table.key)}, rowid AS {quote_name(LINE)}"
            last = ("member_code", "source_file", "source_row_number")
            order = ", ".join(quote_name(name) for name in (table.key or last))
            _number(con, table.name, f"SELECT {values} FROM {quote_name(table.name)}", order)
        for name in extra:
            columns = [
                PublishedColumn(column, kind, None)
                for column, kind, *_ in con.execute(f"DESCRIBE {quote_name(name)}").fetchall()
            ]
            values = _values(columns, ())
            _number(con, name, f"SELECT {values} FROM {quote_name(name)}", "ALL")
    finally:
        con.execute("SET preserve_insertion_order = false")
        con.execute("DETACH pages")


def _number(con: duckdb.DuckDBPyConnection, name: str, rows: str, order: str) -> None:
    # Without a key rows may be equal in all that orders them: the numbers are given once, here, and written down.
    con.execute(
        f"CREATE TABLE pages.{quote_name(name)} AS "
        f"SELECT CAST(row_number() OVER () AS BIGINT) AS {NUMBER}, * FROM (SELECT * FROM ({rows}) ORDER BY {order})"
    )
