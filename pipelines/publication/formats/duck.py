"""One DuckDB file with every published table, typed, for researchers: ``ATTACH 'ingp.duckdb'``."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.publication.gather import PublishedTable


def write_duckdb(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[PublishedTable],
    extra: Sequence[str],
    path: Path,
    comments: dict[str, str],
) -> None:
    """Write all published and reference tables into a new DuckDB file, with the titles of the standard as comments."""
    con.execute(f"ATTACH '{path}' AS target (STORAGE_VERSION 'v1.2.0')")
    for name in (*(table.name for table in tables), *extra):
        con.execute(f'CREATE TABLE target."{name}" AS SELECT * FROM "{name}"')
        if name in comments:
            con.execute(f'COMMENT ON TABLE target."{name}" IS \'' + comments[name].replace("'", "''") + "'")
    con.execute("DETACH target")
