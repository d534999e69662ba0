"""A release proves itself before anybody sees it: the same rows and the same sums in every file."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.engine import fetch_one
from pipelines.exceptions import PublicationError
from pipelines.publication.formats.zipped import faults_of_zip
from pipelines.publication.gather import PublishedTable
from pipelines.records import AcceptedVersion, Release


def verify_release(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    tables: Sequence[PublishedTable],
    versions: Sequence[AcceptedVersion],
    release: Release,
) -> None:
    """Raise PublicationError naming every count or sum that differs between the accepted versions and a file."""
    faults: list[str] = []
    for table in tables:
        if table.table.name != "withheld":
            accepted = sum(
                each.rows
                for version in versions
                for each in version.tables
                if _is(version, each.table, table)
            )
            _compare(faults, f"{table.name}: accepted versions", accepted, table.rows + table.replaced)
    database = sqlite3.connect(f"file:{folder / 'ingp.db'}?mode=ro", uri=True)
    con.execute(f"ATTACH '{folder / 'ingp.duckdb'}' AS published (READ_ONLY)")
    for table in tables:
        name = table.name
        count = f'SELECT count(*) FROM "{name}"'
        _compare(faults, f"{name}: SQLite", database.execute(count).fetchone()[0], table.rows)
        _compare(faults, f"{name}: DuckDB", _one(con, f'SELECT count(*) FROM published."{name}"'), table.rows)
        parquet, csv = folder / "parquet" / f"{name}.parquet", folder / "csv" / f"{name}.csv"
        _compare(
            faults,
            f"{name}: Parquet",
            _one(con, f"SELECT count(*) FROM read_parquet('{parquet}')"),
            table.rows,
        )
        kinds = ", ".join(f"'{column.name}': '{_csv_type(column.duckdb_type)}'" for column in table.columns)
        read_csv = f"read_csv('{csv}', header=true, columns={{{kinds}}}, quote='\"', escape='\"', delim=',', new_line='\\r\\n')"
        _compare(faults, f"{name}: CSV", _one(con, f"SELECT count(*) FROM {read_csv}"), table.rows)
        levels = [("member", f"*/{name}"), *([("member and year", f"*/*/{name}")] if table.has_year else [])]
        parts = {
            level: f"read_parquet('{folder / 'parquet'}/{pattern}.parquet')" for level, pattern in levels
        }
        for level, source in parts.items():
            _compare(
                faults, f"{name}: Parquet by {level}", _one(con, f"SELECT count(*) FROM {source}"), table.rows
            )
        for column in table.columns:
            if column.duckdb_type.startswith("DECIMAL"):
                total = f'SELECT sum("{column.name}") FROM '
                expected = _one(con, f'{total}"{name}"')
                _compare(
                    faults,
                    f"{name}.{column.name}: sum in Parquet",
                    _one(con, f"{total}read_parquet('{parquet}')"),
                    expected,
                )
                for level, source in parts.items():
                    found = _one(con, f"{total}{source}")
                    _compare(faults, f"{name}.{column.name}: sum in Parquet by {level}", found, expected)
                _compare(
                    faults, f"{name}.{column.name}: sum in CSV", _one(con, f"{total}{read_csv}"), expected
                )
    faults += faults_of_zip(folder)
    if database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        faults.append("SQLite: quick_check")
    database.close()
    con.execute("DETACH published")
    if faults:
        raise PublicationError(f"release {release.release_id} does not add up: " + "; ".join(faults))


def _is(version: AcceptedVersion, name: str, table: PublishedTable) -> bool:
    return version.package_type == table.table.package_type and name == table.table.name


def _csv_type(duckdb_type: str) -> str:
    return duckdb_type if duckdb_type.startswith("DECIMAL") else "VARCHAR"


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return fetch_one(con, sql)[0]


def _compare(faults: list[str], what: str, found: object, expected: object) -> None:
    if found != expected:
        faults.append(f"{what}: {found} instead of {expected}")
