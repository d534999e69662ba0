"""What the lines of a guided query's SQL say: groups, figures by currency, and why a group has none.

A member that published nothing, one that never states what was asked, and one that has no such row are three
different things: only the last is a zero.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.serving.questions import COVERED, Question

NO_DATA, NOT_STATED, ZERO = "no_data", "not_stated", "zero"


@dataclass(frozen=True, slots=True)
class Figure:
    """Figures of one currency (None: rows without one). total, median: None when no row has an amount."""

    currency: str | None
    n: int
    n_with_amount: int
    total: Decimal | None
    median: Decimal | None

    def measured(self, measure: str) -> Decimal | int | None:
        if measure == "count":
            return self.n
        return self.total if measure == "sum" else self.median


@dataclass(frozen=True, slots=True)
class Group:
    """A line of the answer. state: "" for one with rows, else `NO_DATA`, `NOT_STATED` or `ZERO`."""

    key: Any
    n: int
    figures: tuple[Figure, ...]
    state: str = ""

    def figure(self, currency: str) -> Figure | None:
        return next((each for each in self.figures if each.currency == currency), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """groups in the order of the measure; more: the answer has further groups; n: rows of the groups shown."""

    groups: tuple[Group, ...]
    more: bool
    n: int

    @property
    def currencies(self) -> list[str]:
        """Currencies that have amounts, the one of most rows first."""
        rows: dict[str, int] = {}
        for group in self.groups:
            for figure in group.figures:
                if figure.currency and figure.n_with_amount:
                    rows[figure.currency] = rows.get(figure.currency, 0) + figure.n_with_amount
        return sorted(rows, key=lambda currency: (-rows[currency], currency))

    @property
    def totals(self) -> list[Figure]:
        """Rows and sums of all groups by currency; medians cannot be added up, and are None."""
        totals: dict[str | None, Figure] = {}
        for group in self.groups:
            for own in group.figures:
                so_far = totals.get(own.currency, Figure(own.currency, 0, 0, None, None))
                total = own.total if so_far.total is None else so_far.total + (own.total or 0)
                totals[own.currency] = Figure(
                    own.currency, so_far.n + own.n, so_far.n_with_amount + own.n_with_amount, total, None
                )
        return sorted(totals.values(), key=lambda figure: (-figure.n, figure.currency or ""))


class Coverage:
    """How much of every property each member states in each year. rows: of `coverage_sql`."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = [dict(row) for row in rows]

    def stated(
        self, members: Collection[str] = (), since: int | None = None, until: int | None = None
    ) -> dict[str, int]:
        """Rows (``n``) of members in years, and how many of them state each property."""
        counts = dict.fromkeys(("n", *COVERED), 0)
        for row in self._rows:
            if members and row["member"] not in members:
                continue
            if (since is not None or until is not None) and row["year"] is None:
                continue
            if (since is not None and row["year"] < since) or (until is not None and row["year"] > until):
                continue
            for name in counts:
                counts[name] += row.get(name, 0)
        return counts

    @property
    def years(self) -> list[int]:
        return sorted({row["year"] for row in self._rows if row["year"] is not None})

    @property
    def members(self) -> set[str]:
        return {row["member"] for row in self._rows}


def needed(question: Question) -> list[str]:
    """Properties without which a row cannot be part of the answer, or says nothing in it."""
    names = [
        name for name in ("method", "category", "status", "buyer", "supplier") if getattr(question, name)
    ]
    if question.by in COVERED and question.by not in names:
        names.append(question.by)
    if question.over is not None or question.under is not None or question.measure != "count":
        names.append("amount")
    if question.currency or question.measure != "count":
        names.append("currency")
    return names


def read_answer(
    question: Question,
    rows: Sequence[Mapping[str, Any]],
    more: bool,
    coverage: Coverage,
    members: Collection[str],
) -> Answer:
    """The answer of the lines of `figures_sql`. members: all that could have published."""
    figures: dict[Any, list[Figure]] = {}
    for row in rows:
        figure = Figure(
            row["currency"], row["n"], row["n_with_amount"], _exact(row["total"]), _exact(row["median"])
        )
        figures.setdefault(row["group"], []).append(figure)
    if question.by == "none" and not figures:
        figures[None] = []
    groups = [
        Group(key, sum(each.n for each in own), tuple(own), "" if own else _state(question, coverage))
        for key, own in figures.items()
    ]
    if not more:
        groups += _absent(question, coverage, members, set(figures))
    if question.by == "year":
        groups.sort(key=lambda group: (group.key is None, group.key or 0))
    return Answer(tuple(groups), more, sum(group.n for group in groups))


def _exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _absent(
    question: Question, coverage: Coverage, members: Collection[str], found: Collection[Any]
) -> list[Group]:
    """Members, or years, that the answer has no line for, with the reason."""
    if question.by == "member":
        asked = question.member or tuple(sorted({*members, *coverage.members}))
        states = {code: _state(question, coverage, (code,)) for code in asked if code not in found}
        order = (ZERO, NOT_STATED, NO_DATA)
        return [
            Group(code, 0, (), states[code]) for code in sorted(states, key=lambda each: (order.index(states[each]), each))
        ]  # fmt: skip
    if question.by == "year":
        there = [*coverage.years, *(year for year in found if year is not None)]
        first = question.since if question.since is not None else min(there, default=0)
        last = question.until if question.until is not None else max(there, default=-1)
        if last - first > 60:
            return []
        return [
            Group(year, 0, (), _state(question, coverage, question.member, year))
            for year in range(first, last + 1)
            if year not in found
        ]
    return []


def _state(
    question: Question, coverage: Coverage, members: Collection[str] = (), year: int | None = None
) -> str:
    since, until = (question.since, question.until) if year is None else (year, year)
    stated = coverage.stated(members or question.member, since, until)
    if not stated["n"]:
        return NO_DATA
    return ZERO if all(stated[name] for name in needed(question)) else NOT_STATED
