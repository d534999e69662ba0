"""The guided query: ``/ask``, a sentence of choices; its table, its figures as JSON and XLSX, its lasting address.

``/v/<release>/ask`` answers for ever from the DuckDB file of that release, also when a newer one is served. Every
answer is made by SQL that the page shows, in the processes of strangers' SQL, under their limits.
"""

import json
import re
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from datasette import NotFound, Request, Response, hookimpl

from pipelines.publication.formats.answer_book import write_answer
from pipelines.publication.withdrawn import Withdrawn
from pipelines.serving.addresses import with_language
from pipelines.serving.answers import (
    Answer,
    Coverage,
    Figure,
    read_answer,
)
from pipelines.serving.questions import (
    CODELISTS,
    Question,
    Subject,
    coverage_sql,
    figures_sql,
    read_question,
    subjects,
)
from pipelines.serving.words import Dictionary, codes_of
from pipelines.serving.workers import SqlLimits, SqlRefusedError, Workers
from pipelines.settings import Settings

SHOWN = 80
"""Groups that a page shows; the files have all of them."""

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
        self.withdrawals = withdrawals
        self.codes = codes_of(published.catalogue)
        self.members = {
            *published.catalogue.members,
            *(each["code"] for each in published.in_language("en").members),
        }
        self.providers = [
            code for code, member in published.catalogue.members.items() if member.kind == "member"
        ]

    @property
    def known(self) -> dict[str, Subject]:
        """What can be asked for. Looked up each time: a table may be withdrawn while the site runs."""
        return subjects(
            {
                table: own
                for table, own in self.published.release.columns.items()
                if not self.withdrawals.of_table(self.name, table)
            }
        )


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


def telling_of(datasette: Any, request: Request) -> tuple[Any, tuple[str, ...]]:
    source = datasette.asking.source(request.url_vars.get("release"))
    pairs, left = asked_pairs(datasette, request)
    question = read_question(pairs, source.known, source.codes, source.members)
    return datasette.telling(datasette, source, question, request.scope["language"]), left


def reader_of(request: Request) -> str:
    return str((request.scope.get("client") or ("",))[0])


async def ask(datasette: Any, request: Request) -> Response:
    telling, left = telling_of(datasette, request)
    source, question, form = telling.source, telling.question, request.url_vars.get("format") or "html"
    limits = source.workers.limits
    headers = OPEN | {
        "cache-control": FOREVER if request.url_vars.get("release") and form != "html" else FOR_NOW,
        "content-language": telling.site.language,
    }
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
    datasette: Any, request: Request, telling: Any, answer: Answer, sql: str, headers: Mapping[str, str]
) -> Response:
    _ = telling._
    heading = [
        telling.group_title, _("Code"), _("Currency"), _("Rows"), _("Rows with an amount"), _("Total"), _("Median"), _("Note"),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for group in answer.groups:
        label, key = telling.label(group.key), "" if group.key is None else str(group.key)
        for each in group.figures:
            rows.append(
                [label, key, each.currency or "", each.n, each.n_with_amount, each.total, each.median, ""]
            )
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
    datasette: Any, request: Request, telling: Any, left: tuple[str, ...], answer: Answer | None,
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
        "currencies": sorted({*(answer.currencies if answer else ()), "USD", *([question.currency] if question.currency else [])}),
        "lasting": datasette.absolute_url(request, telling.address()),
    }  # fmt: skip
    status = 200
    if problem:
        context["problem"] = datasette.problem_sentences(site, source.workers.limits)[problem]
        status = {"busy": 503, "your_turn": 429}.get(problem, 400)
    elif answer and coverage:
        context |= datasette.answer_context(telling, answer, coverage)
        frame = with_language(telling.address(form="embed/ask"), site.language, datasette.setting("base_url"))
        context["snippet"] = datasette.frame_snippet(request, frame, telling.title)
    html = await datasette.render_template("ask.html", context, request=request)
    return Response.html(html, status=status, headers={"cache-control": FOR_NOW})


@hookimpl
def startup(datasette: Any) -> None:
    datasette.asking = Asking(datasette)
    datasette.telling_of = telling_of
    datasette.reader_of = reader_of


@hookimpl
def shutdown(datasette: Any) -> None:
    datasette.asking.close()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^(?:/v/(?P<release>[^/]+))?/ask(?:\.(?P<format>json|xlsx))?$", ask)]
