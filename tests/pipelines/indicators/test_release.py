"""Indicators are part of a release: the same rows in every form, and what a reader's machine gives again."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from pipelines.indicators import indicators_of_release
from pipelines.publication.indicators import INDICATOR_TABLES
from pipelines.settings import Settings
from pipelines.workflow import Installation, publish, submit

HEADING = (
    "contract_id,ocid,buyer_name,supplier_name,procurement_method,number_of_tenderers,contract_status,"
    "contract_value_amount,contract_value_currency,contract_date_signed\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Installation:
    """One that has switched the indicators on."""
    return Installation.open(
        Settings(data_dir=tmp_path / "var", memory_limit="1GB", threads=2, indicators=True)
    )


@pytest.fixture
def release(site: Installation, tmp_path: Path) -> Path:
    """Thirty contracts of 100 PYG, six of them with one bidder."""
    path = tmp_path / "contracts_flat.csv"
    lines = [
        f"C{number},P{number},Obras,Uno,open,{1 if number < 6 else 4},active,100,PYG,2024-05-01"
        for number in range(30)
    ]
    path.write_text(HEADING + "\n".join(lines) + "\n", encoding="utf-8")
    outcome = submit(site, [path], "PRY")
    assert outcome.version, outcome.report.groups
    made = publish(site)
    assert made
    return site.zones.release_folder(made.release_id)


def test_same_rows_in_every_form(release: Path) -> None:
    listed = {
        each["path"]: each["rows"] for each in json.loads((release / "release.json").read_text())["files"]
    }
    with (
        closing(sqlite3.connect(release / "ingp.db")) as light,
        closing(duckdb.connect(str(release / "ingp.duckdb"), read_only=True)) as heavy,
    ):
        for name in INDICATOR_TABLES:
            (rows,) = heavy.execute(f"SELECT count(*) FROM {name}").fetchall()[0]
            assert rows > 0 or name == "indicator_flags"
            assert light.execute(f"SELECT count(*) FROM {name}").fetchone() == (rows,)
            for form in ("csv", "parquet"):
                assert listed[f"indicators/{name}.{form}"] == rows
            assert heavy.execute(
                f"SELECT count(*) FROM '{release}/indicators/{name}.parquet'"
            ).fetchone() == (rows,)
        asked = "SELECT value, numerator, denominator, n, coverage FROM indicators WHERE indicator = 'U015' AND scope_id = 'PRY' AND year IS NULL"
        # Six of thirty; SQLite keeps a number a number.
        assert light.execute(asked).fetchall() == heavy.execute(asked).fetchall() == [(0.2, 6, 30, 30, 1)]
        money = "SELECT value, currency FROM indicators WHERE indicator = 'U013' AND scope = 'network' AND year IS NULL"
        assert heavy.execute(money).fetchall() == [(3000, "PYG")]
        flags = heavy.execute("SELECT count(*) FROM indicator_flags WHERE indicator = 'R018'").fetchall()
        assert flags == [(6,)]


def test_a_reader_gets_the_same_figures(release: Path, site: Installation) -> None:
    found = indicators_of_release(release, site.catalogue).indicators.set_index(
        ["indicator", "scope", "year"]
    )
    with closing(duckdb.connect(str(release / "ingp.duckdb"), read_only=True)) as con:
        published = con.execute("FROM indicators").df().set_index(["indicator", "scope", "year"])
    for code in ("U001", "U013", "U015", "R018"):
        ours = published.loc[code].value.dropna().sort_values().to_list()
        assert ours and ours == found.loc[code].value.dropna().sort_values().to_list()


def test_a_release_without_procurement_data_has_none(site: Installation) -> None:
    with pytest.raises(FileNotFoundError):
        indicators_of_release(site.zones.releases, site.catalogue)
