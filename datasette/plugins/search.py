"""``/search``: words in all tables at once, with facets; a sentence that means a guided query is offered as one.

Every text gives an answer. What is bounded says so: of each table the first 10,000 found rows are counted and sorted
into facets, and the page of the table, one link away, counts them all.
"""

import asyncio
import re
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pyarrow as pa
from babel.numbers import format_compact_decimal
from datasette import NotFound, Request, Response, hookimpl
from datasette.utils import tilde_encode
from markupsafe import Markup, escape

from pipelines.serving.columns import TooSlowError
from pipelines.serving.questions import read_question
from pipelines.serving.search import (
    CLOSED,
    FACETS,
    LOOKED_AT,
    MOST,
    OPENED,
    RANGES,
    RANKED,
    Found,
    Hit,
    Narrowing,
    Searched,
    Words,
    facets_sql,
    filter_sql,
    find,
    member_ranges_sql,
    read_hits,
    read_narrowing,
    read_words,
    searched_tables,
)

PAGE, OVERVIEW = 20, 3
"""Rows shown of one table, and of each table when all are shown."""

SECONDS = 0.15
"""Time for finding rows in one table; what is not found by then is told."""

PATIENCE = 1.5
"""Time of a second try when nothing at all was found in time: a file that was not in memory yet is slow only once."""

FACET_SECONDS = 2.0
FACET_VALUES = 10
KEPT = 400
NARROWING = ("member", "year", "method", "category", "status", "currency", "over", "below")
FOR_NOW = {"cache-control": "public, max-age=60"}


@dataclass
class Result:
    """What was found in one table: how many rows (at least, unless is_all), the facets, the hits of the page."""

    table: Searched
    n: int
    is_all: bool
    is_in_time: bool
    numbers: np.ndarray
    facets: list[tuple[Any, ...]]
    hits: list[Hit]


class Searching:
    """The tables of the served release that can be searched, and what was found in them lately."""

    def __init__(self, datasette: Any) -> None:
        self.datasette = datasette
        self.database = datasette.get_database("ingp")
        self._tables: list[Searched] | None = None
        self._ranges: dict[str, dict[str, tuple[int, int]]] = {}
        self._kept: OrderedDict[tuple[Any, ...], tuple[Found, list[tuple[Any, ...]]]] = OrderedDict()

    async def tables(self) -> list[Searched]:
        """Raises NotFound for a release without columns, which no release of today is."""
        if self.database.columns is None:
            raise NotFound("This release cannot be searched as a whole")
        if self._tables is None:
            published, kinds = self.datasette.published, self.database.columns.kinds
            codelists = {
                (table, name): published.kind(table, name)[1] for table in kinds for name in kinds[table]
            }
            self._tables = await self.database.execute_fn(lambda con: searched_tables(con, kinds, codelists))
        served = self.datasette.releases.served
        return [each for each in self._tables if not self.datasette.withdrawals.of_table(served, each.table)]

    async def result(
        self, table: Searched, words: Words, narrowing: Narrowing, limit: int, page: int
    ) -> Result:
        found, facets = await self._found(table, words, narrowing)
        n = len(found.numbers)
        if found.is_all and n <= RANKED and not narrowing.pairs():
            wanted = None
        else:
            wanted = found.numbers[(page - 1) * limit : page * limit].tolist()
        hits: list[Hit] = []
        if n and (wanted is None or wanted):
            hits = await self.database.execute_fn(
                lambda con: read_hits(con, table, words.expression, wanted, limit, (page - 1) * limit)
            )
        return Result(table, n, found.is_all, found.is_in_time, found.numbers, facets, hits)

    async def _found(
        self, table: Searched, words: Words, narrowing: Narrowing
    ) -> tuple[Found, list[tuple[Any, ...]]]:
        """(rows found, facets of them); kept, since a release does not change."""
        key = (table.table, words.expression, narrowing)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        low, high = 0, 2**62
        if narrowing.member:
            low, high = (await self._member_ranges(table)).get(narrowing.member, (1, 0))
        conditions = narrowing.conditions(table)
        most = LOOKED_AT if conditions else MOST
        for seconds in (SECONDS, PATIENCE):
            found: Found = await self.database.execute_fn(
                partial(
                    find,
                    table=table,
                    expression=words.expression,
                    low=low,
                    high=high,
                    most=most,
                    seconds=seconds,
                )
            )
            if found.is_in_time or len(found.numbers):
                break
        facets: list[tuple[Any, ...]] = []
        try:
            if conditions and len(found.numbers):
                left = await self._columns(filter_sql(table, narrowing), found.numbers)
                is_all = found.is_all and len(left) <= MOST
                numbers = np.array([number for (number,) in left[:MOST]], dtype=np.int64)
                found = replace(found, numbers=numbers, is_all=is_all)
            if len(found.numbers):
                facets = await self._columns(facets_sql(table), found.numbers)
        except TooSlowError:
            found = replace(found, is_in_time=False, is_all=False)
        # Only what is complete is kept: an answer that ran out of time may be whole the next time.
        if found.is_in_time:
            self._kept[key] = found, facets
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found, facets

    async def _columns(self, sql: str, numbers: np.ndarray) -> list[tuple[Any, ...]]:
        return await self.database._fetch(sql, FACET_SECONDS, pa.table({"number": numbers}))

    async def _member_ranges(self, table: Searched) -> dict[str, tuple[int, int]]:
        if table.table not in self._ranges:
            rows = await self.database._fetch(member_ranges_sql(table), FACET_SECONDS)
            self._ranges[table.table] = {member: (low, high) for member, low, high in rows}
        return self._ranges[table.table]


