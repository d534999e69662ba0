"""Atom feeds: of the releases, of a member, of a table, and of a question (a table with filters, or SQL).

A feed has the address of its page with ``.atom``, and one in each language. An entry is a release in which something
changed. Comparisons that are not worked out yet are begun by whoever asks first, and nobody waits for more than one.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from functools import lru_cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import pyarrow.parquet as pq
from datasette import NotFound, Request, Response, hookimpl
from datasette.utils import escape_fts, tilde_decode, tilde_encode
from markupsafe import escape

from pipelines.catalogue import LANGUAGES
from pipelines.engine import quote_name
from pipelines.publication.compare import PROVENANCE, SUMMARY
from pipelines.serving.atom import MEDIA_TYPE, Entry, Feed, write_feed
from pipelines.serving.differences import Answers, Question
from pipelines.serving.workers import SqlRefusedError

NEWEST = 20
"""Releases of which a feed tells."""

ANSWERED = 5
"""Releases in which a question is asked again."""

WAIT_SECONDS = 10.0
HEADERS = {"access-control-allow-origin": "*", "cache-control": "public, max-age=900"}
OF_THE_PAGE = {"_lang", "_next", "_size", "_facet", "_facet_size", "_nofacet", "_nocount", "_empty", "_sort", "_sort_desc"}  # fmt: skip
"""Arguments that change how rows are shown, not which rows: a feed without them says the same."""


class Pair(NamedTuple):
    """Two releases that follow each other, and the folder of their comparison (None: not worked out yet)."""

    older: Any
    newer: Any
    folder: Path | None

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / SUMMARY).read_text(encoding="utf-8")) if self.folder else {}


def _names(datasette: Any, most: int) -> list[str]:
    """Releases from the served one back, newest first."""
    names = datasette.releases.names()
    return names[names.index(datasette.releases.served) :][:most]


async def _pairs(datasette: Any) -> AsyncIterator[Pair]:
    for number, (newer, older) in enumerate(pairwise(_names(datasette, NEWEST))):
        folder = await datasette.changes.between(older, newer, WAIT_SECONDS if not number else 0)
        yield Pair(datasette.releases.get(older), datasette.releases.get(newer), folder)


@lru_cache(maxsize=2_000)
def _by_member(folder: Path, table: str) -> dict[str, Counter[str]]:
    """Member -> added, removed, changed: rows of a table in a comparison, which never changes."""
    file = pq.ParquetFile(folder / f"{table}.parquet")
    if "member_code" not in file.schema_arrow.names:
        return {}
    counted = (
        file.read(["member_code", "change"])
        .group_by(["member_code", "change"])
        .aggregate([([], "count_all")])
    )
    found: dict[str, Counter[str]] = {}
    for row in counted.to_pylist():
        found.setdefault(row["member_code"], Counter())[row["change"]] += row["count_all"]
    return found


class Writer:
    """Feeds in one language: addresses on the public site, and sentences."""

    def __init__(self, datasette: Any, request: Request) -> None:
        self.datasette, self.request = datasette, request
        self.language = request.scope["language"]
        self.site = datasette.published.in_language(self.language)
        self.public = datasette.published.release.descriptor["homepage"].rstrip("/")

    def address(self, path: str, language: str | None = None) -> str:
        return f"{self.public}/{language or self.language}{path}"

    def changes(self, pair: Pair, table: str = "") -> str:
        place = f"/v/{pair.newer.name}/changes/{pair.older.name}"
        return self.address(f"{place}/{table}" if table else place)

    def rows(self, counts: Any) -> str:
        return self.site._("Rows added: %(added)s; removed: %(removed)s; changed: %(changed)s.") % {
            name: self.site.number(counts[name] or 0) for name in ("added", "removed", "changed")
        }

    def title(self, release: Any) -> str:
        return self.site._("Release %(number)s of %(day)s") % {
            "number": release.name, "day": self.site.day(release.record["released_at"]),
        }  # fmt: skip

    def entry(
        self, address: str, release: Any, sentences: list[str], tables: dict[str, str] | None = None
    ) -> Entry:
        listed = "".join(
            f"<li>{escape(self.site.table(table)['title'])}: {escape(words)}</li>"
            for table, words in (tables or {}).items()
        )
        html = "".join(f"<p>{escape(each)}</p>" for each in sentences) + (
            f"<ul>{listed}</ul>" if listed else ""
        )
        return Entry(address, self.title(release), release.record["released_at"], html)

    def first(self, path: str, words: str) -> list[Entry]:
        """The entry of the oldest release that the feed knows of, if it is the first of all."""
        names = _names(self.datasette, NEWEST + 1)
        if len(names) > NEWEST:
            return []
        release = self.datasette.releases.get(names[-1])
        return [self.entry(self.address(f"/v/{release.name}/{path}"), release, [words])]

    def answer(self, path: str, page: str, title: str, subtitle: str, entries: list[Entry]) -> Response:
        others = {each: self.address(path, each) for each in LANGUAGES if each != self.language}
        site, served = self.site, self.datasette.releases.get(self.datasette.releases.served)
        feed = Feed(
            self.address(path), self.address(page), f"{title} · {site.title}", subtitle, self.language, site.network,
            f"{site.licence['title']} {site.licence['path']}", served.record["released_at"], others, entries,
        )  # fmt: skip
        body = write_feed(feed).decode()
        return Response(body, headers=HEADERS, content_type=f"{MEDIA_TYPE}; charset=utf-8")

    def shown(self, pair: Pair) -> list[dict[str, Any]]:
        """The compared tables without those that were withdrawn from either release."""
        hidden = self.datasette.withdrawals.of_table
        return [
            each for each in pair.summary.get("tables", [])
            if not any(hidden(release.name, each["table"]) for release in (pair.older, pair.newer))
        ]  # fmt: skip


async def site_feed(datasette: Any, request: Request) -> Response:
    """Every release, with the rows that changed in each table."""
    writer = Writer(datasette, request)
    _ = writer.site._
    entries = []
    async for pair in _pairs(datasette):
        tables = {
            each["table"]: writer.rows(each) for each in writer.shown(pair)
            if each["added"] or each["removed"] or each["changed"]
        }  # fmt: skip
        if pair.folder is None:
            sentence = _("What changed in it is being counted. The page of this entry will show it.")
        else:
            sentence = _("What changed since the release before:") if tables else _("No row changed.")
        entries.append(writer.entry(writer.changes(pair), pair.newer, [sentence], tables))
    entries += writer.first("", _("The first release."))
    return writer.answer(
        "/feed.atom", "/v/", _("New releases"), _("What is new in each release of the data"), entries
    )


async def member_feed(datasette: Any, request: Request) -> Response:
    """Releases in which the data of a member changed."""
    writer, code = Writer(datasette, request), request.url_vars["code"]
    _ = writer.site._
    member = next((each for each in writer.site.members if each["code"] == code), None)
    if member is None:
        raise NotFound(f"There is no member {code}")

    def versions(release: Any) -> dict[tuple[str, int], dict[str, Any]]:
        own = [each for each in release.descriptor["versions"] if each["member"] == code]
        return {(each["package_type"], each["number"]): each for each in own}

    entries = []
    async for pair in _pairs(datasette):
        tables = {}
        for each in writer.shown(pair) if pair.folder else []:
            counts = _by_member(pair.folder, each["table"]).get(code)
            if counts:
                tables[each["table"]] = writer.rows(counts)
        new = [each for key, each in versions(pair.newer).items() if key not in versions(pair.older)]
        sentences = [
            _("Version %(number)s, accepted on %(day)s.") % {"number": each["number"], "day": writer.site.day(each["accepted_at"])}
            for each in new
        ]  # fmt: skip
        if tables or new:
            entries.append(writer.entry(f"{writer.changes(pair)}#{code}", pair.newer, sentences, tables))
    entries += (
        writer.first(f"#{code}", _("The first release."))
        if versions(datasette.releases.get(_names(datasette, NEWEST)[-1]))
        else []
    )
    page = f"/members/{code}"
    subtitle = _("Releases in which the data of this member changed")
    return writer.answer(f"/members/{code}.atom", page, member["name"], subtitle, entries)


async def table_feed(datasette: Any, request: Request) -> Response:
    """Releases in which a table changed; with filters, those in which the rows changed that they leave."""
    table = tilde_decode(request.url_vars["table"])
    if table not in datasette.published.release.columns:
        raise NotFound(f"There is no table {table}")
    pairs = [(key, value) for key, value in parse_qsl(request.query_string, True) if key not in OF_THE_PAGE]
    writer = Writer(datasette, request)
    title = writer.site.table(table)["title"]
    if pairs:
        sql, params = await datasette.question_of_table(datasette, request, table)
        kept = [name for name in datasette.published.release.columns[table] if name not in PROVENANCE]
        columns = ", ".join(quote_name(name) for name in kept)
        bare = re.sub(r"( order by .*)? limit \d+$", "", sql, flags=re.DOTALL)
        # A function of Datasette's own; the words that it was given are made safe for the index here instead.
        searched = set(re.findall(r"escape_fts\(:(\w+)\)", bare))
        bare = re.sub(r"escape_fts\((:\w+)\)", r"\1", bare)
        params = {key: escape_fts(value) if key in searched else value for key, value in params.items()}
        question = Question(
            f"select {columns} from ({bare})",
            "sqlite",
            tuple((key, str(value)) for key, value in params.items()),
        )
        asks_another = any(key == "_where" for key, _value in pairs)
        place = f"/ingp/{tilde_encode(table)}"
        return await _answered(
            writer, question, place, urlencode(pairs), title, None if asks_another else table
        )
    _ = writer.site._
    entries = []
    async for pair in _pairs(datasette):
        counted = next((each for each in writer.shown(pair) if each["table"] == table), None)
        schema = [each for each in pair.summary.get("schema", []) if each["table"] == table]
        sentences = (
            [writer.rows(counted)]
            if counted and (counted["added"] or counted["removed"] or counted["changed"])
            else []
        )
        if schema:
            sentences.append(_("The table or its columns changed: see the page of this entry."))
        if sentences:
            page = writer.changes(pair, table) if counted else f"{writer.changes(pair)}#{table}"
            entries.append(writer.entry(page, pair.newer, sentences))
    if table in datasette.releases.get(_names(datasette, NEWEST)[-1]).tables:
        entries += writer.first(f"ingp/{tilde_encode(table)}", _("The first release."))
    subtitle = _("Releases in which this table changed")
    return writer.answer(
        f"/ingp/{tilde_encode(table)}.atom", f"/ingp/{tilde_encode(table)}", title, subtitle, entries
    )


async def sql_feed(datasette: Any, request: Request) -> Response:
    """Releases in which the answer to a question in SQL changed."""
    writer, name = Writer(datasette, request), request.url_vars["page"]
    sql = (request.args.get("sql") or "").strip()
    if not sql:
        raise NotFound("There is no question in this address")
    pairs = [(key, value) for key, value in parse_qsl(request.query_string, True) if key[:1] != "_"]
    engine = "duckdb" if name == "analytics" else "sqlite"
    question = Question(
        sql, engine, tuple(each for each in pairs if each[0] != "sql" and each[0].isidentifier())
    )
    title = writer.site._("Answers to a question in SQL")
    return await _answered(writer, question, f"/ingp/-/{name}", urlencode(pairs), title, None)


async def _answered(
    writer: Writer, question: Question, path: str, query: str, title: str, table: str | None
) -> Response:
    """table: the one that the question reads; None when it may read any. Where it is withdrawn, nothing is counted."""
    _, datasette, number = writer.site._, writer.datasette, writer.site.number
    entries: list[Entry] = []
    names = list(
        takewhile(lambda name: not datasette.withdrawals.of_file(name, table), _names(datasette, ANSWERED))
    )
    folders = [datasette.releases.get(name) for name in names]

    def address(release: Any) -> str:
        return writer.address(f"/v/{release.name}{path}?{query}")

    try:
        for newer, older in pairwise(folders):
            found = await datasette.answers.compare(older.folder, newer.folder, question)
            if found.added or found.removed:
                words = _("%(after)s rows, before %(before)s: %(added)s new, %(removed)s no longer there.") % {
                    "after": number(found.after), "before": number(found.before),
                    "added": number(found.added), "removed": number(found.removed),
                }  # fmt: skip
                entries.append(writer.entry(address(newer), newer, [words]))
        rows = len(await datasette.answers.rows(folders[-1].folder, question))
        words = _("The oldest release that this feed looks at. Rows of the answer: %(rows)s") % {
            "rows": number(rows)
        }
        entries.append(writer.entry(address(folders[-1]), folders[-1], [words]))
    except SqlRefusedError as error:
        limits = datasette.answers.limits
        if error.kind == "busy":
            return datasette.problem(datasette, writer.request, "busy", error.message, limits)
        why = datasette.problem_sentences(writer.site, limits)[error.kind]
        words = _(
            "From here on, the releases cannot be compared for this question. The feed of all releases tells what changed in each."
        )
        entries.append(
            writer.entry(
                f"{writer.address(f'{path}.atom')}?{query}#limit-{names[-1]}", folders[0], [words, why]
            )
        )
    subtitle = _("Releases in which the answer to this question changed")
    return writer.answer(f"{path}.atom?{query}", f"{path}?{query}", title, subtitle, entries)


async def feeds_page(datasette: Any, request: Request) -> Response:
    return Response.html(await datasette.render_template("feeds.html", {}, request=request))


@hookimpl
def extra_template_vars(
    datasette: Any, request: Request | None, view_name: str, table: str | None
) -> dict[str, Any]:
    """``feeds``: (title, address) of what a reader of the page can follow, the closest first."""
    if request is None:
        return {"feeds": []}
    site = datasette.published.in_language(request.scope["language"])
    path, feeds = request.path.rstrip("/"), []
    own = [(key, value) for key, value in parse_qsl(request.query_string, True) if key not in OF_THE_PAGE]
    query = f"?{urlencode(own)}" if own else ""
    member = re.fullmatch(r"/members/(\w+)", path)
    about = re.fullmatch(r"/tables/(\w+)", path)
    if view_name == "table" and table:
        title = site._("These rows") if own else site.table(table)["title"]
        feeds.append((title, datasette.urls.path(f"/ingp/{tilde_encode(table)}.atom{query}")))
    elif about and about[1] in datasette.published.release.columns:
        feeds.append((site.table(about[1])["title"], datasette.urls.path(f"/ingp/{about[1]}.atom")))
    elif path in ("/ingp/-/analytics", "/ingp/-/query") and request.args.get("sql"):
        feeds.append((site._("This question"), datasette.urls.path(f"{path}.atom{query}")))
    elif member and any(each["code"] == member[1] for each in site.members):
        feeds.append((site.member(member[1])["name"], datasette.urls.path(f"{path}.atom")))
    feeds.append((site._("New releases"), datasette.urls.path("/feed.atom")))
    return {"feeds": feeds}


@hookimpl
def startup(datasette: Any) -> None:
    datasette.answers = Answers()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/feeds$", feeds_page),
        (r"^/feed\.atom$", site_feed),
        (r"^/members/(?P<code>\w+)\.atom$", member_feed),
        (r"^/ingp/-/(?P<page>analytics|query)\.atom$", sql_feed),
        (r"^/ingp/(?P<table>[^/]+?)\.atom$", table_feed),
    ]
