"""A release proves itself before anybody sees it: the same rows in every file, the same sums where decimals are exact."""

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
        amounts = [column.name for column in table.columns if column.duckdb_type.startswith("DECIMAL")]
        # Each file is read once, for its rows and all its sums.
        asked = ", ".join(["count(*)", *(f'sum("{amount}")' for amount in amounts)])
        expected = (table.rows, *fetch_one(con, f'SELECT {asked} FROM "{name}"')[1:])
        parquet, csv = folder / "parquet" / f"{name}.parquet", folder / "csv" / f"{name}.csv"
        kinds = ", ".join(f"'{column.name}': '{_csv_type(column.duckdb_type)}'" for column in table.columns)
        read_csv = f"read_csv('{csv}', header=true, columns={{{kinds}}}, quote='\"', escape='\"', delim=',', new_line='\\r\\n')"
        sources = {
            "DuckDB": f'published."{name}"',
            "Parquet": f"read_parquet('{parquet}')",
            "Parquet by member": f"read_parquet('{folder / 'parquet'}/*/{name}.parquet')",
            "CSV": read_csv,
        }
        if table.has_year:
            sources["Parquet by member and year"] = f"read_parquet('{folder / 'parquet'}/*/*/{name}.parquet')"
        for title, source in sources.items():
            found = fetch_one(con, f"SELECT {asked} FROM {source}")
            for what, own, other in zip(("rows", *amounts), found, expected, strict=True):
                _compare(faults, f"{name}: {what} in {title}", own, other)
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


def _compare(faults: list[str], what: str, found: object, expected: object) -> None:
    if found != expected:
        faults.append(f"{what}: {found} instead of {expected}")
