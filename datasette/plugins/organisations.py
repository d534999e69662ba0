"""Buyers and suppliers: ``/buyers``, ``/suppliers``, one page each, and the filters ``_buyer`` and ``_supplier`` of table pages.

What they show was counted when the release was made (`pipelines.publication.organisations`). No address holds an
identifier or a name: suppliers may be persons.
"""

import csv
import io
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from datasette import NotFound, Request, Response, hookimpl
from datasette.filters import FilterArguments
from datasette.utils import sqlite_timelimit, tilde_decode
from datasette.utils.asgi import BadRequest
from markupsafe import Markup

from pipelines.publication.organisations import CONTRACT, ORGANISATIONS, PROCESS, SOURCES, TABLES
from pipelines.serving.organisations import PROCESS_NUMBER, contracts_by_number, listed, of_row, summary

ROLES = {"buyers": "buyer", "suppliers": "supplier"}
PAGE, MOST = 30, 1000
OPEN = {"access-control-allow-origin": "*", "cache-control": "public, max-age=60"}
BLOCK_ROWS = 5_000
CSV_COLUMNS = (
    "id", "member_code", "scheme", "identifier", "name", "kind", "processes", "awards", "contracts", "first_day",
    "last_day", "currency", "contracts_in_currency", "amount",
)  # fmt: skip


@hookimpl(tryfirst=True)
def startup(datasette: Any) -> None:
    datasette.organisations_file = Path(os.environ["INGP_RELEASE_DIR"]) / ORGANISATIONS
    datasette.has_organisations = partial(has_organisations, datasette)
    datasette.kinds_of_organisations = partial(kinds, datasette)


@hookimpl
def prepare_connection(conn: sqlite3.Connection, database: str, datasette: Any) -> None:
    """Attach the counted organisations, so that a table page can be filtered by them."""
    path = getattr(datasette, "organisations_file", None)
    if database == "ingp" and path and path.exists():
        conn.execute("ATTACH ? AS organisations", [f"file:{quote(str(path))}?immutable=1"])


def has_organisations(datasette: Any) -> bool:
    """Whether buyers and suppliers may be told: not while a table is withdrawn that their names came from."""
    served, withdrawals = datasette.releases.served, datasette.withdrawals
    return datasette.organisations_file.exists() and not any(
        withdrawals.of_table(served, table) for table in SOURCES
    )


async def _ask(datasette: Any, question: Callable[[sqlite3.Connection], Any]) -> Any:
    if not has_organisations(datasette):
        raise NotFound("This release has no pages of buyers and suppliers")

    def within_time(con: sqlite3.Connection) -> Any:
        # Words that begin most names are collected from the whole index first.
        with sqlite_timelimit(con, datasette.setting("sql_time_limit_ms")):
            return question(con)

    return await datasette.get_database("ingp").execute_fn(within_time)


async def kinds(datasette: Any) -> set[str]:
    """Which of the lists, ``buyers`` and ``suppliers``, have somebody on them."""
    found = set()
    for kind, role in ROLES.items():
        with suppress(NotFound):
            if await _ask(datasette, partial(listed, role=role, limit=1)):
                found.add(kind)
    return found


async def organisations(datasette: Any, request: Request) -> Any:
    """The list: most contracts first, a page at a time, by member and by words of a name."""
    kind, form = request.url_vars["kind"], request.url_vars.get("form")
    role = ROLES[kind]
    member, words = request.args.get("member_code") or None, request.args.get("_search") or ""
    after, size = _number(request, "_next", 0), min(_number(request, "_size", PAGE), MOST)
    if form == ".csv":
        return CsvList(datasette, role, member, words, kind)
    rows = await _ask(datasette, lambda con: listed(con, role, size + 1, after, member, words))
    following = rows[size - 1]["number"] if len(rows) > size else None
    rows = rows[:size]
    path = datasette.urls.path(f"/{kind}")
    kept = {
        key: value for key, value in (("member_code", member), ("_search", words), ("_size", request.args.get("_size"))) if value
    }  # fmt: skip
    next_path = f"{path}?{urlencode({**kept, '_next': following})}" if following else None
    if form == ".json":
        body = {
            "ok": True, "next": following, "rows": [_public(datasette, row, kind) for row in rows],
            "next_url": next_path and next_path.replace(f"/{kind}?", f"/{kind}.json?"),
        }  # fmt: skip
        return Response.json(body, headers=OPEN)
    context = {
        "kind": kind, "rows": rows, "member": member, "words": words, "next_path": next_path, "path": path,
        "asked": f"?{urlencode(kept)}" if kept else "", "first": not after,
    }  # fmt: skip
    return Response.html(await datasette.render_template("organisations.html", context, request=request))


