"""CSV by RFC 4180: UTF-8, comma, CRLF, every instant in UTC, every decimal to its last digit."""

from pathlib import Path

import duckdb

from pipelines.engine import quote_name
from pipelines.publication.formats.lines import Profile, line_batches
from pipelines.publication.gather import PublishedTable

PLAIN = Profile("csv")


def write_csv(con: duckdb.DuckDBPyConnection, table: PublishedTable, path: Path) -> int:
    """Write a whole table in its order; returns the rows. A text that is empty never occurs (it is stored as missing)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    con.execute("SET preserve_insertion_order = true")
    try:
        with path.open("wb") as file:
            file.write(PLAIN.heading(table.columns))
            for block, count in line_batches(
                con, f"SELECT {PLAIN.line(table.columns)} FROM {quote_name(table.name)}"
            ):
                file.write(block)
                rows += count
    finally:
        con.execute("SET preserve_insertion_order = false")
    return rows
