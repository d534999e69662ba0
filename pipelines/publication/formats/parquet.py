"""Parquet: typed, sorted by member and key, zstd, the Table Schema and the release in the file's metadata."""

import json
from pathlib import Path
from typing import Any

import duckdb

from pipelines.engine import fetch_one
from pipelines.publication.gather import PublishedTable


def write_parquet(
    con: duckdb.DuckDBPyConnection,
    table: PublishedTable,
    path: Path,
    facts: dict[str, Any],
    schema: dict[str, Any],
    member: str | None = None,
) -> int:
    """Write a table, or one member's rows of it; returns the rows. facts: release id, licence, source, for the metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    where = f"WHERE member_code = '{member}'" if member else ""
    metadata = {
        "ingp": json.dumps(facts, ensure_ascii=False),
        "tableschema": json.dumps(schema, ensure_ascii=False),
    }
    pairs = ", ".join(f"{name}: '" + value.replace("'", "''") + "'" for name, value in metadata.items())
    con.execute(
        f"COPY (SELECT * FROM \"{table.name}\" {where}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000, "
        f"KV_METADATA {{{pairs}}})"
    )
    return int(fetch_one(con, f'SELECT count(*) FROM "{table.name}" {where}')[0])