def _number(request: Request, name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if not text.isdecimal() or len(text) > 12 or (name == "_size" and int(text) == 0):
        raise BadRequest(f"{name} must be a whole number")
    return int(text)


def _public(datasette: Any, row: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "url": datasette.urls.path(f"/{kind}/{row['id']}"),
        **{k: v for k, v in row.items() if k not in ("number", "role")},
    }


class CsvList:
    """The whole list as CSV, one line for each organisation and currency; read in blocks, so that memory does not grow."""

    def __init__(self, datasette: Any, role: str, member: str | None, words: str, kind: str) -> None:
        self.datasette, self.role, self.member, self.words, self.kind = datasette, role, member, words, kind

    async def asgi_send(self, send: Any) -> None:
        headers = {
            **OPEN, "content-type": "text/csv; charset=utf-8; header=present",
            "content-disposition": f'attachment; filename="{self.kind}-{self.datasette.releases.served}.csv"',
        }  # fmt: skip
        after = 0
        rows = await self._block(after)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
            }
        )
        await self._send(send, [CSV_COLUMNS])
        while rows:
            await self._send(send, [line for row in rows for line in _lines(row)])
            after = rows[-1]["number"]
            rows = await self._block(after)
        await send({"type": "http.response.body", "body": b""})

    async def _block(self, after: int) -> list[dict[str, Any]]:
        return await _ask(
            self.datasette, lambda con: listed(con, self.role, BLOCK_ROWS, after, self.member, self.words)
        )

    async def _send(self, send: Any, lines: list[Any]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        await send({"type": "http.response.body", "body": text.getvalue().encode(), "more_body": True})


def _lines(row: dict[str, Any]) -> list[list[Any]]:
    own = [row[name] for name in CSV_COLUMNS[:-3]]
    totals = row["totals"] or [{"currency": None, "rows": 0, "amount": None}]
    return [[*own, each["currency"], each["rows"], each["amount"]] for each in totals]


async def organisation(datasette: Any, request: Request) -> Response:
    kind, identifier = request.url_vars["kind"], request.url_vars["id"]

    def question(con: sqlite3.Connection) -> tuple[Any, Any]:
        own = summary(con, ROLES[kind], identifier)
        numbers = [each["row"] for each in own["biggest"]] if own else []
        return own, contracts_by_number(con, numbers) if numbers else {}

    own, contracts = await _ask(datasette, question)
    if own is None:
        raise NotFound("There is no such organisation in this release")
    own["biggest"] = [{**contracts[each["row"]], **each} for each in own["biggest"]]
    other = "suppliers" if kind == "buyers" else "buyers"
    if request.url_vars.get("form"):
        for each in own["counterparties"]:
            each["url"] = datasette.urls.path(f"/{other}/{each['id']}")
        for each in own["biggest"]:
            each["url"] = datasette.process_path(datasette, each["ocid"], each["member_code"])
        return Response.json({"ok": True, **_public(datasette, own, kind)}, headers=OPEN)
    here = datasette.urls.path(f"/{kind}/{identifier}")
    context = {
        "own": own, "kind": kind, "other": other, "here": here,
        "tables": {what: table for what, table in TABLES.items() if table in datasette.published.release.columns},
        **datasette.cite_page(datasette, request, here, own["name"], own["member_code"]),
    }  # fmt: skip
    headers = {"x-robots-tag": "noindex"} if own["kind"] == "person" else {}
    html = await datasette.render_template("organisation.html", context, request=request)
    return Response.html(html, headers=headers)


async def of_a_row(datasette: Any, request: Request) -> Response:
    """From a row of a table to its buyer or supplier; to the process when there are several."""
    kind, table = request.url_vars["kind"], f"procurement_{request.url_vars['table']}"
    what = CONTRACT if table == TABLES[CONTRACT] else PROCESS
    key = [tilde_decode(part) for part in request.url_vars["key"].split(",")]
    names = datasette.get_database("ingp").keys.get(table, ())
    if len(names) != len(key):
        raise NotFound("There is no such row")
    where = " AND ".join(f'"{name}" = ?' for name in names)

    number = PROCESS_NUMBER if what == CONTRACT else "ocid"

    def question(con: sqlite3.Connection) -> tuple[list[str], str] | None:
        found = con.execute(f'SELECT rowid, {number} FROM "{table}" WHERE {where}', key).fetchone()
        return (of_row(con, ROLES[kind], what, found[0]), found[1]) if found else None

    answer = await _ask(datasette, question)
    if answer is None:
        raise NotFound("There is no such row")
    found, ocid = answer
    values = dict(zip(names, key, strict=True))
    path = datasette.process_path(datasette, ocid, values["member_code"])
    if len(found) == 1:
        path = datasette.urls.path(f"/{kind}/{found[0]}")
    return Response.redirect(path, headers=OPEN)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    kind = "/(?P<kind>buyers|suppliers)"
    return [
        (rf"^{kind}(?P<form>\.json|\.csv)?$", organisations),
        (rf"^{kind}/(?P<id>[A-Z]{{3,4}}-[0-9a-f]{{16}})(?P<form>\.json)?$", organisation),
        (rf"^{kind}/of/(?P<table>processes|contracts_flat)/(?P<key>[^/]+)$", of_a_row),
    ]


@hookimpl
def filters_from_request(
    request: Request, database: str, table: str, datasette: Any
) -> FilterArguments | None:
    """``_buyer`` and ``_supplier`` of a table page: the rows of one organisation, without its number or name."""
    what = next((number for number, name in TABLES.items() if name == table), None)
    asked = {role: request.args.get(f"_{role}") for role in ROLES.values() if request.args.get(f"_{role}")}
    if database != "ingp" or what is None or not asked:
        return None
    if not has_organisations(datasette):
        raise BadRequest("This release has no buyers and suppliers to filter by")
    for identifier in asked.values():
        if not re.fullmatch(r"[A-Z]{3,4}-[0-9a-f]{16}", identifier):
            raise BadRequest("An organisation is written like XAA-0123456789abcdef")
    clauses = [
        f"rowid in (select row from organisations.links where what = {what} and organisation = "
        f"(select number from organisations.organisations where role = '{role}' and id = :{role}_id))"
        for role in asked
    ]
    return FilterArguments(clauses, {f"{role}_id": identifier for role, identifier in asked.items()})


@hookimpl
def top_table(datasette: Any, request: Request, database: str, table: str) -> Any:
    """Says whose rows the page shows, and the way back to all."""
    if database != "ingp" or table not in TABLES.values() or not has_organisations(datasette):
        return None

    async def notice() -> Markup | None:
        site = datasette.published.in_language(request.scope["language"])
        parts = []
        for kind, role in ROLES.items():
            identifier = request.args.get(f"_{role}")
            own = identifier and await _ask(datasette, partial(summary, role=role, identifier=identifier))
            if own:
                words = (
                    site._("Only rows of this buyer:")
                    if role == "buyer"
                    else site._("Only rows of this supplier:")
                )
                path = datasette.urls.path(f"/{kind}/{identifier}")
                parts.append(
                    Markup('<p class="notice">{} <a href="{}">{}</a></p>').format(words, path, own["name"])
                )
        return Markup("").join(parts) if parts else None

    return notice()
