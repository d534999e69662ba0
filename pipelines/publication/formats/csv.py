"""CSV by RFC 4180: UTF-8, comma, CRLF is not used (LF), every instant in UTC, every decimal to its last digit."""

from pathlib import Path

import duckdb

from pipelines.publication.gather import PublishedTable, text_of


def write_csv(con: duckdb.DuckDBPyConnection, table: PublishedTable, path: Path) -> None:
    """Write a whole table. Empty cells are empty; a text that is empty never occurs (it is stored as missing)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f'{text_of(column)} AS "{column.name}"' for column in table.columns)
    con.execute(f"COPY (SELECT {columns} FROM \"{table.name}\") TO '{path}' (FORMAT csv, HEADER true)")
