"""What every indicator must give, worked out by hand; the arithmetic stands beside the figure."""

from dataclasses import dataclass, field
from typing import Any

from tests.pipelines.indicators.world import Tables, awards_of, bids_of, processes, world

LIMIT = {"member_code": "PER", "purpose": "open-procedure", "currency": "USD"}
ITEM_43 = ":43"


@dataclass(frozen=True)
class Case:
    """value: of the member, all years (or of scope_id); flags: (scope, id) of what is flagged. None: not looked at."""

    code: str
    value: float | None = None
    flags: frozenset[tuple[str, str]] | None = None
    tables: Tables = field(default_factory=world)
    category: str | None = None
    scope_id: str = "PER"
    parameters: dict[str, str] = field(default_factory=dict)
    limit: str | None = None


def _flags(
    code: str, scope: str, ids: str, tables: Tables | None = None, limit: str | None = None, **parameters: str
) -> Case:
    found = frozenset((scope, each) for each in ids.split())
    named = {f"{code}.{name}": value for name, value in parameters.items()}
    return Case(code, flags=found, tables=tables or world(), parameters=named, limit=limit)


def _with(ocid: str, table: str = "processes", **cells: Any) -> Tables:
    tables = world()
    for row in tables[table]:
        if row["ocid"] == ocid:
            row.update(cells)
    return tables


def _rates(column: str, odd: str, even: str, mine: list[int]) -> Tables:
    """Buyers B0.. with four processes each, of which mine[i] have the odd value."""
    buyers = [f"B{place}" for place in range(len(mine)) for _ in range(4)]
    values = [odd if turn < count else even for count in mine for turn in range(4)]
    return {"processes": processes(buyer_id=buyers, **{column: values})}


def _priced(*prices: float) -> Tables:
    tables = {"processes": processes(buyer_id=["B1"])}
    tables["items"] = [
        {"ocid": "P0", "stage": "award", "parent_id": "A", "item_id": str(place), "classification_id": "43", "unit_name": "u",
         "unit_value_amount": price, "unit_value_currency": "USD"}
        for place, price in enumerate(prices)
    ]  # fmt: skip
    return tables


def _waits(column: str, days: list[int]) -> Tables:
    """Open processes with awards or contracts so many days after the end of the call or the award."""
    tables = awards_of(*(("B1", f"S{place}", 100.0, "2024-01-01") for place in range(len(days))))
    for row, wait in zip(tables["awards" if column == "date" else "contracts"], days, strict=True):
        row[column] = f"2024-{1 + wait // 28:02}-{1 + wait % 28:02}T00:00:00Z"
    return tables


def _late() -> Tables:
    tables = bids_of([(100, 200)])
    tables["bids"][0]["date"] = "2024-02-01T00:00:00Z"
    return tables


def _benford() -> Tables:
    """A buyer all of whose amounts begin with 9, and one whose nine amounts begin with 1 to 9."""
    nines = [("B9", "S1", 900.0, "2024-01-01")] * 9
    spread = [("B1", "S1", digit * 100.0, "2024-01-01") for digit in (1, 1, 1, 2, 2, 3, 4, 5, 7)]
    return awards_of(*nines, *spread)


def _classes() -> Tables:
    """Suppliers with an award in 1, 1, 1, 1 and 3 classes."""
    told = [("B1", f"S{place}", 10.0, "2024-01-01") for place in range(4)] + [
        ("B1", "S9", 10.0, "2024-01-01")
    ] * 3
    tables = awards_of(*told)
    for row, code in zip(tables["items"][4:], ("10", "20", "30"), strict=True):
        row["classification_id"] = code
    return tables


def _contracts(amount: float) -> Tables:
    return _with("P2", "contracts", value_amount=amount)


