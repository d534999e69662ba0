"""One row per contract, there and back."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine import connect
from pipelines.flat import FLAT, base, flat_column, join_contracts_flat, split_contracts_flat

ROWS = [
    {
        "contract_id": "C-1", "local_process_id": "LP-7", "buyer_name": "Ministerio de Obras", "buyer_id": "80000001-1",
        "buyer_id_scheme": "PY-RUC", "tender_title": "Puente", "procurement_method": "open", "award_id": "A-1",
        "award_value_amount": "1000.5", "award_value_currency": "PYG", "supplier_name": "Constructora Uno",
        "supplier_id": "80000002-2", "supplier_id_scheme": "PY-RUC", "contract_value_amount": "1000.50",
        "contract_value_currency": "PYG", "item_classification_scheme": "UNSPSC", "item_classification_id": "72141000",
        "contract_date_signed": "2024-05-01T00:00:00Z", "document_url": "https://example.org/c1.pdf", "supplier_women_owned": "true",
    },
    {
        "contract_id": "C-2", "local_process_id": "LP-7", "buyer_name": "Ministerio de Obras", "buyer_id": "80000001-1",
        "buyer_id_scheme": "PY-RUC", "tender_title": "Puente", "procurement_method": "open", "supplier_name": "Sin Número S.A.",
        "contract_value_amount": "7", "contract_value_currency": "PYG",
    },
]  # fmt: skip


@pytest.fixture
def con(tmp_path: Path, catalogue):
    """DuckDB with the flat rows as ``flat`` and the linked tables made from them as ``sound_<table>``."""
    package_type = catalogue.package_type("procurement")
    columns = [name for name in package_type.table(FLAT).by_name if any(name in row for row in ROWS)]
    batch = pa.table(
        {name: pa.array([row.get(name) for row in ROWS], pa.string()) for name in columns}
        | {"source_file": ["offers.csv"] * 2, "source_row_number": [2, 3]}
    )
    pq.write_table(batch, tmp_path / "flat.parquet")
    with connect(temp=tmp_path) as con:
        con.execute(f"CREATE TABLE flat AS SELECT * FROM read_parquet('{tmp_path / 'flat.parquet'}')")
        con.execute(f"CREATE TABLE flat_base AS {base(package_type, 'flat', tuple(columns))}")
        for name, sql in split_contracts_flat(package_type, "flat_base").items():
            con.execute(f"CREATE TABLE sound_{name} AS {sql}")
        yield con


def rows(con, sql: str) -> list[tuple]:
    return con.execute(sql).fetchall()


def test_rows_of_one_process_share_it(con) -> None:
    assert rows(con, "SELECT ocid, local_process_id, buyer_id FROM sound_processes") == [
        ("LP-7", "LP-7", "PY-RUC-80000001-1")
    ]
    assert rows(con, "SELECT count(*) FROM sound_contracts") == [(2,)]


def test_an_award_without_a_number_takes_the_contracts(con) -> None:
    assert rows(con, "SELECT award_id FROM sound_awards ORDER BY 1") == [("A-1",), ("C-2",)]


def test_organizations_get_ids_as_ocds_builds_them(con) -> None:
    found = rows(con, "SELECT party_id, roles, identifier_id FROM sound_parties ORDER BY party_id")
    assert [each[:2] for each in found][:2] == [
        ("PY-RUC-80000001-1", "buyer"),
        ("PY-RUC-80000002-2", "supplier"),
    ]
    assert found[2][0].startswith("name-") and found[2][2] is None


def test_ids_that_carry_their_scheme_already_are_kept(catalogue) -> None:
    with connect() as con:
        from pipelines.flat import party_id

        sql = f"SELECT {party_id('scheme', 'id', 'name')} FROM (SELECT 'PY-RUC' AS scheme, 'PY-RUC-1-9' AS id, 'x' AS name)"
        assert rows(con, sql) == [("PY-RUC-1-9",)]


def test_there_and_back_loses_nothing(con, catalogue) -> None:
    package_type = catalogue.package_type("procurement")

    def has(table: str, field: str) -> bool:
        sql = "SELECT count(*) FROM duckdb_columns() WHERE table_name = ? AND column_name = ?"
        return con.execute(sql, [f"sound_{table}", field]).fetchall() == [(1,)]

    back = (
        con.sql(f"SELECT * FROM ({join_contracts_flat(package_type, has)}) ORDER BY contract_id")
        .to_arrow_table()
        .to_pylist()
    )
    assert len(back) == len(ROWS)
    for sent, got in zip(ROWS, back, strict=True):
        # Keys that the row did not have are filled in; everything else comes back as it was.
        for name, value in sent.items():
            expected = f"{sent[name + '_scheme']}-{value}" if name in ("buyer_id", "supplier_id") else value
            assert got[name] == expected, name
        assert got["source_file"] == "offers.csv"


def test_findings_on_linked_fields_are_told_at_the_flat_column(catalogue) -> None:
    package_type = catalogue.package_type("procurement")
    assert flat_column(package_type, "contracts", "date_signed") == "contract_date_signed"
    assert flat_column(package_type, "contracts", None) is None
    assert flat_column(package_type, "parties", "street_address") is None
