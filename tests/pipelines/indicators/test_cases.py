"""Every indicator gives what was worked out by hand."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime

import duckdb
import pandas as pd
import pytest

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.indicators import Settings, computability, next_best
from pipelines.indicators.computability import create_computability, filled_fields
from pipelines.indicators.compute import compute_indicators
from pipelines.indicators.definitions import load_indicators
from pipelines.indicators.frames import compute_tables
from pipelines.indicators.tables import open_tables
from tests.pipelines.indicators.cases import CASES, FIGURES, FLAGGED, LIMIT, Case
from tests.pipelines.indicators.world import Tables, world

AS_OF = datetime(2024, 7, 31)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connect(memory_limit="1GB", threads=2)) as opened:
        yield opened


def _relations(con: duckdb.DuckDBPyConnection, tables: Tables) -> Mapping[str, str]:
    """The rows as text, as an OCDS file gives them."""
    for name, rows in tables.items():
        frame = pd.DataFrame(rows).astype("string")
        con.register(f"sent_{name}", frame.assign(place=range(len(frame))))
    return {name: f"sent_{name}" for name, rows in tables.items() if rows}


def _compute(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, case: Case) -> None:
    compute_tables(
        con,
        catalogue,
        _relations(con, case.tables),
        Settings(AS_OF, case.parameters, minimum=1),
        member="PER",
        references={"thresholds": [LIMIT | {"amount": case.limit}]} if case.limit else None,
        only=[case.code],
    )


@pytest.mark.parametrize("case", FIGURES, ids=lambda case: case.code)
def test_figure(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, case: Case) -> None:
    _compute(con, catalogue, case)
    rows = con.execute(
        "SELECT value FROM indicators WHERE scope_id = ? AND year IS NULL AND category IS NOT DISTINCT FROM ?",
        [case.scope_id, case.category],
    ).fetchall()
    assert rows == [(pytest.approx(case.value, abs=1e-6),)]


@pytest.mark.parametrize("case", FLAGGED, ids=lambda case: case.code)
def test_flags(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, case: Case) -> None:
    _compute(con, catalogue, case)
    assert set(con.execute("SELECT scope, scope_id FROM indicator_flags").fetchall()) == case.flags
    figures = con.execute(
        "SELECT numerator, denominator, n, coverage FROM indicators WHERE scope = 'member' AND year IS NULL"
    ).fetchall()
    ((flagged, judged, n, coverage),) = figures
    assert judged == n > 0 and 0 <= flagged <= n and 0 < coverage <= 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_without_what_it_needs_it_is_empty_and_never_zero(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, case: Case
) -> None:
    """The processes are there, and none of the fields: no value, a coverage of zero, a reason; and the matrix says so."""
    bare: Tables = {"processes": [{"ocid": "P1", "year": 2024}]}
    if case.code == "U001":
        return
    indicators = {case.code: load_indicators(catalogue.folder)[case.code]}
    open_tables(con, catalogue, _relations(con, bare), member="PER")
    compute_indicators(con, indicators, Settings(AS_OF, minimum=1))
    create_computability(con, indicators, filled_fields(con, indicators.values()))
    values = con.execute("SELECT value, n, coverage, reason FROM indicators").fetchall()
    if case.code in ("U002", "U003", "U007", "U010", "U053", "U059"):
        assert values
    assert all(row == (None, 0, 0.0, "missing-fields") for row in values)
    assert not con.execute("SELECT 1 FROM indicator_flags").fetchall()
    assert con.execute("SELECT DISTINCT computable FROM indicator_computability").fetchall() == [(False,)]


def test_below_the_minimum_there_is_no_figure_but_a_reason(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue
) -> None:
    compute_tables(con, catalogue, _relations(con, world()), Settings(AS_OF), member="PER", only=["U015"])
    rows = con.execute(
        "SELECT value, numerator, n, minimum_n, reason FROM indicators WHERE scope = 'member' AND year IS NULL"
    ).fetchall()
    assert rows == [(None, None, 3, 20, "below-minimum-n")]


def test_currencies_are_never_added(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    tables = world()
    tables["awards"][1]["value_currency"] = "PEN"
    compute_tables(
        con, catalogue, _relations(con, tables), Settings(AS_OF, minimum=1), member="PER", only=["U006"]
    )
    rows = con.execute(
        "SELECT currency, value FROM indicators WHERE scope = 'network' AND year IS NULL ORDER BY ALL"
    ).fetchall()
    assert rows == [("PEN", 400), ("USD", 1100)]


def test_members_and_network(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Two members with the same party ids: four buyers, not two; ten processes, by year 4 and 6."""
    tables = world()
    both = {
        name: [{**row, "member_code": code} for code in ("PER", "CHL") for row in rows]
        for name, rows in tables.items()
    }
    compute_tables(con, catalogue, _relations(con, both), Settings(AS_OF, minimum=1), only=["U001", "U002"])
    found = con.execute(
        "SELECT indicator, year, value FROM indicators WHERE scope = 'network' ORDER BY ALL"
    ).fetchall()
    assert found == [
        ("U001", 2023, 4),
        ("U001", 2024, 6),
        ("U001", None, 10),
        ("U002", 2023, 2),
        ("U002", 2024, 2),
        ("U002", None, 4),
    ]


def test_what_to_publish_next_gains_what_it_says(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue
) -> None:
    indicators = load_indicators(catalogue.folder)
    tables = {
        name: rows for name, rows in world().items() if name in ("processes", "awards", "award_suppliers")
    }
    for row in tables["processes"]:
        row.pop("number_of_tenderers", None)
    open_tables(con, catalogue, _relations(con, tables), member="PER")
    before = filled_fields(con, indicators.values())
    steps = [each for each in next_best(indicators, before) if each.year is None]
    assert steps[0].gain == max(each.gain for each in steps) and steps[0].gain > 1
    matrix = {
        each.indicator for each in computability(indicators, before) if each.computable and each.year is None
    }
    bidders = next(each for each in steps if each.fields == ("processes.number_of_tenderers",))
    for row in tables["processes"]:
        row["number_of_tenderers"] = 2
    open_tables(con, catalogue, _relations(con, tables), member="PER")
    after = computability(indicators, filled_fields(con, indicators.values()))
    now = {each.indicator for each in after if each.computable and each.year is None}
    assert now - matrix == set(bidders.indicators) >= {"U015", "U017", "R018"}


def test_all_at_once_and_twice_the_same(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    relations = _relations(con, world())
    found = []
    for _turn in range(2):
        open_tables(con, catalogue, relations, member="PER")
        compute_indicators(con, load_indicators(catalogue.folder), Settings(AS_OF, minimum=1))
        found.append([con.execute(f"FROM {name}").fetchall() for name in ("indicators", "indicator_flags")])
    assert found[0] == found[1] and all(found[0])
