"""The guided query: ``/ask``, a sentence of choices; its table, its figures as JSON and XLSX, its lasting address.

``/v/<release>/ask`` answers for ever from the DuckDB file of that release, also when a newer one is served. Every
answer is made by SQL that the page shows, in the processes of strangers' SQL, under their limits.
"""

import json
import re
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from babel.numbers import format_compact_decimal, format_decimal
from datasette import NotFound, Request, Response, hookimpl

from pipelines.publication.formats.answer_book import write_answer
from pipelines.publication.withdrawn import Withdrawn
from pipelines.serving.answers import NO_DATA, NOT_STATED, Answer, Coverage, Figure, Group, needed, read_answer
from pipelines.serving.questions import (
    CODELISTS,
    GROUPS,
    MEASURES,
    Question,
    Subject,
    coverage_sql,
    figures_sql,
    group_filters,
    page_filters,
    read_question,
    rows_sql,
    subjects,
)
from pipelines.serving.words import Dictionary, codes_of, folded
from pipelines.serving.workers import SqlLimits, SqlRefusedError, Workers
from pipelines.settings import Settings

SHOWN = 80
"""Groups that a page shows; the files have all of them."""

NAMED_ABSENT = 4
"""Members without data that get lines of their own; more share one line."""

IN_A_BOOK = 100_000
KEPT_ANSWERS = 500
OLD_RELEASES = 2
"""Older releases that questions are answered from at the same time."""

