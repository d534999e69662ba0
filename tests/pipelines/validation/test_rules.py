"""Every domain rule: tables that pass, tables that fail, and the row that it names."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import ValidationReport
from pipelines.validation import validate_package
from pipelines.validation.rules import apply_rule, load_rules
from pipelines.validation.rules.amounts import PER_DOLLAR
from pipelines.validation.workspace import Workspace
from pipelines.zones import Zones

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


@pytest.fixture
def run(apply_code: Callable[..., Any]) -> Callable[[str, Tables], tuple[list[tuple[str, int]], int]]:
    """(table and source row of every finding of the code, how many rules of the code were applied)."""

    def apply(code: str, tables: Tables) -> tuple[list[tuple[str, int]], int]:
        groups, said = apply_code(code, tables)
        return [(each.table, each.row_number) for group in groups for each in group.examples], said.count(
            None
        )

    return apply


@pytest.mark.parametrize(("code", "table", "passing", "failing"), CASES, ids=[case[0] for case in CASES])
def test_rule(run: Callable[..., Any], code: str, table: str, passing: Tables, failing: Tables) -> None:
    found, applied = run(code, passing)
    assert (found, applied > 0) == ([], True)
    found, _ = run(code, failing)
    assert found == [(table, 1 + len(failing[table]))]


def test_every_rule_has_a_case() -> None:
    """In this file or in a neighbour, by its code."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert {rule.code for rule in load_rules() if f'"{rule.code}"' not in tests} == set()


def test_a_rule_without_its_table_is_skipped_with_the_reason(catalogue: Catalogue) -> None:
    rule = next(rule for rule in load_rules() if rule.code == "signature-before-award")
    with connect() as con:
        space = Workspace(con, catalogue, catalogue.package_type("procurement"))
        skipped = apply_rule(space, rule)
    assert skipped is not None and skipped.reason == "table-not-sent"


def test_cells_that_are_no_dates_are_not_a_rules_business(run: Callable[..., Any]) -> None:
    tables: Tables = {
        "contracts": [{**CONTRACT, "date_signed": each, "period_start": "2024-01-01", "period_end": each} for each in ("soon", "0000", None)]
    }  # fmt: skip
    for code in ("date-in-future", "date-unrealistic", "dates-out-of-order"):
        assert run(code, tables)[0] == []


def test_the_limit_of_amounts_knows_the_currency_of_every_member(catalogue: Catalogue) -> None:
    assert {member.currency for member in catalogue.members.values() if member.kind == "member"} <= set(
        PER_DOLLAR
    )


@pytest.mark.parametrize(
    ("amount", "currency", "fails"),
    [("6e9", "USD", True), ("6000000000", None, False), ("6000000000", "JPY", False), ("40000000000000", None, True), ("-6000000000", "USD", True)],
)  # fmt: skip
def test_an_amount_in_a_currency_that_is_not_known_is_judged_by_the_weakest(
    run: Callable[..., Any], amount: str, currency: str | None, fails: bool
) -> None:
    found, _ = run(
        "amount-unrealistic",
        {"contracts": [{**CONTRACT, "value_amount": amount, "value_currency": currency}]},
    )
    assert bool(found) is fails


def flat(tmp_path: Path, catalogue: Catalogue, heading: str, row: str) -> ValidationReport:
    (tmp_path / "contracts.csv").write_text(f"{heading}\n{row}\n", encoding="utf-8")
    staged = receive_submission(
        [tmp_path / "contracts.csv"], MemberCode("HND"), Zones(tmp_path / "var"), catalogue
    )
    return validate_package(staged, catalogue, tmp_path / "report", memory_limit="1GB", threads=2)


def test_in_a_flat_table_findings_name_its_own_columns(tmp_path: Path, catalogue: Catalogue) -> None:
    report = flat(
        tmp_path, catalogue, "contract_id,buyer_name,supplier_name,contract_period_start,contract_period_end",
        "C1,Obras,Agua SA,2025-05-01,2025-04-01",
    )  # fmt: skip
    group = next(group for group in report.groups if group.code == "dates-out-of-order")
    assert (group.table, group.field) == ("contracts_flat", "contract_period_end")
    parameters = group.examples[0].parameters
    assert (parameters["earlier_field"], parameters["later_field"]) == (
        "contract_period_start",
        "contract_period_end",
    )


def test_a_flat_column_that_was_not_sent_is_not_passed(tmp_path: Path, catalogue: Catalogue) -> None:
    report = flat(
        tmp_path, catalogue, "contract_id,buyer_name,supplier_name,award_date", "C1,Obras,Agua SA,2025-05-01"
    )
    why = {check.check: (check.reason, dict(check.parameters)) for check in report.skipped}
    column = {"table": "contracts_flat", "column": "tender_period_end"}
    assert why["award-before-tender-end"] == ("column-not-sent", column)
    assert "award-without-supplier" not in why


def test_the_table_of_rules_names_every_rule_and_nothing_else(catalogue: Catalogue) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    named = set(re.findall(r"findings\.md#([a-z0-9-]+)\)", text))
    assert {rule.code for rule in load_rules()} <= named <= set(catalogue.findings)
