"""What a candidate changes: row by row, by primary key, in DuckDB.

Only keys, a 64-bit hash of the other columns and row positions are compared; the rows themselves are read
again for what differs. Memory therefore follows the number of rows, not their width.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.catalogue import PROVENANCE, PackageType
from pipelines.engine import connect, fetch_one, quote_name, quote_text
from pipelines.records import ChangeSummary, TableChange

MEMORY_LIMIT = "1500MB"
"""Enough for a few million rows without spilling, and still under 2 GB with what DuckDB does not count."""

_BATCH = 100_000
"""Differing rows that are read whole at a time."""

_FILE_STEP = 2**40
"""Row positions of the second file of a table start here."""

_POSITION = '"#position"'
_ROW = '"#row"'
_HASH = '"#hash"'
_NTH = '"#nth"'


def _list_paths(paths: Path | Sequence[Path]) -> list[Path]:
    return [paths] if isinstance(paths, Path) else list(paths)


def _scan(paths: Sequence[Path]) -> str:
    names = ", ".join(quote_text(path) for path in paths)
    return f"read_parquet([{names}], union_by_name = true)"


def _columns(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE SELECT * FROM {_scan(paths)}").fetchall()
    return {row[0]: row[1] for row in described if row[0] not in PROVENANCE}


def _count(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> int:
    if not paths:
        return 0
    return fetch_one(connection, f"SELECT count(*) FROM {_scan(paths)}")[0]


def _create_views(
    connection: duckdb.DuckDBPyConnection, before: Sequence[Path], after: Sequence[Path]
) -> dict[str, str]:
    """Views ``before`` and ``after`` with the same columns and types; returns column -> type.

    The candidate's types hold; a column that one side lacks is NULL there.
    """
    old, new = _columns(connection, before), _columns(connection, after)
    types = {**old, **new}
    for name, paths, present in (("before", before, old), ("after", after, new)):
        columns = []
        for column, kind in types.items():
            cell = quote_name(column)
            same = present.get(column) == kind
            columns.append(
                cell if same else f"TRY_CAST({cell if column in present else 'NULL'} AS {kind}) AS {cell}"
            )
        position = f"file_row_number AS {_POSITION}, file_index * {_FILE_STEP} + file_row_number AS {_ROW}"
        connection.execute(
            f"CREATE OR REPLACE VIEW {name} AS SELECT {', '.join((*columns, position))} FROM {_scan(paths)}"
        )
    return types


def _compare_rows(connection: duckdb.DuckDBPyConnection, key: Sequence[str], compared: Sequence[str]) -> None:
    """Table ``differences``: positions of the rows that differ, in before and in after, NULL where there is
    none; nth counts them from 0.

    Rows with the same key (or, without a key, the same content) are numbered, so that equal ones pair off one
    by one instead of each with each.
    """
    names = [quote_name(column) for column in key]
    cells = ", ".join(quote_name(column) for column in compared) or "0"
    same = ", ".join(names) or _HASH
    for view in ("before", "after"):
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE {view}_rows AS
            SELECT *, row_number() OVER (PARTITION BY {same} ORDER BY {_HASH}) AS {_NTH}
            FROM (SELECT {", ".join((*names, f"hash({cells}) AS {_HASH}", _ROW))} FROM {view})"""
        )
    pairs = " AND ".join(f"b.{name} IS NOT DISTINCT FROM a.{name}" for name in (*(names or [_HASH]), _NTH))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE differences AS
        SELECT b.{_ROW} AS before_row, a.{_ROW} AS after_row,
            row_number() OVER (ORDER BY b.{_ROW}, a.{_ROW}) - 1 AS nth
        FROM before_rows b FULL JOIN after_rows a ON {pairs}
        WHERE b.{_HASH} IS DISTINCT FROM a.{_HASH}"""
    )


def _select_rows(connection: duckdb.DuckDBPyConnection, view: str, batch: str) -> str:
    """Subquery of the rows of a view that a batch of differences names."""
    low, high = fetch_one(
        connection, f"SELECT min({view}_row % {_FILE_STEP}), max({view}_row % {_FILE_STEP}) FROM {batch}"
    )
    # The bounds let DuckDB skip row groups of the file; the list of positions alone would read them all.
    bounds = f"{_POSITION} BETWEEN {low} AND {high} AND" if low is not None else ""
    return f"(SELECT * FROM {view} WHERE {bounds} {_ROW} IN (SELECT {view}_row FROM {batch}))"


def _cell_as_json(alias: str, column: str, kind: str) -> str:
    cell = f"{alias}.{quote_name(column)}"
    if kind.startswith("DECIMAL"):  # as digits, never through a binary fraction
        text = f"rtrim(rtrim({cell}::VARCHAR, '0'), '.')"
    elif kind == "TIMESTAMP WITH TIME ZONE":
        text = f"""'"' || strftime({cell}, '%Y-%m-%dT%H:%M:%S.%fZ') || '"'"""
    else:
        text = f"to_json({cell})::VARCHAR"
    return f"coalesce({text}, 'null')"


def _write_differences(
    connection: duckdb.DuckDBPyConnection, key: Sequence[str], types: Mapping[str, str], path: Path
) -> None:
    """The changes file of a table: change, key columns, changed_fields, before, after (JSON text of those
    cells).
    """
    differs = {
        column: f"b.{quote_name(column)} IS DISTINCT FROM a.{quote_name(column)}"
        for column in types
        if column not in key
    }

    def label(column: str) -> str:
        return quote_text(json.dumps(column) + ":")

    def cells(alias: str) -> str:
        parts = [
            f"CASE WHEN {test} THEN {label(column)} || {_cell_as_json(alias, column, types[column])} END"
            for column, test in differs.items()
        ]
        return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'" if parts else "'{}'"

    changed = ", ".join(f"CASE WHEN {test} THEN {quote_text(column)} END" for column, test in differs.items())
    keys = "".join(f"coalesce(a.{name}, b.{name}) AS {name}, " for name in map(quote_name, key))
    total = fetch_one(connection, "SELECT count(*) FROM differences")[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        writer = None
        for start in range(0, total, _BATCH):
            batch = f"(SELECT * FROM differences WHERE nth BETWEEN {start} AND {start + _BATCH - 1})"
            rows = connection.sql(
                f"""SELECT
                    CASE WHEN before_row IS NULL THEN 'added' WHEN after_row IS NULL THEN 'removed'
                        ELSE 'changed' END AS change,
                    {keys}
                    CASE WHEN before_row IS NOT NULL AND after_row IS NOT NULL
                        THEN list_filter([{changed}]::VARCHAR[], lambda field: field IS NOT NULL) END AS
                        changed_fields,
                    CASE WHEN before_row IS NOT NULL THEN {cells("b")} END AS before,
                    CASE WHEN after_row IS NOT NULL THEN {cells("a")} END AS after
                FROM {batch} d
                LEFT JOIN {_select_rows(connection, "before", batch)} b ON b.{_ROW} = before_row
                LEFT JOIN {_select_rows(connection, "after", batch)} a ON a.{_ROW} = after_row
                ORDER BY nth"""
            ).to_arrow_table()
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(path, rows.schema, compression="zstd"))
            writer.write_table(rows)


def summarize_changes(
    previous: Mapping[str, Path | Sequence[Path]],
    candidate: Mapping[str, Path | Sequence[Path]],
    package_type: PackageType,
    folder: Path,
) -> ChangeSummary:
    """Compare tables (name -> Parquet file or files) and write ``<table>.parquet`` below `folder` for what
    differs.

    Rows are matched by the table's primary key, empty key parts being equal to each other; without a primary
    key rows are compared as a multiset, so they are added or removed, never changed. Provenance columns are
    left out. A file is written only for a table that has rows on both sides and differs: otherwise one side's
    own file is the list. Columns of the file: change (``added``, ``removed``, ``changed``), the key columns,
    changed_fields (list of names, for ``changed``), before and after (JSON text of the changed cells; all
    filled cells of a row that is new or gone; timestamps in UTC).
    """
    order = {table.name: position for position, table in enumerate(package_type.tables)}
    changes = []
    with connect(MEMORY_LIMIT, temp=folder / ".spill") as connection:
        for name in sorted({*previous, *candidate}, key=lambda each: (order.get(each, len(order)), each)):
            before, after = _list_paths(previous.get(name, ())), _list_paths(candidate.get(name, ()))
            rows_before, rows_after = _count(connection, before), _count(connection, after)
            if not rows_before or not rows_after:
                changes.append(TableChange(name, rows_after, rows_before, 0, 0))
                continue
            types = _create_views(connection, before, after)
            primary_key = package_type.by_name[name].primary_key if name in package_type.by_name else ()
            key = [column for column in primary_key if column in types]
            _compare_rows(connection, key, [column for column in types if column not in key])
            added, removed, changed = fetch_one(
                connection,
                """SELECT count(*) FILTER (before_row IS NULL), count(*) FILTER (after_row IS NULL),
                count(*) FILTER (before_row IS NOT NULL AND after_row IS NOT NULL) FROM differences""",
            )
            changes.append(TableChange(name, added, removed, changed, rows_before - removed - changed))
            if added or removed or changed:
                _write_differences(connection, key, types, folder / f"{name}.parquet")
    return ChangeSummary(tuple(changes))