def marked(text: str) -> Markup:
    """Escaped text with the found words in <mark>."""
    parts = re.split(f"({OPENED}|{CLOSED})", text)
    out, is_open = Markup(""), False
    for part in parts:
        if part == OPENED and not is_open:
            out, is_open = out + Markup("<mark>"), True
        elif part == CLOSED and is_open:
            out, is_open = out + Markup("</mark>"), False
        elif part not in (OPENED, CLOSED):
            out += escape(part)
    return out + Markup("</mark>") if is_open else out


def plain(text: str) -> str:
    return text.replace(OPENED, "").replace(CLOSED, "")


class Page:
    """Words and addresses of a search page in one language."""

    def __init__(
        self, datasette: Any, request: Request, words: Words, narrowing: Narrowing, table: str, page: int
    ) -> None:
        self.datasette, self.words, self.narrowing, self.table, self.page = (
            datasette,
            words,
            narrowing,
            table,
            page,
        )
        self.q = (request.args.get("q") or "").replace("\0", "")
        self.site = datasette.published.in_language(request.scope["language"])

    def address(self, narrowing: Narrowing | None = None, table: str | None = None, page: int = 1, q: str | None = None) -> str:  # fmt: skip
        pairs = [("q", (self.words.plain if self.words.plain else self.q[:300]) if q is None else q)]
        pairs += (self.narrowing if narrowing is None else narrowing).pairs()
        pairs += [("table", own)] if (own := self.table if table is None else table) else []
        pairs += [("page", str(page))] if page > 1 else []
        return self.datasette.urls.path("/search") + f"?{urlencode(pairs)}"

    def exact(self, table: Searched) -> str:
        """The page of a table with the same search: it counts every row."""
        pairs = [("_search", self.words.plain), *self.narrowing.page_filters(table)]
        return self.datasette.urls.table("ingp", table.table) + f"?{urlencode(pairs)}"

    def row(self, hit: Hit) -> str:
        key = ",".join(tilde_encode("" if value is None else str(value)) for value in hit.key)
        return f"{self.datasette.urls.table('ingp', hit.table)}/{key}"

    def hit(self, table: Searched, hit: Hit) -> dict[str, Any]:
        facts, columns = hit.facts, table.columns
        told = [self.site.member(hit.member)["name"]]
        for name in ("year", "method", "category", "status"):
            if (column := columns.get(name)) and facts.get(column) not in (None, ""):
                told.append(self._label(table, name, str(facts[column])))
        amount = facts.get(columns.get("amount", ""))
        if amount is not None:
            told.append(f"{self.site.number(amount)} {facts.get(columns.get('currency', '')) or ''}".strip())
        titles = [(self.site.column(hit.table, name).title, marked(text)) for name, text in hit.texts]
        return {
            "address": self.row(hit) if hit.key else self.exact(table),
            "title": titles[0][1] if titles else escape(" · ".join(map(str, hit.key[1:]))),
            "others": titles[1:],
            "key": " · ".join(str(value) for value in hit.key[1:]),
            "facts": told,
        }

    def facets(self, results: list[Result]) -> list[dict[str, Any]]:
        """The facets of all tables together: name, title, and (words, count, address, whether chosen) of each value."""
        counts: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in FACETS}
        labels: dict[tuple[str, str], list[str]] = {}
        for result in results:
            for facet, value, currency, n in result.facets:
                if value is None or value == "" or (facet == "amount" and not currency):
                    continue
                counts[facet][value, currency if facet == "amount" else ""] += n
                words = self._label(result.table, facet, value)
                if words not in labels.setdefault((facet, value), []):
                    labels[facet, value].append(words)
        _ = self.site._
        titles = {
            "member": _("Member"), "year": _("Year"), "method": _("Method"), "category": _("Category"),
            "status": _("Status"), "amount": _("Amount"),
        }  # fmt: skip
        shown = []
        for name in FACETS:
            values = []
            for (value, currency), n in self._order(name, counts[name]):
                if name == "amount":
                    chosen, other = self._range(int(value), currency)
                    words = self._range_words(int(value), currency)
                else:
                    stored: Any = int(value) if name == "year" else value
                    chosen = getattr(self.narrowing, name) == stored
                    other = replace(
                        self.narrowing, **{name: (None if name == "year" else "") if chosen else stored}
                    )
                    words = " / ".join(labels[name, value])
                values.append({"words": words, "value": value, "currency": currency, "n": n, "chosen": chosen, "address": self.address(other)})  # fmt: skip
            if values:
                shown.append({"name": name, "title": titles[name], "choices": values})
        return shown

    def _label(self, table: Searched, facet: str, value: str) -> str:
        if facet in ("amount", "year"):
            return value
        if facet == "member":
            return self.site.member(value)["name"]
        codelist = {"method": "method", "category": "procurementCategory", "status": table.status}[facet]
        return self.site.code(value, codelist) or value

    @staticmethod
    def _order(name: str, counts: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
        if name == "year":
            return sorted(counts.items(), key=lambda item: -int(item[0][0]))[: 3 * FACET_VALUES]
        if name == "amount":
            currencies: Counter[str] = Counter()
            for (_value, currency), n in counts.items():
                currencies[currency] += n
            kept = [currency for currency, _n in currencies.most_common(4)]
            own = [item for item in counts.items() if item[0][1] in kept]
            return sorted(own, key=lambda item: (kept.index(item[0][1]), int(item[0][0])))
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: 3 * FACET_VALUES]

    def _range(self, low: int, currency: str) -> tuple[bool, Narrowing]:
        """(whether a range is chosen, what its link leads to)."""
        higher = [each for each in RANGES if each > low]
        wanted = replace(self.narrowing, currency=currency, over=low, below=higher[0] if higher else None)
        if wanted == self.narrowing:
            return True, replace(self.narrowing, currency="", over=None, below=None)
        return False, wanted

    def _range_words(self, low: int, currency: str) -> str:
        higher = [each for each in RANGES if each > low]
        if not higher:
            return self.site._("%(amount)s and more") % {"amount": f"{currency} {self._short(low)}"}
        return f"{currency} {self._short(low)} – {self._short(higher[0])}"

    def _short(self, amount: int) -> str:
        return format_compact_decimal(amount, locale=self.site.language)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """(words, address without it) of each facet that was chosen."""
        own, chips = self.narrowing, []
        codelists = {"method": "method", "category": "procurementCategory"}
        for name in ("member", "year", "method", "category", "status"):
            if (value := getattr(own, name)) not in ("", None):
                words = self.site.member(value)["name"] if name == "member" else str(value)
                if name in codelists:
                    words = self.site.code(value, codelists[name]) or value
                if name == "status":
                    found = (
                        self.site.code(value, codelist)
                        for codelist in ("contractStatus", "tenderStatus", "awardStatus")
                    )
                    words = next((each for each in found if each), value)
                chips.append((words, self.address(replace(own, **{name: None if name == "year" else ""}))))
        if own.over is not None or own.below is not None or own.currency:
            low, high = (
                self.site.number(own.over or 0),
                "" if own.below is None else f" – {self.site.number(own.below)}",
            )
            words = f"{own.currency} {low}{high}".strip() if own.over is not None or high else own.currency
            if own.over is not None and not high:
                words = self.site._("%(amount)s and more") % {"amount": words}
            chips.append((words, self.address(replace(own, currency="", over=None, below=None))))
        return chips


