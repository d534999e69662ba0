"""One SQLite file for Datasette: keys, indexes on what is filtered, full-text search without accents.

Amounts are NUMERIC: SQLite keeps integers exactly and other numbers as 8-byte floats, which give back every
decimal number of up to 15 significant digits. The exact decimals are in the Parquet, CSV and DuckDB files: only
their sums are compared by `verify`, of SQLite the rows.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import adbc_driver_sqlite.dbapi
import duckdb

from pipelines.engine import quote_name, quote_text
from pipelines.publication.formats.pages import FLOAT, NUMBER
from pipelines.publication.gather import PublishedColumn, PublishedTable

BATCH_ROWS = 100_000
WORDS_IN_MEMORY = 2**26
"""Bytes of words that the index collects before it writes: at its own 1 MiB it takes half as long again."""
_AFFINITY = {"BIGINT": "INTEGER", "INTEGER": "INTEGER", "BOOLEAN": "INTEGER"}
_NUMERIC = {"DOUBLE": "NUMERIC"}


def _affinity(column: PublishedColumn) -> str:
    return (
        "NUMERIC" if column.duckdb_type.startswith("DECIMAL") else _AFFINITY.get(column.duckdb_type, "TEXT")
    )


def _value(name: str, duckdb_type: str) -> str:
    """SQL of a column of the pages as SQLite keeps it."""
    quoted = quote_name(name)
    if duckdb_type in _AFFINITY:
        return f"CAST({quoted} AS BIGINT)"
    return quote_name(name + FLOAT) if duckdb_type.startswith("DECIMAL") else quoted


def write_sqlite(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[PublishedTable],
    extra: Sequence[str],
    path: Path,
    pages: Path,
) -> None:
    """Write all published tables, and the `extra` reference tables, into a new SQLite file, without their indexes.

    pages: file of `write_pages`, whose rows, in their order and with their numbers, these are.
    """
    database = sqlite3.connect(path)
    database.executescript("PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    for table in tables:
        columns = [f'"{column.name}" {_affinity(column)}' for column in table.columns]
        if table.key:
            columns.append(f"PRIMARY KEY ({', '.join(table.key)})")
        database.execute(f'CREATE TABLE "{table.name}" ({", ".join(columns)})')
    for name in extra:
        described = con.execute(f'DESCRIBE "{name}"').fetchall()
        columns = [f'"{column}" {(_AFFINITY | _NUMERIC).get(kind, "TEXT")}' for column, kind, *_ in described]
        database.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
    database.commit()
    database.close()

    con.execute(f"ATTACH {quote_text(pages)} AS pages (READ_ONLY)")
    # Rows are written in the order of their numbers: SQLite then only ever appends.
    con.execute("SET preserve_insertion_order = true")
    with adbc_driver_sqlite.dbapi.connect(str(path)) as target:
        for name in (*(table.name for table in tables), *extra):
            described = con.execute(f"DESCRIBE pages.{quote_name(name)}").fetchall()
            values = ", ".join(
                f"{_value(column, kind)} AS {quote_name('rowid' if column == NUMBER else column)}"
                for column, kind, *_ in described
                if not column.endswith(FLOAT)
            )
            _copy(con, target, f"SELECT {values} FROM pages.{quote_name(name)}", name)
        target.commit()
    con.execute("SET preserve_insertion_order = false")
    con.execute("DETACH pages")


def _copy(
    con: duckdb.DuckDBPyConnection, target: adbc_driver_sqlite.dbapi.Connection, sql: str, name: str
) -> None:
    with target.cursor() as cursor:
        cursor.adbc_ingest(name, con.sql(sql).to_arrow_reader(BATCH_ROWS), mode="append")


def index_sqlite(tables: Sequence[PublishedTable], path: Path) -> None:
    """Add the indexes and the full-text search to the file of `write_sqlite`. It works alone, beside anything else."""
    database = sqlite3.connect(path)
    # Nothing is kept of a file that was not finished: no journal, and much memory instead of many small merges.
    database.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;"
    )
    for table in tables:
        names = {column.name for column in table.columns}
        for column in dict.fromkeys(("ocid", *table.table.facets)):
            if column in names:
                database.execute(f'CREATE INDEX "{table.name}_{column}" ON "{table.name}" ("{column}")')
        searched = [name for name in table.table.search_columns if name in names]
        if searched:
            # Double quotes around the content table: Datasette recognises the search only so.
            database.execute(
                f'CREATE VIRTUAL TABLE "{table.name}_fts" USING fts5({", ".join(searched)}, content="{table.name}", '
                "tokenize='unicode61 remove_diacritics 2')"
            )
            index = f'"{table.name}_fts"'
            database.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('hashsize', {WORDS_IN_MEMORY})")
            database.execute(f"INSERT INTO {index} ({index}) VALUES ('rebuild')")
    database.execute("ANALYZE")
    database.commit()
    database.close()
