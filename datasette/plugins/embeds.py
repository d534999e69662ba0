"""``/embed/…``: a guided query, a table page or an SQL question as a small page for a frame on another site.

The address that is given to copy names the release and the language: what an article shows does not change under it.
Only these pages may be framed by others.
"""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from datasette import NotFound, Request, Response, hookimpl
from datasette.utils import tilde_encode
from markupsafe import Markup

from pipelines.serving.addresses import with_language
from pipelines.serving.workers import SqlRefusedError

ROWS = 20
COLUMNS = 8
ORIGIN = {"version_number", "source_file", "source_row_number"}
TOLD = (
    "member_code", "year", "contract_title", "tender_title", "title", "name", "description", "buyer_name", "supplier_name",
    "procurement_method", "contract_value_amount", "contract_value_currency", "tender_value_amount", "tender_value_currency",
    "value_amount", "value_currency",
)  # fmt: skip
"""Columns that say most to people, in the order in which a frame shows them when its address names none."""

GROUPS = 40
FRAMED = {"x-may-be-framed": "1", "cache-control": "public, max-age=3600"}
"""`visitors` reads the first header and lets every site frame the answer."""

PARTS = ("all", "chart", "table")


def frame_snippet(datasette: Any, request: Request, address: str, title: str) -> str:
    """HTML to copy into an article."""
    place = datasette.absolute_url(request, address)
    return str(
        Markup(
            '<iframe src="{}" title="{}" width="100%" height="560" loading="lazy" frameborder="0"></iframe>'
        ).format(place, title)
    )


async def _embedded(datasette: Any, request: Request, context: dict[str, Any], status: int = 200) -> Response:
    language = request.scope["language"]
    asked = [(key, value) for key, value in parse_qsl(request.query_string, True) if key != "_lang"]
    context |= {"opens": with_language(context["opens"], language, datasette.setting("base_url"))}
    html = await datasette.render_template("embed.html", context | {"arguments": asked}, request=request)
    headers = dict(FRAMED) if status == 200 else {"x-may-be-framed": "1", "cache-control": "no-store"}
    return Response.html(html, status=status, headers=headers)


async def embed_ask(datasette: Any, request: Request) -> Response:
    telling, _left = datasette.telling_of(datasette, request)
    part = request.args.get("part") or "all"
    context: dict[str, Any] = {
        "title": telling.title, "telling": telling, "opens": telling.address(), "release": telling.source.name,
        "part": part if part in PARTS else "all", "asked": telling.question,
    }  # fmt: skip
    try:
        answer, coverage = await datasette.asking.answer(
            telling.source, telling.question, datasette.reader_of(request), GROUPS
        )
    except SqlRefusedError as error:
        context["problem"] = datasette.problem_sentences(telling.site, telling.source.workers.limits)[
            error.kind
        ]
        return await _embedded(datasette, request, context, 503)
    return await _embedded(
        datasette, request, context | datasette.answer_context(telling, answer, coverage) | {"kind": "ask"}
    )


def _of_served(datasette: Any, request: Request) -> str:
    release = request.url_vars.get("release") or datasette.releases.served
    if release != datasette.releases.served:
        raise NotFound("This release is kept as files; its pages are no longer served row by row")
    return release


async def embed_table(datasette: Any, request: Request) -> Response:
    """The first rows of a table page, with its filters and its order."""
    release, table = _of_served(datasette, request), request.url_vars["table"]
    site = datasette.published.in_language(request.scope["language"])
    if table not in datasette.published.release.columns or datasette.withdrawals.of_table(release, table):
        raise NotFound("This release has no such table")
    asked = [
        (key, value)
        for key, value in parse_qsl(request.query_string, True)
        if key not in ("_lang", "_size", "_extra", "_shape")
    ]
    own = urlencode(asked)
    query = urlencode(
        [*asked, ("_size", str(ROWS)), ("_extra", "count"), ("_extra", "columns"), ("_nofacet", "1")]
    )
    answer = await datasette.client.get(datasette.urls.path(f"/ingp/{tilde_encode(table)}.json?{query}"))
    opens = datasette.urls.path(f"/v/{release}/ingp/{tilde_encode(table)}") + (f"?{own}" if own else "")
    described = site.table(table)
    context: dict[str, Any] = {
        "title": described["title"],
        "opens": opens,
        "release": release,
        "kind": "rows",
    }
    if answer.status_code != 200:
        context["problem"] = site._(
            "This address could not be read. Please copy it again from the page of the table."
        )
        return await _embedded(datasette, request, context, 400)
    body = answer.json()
    rows, chosen = body["rows"], [name for name in body["columns"] if name != "rowid"]
    if not any(key == "_col" for key, _value in asked):
        there = [name for name in chosen if any(row[name] not in (None, "") for row in rows)]
        told = [name for name in TOLD if name in there]
        # A table whose columns are none of these shows its first ones.
        chosen = told if len(told) > 2 else [name for name in there if name not in ORIGIN]
    conditions = site.conditions(table, [pair for pair in asked if not pair[0].startswith("_")])
    context |= {
        "columns": [(name, site.column(table, name).title) for name in chosen[:COLUMNS]],
        "rows": [[_shown(site, table, name, row[name]) for name in chosen[:COLUMNS]] for row in rows],
        "conditions": conditions,
        "term": request.args.get("_search") or "",
        "count": body.get("count"),
        "columns_count": len(body["columns"]) - ("rowid" in body["columns"]),
    }
    return await _embedded(datasette, request, context)


