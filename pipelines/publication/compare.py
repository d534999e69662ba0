"""What changed between two releases: schema, rows by key, and cells; and which release was in force on a day.

Rows are matched by the key of the table. Where a row came from (version, file, row number) is not its content: a
member that sends the same row again has changed nothing. Tables without a key, or with another key than before,
have rows added and removed, never changed.

python -m pipelines.publication.compare OLDER NEWER TARGET
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.engine import connect, fetch_one, quote_name, quote_text
from pipelines.publication.files import ReleaseFolder, Releases
from pipelines.publication.gather import text_sql

PROVENANCE = ("version_number", "source_file", "source_row_number")
SUMMARY = "changes.json"


@dataclass(frozen=True, slots=True)
class TableDifference:
    """Rows of a table that were added, removed, changed and left; cells that changed. keyed: rows could be matched."""

    table: str
    added: int
    removed: int
    changed: int
    unchanged: int
    cells: int
    keyed: bool


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """kind: table_added, table_removed, column_added, column_removed, type_changed or key_changed."""

    kind: str
    table: str
    column: str | None = None
    before: str | None = None
    after: str | None = None


def release_as_of(releases: Releases, day: date) -> ReleaseFolder | None:
    """The release in force at the end of a day (UTC); None before the first."""
    for name in releases.names():
        release = releases.get(name)
        if release and datetime.fromisoformat(release.record["released_at"]).astimezone(UTC).date() <= day:
            return release
    return None


def compare_schemas(older: ReleaseFolder, newer: ReleaseFolder) -> list[SchemaDifference]:
    found = []
    for table in sorted(older.tables.keys() | newer.tables.keys()):
        if table not in older.tables or table not in newer.tables:
            found.append(SchemaDifference("table_added" if table in newer.tables else "table_removed", table))
            continue
        before, after = older.fields(table), newer.fields(table)
        for column in dict.fromkeys((*before, *after)):
            if column not in before or column not in after:
                kind = "column_added" if column in after else "column_removed"
                found.append(SchemaDifference(kind, table, column))
            elif before[column]["type"] != after[column]["type"]:
                types = before[column]["type"], after[column]["type"]
                found.append(SchemaDifference("type_changed", table, column, *types))
        if older.key(table) != newer.key(table):
            keys = ", ".join(older.key(table)), ", ".join(newer.key(table))
            found.append(SchemaDifference("key_changed", table, None, *keys))
    return found


def compare_releases(
    older: ReleaseFolder, newer: ReleaseFolder, target: Path, memory_limit: str = "2GB", threads: int = 0
) -> dict[str, Any]:
    """Write ``<table>.parquet`` (one row per changed row) and ``<table>.cells.parquet`` (one per changed cell).

    target appears as a whole or not at all, with ``changes.json``, which is also returned.
    """
    work = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        with connect(memory_limit=memory_limit, threads=threads, temp=work / "tmp") as con:
            tables = [
                _compare(con, older, newer, table, work)
                for table in sorted(older.tables.keys() & newer.tables.keys())
            ]
        shutil.rmtree(work / "tmp", ignore_errors=True)
        summary = {
            "older": older.name,
            "newer": newer.name,
            "schema": [asdict(each) for each in compare_schemas(older, newer)],
            "tables": [asdict(each) for each in tables],
        }
        (work / SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return summary


def _compare(
    con: duckdb.DuckDBPyConnection, older: ReleaseFolder, newer: ReleaseFolder, table: str, work: Path
) -> TableDifference:
    sources = [each.tables[table]["parquet"] for each in (older, newer)]
    before, after = (f"read_parquet({quote_text(file.place)})" for file in sources)
    rows, cells = work / f"{table}.parquet", work / f"{table}.cells.parquet"
    key = older.key(table) if older.key(table) == newer.key(table) else ()
    common = [name for name in newer.fields(table) if name in older.fields(table) and name not in PROVENANCE]
    types = [_types(con, each) for each in (before, after)]
    # Columns whose type differs between the sides are compared as text, which both can be.
    kinds = {name: types[1][name] if types[0][name] == types[1][name] else "VARCHAR" for name in common}
    sides = [_columns(each, own, kinds) for each, own in zip((before, after), types, strict=True)]
    if not key:
        return _compare_unkeyed(con, table, sides[0], sides[1], rows, cells)
    compared = [name for name in common if name not in key]
    on = " AND ".join(f"o.{quote_name(name)} IS NOT DISTINCT FROM n.{quote_name(name)}" for name in key)
    names = ", ".join(
        f"coalesce(n.{quote_name(name)}, o.{quote_name(name)}) AS {quote_name(name)}" for name in key
    )
    differs = [f"o.{quote_name(name)} IS DISTINCT FROM n.{quote_name(name)}" for name in compared]
    changed = ", ".join(
        f"CASE WHEN {test} THEN {quote_text(name)} END" for name, test in zip(compared, differs, strict=True)
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE differing AS
        SELECT {names},
            CASE WHEN o.present IS NULL THEN 'added' WHEN n.present IS NULL THEN 'removed' ELSE 'changed' END AS change,
            CASE WHEN o.present AND n.present
                THEN list_filter([{changed or "NULL"}]::VARCHAR[], lambda each: each IS NOT NULL) ELSE [] END AS columns,
            {_side("o", compared, kinds, "before")}, {_side("n", compared, kinds, "after")}
        FROM (SELECT *, true AS present FROM {sides[0]}) o FULL JOIN (SELECT *, true AS present FROM {sides[1]}) n ON {on}
        WHERE o.present IS NULL OR n.present IS NULL {"".join(f" OR {test}" for test in differs)}
        """
    )
    listed = ", ".join(quote_name(name) for name in key)
    con.execute(
        f"COPY (SELECT {listed}, change, columns FROM differing ORDER BY {listed}) TO {quote_text(rows)} (FORMAT parquet, COMPRESSION zstd)"
    )
    con.execute(
        f"COPY (SELECT {listed}, name AS column_name, before[name] AS before, after[name] AS after FROM "
        f"(SELECT *, unnest(columns) AS name FROM differing WHERE change = 'changed') ORDER BY {listed}, column_name) "
        f"TO {quote_text(cells)} (FORMAT parquet, COMPRESSION zstd)"
    )
    counts = dict(con.execute("SELECT change, count(*) FROM differing GROUP BY 1").fetchall())
    (count,) = fetch_one(con, "SELECT coalesce(sum(len(columns)), 0) FROM differing WHERE change = 'changed'")
    con.execute("DROP TABLE differing")
    added, removed, altered = (counts.get(name, 0) for name in ("added", "removed", "changed"))
    unchanged = (sources[1].rows or 0) - added - altered
    return TableDifference(table, added, removed, altered, unchanged, int(count), keyed=True)


