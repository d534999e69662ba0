"""Every domain rule: tables that pass, tables that fail, and the row that it names."""

from datetime import date

import pyarrow as pa
import pytest

from pipelines.engine import connect
from pipelines.validation.rules import apply_rule, load_rules
from pipelines.validation.workspace import Workspace

DAY = date(2026, 11, 22)
PROCESS = {"ocid": "ocds-lcuori-1"}
AWARD = {**PROCESS, "award_id": "A"}
CONTRACT = {**AWARD, "contract_id": "C"}
AT = "{}T00:00:00Z"

Tables = dict[str, list[dict[str, str | None]]]

# code, tables that pass, tables that fail (the last row of the first table named is at fault)
CASES: list[tuple[str, str, Tables, Tables]] = [
    (
        "dates-out-of-order", "processes",
        {"processes": [{**PROCESS, "tender_period_start": AT.format("2024-01-01"), "tender_period_end": AT.format("2024-02-01")}]},
        {"processes": [{**PROCESS, "tender_period_start": AT.format("2024-02-01"), "tender_period_end": AT.format("2024-01-01")}]},
    ),
    (
        "award-before-tender-end", "awards",
        {"awards": [{**AWARD, "date": AT.format("2024-03-01")}], "processes": [{**PROCESS, "tender_period_end": "2024-03-01T23:59:59Z"}]},
        {"awards": [{**AWARD, "date": AT.format("2024-02-28")}], "processes": [{**PROCESS, "tender_period_end": "2024-03-01T23:59:59Z"}]},
    ),
    (
        "signature-before-award", "contracts",
        {"contracts": [{**CONTRACT, "date_signed": AT.format("2024-03-01")}], "awards": [{**AWARD, "date": "2024-03-01T18:00:00Z"}]},
        {"contracts": [{**CONTRACT, "date_signed": AT.format("2024-02-01")}], "awards": [{**AWARD, "date": "2024-03-01T18:00:00Z"}]},
    ),
    (
        "date-in-future", "contracts",
        {"contracts": [{**CONTRACT, "date_signed": AT.format("2026-11-22")}]},
        {"contracts": [{**CONTRACT, "date_signed": AT.format("2027-11-22")}]},
    ),
    (
        "date-unrealistic", "contracts",
        {"contracts": [{**CONTRACT, "period_end": AT.format("2049-01-01")}]},
        {"contracts": [{**CONTRACT, "period_end": AT.format("3010-01-01")}]},
    ),
    (
        "amount-without-currency", "contracts",
        {"contracts": [{**CONTRACT, "value_amount": "5", "value_currency": "HNL"}, {**CONTRACT, "value_amount": None, "value_currency": None}]},
        {"contracts": [{**CONTRACT, "value_amount": "5", "value_currency": None}]},
    ),
    (
        "amount-negative", "awards",
        {"awards": [{**AWARD, "value_amount": "0"}]},
        {"awards": [{**AWARD, "value_amount": "-0.01"}]},
    ),
    (
        "amount-unrealistic", "contracts",
        {"contracts": [{**CONTRACT, "value_amount": "9000000000000", "value_currency": "COP"}]},
        {"contracts": [{**CONTRACT, "value_amount": "9000000000000", "value_currency": "USD"}]},
    ),
    (
        "contract-award-amounts-differ", "awards",
        {
            "awards": [{**AWARD, "value_amount": "100", "value_currency": "HNL"}],
            "contracts": [{**CONTRACT, "value_amount": "60", "value_currency": "HNL"}, {**CONTRACT, "contract_id": "D", "value_amount": "40", "value_currency": "HNL"}],
        },
        {
            "awards": [{**AWARD, "value_amount": "100", "value_currency": "HNL"}],
            "contracts": [{**CONTRACT, "value_amount": "160", "value_currency": "HNL"}],
        },
    ),
    (
        "award-without-supplier", "awards",
        {"awards": [AWARD], "contracts": [CONTRACT], "contract_suppliers": [{**PROCESS, "contract_id": "C", "party_id": "P"}]},
        {"awards": [AWARD], "award_suppliers": [{**PROCESS, "award_id": "another", "party_id": "P"}]},
    ),
    (
        "award-on-incomplete-tender", "awards",
        {"awards": [{**AWARD, "status": "active"}], "processes": [{**PROCESS, "tender_status": "complete"}]},
        {"awards": [{**AWARD, "status": "active"}], "processes": [{**PROCESS, "tender_status": "cancelled"}]},
    ),
    (
        "contract-on-inactive-award", "contracts",
        {"contracts": [{**CONTRACT, "status": "cancelled"}], "awards": [{**AWARD, "status": "cancelled"}]},
        {"contracts": [{**CONTRACT, "status": "active"}], "awards": [{**AWARD, "status": "cancelled"}]},
    ),
    (
        "direct-with-several-tenderers", "processes",
        {"processes": [{**PROCESS, "procurement_method": "direct", "number_of_tenderers": "1"}]},
        {"processes": [{**PROCESS, "procurement_method": "direct", "number_of_tenderers": "3"}]},
    ),
    (
        "ocid-prefix-unregistered", "processes",
        {"processes": [{"ocid": "ocds-lcuori-9"}]},
        {"processes": [{"ocid": "ocds-zzzzzz-9"}]},
    ),
    (
        "participants-exceed-total", "activity_countries",
        {"activity_countries": [{"participants": "10", "women": "6", "men": "4"}]},
        {"activity_countries": [{"participants": "10", "women": "6", "men": "5"}]},
    ),
]  # fmt: skip