FIGURES = [
    Case("U001", 5),
    Case("U002", 2),
    Case("U003", 5),  # S1 to S5
    Case("U004", 3),  # S1, S2, S5; the award to S4 is cancelled
    Case("U005", 1, category="2023-02"),  # P2
    Case("U006", 1500),  # 900 + 400 + 200
    Case("U007", 3 / 5, category="complete"),
    Case("U008", 2, category="UNSPSC:43"),  # P1, P3
    Case("U009", 2 / 4, category="works"),  # P5 says none
    Case("U010", 3 / 5, category="open"),
    Case("U011", 2 / 3),  # P1, P2 of P1, P2, P3
    Case("U012", 1 / 2, category="open"),  # C1 of C1, C2; C3 is cancelled
    Case("U013", 1100, category="open"),
    Case("U014", 1300),  # 900 + 400
    Case("U015", 2 / 3),  # P1 and P5 (one bidder is listed) of P1, P2, P5
    Case("U016", 900 / 1300),
    Case("U017", 5 / 3),  # (1 + 3 + 1) / 3
    Case("U018", 1),  # 1, 1, 3
    Case("U019", 1, category="UNSPSC:43"),  # P1 alone; P3 is direct
    Case("U020", 2, category="UNSPSC:43"),  # S1, S5
    Case("U021", 2),  # S4, S5 come in 2024
    Case("U022", 2 / 3),  # S4, S5 of S1, S4, S5
    Case("U023", 0),  # P2 has valid bids of two
    Case("U024", (0 / 1 + 1 / 3) / 2),
    Case("U025", 10 / 11, tables=awards_of(*(("B1", f"S{place}", 100.0, "2024-01-01") for place in range(11)))),
    Case("U026", 3 / 2),  # B1-S1, B1-S2, B2-S5
    Case("U027", 1),  # S5
    Case("U028", 1),  # A3 is the only one of 2024
    Case("U029", 200),
    Case("U030", 1),
    # New suppliers: 1 in 2022, 2 in 2023: (2 - 1) / 1; 2021 is the first year.
    Case("U031", 1, tables=awards_of(
        ("B", "S1", 1.0, "2021-05-01"), ("B", "S2", 1.0, "2022-05-01"), ("B", "S3", 1.0, "2023-05-01"), ("B", "S4", 1.0, "2023-06-01"))),
    # 2022: S1 again 30, S2 new 70.
    Case("U032", 0.3, tables=awards_of(("B", "S1", 5.0, "2021-05-01"), ("B", "S1", 30.0, "2022-05-01"), ("B", "S2", 70.0, "2022-06-01"))),
    Case("U033", 4 / 3),  # S1 in P1, P2; S2 in P2; S5 in P3; three wins
    Case("U034", 900 / 1100, category="UNSPSC:43"),
    Case("U035", 1, scope_id="S5"),
    Case("U036", 1 / 2, category="Lima"),
    Case("U037", 4, scope_id="S1"),  # P1, P2, P4, P5
    Case("U038", 3 / 5),  # S1 P1, S2 P2, S5 P3 of these and S1 P2, S3 P2
    Case("U039", 1, scope_id="S1"),
    Case("U040", 900, scope_id="S1"),
    Case("U041", 900 / 1500, scope_id="S1"),
    Case("U042", 1, scope_id="S1"),
    Case("U043", 1, scope_id="S1"),
    Case("U044", 1, scope_id="S1"),  # A1 had one bidder
    Case("U045", 1 / 5),
    Case("U046", 1 / 3),
    Case("U047", 1 / 2),  # P1 on 5 January; P2 on the day
    Case("U048", 1 / 2),  # one amendment, two buyers
    Case("U049", 1 / 4),  # P5, of P1, P2, P3, P5
    Case("U050", 1 / 3, tables={**world(), "contracts": world()["contracts"][:2]}),  # A3
    Case("U052", 4 / 5),
    Case("U053", 1 / 4),  # "Papel"; P5 has none
    Case("U054", 1 / 2),
    Case("U055", 2 / 5),  # P4, P5
    Case("U056", 2 / 3),
    Case("U057", 1 / 3),
    Case("U058", 2 / 3),
    Case("U059", 96 / 5),  # 10 + 20 + 5 + 31 + 30
    Case("U060", 22 / 3),  # 10 + 10 + 2
    Case("U061", 23 / 3),  # 11 + 10 + 2
    Case("U062", 57 / 3),  # 20 + 30 + 7
    Case("U063", 1 / 3),
    Case("U064", 1 / 3),
    # Prices 8, 9, 10, 11, 12: mean 10, squares 4 + 1 + 0 + 1 + 4, variance 2.
    Case("U065", 2**0.5 / 10, tables=_priced(8, 9, 10, 11, 12)),
    Case("U066", 1 / 2),  # 1100 > 800; 400 < 500
    Case("U067", 300 / 800),
    Case("U068", -200 / 1300),  # (800 - 1100) + (500 - 400)
    Case("U069", 100 / 1600),  # (1000 - 1100) + (600 - 400)
    Case("U070", 1 / 2),
    Case("U071", 1 / 2),
    Case("R026", 0, category="UNSPSC:43"),
    Case("T001", 1 / 2),
    Case("T002", 900 / 1300),
    Case("T003", 1 / 2),
    Case("T004", 900 / 1300),
    Case("T007", 2 / 3),  # P2, P3 of P1, P2, P3
    Case("T008", 400 / 1500),
    Case("T009", (900**2 + 200**2) / 1100**2, category="UNSPSC:43"),
    Case("T010", 200 / 1700, tables=_with("P3", "contracts", status="active")),
    Case("T011", 400 / 1300),
    Case("T012", 20),  # 7, 20, 30
]  # fmt: skip