FOREVER, FOR_NOW = "public, max-age=31536000, immutable", "public, max-age=60"
OPEN = {"access-control-allow-origin": "*"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOT_CHOICES = {"_lang", "q", "axis", "size", "part"}


class Source:
    """One release that questions are asked of."""

    def __init__(
        self, name: str, published: Any, workers: Workers, withdrawals: Withdrawn, is_served: bool
    ) -> None:
        self.name, self.published, self.workers, self.is_served = name, published, workers, is_served
        columns = {
            table: own
            for table, own in published.release.columns.items()
            if not withdrawals.of_file(name, table)
        }
        self.known = subjects(columns)
        self.codes = codes_of(published.catalogue)
        self.members = {*published.catalogue.members, *(each["code"] for each in published.in_language("en").members)}
        self.providers = [code for code, member in published.catalogue.members.items() if member.kind == "member"]


class Asking:
    """Questions and their answers, kept: a release never changes, so that an answer is right for ever."""

    def __init__(self, datasette: Any) -> None:
        settings = Settings()
        self.datasette = datasette
        self.dictionary = Dictionary(settings.schemas_dir, datasette.published.catalogue)
        self._answers: OrderedDict[tuple[Any, ...], tuple[list[dict[str, Any]], bool]] = OrderedDict()
        self._sources: OrderedDict[str, Source] = OrderedDict()

    def source(self, name: str | None) -> Source:
        """A release to ask. Raises NotFound for a release that is not there, or has nothing to ask for."""
        served = self.datasette.releases.served
        name = name or served
        if name not in self._sources:
            folder = self.datasette.releases.get(name)
            if folder is None:
                raise NotFound("There is no such release")
            published, workers = self.datasette.published, self.datasette.analysts
            if name != served:
                place = self.datasette.releases.folder / name
                release = type(published.release).read(place)
                published = type(published)(release, published.catalogue, published.title)
                workers = Workers(place / "ingp.duckdb", None, SqlLimits(workers=1, of_one_reader=2))
            self._sources[name] = Source(name, published, workers, self.datasette.withdrawals, name == served)
            old = [each for each in self._sources if each not in (served, name)]
            for each in old[: max(0, len(old) + (name != served) - OLD_RELEASES)]:
                self._sources.pop(each).workers.close()
        self._sources.move_to_end(name)
        found = self._sources[name]
        if not found.known:
            raise NotFound("This release has nothing to ask for yet")
        return found

    async def rows(
        self, source: Source, sql: str, reader: str, limit: int
    ) -> tuple[list[dict[str, Any]], bool]:
        """(rows, whether there are more). Raises SqlRefusedError."""
        kept = (source.name, sql, limit)
        if kept not in self._answers:
            answer = await source.workers.ask(sql, "json", reader, limit=limit)
            with answer.file as file:
                rows = json.load(file, parse_float=Decimal)
            self._answers[kept] = rows[:limit], answer.rows > limit
            if len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        self._answers.move_to_end(kept)
        return self._answers[kept]

    async def answer(
        self, source: Source, question: Question, reader: str, limit: int
    ) -> tuple[Answer, Coverage]:
        """The answer, at most `limit` groups and currencies of it. Raises SqlRefusedError."""
        subject = source.known[question.what]
        covered, _more = await self.rows(source, coverage_sql(subject), reader, 10_000)
        coverage = Coverage(covered)
        rows, more = await self.rows(source, figures_sql(question, subject), reader, limit)
        return read_answer(question, rows, more, coverage, source.providers), coverage

    def close(self) -> None:
        for source in self._sources.values():
            if not source.is_served:
                source.workers.close()


class Telling:
    """A question and its answer in the words of one language."""

    def __init__(self, datasette: Any, source: Source, question: Question, language: str) -> None:
        self.datasette, self.source, self.question = datasette, source, question
        self.site = source.published.in_language(language)
        self.subject: Subject = source.known[question.what]
        self._ = self.site._

    # Words

    @property
    def whats(self) -> dict[str, str]:
        _ = self._
        words = {"contracts": _("Contracts"), "awards": _("Awards"), "tenders": _("Tenders"), "payments": _("Payments")}
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
        words = {"count": _("how many"), "sum": _("how much in all"), "median": _("the usual amount (median)")}
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
        return self.datasette.urls.path(f"/v/{self.source.name}/{form or 'ask'}") + (f"?{asked}" if asked else "")

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
            narrowed = replace(narrowed, **{by: (str(group.key),)})
        else:
            return None
        return self.sql_address(rows_sql(narrowed, self.subject))

    @property
    def all_rows_address(self) -> str | None:
        if not self.source.is_served:
            return None
        pairs = page_filters(self.question, self.subject)
        return self._table(pairs) if pairs is not None else self.sql_address(rows_sql(self.question, self.subject))

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
            {"title": self.property_titles[name], "share": self.share(stated[name], stated["n"])} for name in names
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


def figures_json(figure: Figure) -> dict[str, Any]:
    def plain(value: Decimal | None) -> int | float | None:
        if value is None:
            return None
        return int(value) if value == value.to_integral_value() else float(value)

    return {
        "currency": figure.currency, "n": figure.n, "n_with_amount": figure.n_with_amount,
        "total": plain(figure.total), "median": plain(figure.median),
    }  # fmt: skip


def asked_pairs(datasette: Any, request: Request) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """(arguments of the question, words of a written one that nobody understood)."""
    pairs = [(key, value) for key, value in parse_qsl(request.query_string, True) if key not in NOT_CHOICES]
    sentence = (request.args.get("q") or "").strip()
    if not sentence:
        return pairs, ()
    understood = datasette.asking.dictionary.understand(sentence, request.scope["language"])
    return [*pairs, *understood.pairs], understood.left


def telling_of(datasette: Any, request: Request) -> tuple["Telling", tuple[str, ...]]:
    source = datasette.asking.source(request.url_vars.get("release"))
    pairs, left = asked_pairs(datasette, request)
    question = read_question(pairs, source.known, source.codes, source.members)
    return Telling(datasette, source, question, request.scope["language"]), left


def reader_of(request: Request) -> str:
    return str((request.scope.get("client") or ("",))[0])


async def ask(datasette: Any, request: Request) -> Response:
    telling, left = telling_of(datasette, request)
    source, question, form = telling.source, telling.question, request.url_vars.get("format") or "html"
    limits = source.workers.limits
    headers = OPEN | {"cache-control": FOREVER if request.url_vars.get("release") and form != "html" else FOR_NOW}
    try:
        most = IN_A_BOOK if form == "xlsx" else limits.rows if form == "json" else SHOWN
        answer, coverage = await datasette.asking.answer(source, question, reader_of(request), most)
    except SqlRefusedError as error:
        if form != "html":
            return datasette.problem(datasette, request, error.kind, error.message, limits)
        return await _page(datasette, request, telling, left, None, None, error.kind)
    if form == "html":
        return await _page(datasette, request, telling, left, answer, coverage)
    if answer.more:
        return datasette.problem(datasette, request, "too_many_rows", "", limits)
    sql = figures_sql(question, telling.subject)
    if form == "json":
        return Response.json(
            {
                "ok": True, "release": source.name, "title": telling.title, "question": dict_of(question.pairs()),
                "left_out": dict_of(question.left_out), "table": telling.subject.table, "n": answer.n,
                "groups": [
                    {
                        "group": group.key, "label": telling.label(group.key), "state": group.state or None, "n": group.n,
                        "figures": [figures_json(each) for each in group.figures],
                    }
                    for group in answer.groups
                ],
                "stated": coverage.stated(question.member, question.since, question.until),
                "url": datasette.absolute_url(request, telling.address()), "sql": sql,
            },
            headers=headers,
        )  # fmt: skip
    return _book(datasette, request, telling, answer, sql, headers)


def dict_of(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _book(
    datasette: Any, request: Request, telling: Telling, answer: Answer, sql: str, headers: Mapping[str, str]
) -> Response:
    _ = telling._
    heading = [
        telling.group_title, _("Code"), _("Currency"), _("Rows"), _("Rows with an amount"), _("Total"), _("Median"), _("Note"),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for group in answer.groups:
        label, key = telling.label(group.key), "" if group.key is None else str(group.key)
        for each in group.figures:
            rows.append([label, key, each.currency or "", each.n, each.n_with_amount, each.total, each.median, ""])
        if not group.figures:
            number = None if telling.state(group) else 0
            rows.append([label, key, "", number, number, None, None, telling.state(group)])
    about = [
        (_("Question"), telling.title), (_("Release"), telling.source.name),
        (_("Address"), datasette.absolute_url(request, telling.address())), (_("Licence"), telling.site.licence["title"]),
        (_("Source"), telling.source_line), (_("Amounts"), _("Amounts are as published, each in its own currency, and are never converted or added across currencies.")),
        ("SQL", sql),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="ingp-ask-") as folder:
        path = Path(folder) / "answer.xlsx"
        write_answer(path, (_("Answer"), _("About")), heading, rows, about)
        content = path.read_bytes()
    name = re.sub("[^a-z0-9]+", "-", "-".join(value.lower() for _key, value in telling.question.pairs()))[:60]
    answered = Response(content, headers=dict(headers), content_type=XLSX)
    answered.headers["content-disposition"] = f'attachment; filename="{name}-{telling.source.name}.xlsx"'
    answered.headers["x-row-count"] = str(len(rows))
    return answered


async def _page(
    datasette: Any, request: Request, telling: Telling, left: tuple[str, ...], answer: Answer | None,
    coverage: Coverage | None, problem: str = "",
) -> Response:  # fmt: skip
    question, source, site = telling.question, telling.source, telling.site
    sql = figures_sql(question, telling.subject)
    context: dict[str, Any] = {
        "telling": telling, "asked": question, "subject": telling.subject, "left": left, "sql": sql, "source": source,
        "sentence": (request.args.get("q") or "")[:300],
        "chips": [(words, telling.here(question.without(name))) for name, words in telling.chips],
        "codes": {
            name: [(code, telling.code(name, code)) for code in source.codes.get(codelist, ())]
            for name, codelist in (*CODELISTS.items(), ("status", telling.subject.status))
            if name != "currency" and telling.subject.has(name)
        },
        "members": [(code, site.member(code)["name"]) for code in sorted({*(each["code"] for each in site.members if each["kind"] != "network"), *question.member})],
        "currencies": sorted({*({code for code in (answer.currencies if answer else ())}), "USD", *([question.currency] if question.currency else [])}),
        "lasting": datasette.absolute_url(request, telling.address()),
    }  # fmt: skip
    status = 200
    if problem:
        context["problem"] = datasette.problem_sentences(site, source.workers.limits)[problem]
        status = {"busy": 503, "your_turn": 429}.get(problem, 400)
    elif answer and coverage:
        context |= datasette.answer_context(telling, answer, coverage)
        context["snippet"] = datasette.frame_snippet(
            request, telling.address(form="embed/ask", _lang=site.language), telling.title
        )
    html = await datasette.render_template("ask.html", context, request=request)
    return Response.html(html, status=status, headers={"cache-control": FOR_NOW})


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
    }


@hookimpl
def startup(datasette: Any) -> None:
    datasette.asking = Asking(datasette)
    datasette.answer_context = answer_context
    datasette.telling_of = telling_of
    datasette.reader_of = reader_of
    datasette.telling = Telling


@hookimpl
def shutdown(datasette: Any) -> None:
    datasette.asking.close()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^(?:/v/(?P<release>[^/]+))?/ask(?:\.(?P<format>json|xlsx))?$", ask)]
