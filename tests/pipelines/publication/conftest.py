"""A release of invented contracts, written by the functions that write real ones, without the steps before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.publication.formats.csv import LINES, write_csv
from pipelines.publication.formats.parquet import write_parquet
from pipelines.publication.gather import PublishedTable, published_columns
from pipelines.publication.metadata.datapackage import table_schema

FACTS = {"release": "2026.11.1", "licence": "CC-BY-4.0", "source": "https://example.org"}
Make = Callable[..., Path]


def table_of(catalogue: Catalogue, name: str, rows: int, members: tuple[str, ...]) -> PublishedTable:
    package_type, table = name.split("_", 1)
    own = catalogue.package_type(package_type).table(table)
    return PublishedTable(name, own, published_columns(own), rows, members)


@pytest.fixture
def make(catalogue: Catalogue, tmp_path: Path) -> Make:
    """make(select) -> folder of a release whose table holds what the SQL gives; other columns are empty."""

    def made(select: str, name: str = "procurement_contracts_flat", release: str = "2026.11.1") -> Path:
        folder = tmp_path / release
        with connect("1GB", 2, tmp_path / "spill") as con:
            table = fill(con, catalogue, name, select)
            write_parquet(con, table, folder / "parquet", FACTS, table_schema(catalogue, table))
            write_csv(con, table, folder / "csv" / f"{name}.csv", folder / LINES / name)
        return folder

    return made


def fill(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, name: str, select: str) -> PublishedTable:
    table = table_of(catalogue, name, 0, ())
    con.execute(
        f"CREATE TABLE raw ({', '.join(f'{chr(34)}{each.name}{chr(34)} {each.duckdb_type}' for each in table.columns)})"
    )
    con.execute(f"INSERT INTO raw BY NAME {select}")
    order = ", ".join(f'"{each}"' for each in table.order)
    con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM raw ORDER BY {order}')
    found = con.execute("SELECT DISTINCT member_code FROM raw ORDER BY 1").fetchall()
    (rows,) = con.execute("SELECT count(*) FROM raw").fetchall()[0]
    return table_of(catalogue, name, rows, tuple(code for (code,) in found))


def contracts(rows: int) -> str:
    """SQL of contracts of twelve members in six years, as mixed as a real table."""
    return (
        "SELECT chr((65 + i % 12)::INTEGER) || 'AA' AS member_code, 1 AS version_number, "
        "(2018 + (i // 12) % 6)::INTEGER AS year, 'L-' || i AS ocid, lpad(i::VARCHAR, 8, '0') AS contract_id, "
        "'Comprador ' || hash(i) % 500 AS buyer_name, 'Adquisición de ' || md5(i::VARCHAR) AS tender_title, "
        "md5((i + 7)::VARCHAR) || md5((i + 9)::VARCHAR) AS tender_description, "
        "(hash(i) % 100000000) / 100 AS contract_value_amount, 'HNL' AS contract_value_currency, "
        "make_timestamp((2018 + (i // 12) % 6)::BIGINT, (1 + i % 12)::BIGINT, (1 + i % 28)::BIGINT, 0, 0, 0) AS contract_date_signed, "
        f"'a.csv' AS source_file, i AS source_row_number FROM range({rows}) AS t(i)"
    )


@pytest.fixture
def many() -> str:
    """SQL of 6,000 contracts."""
    return contracts(6_000)


@pytest.fixture
def very_many() -> str:
    """SQL of 150,000 contracts: enough that the footer of a file weighs little."""
    return contracts(150_000)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