FLAGGED = [
    _flags("R001", "process", "P2 P3 P5"),
    _flags("R002", "process", "P2", limit="620"),  # 558 <= 600 < 620; P3 is far below, P1 open
    _flags("R003", "process", "P1 P3"),
    _flags("R005", "process", "P3 P5"),
    _flags("R010", "process", "P5", _with("P5", procurement_method="direct")),
    # 60 + 50 within 60 days reach 100; the third comes a year later.
    _flags("R011", "process", "P0", awards_of(("B", "S1", 60.0, "2023-01-01"), ("B", "S2", 50.0, "2023-02-01"), ("B", "S3", 60.0, "2024-02-01")), limit="100"),
    # Shares 0 0 0 1/4 1/4 1/4 1/4 1: Q1 0, Q3 1/4, fence 1/4 + 1.5 * 1/4 = 0.625.
    _flags("R013", "buyer", "B7", _rates("procurement_method", "direct", "open", [0, 0, 0, 1, 1, 1, 1, 4]), minimum="4"),
    # Values of 100 to 110 and one of 10,000,000.
    _flags("R016", "process", "P11", awards_of(*(("B", "S", 100.0 + place, "2024-01-01") for place in range(11)), ("B", "S", 1e7, "2024-01-01")), minimum="5"),
    _flags("R018", "process", "P1"),
    # Means 5, 5, 5, 6, 6, 6, 6 and 1: Q1 5, Q3 6, fence 3.5.
    _flags("R019", "buyer", "B7", {
        "processes": processes(buyer_id=[f"B{place}" for place in range(8)], procurement_method=["open"], number_of_tenderers=[5, 5, 5, 6, 6, 6, 6, 1]),
        "items": [{"ocid": f"P{place}", "stage": "tender", "item_id": "1", "classification_id": "43"} for place in range(8)]}, minimum="1"),
    # Shares 0 0 0 1/4 1/4 1/4 1/4 1: Q1 0, Q3 1/4, fence 0.625.
    _flags("R021", "buyer", "B7", _rates("award_criteria", "ratedCriteria", "priceOnly", [0, 0, 0, 1, 1, 1, 1, 4]), minimum="4"),
    # Spreads .1 .1 .1 .2 .2 .2 .2 and 9: fence .2 + 1.5 * .1.
    _flags("R022", "process", "P7", bids_of([(100, 110)] * 3 + [(100, 120)] * 4 + [(100, 1000)]), minimum="5"),
    _flags("R023", "tenderer", "T0 T1", bids_of([(100, 110)] * 3 + [(100, 125, 150)])),
    # Gaps 1 1 1 1 1.5 1.5 1.5 and 0.1: Q1 1, Q3 1.5, fence 0.25.
    Case("R024", flags=frozenset({("process", "P7"), ("tenderer", "T0"), ("tenderer", "T1")}), tables=bids_of([(100, 200)] * 4 + [(100, 250)] * 3 + [(100, 110)])),
    # T1 bids in all and never wins; ratios 1 and 0: the fixed threshold decides.
    _flags("R025", "tenderer", "T1", bids_of([(100, 200)] * 4), threshold="0"),
    Case("R028", flags=frozenset({("process", "P1"), ("tenderer", "T0"), ("tenderer", "T1")}), tables=bids_of([(100, 200), (100, 100)])),
    _flags("R029", "buyer", "B9", _benford(), minimum="9", threshold="0.1"),  # all nines: far; 3 2 1 1 1 0 1 0 0: within 0.06
    Case("R030", flags=frozenset({("process", "P0"), ("tenderer", "T0")}), tables=_late()),
    _flags("R031", "process", "P1", _with("P1", "awards", value_amount=990)),  # 990 >= 0.98 * 1000; P3 is equal
    Case("R035", flags=frozenset({("process", "P0"), ("tenderer", "T0")}), tables=bids_of([(100, 90)], ("valid", "disqualified"))),
    _flags("R036", "process", "P0", bids_of([(100, 90)], ("valid", "disqualified"))),
    _flags("R038", "tenderer", "T1", bids_of([(100, 90)] * 2, ("valid", "disqualified")), threshold="0.6"),  # buyer 2/4, T1 2/2
    _flags("R040", "supplier", "S1 S5", minimum="1"),  # 900 / 1300; 200 / 200
    _flags("R048", "tenderer", "S9", _classes(), minimum_contracting_processes="1"),  # 1 1 1 1 3: Q3 1.67, fence 2.67 -> 3
    _flags("R049", "supplier", "S1", awards_of(*[("B", "S1", 50.0, "2024-01-01")] * 3, ("B", "S2", 50.0, "2024-01-01"), method="direct"), limit="100"),
    _flags("R050", "supplier", "S1", awards_of(("B", "S1", 60.0, "2024-01-01"), ("B", "S2", 40.0, "2024-01-01")), minimum="2"),
    _flags("R051", "class", ITEM_43, awards_of(("B", "S1", 60.0, "2024-01-01"), ("B", "S2", 40.0, "2024-01-01")), minimum="2"),  # .36 + .16
    _flags("R052", "supplier", "S1", awards_of(("B", "S1", 10.0, "2024-01-01"), ("B", "S1", 101.0, "2024-02-01"), ("B", "S2", 10.0, "2024-01-01"), ("B", "S2", 100.0, "2024-02-01"))),
    _flags("R055", "supplier", "S1", awards_of(("B", "S1", 60.0, "2024-01-01"), ("B", "S1", 50.0, "2024-02-01"), ("B", "S2", 60.0, "2024-01-01"), method="direct"), limit="100"),
    # Gaps .1 .1 .1 .1 .2 .2 .2 and 5: fence .2 + 1.5 * .1.
    Case("R058", flags=frozenset({("process", "P7"), ("tenderer", "T0")}), tables=bids_of([(100, 110)] * 4 + [(100, 120)] * 3 + [(100, 600)])),
    _flags("R059", "award", "A1", _contracts(440)),  # 1100 / 900; 440 / 400 is 10 % and not more
    _flags("R060", "contract", "C", _waits("date_signed", [1, 1, 1, 2, 2, 2, 2, 90]), minimum="5"),  # fence 2 + 1.5 * 1
    _flags("R061", "process", "P0", _waits("date", [1, 2, 3])),
    _flags("R062", "process", "P7", _waits("date", [1, 1, 1, 2, 2, 2, 2, 90]), minimum="5"),
    _flags("R063", "contract", "C2"),  # C3 is cancelled
    _flags("R064", "contract", "C1"),
    _flags("R067", "contract", "C1"),
    _flags("R068", "contract", "C1"),  # 1200 > 1100
]  # fmt: skip

CASES = [*FIGURES, *FLAGGED]