def _types(con: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}


def _columns(source: str, types: Mapping[str, str], kinds: Mapping[str, str]) -> str:
    """One side with the columns of `kinds`, as text where another type than its own is asked for."""
    values = [
        quote_name(name) if types[name] == kind else f"{text_sql(quote_name(name), types[name])} AS {quote_name(name)}"
        for name, kind in kinds.items()
    ]  # fmt: skip
    return f"(SELECT {', '.join(values) or 'NULL'} FROM {source})"


def _side(side: str, columns: Sequence[str], kinds: Mapping[str, str], name: str) -> str:
    """SQL of a map from column to what stood there, written as in the CSV of the release."""
    values = ", ".join(text_sql(f"{side}.{quote_name(column)}", kinds[column]) for column in columns)
    keys = ", ".join(quote_text(column) for column in columns)
    return f"MAP([{keys}]::VARCHAR[], [{values}]::VARCHAR[]) AS {name}"


def _compare_unkeyed(
    con: duckdb.DuckDBPyConnection,
    table: str,
    before: str,
    after: str,
    rows: Path,
    cells: Path,
) -> TableDifference:
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE differing AS
        SELECT *, 'added' AS change FROM (FROM {after} EXCEPT ALL FROM {before})
        UNION ALL BY NAME
        SELECT *, 'removed' AS change FROM (FROM {before} EXCEPT ALL FROM {after})
        """
    )
    con.execute(f"COPY differing TO {quote_text(rows)} (FORMAT parquet, COMPRESSION zstd)")
    con.execute(
        "COPY (SELECT '' AS column_name, '' AS before, '' AS after WHERE false) "
        f"TO {quote_text(cells)} (FORMAT parquet)"
    )
    counts = dict(con.execute("SELECT change, count(*) FROM differing GROUP BY 1").fetchall())
    (total,) = fetch_one(con, f"SELECT count(*) FROM {after}")
    con.execute("DROP TABLE differing")
    added, removed = counts.get("added", 0), counts.get("removed", 0)
    return TableDifference(table, added, removed, 0, total - added, 0, keyed=False)


if __name__ == "__main__":
    compare_releases(ReleaseFolder(Path(sys.argv[1])), ReleaseFolder(Path(sys.argv[2])), Path(sys.argv[3]))