async def embed_sql(datasette: Any, request: Request) -> Response:
    """The first rows of an SQL question."""
    release = _of_served(datasette, request)
    site = datasette.published.in_language(request.scope["language"])
    sql = (request.args.get("sql") or "").strip()
    opens = datasette.urls.path(f"/v/{release}/ingp/-/analytics") + f"?{urlencode({'sql': sql})}"
    title = (request.args.get("title") or site._("Answer to a question in SQL")).strip()[:200]
    context: dict[str, Any] = {"title": title, "opens": opens, "release": release, "kind": "rows"}
    try:
        answer = await datasette.analysts.ask(sql, "json", datasette.reader_of(request), limit=ROWS)
    except SqlRefusedError as error:
        context["problem"] = datasette.problem_sentences(site, datasette.analysts.limits)[error.kind]
        return await _embedded(datasette, request, context, 400)
    with answer.file as file:
        rows = json.load(file, parse_float=Decimal)[:ROWS]
    context |= {
        "columns": [(name, site.column(None, name).title) for name in answer.columns],
        "rows": [[_shown(site, None, name, row[name]) for name in answer.columns] for row in rows],
        "conditions": [], "term": "", "count": None if answer.rows > ROWS else answer.rows,
    }  # fmt: skip
    return await _embedded(datasette, request, context)


def _shown(site: Any, table: str | None, name: str, value: Any) -> dict[str, Any]:
    if value is None or value == "":
        return {"text": "", "is_number": False}
    words = site.label(table, name, value)
    if words:
        return {"text": words, "is_number": False}
    kind, _codelist = site.published.kind(table, name)
    if (
        isinstance(value, int | float | Decimal)
        and not isinstance(value, bool)
        and kind not in ("year", "boolean")
    ):
        return {"text": site.number(value), "is_number": True}
    text = str(value)
    return {"text": text if len(text) <= 120 else text[:119].rstrip() + "…", "is_number": False}


@hookimpl
def startup(datasette: Any) -> None:
    datasette.frame_snippet = lambda request, address, title: frame_snippet(
        datasette, request, address, title
    )


@hookimpl
def extra_template_vars(datasette: Any, request: Request | None, template: str | None) -> dict[str, Any]:
    """``embedding``: (address for a frame, HTML to copy) of the table page or SQL question that is shown."""
    if request is None or template not in ("table.html", "analytics.html"):
        return {}
    release, language = datasette.releases.served, request.scope["language"]
    asked = [
        (key, value) for key, value in parse_qsl(request.query_string, True) if key not in ("_lang", "_next")
    ]
    if template == "analytics.html":
        place, title = "embed/sql", "SQL"
    else:
        table = request.url_vars.get("table", "")
        place = f"embed/ingp/{table}"
        title = datasette.published.in_language(language).table(table)["title"]
    path = datasette.urls.path(f"/v/{release}/{place}") + (f"?{urlencode(asked)}" if asked else "")
    address = with_language(path, language, datasette.setting("base_url"))
    return {"embedding": {"address": address, "snippet": frame_snippet(datasette, request, address, title)}}


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    pinned = r"^(?:/v/(?P<release>[^/]+))?/embed"
    return [
        (rf"{pinned}/ask$", embed_ask),
        (rf"{pinned}/ingp/(?P<table>\w+)$", embed_table),
        (rf"{pinned}/sql$", embed_sql),
    ]