def proposal(page: Page) -> dict[str, Any] | None:
    """The guided query that the words may mean; None when too few of them mean one."""
    datasette, language = page.datasette, page.site.language
    understood = datasette.asking.dictionary.understand(page.q, language)
    if understood.meant < 2:
        return None
    try:
        source = datasette.asking.source(None)
    except NotFound:
        return None
    question = read_question(understood.pairs, source.known, source.codes, source.members)
    telling = datasette.telling(datasette, source, question, language)
    narrowing = Narrowing(
        member=question.member[0] if len(question.member) == 1 else "",
        year=question.since if question.since == question.until else None,
        method=question.method[0] if len(question.method) == 1 else "",
        category=question.category[0] if len(question.category) == 1 else "",
        currency=question.currency,
        over=int(question.over) if question.over is not None else None,
    )
    left = " ".join(understood.left)
    return {
        "what": telling.whats[question.what], "chips": [words for _name, words in telling.chips],
        "by": telling.groups[question.by], "address": telling.here(question), "title": telling.title,
        "left": left, "search": page.address(narrowing, "", q=left) if left else "",
    }  # fmt: skip


async def search(datasette: Any, request: Request) -> Response:
    release = request.url_vars.get("release")
    if release and release != datasette.releases.served:
        raise NotFound("Only the newest release can be searched; of older ones the files are kept")
    words = read_words(request.args.get("q") or "")
    pairs = [(key, value.strip()) for key, value in parse_qsl(request.query_string, True) if key in NARROWING]
    narrowing = read_narrowing(pairs)
    searching: Searching = datasette.searching
    tables = await searching.tables()
    wanted = request.args.get("table") or ""
    chosen = [each for each in tables if each.table == wanted]
    asked = request.args.get("page") or "1"
    number = min(int(asked), MOST // PAGE) if re.fullmatch(r"\d{1,4}", asked, re.ASCII) and int(asked) else 1
    page = Page(datasette, request, words, narrowing, wanted if chosen else "", number if chosen else 1)
    able = [each for each in chosen or tables if narrowing.asked <= each.columns.keys()]
    results: list[Result] = []
    if words.expression:
        limit = PAGE if chosen else OVERVIEW
        found = await asyncio.gather(
            *(searching.result(each, words, narrowing, limit, page.page) for each in able)
        )
        results = [each for each in found if each.n or not each.is_in_time]
    order = [table["name"] for group in page.site.groups for table in group["tables"]]
    results.sort(key=lambda each: order.index(each.table.table) if each.table.table in order else len(order))
    if request.url_vars.get("format"):
        return _json(datasette, request, page, results)
    context = {
        "page": page, "q": page.q[:300], "words": words, "results": results,
        "left_out": [page.site.table(each.table)["title"] for each in tables if each not in able and not chosen],
        "facets": page.facets(results), "proposal": proposal(page) if page.q else None,
        "is_bounded": any(not each.is_all for each in results), "most": MOST, "size": PAGE,
        "total": sum(each.n for each in results), "facet_values": FACET_VALUES,
        "table_count": len(tables),
    }  # fmt: skip
    return Response.html(
        await datasette.render_template("search.html", context, request=request), headers=FOR_NOW
    )


def _json(datasette: Any, request: Request, page: Page, results: list[Result]) -> Response:
    meant = proposal(page) if page.q else None
    return Response.json(
        {
            "ok": True, "release": datasette.releases.served, "q": page.words.plain, "is_cut": page.words.is_cut,
            "narrowed": dict(page.narrowing.pairs()), "page": page.page,
            "question": {"title": meant["title"], "url": datasette.absolute_url(request, meant["address"])} if meant else None,
            "tables": [
                {
                    "table": each.table.table, "count": each.n, "count_is_exact": each.is_all, "in_time": each.is_in_time,
                    "exact": datasette.absolute_url(request, page.exact(each.table)),
                    "rows": [
                        {
                            "url": datasette.absolute_url(request, page.row(hit)), "key": list(hit.key),
                            "member_code": hit.member, "found_in": {name: plain(text) for name, text in hit.texts}, **hit.facts,
                        }
                        for hit in each.hits
                    ],
                }
                for each in results
            ],
            "facets": {
                facet["name"]: [
                    {"value": each["value"], "label": each["words"], "count": each["n"]}
                    | ({"currency": each["currency"]} if each["currency"] else {})
                    for each in facet["choices"]
                ]
                for facet in page.facets(results)
            },
        },
        headers={"access-control-allow-origin": "*", "content-language": page.site.language, **FOR_NOW},
    )  # fmt: skip


@hookimpl(trylast=True)
def startup(datasette: Any) -> None:
    if "ingp" in datasette.databases:
        datasette.searching = Searching(datasette)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^(?:/v/(?P<release>[^/]+))?/search(?:\.(?P<format>json))?$", search)]
