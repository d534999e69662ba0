"""CSV by RFC 4180: UTF-8, comma, CRLF, every instant in UTC, every decimal to its last digit."""

from pathlib import Path

import duckdb

from pipelines.engine import quote_name
from pipelines.publication.formats.lines import Profile, line_ends
from pipelines.publication.gather import PublishedTable

PLAIN = Profile("csv")

LINES = Path("site") / "lines"
"""Folder, in a release, of the places where the rows of a CSV file begin: 8 bytes each, little-endian, and the end."""


def write_csv(con: duckdb.DuckDBPyConnection, table: PublishedTable, path: Path, lines: Path) -> int:
    """Write a whole table in its order; returns the rows. A text that is empty never occurs (it is stored as missing).

    lines: file that gets the place of every row in bytes. The site sends any choice of rows by copying these parts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    con.execute("SET preserve_insertion_order = true")
    try:
        with path.open("wb") as file, lines.open("wb") as places:
            heading = PLAIN.heading(table.columns)
            at = file.write(heading)
            places.write(at.to_bytes(8, "little"))
            for block, ends in line_ends(
                con, f"SELECT {PLAIN.line(table.columns)} FROM {quote_name(table.name)}"
            ):
                places.write((ends + at).astype("<i8").tobytes())
                at += file.write(block)
                rows += len(ends)
    finally:
        con.execute("SET preserve_insertion_order = false")
    return rows
