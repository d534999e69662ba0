"""A question and its answer told to people: words of one language, and addresses that last.

What `ask`, `charts` and `embeds` show is written here once; they find it as ``datasette.telling``.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel.numbers import format_compact_decimal, format_decimal
from datasette import hookimpl

from pipelines.serving.answers import NO_DATA, NOT_STATED, Answer, Coverage, Group, needed
from pipelines.serving.questions import (
    CODELISTS,
    GROUPS,
    MEASURES,
    Question,
    Subject,
    group_filters,
    page_filters,
    rows_sql,
)
from pipelines.serving.words import folded

NAMED_ABSENT = 4
"""Members without data that get lines of their own; more share one line."""


class Telling:
    """A question and its answer in the words of one language."""

    def __init__(self, datasette: Any, source: Any, question: Question, language: str) -> None:
        self.datasette, self.source, self.question = datasette, source, question
        self.site = source.published.in_language(language)
        self.subject: Subject = source.known[question.what]
        self._ = self.site._

    # Words

    @property
    def whats(self) -> dict[str, str]:
        _ = self._
        words = {
            "contracts": _("Contracts"),
            "awards": _("Awards"),
            "tenders": _("Tenders"),
            "payments": _("Payments"),
        }
        return {name: words[name] for name in self.source.known}

    @property
    def groups(self) -> dict[str, str]:
        _ = self._
        words = {
            "member": _("by member"), "year": _("by year"), "method": _("by method"), "category": _("by category"),
            "status": _("by status"), "buyer": _("by buyer"), "supplier": _("by supplier"),
        }  # fmt: skip
        return {name: words[name] for name in GROUPS if self.subject.has(name)} | {"none": _("in total")}

    @property
    def group_title(self) -> str:
        _ = self._
        words = {
            "member": _("Member"), "year": _("Year"), "method": _("Method"), "category": _("Category"),
            "status": _("Status"), "buyer": _("Buyer"), "supplier": _("Supplier"), "none": _("All"),
        }  # fmt: skip
        return words[self.question.by]

    @property
    def measures(self) -> dict[str, str]:
        _ = self._
        words = {
            "count": _("how many"),
            "sum": _("how much in all"),
            "median": _("the usual amount (median)"),
        }
        return {name: words[name] for name in MEASURES}

    @property
    def property_titles(self) -> dict[str, str]:
        _ = self._
        return {
            "method": _("Method"), "category": _("Category"), "status": _("Status"), "buyer": _("Buyer"),
            "supplier": _("Supplier"), "amount": _("Amount"), "currency": _("Currency"), "member": _("Member"),
            "since": _("From year"), "until": _("To year"), "over": _("Over"), "under": _("Under"), "by": _("Grouped"),
            "what": _("What"), "measure": _("Measured"),
        }  # fmt: skip

    def code(self, name: str, code: Any) -> str:
        """A code of a property in words."""
        if name == "member":
            return self.site.member(str(code))["name"]
        codelist = self.subject.status if name == "status" else CODELISTS.get(name, "")
        return self.site.code(str(code), codelist) or str(code)

    def label(self, key: Any) -> str:
        """Name of a group."""
        if self.question.by == "none":
            return self._("All")
        if key is None or key == "":
            return self._("(not stated)")
        return self.code(self.question.by, key) if self.question.by in ("member", "method", "category", "status") else str(key)  # fmt: skip

    def state(self, group: Group) -> str:
        words = {NO_DATA: self._("no data"), NOT_STATED: self._("not stated in its data")}
        return words.get(group.state, "")

    def number(self, value: Decimal | int | None) -> str:
        if value is None:
            return ""
        return format_decimal(value, format="#,##0.##", locale=self.site.language)

    def compact(self, value: Decimal | int) -> str:
        """A number for the end of a bar: short, with three digits at least."""
        if abs(value) < 100_000:
            return self.number(value)
        return format_compact_decimal(value, locale=self.site.language, fraction_digits=1)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """(argument, words) of each choice beyond what is counted."""
        _, own = self._, self.question
        currency = f" {own.currency}" if own.currency else ""
        chips = []
        if own.over is not None:
            chips.append(("over", _("over %(amount)s") % {"amount": self.number(own.over) + currency}))
        if own.under is not None:
            chips.append(("under", _("under %(amount)s") % {"amount": self.number(own.under) + currency}))
        if currency and own.over is None and own.under is None:
            chips.append(("currency", _("in %(currency)s") % {"currency": own.currency}))
        if own.since is not None and own.since == own.until:
            chips.append(("years", _("in %(year)s") % {"year": own.since}))
        elif own.since is not None and own.until is not None:
            chips.append(("years", _("from %(first)s to %(last)s") % {"first": own.since, "last": own.until}))
        elif own.since is not None:
            chips.append(("years", _("since %(year)s") % {"year": own.since}))
        elif own.until is not None:
            chips.append(("years", _("until %(year)s") % {"year": own.until}))
        for name in ("method", "category", "status", "member"):
            if chosen := getattr(own, name):
                chips.append((name, " / ".join(self.code(name, code) for code in chosen)))
        if own.buyer:
            chips.append(("buyer", _("bought by “%(text)s”") % {"text": own.buyer}))
        if own.supplier:
            chips.append(("supplier", _("supplied by “%(text)s”") % {"text": own.supplier}))
        return chips

    @property
    def title(self) -> str:
        words = [self.whats[self.question.what], *(words for _name, words in self.chips)]
        by = f" · {self.groups[self.question.by]}" if self.question.by != "none" else ""
        return ", ".join(words) + by

    @property
    def source_line(self) -> str:
        return self._("Source: %(site)s, release %(release)s") % {
            "site": self.site.title,
            "release": self.source.name,
        }

    # Addresses

    def address(self, question: Question | None = None, form: str = "", **more: str) -> str:
        """The lasting address of a question, in this release."""
        asked = urlencode([*(question or self.question).pairs(), *more.items()])
        return self.datasette.urls.path(f"/v/{self.source.name}/{form or 'ask'}") + (
            f"?{asked}" if asked else ""
        )

    def here(self, question: Question) -> str:
        """The address of another question from the page: in the newest release where the page is."""
        asked = urlencode(question.pairs())
        place = "/ask" if self.source.is_served else f"/v/{self.source.name}/ask"
        return self.datasette.urls.path(place) + f"?{asked}"

    def rows_address(self, group: Group, currency: str | None) -> str | None:
        """The rows behind a figure: the page of the table, or the SQL where a page cannot say it."""
        if not self.source.is_served:
            return None
        pairs = group_filters(self.question, self.subject, group.key, currency)
        if pairs is not None:
            return self._table(pairs)
        narrowed = self.question
        by = self.question.by
        if by == "year" and group.key is not None:
            narrowed = replace(narrowed, since=int(group.key), until=int(group.key))
        elif by in ("member", "method", "category", "status") and group.key is not None:
            narrowed = narrowed.narrowed(by, str(group.key))
        else:
            return None
        return self.sql_address(rows_sql(narrowed, self.subject))

    @property
    def all_rows_address(self) -> str | None:
        if not self.source.is_served:
            return None
        pairs = page_filters(self.question, self.subject)
        return (
            self._table(pairs)
            if pairs is not None
            else self.sql_address(rows_sql(self.question, self.subject))
        )

    def _table(self, pairs: Iterable[tuple[str, str]]) -> str:
        asked = urlencode(list(pairs))
        place = self.datasette.urls.path(f"/v/{self.source.name}/ingp/{self.subject.table}")
        return place + (f"?{asked}" if asked else "")

    def sql_address(self, sql: str, form: str = "") -> str:
        place = f"/v/{self.source.name}/ingp/-/analytics{form}"
        return self.datasette.urls.path(place) + f"?{urlencode({'sql': sql})}"

    # The answer

    def told_apart(self, answer: Answer) -> tuple[list[Group], list[str]]:
        """(groups that have a line of their own, names of members without data that share one)."""
        absent = [group for group in answer.groups if self.question.by == "member" and group.state == NO_DATA]
        if len(absent) <= NAMED_ABSENT:
            return list(answer.groups), []
        names = sorted((self.label(group.key) for group in absent), key=folded)
        return [group for group in answer.groups if group not in absent], names

    def lines(self, answer: Answer) -> list[dict[str, Any]]:
        """Lines of the table: one for each group and currency."""
        return [
            {
                "label": self.label(group.key), "state": self.state(group), "n": group.n, "size": max(1, len(group.figures)),
                "figures": [
                    {
                        "currency": figure.currency, "n": self.number(figure.n), "total": self.number(figure.total),
                        "median": self.number(figure.median), "without": figure.n - figure.n_with_amount,
                        "rows": self.rows_address(group, figure.currency),
                    }
                    for figure in group.figures
                ],
            }
            for group in self.told_apart(answer)[0]
        ]  # fmt: skip

    def coverage(self, coverage: Coverage) -> dict[str, Any]:
        """``n`` rows that the choice of members and years leaves; what share of them states what is asked."""
        own = self.question
        stated = coverage.stated(own.member, own.since, own.until)
        names = needed(own)
        shares = [
            {"title": self.property_titles[name], "share": self.share(stated[name], stated["n"])}
            for name in names
        ]
        return {"n": stated["n"], "shares": shares if stated["n"] else []}

    def share(self, part: int, whole: int) -> str:
        percent = 100 * part / whole if whole else 0
        # Nothing is called all, or none, that is not.
        percent = min(99.9, percent) if part < whole else percent
        percent = max(0.1, percent) if part else percent
        return format_decimal(round(percent, 1), format="#,##0.#", locale=self.site.language) + " %"

    @property
    def left_out(self) -> list[str]:
        titles = self.property_titles
        return [f"{titles.get(name, name)}: {value}" for name, value in self.question.left_out]


def answer_context(telling: Telling, answer: Answer, coverage: Coverage) -> dict[str, Any]:
    """What `_answer.html` shows: lines, totals, charts, how much of the data can answer at all."""
    return {
        "answer": answer,
        "lines": telling.lines(answer),
        "absent": telling.told_apart(answer)[1],
        "totals": [
            {"currency": each.currency, "n": telling.number(each.n), "total": telling.number(each.total)}
            for each in answer.totals
        ],
        "coverage": telling.coverage(coverage),
        "charts": telling.datasette.chart_addresses(telling, answer),
        "currencies_found": len(answer.currencies),
    }


@hookimpl
def startup(datasette: Any) -> None:
    datasette.telling = Telling
    datasette.answer_context = answer_context
