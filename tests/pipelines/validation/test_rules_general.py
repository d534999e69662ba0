"""Rules on whole columns: told once, and only of enough rows."""

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.validation.rules.distributions import ENOUGH, ENOUGH_BUYERS

Rows = list[dict[str, str | None]]


def amounts(values: list[float], currency: str = "HNL") -> Rows:
    return [{"value_amount": str(value), "value_currency": currency} for value in values]


def buyers(names: list[str]) -> Rows:
    return [{"ocid": str(number), "buyer_name": name} for number, name in enumerate(names)]


# code, table, field, rows that pass, rows that fail, what the finding says
CASES: list[tuple[str, str, str, Rows, Rows, str | None, dict[str, Any]]] = [
    (
        "code-nearly-always-the-same", "contracts", "status",
        [{"status": "active"}] * 990 + [{"status": "terminated"}] * 10,
        [{"status": "active"}] * 991 + [{"status": "terminated"}] * 9 + [{"status": None}] * 50,
        "active", {"code": "active", "code_codelist": "contractStatus", "share": 99, "count": 991},
    ),
    (
        "code-nearly-always-the-same", "processes", "main_procurement_category",
        [{"main_procurement_category": "goods"}] * 95 + [{"main_procurement_category": "works"}] * 5,
        [{"main_procurement_category": "goods"}] * 96 + [{"main_procurement_category": "works"}] * 4,
        "goods", {"code": "goods", "code_codelist": "procurementCategory", "share": 96, "count": 96},
    ),
    (
        "amounts-repeated", "awards", "value_amount",
        amounts([1] * 3 + [2] * 3 + [3] * 3 + [100 + each for each in range(91)]),
        amounts([1] * 4 + [2] * 4 + [3] * 2 + [100 + each for each in range(90)]),
        "1, 2, 3", {"share": 10, "count": 10},
    ),
    (
        "amounts-concentrated", "contracts", "value_amount",
        amounts([1.0] * 198 + [95.0] * 2),
        amounts([1.0] * 198 + [900.0] * 2),
        "HNL", {"share": 90, "count": 2, "currency": "HNL"},
    ),
    (
        "buyers-mostly-once", "processes", "buyer_name",
        buyers([str(each % 500) for each in range(ENOUGH_BUYERS)]),
        buyers([str(each) for each in range(ENOUGH_BUYERS - 2)] + ["A", "A"]),
        None, {"share": 99, "count": ENOUGH_BUYERS - 2, "total": ENOUGH_BUYERS - 1},
    ),
    (
        "buyer-share-unusual", "processes", "buyer_name",
        buyers([str(each % 20) for each in range(ENOUGH_BUYERS)]),
        buyers(["Obras"] * 600 + [str(each) for each in range(ENOUGH_BUYERS - 600)]),
        "Obras", {"share": 60, "count": 600},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "table", "field", "passing", "failing", "value", "parameters"), CASES, ids=[f"{case[0]} {case[2]}" for case in CASES]
)  # fmt: skip
def test_rule(
    apply_code: Callable[..., Any],
    code: str,
    table: str,
    field: str,
    passing: Rows,
    failing: Rows,
    value: str | None,
    parameters: dict[str, Any],
) -> None:
    groups, said = apply_code(code, {table: passing})
    assert groups == []
    assert None in said
    groups, _ = apply_code(code, {table: failing})
    assert [(group.table, group.field, group.count) for group in groups] == [(table, field, 1)]
    example = groups[0].examples[0]
    assert (example.value, example.row_number, example.parameters) == (value, None, parameters)


@pytest.mark.parametrize(
    ("code", "table", "rows", "needed"),
    [
        ("code-nearly-always-the-same", "contracts", [{"status": "active"}] * (ENOUGH - 1), ENOUGH),
        ("amounts-repeated", "awards", amounts([5] * (ENOUGH - 1)), ENOUGH),
        ("amounts-concentrated", "awards", amounts([5] * (ENOUGH - 1)), ENOUGH),
        ("buyers-mostly-once", "processes", buyers(["Obras"] * (ENOUGH_BUYERS - 1)), ENOUGH_BUYERS),
        ("buyer-share-unusual", "processes", buyers(["Obras"] * (ENOUGH_BUYERS - 1)), ENOUGH_BUYERS),
    ],
)
def test_a_share_of_few_rows_says_nothing(
    apply_code: Callable[..., Any], code: str, table: str, rows: Rows, needed: int
) -> None:
    groups, said = apply_code(code, {table: rows})
    assert groups == []
    reasons = [
        (check.parameters["needed"], check.parameters["found"])
        for check in said
        if check and check.reason == "too-few-rows"
    ]
    assert reasons == [(needed, needed - 1)]


def test_items_of_a_flat_table_without_classification(apply_code: Callable[..., Any]) -> None:
    described = {
        "item_description": "Agua",
        "item_classification_scheme": None,
        "item_classification_id": "43211500",
    }
    whole = {**described, "item_classification_scheme": "UNSPSC"}
    groups, said = apply_code("items-unclassified", {"contracts_flat": [whole] * 8 + [described] * 2})
    assert (groups, said) == ([], [None])
    groups, _ = apply_code("items-unclassified", {"contracts_flat": [whole] * 7 + [described] * 3})
    assert [(group.table, group.field) for group in groups] == [("contracts_flat", "item_classification_id")]
    assert groups[0].examples[0].parameters == {"share": 30, "count": 3}
    _, said = apply_code("items-unclassified", {"contracts_flat": [{"contract_id": "C"}]})
    assert [check.reason for check in said] == ["column-not-sent"]