def run(catalogue, code: str, tables: Tables) -> tuple[list[tuple[str, int]], int]:
    """(table and source row of every finding of the code, how many rules of the code were applied)."""
    package_type = catalogue.package_type("activity" if "activity_countries" in tables else "procurement")
    with connect() as con:
        con.execute(f"SET VARIABLE received_on = DATE '{DAY}'; SET VARIABLE own_prefixes = ['ocds-lcuori']")
        space = Workspace(con, catalogue, package_type)
        for name, rows in tables.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            batch = pa.table(
                {column: pa.array([row.get(column) for row in rows], pa.string()) for column in columns}
                | {"source_file": ["f.csv"] * len(rows), "source_row_number": list(range(2, 2 + len(rows)))}
            )
            con.register("sent", batch)
            space.add_table(name, "SELECT * FROM sent", columns)
            con.unregister("sent")
        applied = sum(
            1
            for rule in load_rules()
            if rule.code == code
            and rule.package_type == package_type.name
            and apply_rule(space, rule) is None
        )
        found = [
            (example.table, example.row_number)
            for group in space.groups()
            if group.code == code
            for example in group.examples
        ]
    return found, applied


@pytest.mark.parametrize(("code", "table", "passing", "failing"), CASES, ids=[case[0] for case in CASES])
def test_rule(catalogue, code: str, table: str, passing: Tables, failing: Tables) -> None:
    found, applied = run(catalogue, code, passing)
    assert (found, applied > 0) == ([], True)
    found, _ = run(catalogue, code, failing)
    assert found == [(table, 1 + len(failing[table]))]


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in load_rules()} == {case[0] for case in CASES}


def test_a_rule_without_its_table_is_skipped_with_the_reason(catalogue) -> None:
    rule = next(rule for rule in load_rules() if rule.code == "signature-before-award")
    with connect() as con:
        space = Workspace(con, catalogue, catalogue.package_type("procurement"))
        skipped = apply_rule(space, rule)
    assert skipped is not None and skipped.reason == "table-not-sent"


def test_cells_that_are_no_dates_are_not_a_rules_business(catalogue) -> None:
    tables: Tables = {"contracts": [{**CONTRACT, "date_signed": "soon"}, {**CONTRACT, "date_signed": None}]}
    assert run(catalogue, "date-in-future", tables)[0] == []
