"""``amount-out-of-scale``: four signs that an amount cannot be meant, and the wide spread that real amounts have."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

CODE = "amount-out-of-scale"
Run = Callable[[str, dict[str, list[dict[str, Any]]]], tuple[list[tuple[str, int]], int]]


@pytest.fixture
def run(apply_code: Callable[..., Any]) -> Run:
    """(table and source row of every finding of the code, how many of its rules were applied)."""

    def apply(code: str, tables: dict[str, list[dict[str, Any]]]) -> tuple[list[tuple[str, int]], int]:
        groups, said = apply_code(code, tables)
        return [(each.table, each.row_number) for group in groups for each in group.examples], said.count(
            None
        )

    return apply


def contracts(amounts: list[str], currency: str = "HNL") -> list[dict[str, Any]]:
    return [
        {"ocid": f"o-{number}", "contract_id": "C", "award_id": "A", "value_amount": amount, "value_currency": currency}
        for number, amount in enumerate(amounts)
    ]  # fmt: skip


def spread(count: int, seed: int = 1, deviation: float = 2.0) -> list[str]:
    """Amounts as public contracts have them: the logarithm is normal, with a wide deviation."""
    chance = random.Random(seed)
    return [f"{math.exp(chance.gauss(10, deviation)):.2f}" for _ in range(count)]


@pytest.mark.parametrize(
    ("strange", "found"),
    [("47610000000.00", True), ("2.5", True), ("0.01", False), ("1", False), ("9000000", False)],
)
def test_alone_beyond_an_empty_stretch(run: Run, strange: str, found: bool) -> None:
    amounts = [f"{5000 + 700 * number}" for number in range(40)]
    hits, applied = run(CODE, {"contracts": contracts([*amounts, strange])})
    assert applied and bool(hits) is found and set(hits) <= {("contracts", 42)}


def test_few_neighbours_and_another_currency_say_nothing(run: Run) -> None:
    assert run(CODE, {"contracts": contracts(["5000"] * 20 + ["50000000000"])})[0] == []
    mixed = [*contracts(["5000"] * 40), {**contracts(["50000000000"], "COP")[0], "ocid": "x"}]
    assert run(CODE, {"contracts": mixed})[0] == []


def test_many_far_ones_are_another_kind_of_purchase(run: Run) -> None:
    amounts = [f"{5000 + 700 * number}" for number in range(40)]
    assert (
        run(CODE, {"contracts": contracts(amounts + [f"{9 + number}0000000000" for number in range(5)])})[0]
        == []
    )


def test_the_spread_of_real_amounts_raises_no_alarm(run: Run) -> None:
    """Groups small and large, as wide as any that was met: the rate of false alarms is one in some ten thousand amounts or less."""
    alarms = 0
    for seed in range(30):
        for count in (25, 60, 400):
            alarms += len(run(CODE, {"contracts": contracts(spread(count, seed))})[0])
    assert alarms <= 1


def test_a_dot_for_thousands_among_thousands(run: Run) -> None:
    amounts = [f"{5000 + 70 * number}" for number in range(150)]
    hits, _ = run(CODE, {"contracts": contracts([*amounts, "7.250"])})
    assert hits == [("contracts", 152)]
    # A column that is full of three decimals was calculated.
    assert run(CODE, {"contracts": contracts([*amounts, *[f"{each}.125" for each in range(5, 25)]])})[0] == []


@pytest.mark.parametrize(
    ("award", "found"),
    [
        ("125000000", True),
        ("1250000", False),
        ("125050000", False),
        ("12500000", True),
        ("125", True),
        ("1250", True),
    ],
)
def test_an_award_is_a_power_of_ten_of_its_tender(run: Run, award: str, found: bool) -> None:
    tables = {
        "processes": [{"ocid": "o", "tender_value_amount": "125000", "tender_value_currency": "HNL"}],
        "awards": [{"ocid": "o", "award_id": "A", "value_amount": award, "value_currency": "HNL"}],
    }
    assert bool(run(CODE, tables)[0]) is found


def test_equal_parts_of_a_tender_are_no_slip(run: Run) -> None:
    tables = {
        "processes": [{"ocid": "o", "tender_value_amount": "125000", "tender_value_currency": "HNL"}],
        "awards": [
            {"ocid": "o", "award_id": f"A{each}", "value_amount": "1250", "value_currency": "HNL"}
            for each in range(3)
        ],
    }
    assert run(CODE, tables)[0] == []


def test_a_contract_is_a_power_of_ten_of_its_award(run: Run) -> None:
    tables = {
        "awards": [{"ocid": "o", "award_id": "A", "value_amount": "1250.5", "value_currency": "HNL"}],
        "contracts": [
            {
                "ocid": "o",
                "award_id": "A",
                "contract_id": "C",
                "value_amount": "1250500",
                "value_currency": "HNL",
            }
        ],
    }
    assert run(CODE, tables)[0] == [("contracts", 2)]


@pytest.mark.parametrize(("strange", "found"), [("5200000", True), ("5.2", True), ("90000", False)])
def test_partners_who_always_deal_in_one_size(run: Run, strange: str, found: bool) -> None:
    """Among wide amounts of others, so that nothing is alone in the column."""
    amounts = [f"{5000 + 100 * number}" for number in range(15)] + [strange]
    own = [
        {"ocid": f"p-{number}", "award_id": "A", "value_amount": amount, "value_currency": "HNL"}
        for number, amount in enumerate(amounts)
    ]
    others = [
        {"ocid": f"o-{number}", "award_id": "A", "value_amount": amount, "value_currency": "HNL"}
        for number, amount in enumerate(spread(300, deviation=3))
    ]
    tables = {
        "awards": others + own,
        "processes": [
            {"ocid": each["ocid"], "buyer_id": "B" if each["ocid"].startswith("p") else each["ocid"]}
            for each in others + own
        ],
        "award_suppliers": [
            {"ocid": each["ocid"], "award_id": "A", "party_id": "S"} for each in others + own
        ],
    }
    hits, _ = run(CODE, tables)
    assert hits == ([("awards", len(tables["awards"]) + 1)] if found else [])
