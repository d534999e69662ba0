"""An invented market: institutions that buy, companies that offer, and what came of it, from one seed.

Every name is made of invented places. Sums follow a log-normal distribution, purchases the budget year, and
a few companies win most of their branch, so that concentration can be seen. No real country is described.
"""

import datetime as dt
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AS_OF = dt.date(2026, 1, 31)
"""The day on which the demo packages were "sent": nothing in them has happened later."""

SCALES = ("large", "medium", "small", "micro", "small")
STRENGTHS = (12, 4, 2, 1)
"""How often each of the four companies of a branch wins against the others; the first is far ahead."""

LETTERS = {"open": "LP", "selective": "CP", "limited": "CI", "direct": "CD"}
"""Method -> how the number of a process begins."""

USUAL_BUYERS = {
    "medicines": (1, 4),
    "food": (0, 1, 4),
    "furniture": (0, 8),
    "roads": (2, 5),
    "buildings": (0, 1, 2, 6, 7),
}
"""Branch -> which institutions buy from it, by their place in the list; all of them when it is not here."""

MONTHS = (3, 5, 7, 8, 7, 6, 5, 6, 9, 11, 7, 2)
"""Weight of each month of 2025: slow at the start, a rush before the budget year ends."""


@dataclass(frozen=True)
class Branch:
    """A branch of trade: its category, median value in dollars, share of purchases, product code and unit."""

    name: str
    category: str
    median: float
    share: int
    unspsc: str
    unit_id: str
    unit_price: float
    days: tuple[int, int]


BRANCHES = (
    Branch("medicines", "goods", 60_000, 16, "51100000", "BX", 12.5, (30, 150)),
    Branch("computers", "goods", 45_000, 11, "43211500", "H87", 820, (20, 60)),
    Branch("food", "goods", 30_000, 14, "50000000", "H87", 3.4, (60, 240)),
    Branch("furniture", "goods", 22_000, 9, "56121500", "SET", 75, (30, 90)),
    Branch("fuel", "goods", 35_000, 8, "15101500", "LTR", 1.1, (90, 330)),
    Branch("roads", "works", 650_000, 11, "72141100", "KMT", 310_000, (120, 420)),
    Branch("buildings", "works", 380_000, 8, "72121400", "MTK", 690, (120, 400)),
    Branch("cleaning", "services", 28_000, 10, "76111500", "MON", 4_200, (180, 365)),
    Branch("security", "services", 40_000, 7, "92121500", "MON", 6_100, (180, 365)),
    Branch("consulting", "services", 18_000, 6, "84111600", "C62", 15_000, (45, 180)),
)


@dataclass(frozen=True)
class Party:
    name: str
    scheme: str
    number: str
    region: str
    locality: str
    scale: str | None = None
    women_owned: bool | None = None

    @property
    def party_id(self) -> str:
        return f"{self.scheme}-{self.number}"


@dataclass
class Contract:
    """A contract with the award it comes from; not yet signed when `signed` is None."""

    number: int
    supplier: Party
    awarded: dt.date
    amount: float
    quantity: float
    signed: dt.date | None
    start: dt.date
    end: dt.date
    payments: list[tuple[dt.date, float]]

    @property
    def status(self) -> str:
        return "terminated" if self.end < AS_OF else "active"


@dataclass
class Process:
    """A contracting process. status: complete, cancelled, unsuccessful, active; contracts when complete."""

    serial: int
    local_id: str
    language: str
    branch: Branch
    buyer: Party
    title: str
    item: str
    unit: str
    method: str
    value: float
    planned: dt.date
    published: dt.date
    closes: dt.date
    decided: dt.date
    status: str
    tenderers: list[Party]
    contracts: list[Contract] = field(default_factory=list)


