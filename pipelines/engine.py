"""DuckDB the way every step uses it: bounded memory, no downloads, UTC."""

from pathlib import Path
from typing import Any

import duckdb


def connect(
    memory_limit: str = "4GB", threads: int = 0, temp: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB; use as a context manager, it is closed on leaving.

    memory_limit: what DuckDB may hold before it spills to disk (``2GB``). threads: 0 for all cores.
    temp: folder for what does not fit; None takes DuckDB's own default below the working folder.

    Rows have no order unless the query asks for one: DuckDB loses it with any join in the plan, even when
    told to keep it, and keeping it where it can costs several times the memory. Extensions are never
    downloaded.
    """
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads:
        config["threads"] = threads
    if temp is not None:
        temp.mkdir(parents=True, exist_ok=True)
        config["temp_directory"] = str(temp)
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def quote_name(name: str) -> str:
    """A column or table name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str | Path) -> str:
    """A text or path as an SQL literal, for the statements that take no parameters (COPY, views)."""
    return "'" + str(text).replace("'", "''") + "'"


def fetch_one(con: duckdb.DuckDBPyConnection, sql: str, parameters: Any = None) -> tuple[Any, ...]:
    """The only row of a query. Fetches to the end: DuckDB 2 refuses further work on a connection with an open
    result.
    """
    (row,) = (
        con.execute(sql, parameters).fetchall() if parameters is not None else con.execute(sql).fetchall()
    )
    return row