class Market:
    """Invents processes of one demo member.

    code: ``XAA``, ``XBB`` or ``XCC``. rate: units of its currency per US dollar.
    """

    def __init__(self, code: str, seed: int, rate: float) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.code = code
        vocabulary = json.loads(Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8"))
        self.words: dict[str, Any] = vocabulary[code]
        prefix = code[:2]
        self.buyers = [
            Party(name, f"{prefix}-GOV", f"0{101 + number}", self._pick("regions"), self._pick("localities"))
            for number, name in enumerate(self.words["buyers"])
        ]
        self.suppliers = {branch.name: self._companies(branch, prefix) for branch in BRANCHES}

    def _pick(self, key: str) -> str:
        return str(self.random.choice(self.words[key]))

    def _companies(self, branch: Branch, prefix: str) -> list[Party]:
        places = self.random.sample(self.words["places"], len(STRENGTHS))
        first = 1_000_000 + 10_000 * BRANCHES.index(branch)
        return [
            Party(
                self.words["company"].format(
                    trade=self.words["trades"][branch.name], place=place, form=self._pick("forms")
                ),
                f"{prefix}-TIN",
                f"30-{first + 137 * number}",
                self._pick("regions"),
                self._pick("localities"),
                SCALES[number],
                self.random.random() < 0.25,
            )
            for number, place in enumerate(places)
        ]

    def processes(self, count: int) -> list[Process]:
        """`count` processes, in the order of their publication."""
        days = sorted(self._day() for _ in range(count))
        return [self._process(serial, day) for serial, day in enumerate(days, 1)]

    def _day(self) -> dt.date:
        month = self.random.choices(range(1, 13), MONTHS)[0]
        day = dt.date(2025, month, self.random.randint(1, 28))
        # Notices appear on working days.
        return day - dt.timedelta(days=max(0, day.weekday() - 4)) if day.day > 2 else day

    def _process(self, serial: int, published: dt.date) -> Process:
        chance = self.random
        branch = chance.choices(BRANCHES, [each.share for each in BRANCHES])[0]
        usual = USUAL_BUYERS.get(branch.name, range(len(self.buyers)))
        buyer = self.buyers[chance.choices(usual, [12 / (3 + rank) for rank in usual])[0]]
        dollars = chance.lognormvariate(0, 0.8) * branch.median
        method = self._method(dollars)
        value = round(dollars * self.rate, -2)
        after = dt.timedelta
        closes = published + after(
            days=chance.randint(
                *{"open": (20, 45), "selective": (15, 30), "limited": (7, 15), "direct": (2, 5)}[method]
            )
        )
        decided = closes + after(days=chance.randint(3, 35))
        status = chance.choices(("complete", "cancelled", "unsuccessful"), (90, 6, 4))[0]
        if method == "direct":
            status = "complete"
        french = "titles_fr" in self.words and serial % 2 == 0
        suffix = "_fr" if french else ""
        item, unit = self.words[f"items{suffix}"][branch.name]
        title = self.words[f"titles{suffix}"][branch.name].format(
            buyer=buyer.name, place=self._pick("places")
        )
        process = Process(
            serial,
            f"{LETTERS[method]}-2025-{serial:04d}",
            "fr" if french else {"XAA": "es", "XBB": "en", "XCC": "pt"}[self.code],
            branch,
            buyer,
            title,
            item,
            unit,
            method,
            value,
            published - after(days=chance.randint(20, 60)),
            published,
            closes,
            decided,
            status,
            [] if status != "complete" else self._tenderers(branch, method),
        )
        if process.status == "complete":
            self._award(process)
        return process

    def _method(self, dollars: float) -> str:
        if dollars < 12_000:
            return self.random.choices(("direct", "limited"), (70, 30))[0]
        if dollars < 40_000:
            return self.random.choices(("direct", "limited", "open"), (8, 62, 30))[0]
        return self.random.choices(("limited", "selective", "open"), (5, 15, 80))[0]

    def _tenderers(self, branch: Branch, method: str) -> list[Party]:
        companies = self.suppliers[branch.name]
        most = 1 if method == "direct" else self.random.choices((1, 2, 3, 4), (20, 30, 30, 20))[0]
        offers: list[Party] = []
        while len(offers) < most:
            offer = self.random.choices(companies, STRENGTHS)[0]
            if offer not in offers:
                offers.append(offer)
        return offers

    def _award(self, process: Process) -> None:
        """One award, or two lots where there were offers enough. The first offers are those that win."""
        chance = self.random
        lots = 2 if len(process.tenderers) > 2 and chance.random() < 0.35 else 1
        discount = chance.uniform(0.93, 1.0) - 0.03 * (len(process.tenderers) - 1)
        total = process.value * discount
        share = chance.uniform(0.4, 0.7) if lots == 2 else 1.0
        for number, part in enumerate((share, 1 - share)[:lots], 1):
            signed = process.decided + dt.timedelta(days=chance.randint(4, 25))
            start = signed + dt.timedelta(days=chance.randint(1, 10))
            end = start + dt.timedelta(days=chance.randint(*process.branch.days))
            amount = round(total * part, 2)
            quantity = max(1.0, round(amount / (process.branch.unit_price * self.rate)))
            contract = Contract(
                number,
                process.tenderers[number - 1],
                process.decided,
                amount,
                quantity,
                signed if signed <= AS_OF else None,
                start,
                end,
                [],
            )
            if contract.signed:
                contract.payments = self._payments(contract)
            process.contracts.append(contract)
        if process.decided > AS_OF:
            process.contracts.clear()
            process.tenderers.clear()
            process.status = "active"

    def _payments(self, contract: Contract) -> list[tuple[dt.date, float]]:
        """Instalments of equal size that were due by the day of sending."""
        parts = self.random.randint(1, 3)
        span = (contract.end - contract.start).days
        dates = [
            contract.start + dt.timedelta(days=span * part // parts + 15) for part in range(1, parts + 1)
        ]
        part = round(contract.amount / parts, 2)
        sums = [part] * (parts - 1) + [round(contract.amount - part * (parts - 1), 2)]
        return [(date, amount) for date, amount in zip(dates, sums, strict=True) if date <= AS_OF]


def signed_contracts(processes: Iterable[Process]) -> Iterator[tuple[Process, Contract]]:
    for process in processes:
        for contract in process.contracts:
            if contract.signed:
                yield process, contract


def award_id(process: Process, contract: Contract) -> str:
    return f"A-{process.serial:04d}-{contract.number}"


def contract_id(process: Process, contract: Contract) -> str:
    return f"C-{process.serial:04d}-{contract.number}"


def lot_title(market: Market, process: Process, contract: Contract) -> str:
    if len(process.contracts) == 1:
        return process.title
    return f"{process.title}, {market.words['lot'].format(number=contract.number)}"
