"""Pages for what went wrong: what happened and what to do, in the reader's language."""

import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Any

from datasette import Forbidden, NotFound, Request, Response, hookimpl
from datasette.database import QueryInterrupted
from datasette.utils import add_cors_headers, tilde_decode
from datasette.utils.asgi import BadRequest, Base400
from datasette.views.base import DatasetteError

from pipelines.serving.columns import TooSlowError

logger = logging.getLogger("ingp.site")

_COUNT = re.compile(r"\d{0,9}", re.ASCII)
FORMS = {
    "_facet_size": re.compile(r"max|\d{0,9}", re.ASCII),
    "_size": re.compile(r"max|\d{0,15}", re.ASCII),
    "_through": re.compile(""),
    "_timelimit": _COUNT,
    "_ttl": _COUNT,
}
"""What arguments of a table page may be. ``_through`` follows references of SQLite, of which a release has none."""


def judged(exception: Exception) -> tuple[str, int, str]:
    """(kind, status, technical message) of an exception."""
    is_interrupted = isinstance(exception, QueryInterrupted | TooSlowError) or exception.args == (
        "interrupted",
    )
    if is_interrupted or getattr(exception, "title", None) == "SQL Interrupted":
        # Datasette answers 500 when a table page runs out of time; but nothing is broken.
        return "too_slow", 400, "The query took longer than the time limit allows."
    if isinstance(exception, DatasetteError):
        kind, message = "bad_request", exception.plain_message or str(exception.message)
        return {403: "forbidden", 404: "not_found"}.get(exception.status, kind), exception.status, message
    if isinstance(exception, NotFound):
        return "not_found", 404, str(exception.args[0]) if exception.args else "Not found"
    if isinstance(exception, Forbidden):
        return "forbidden", 403, str(exception.args[0]) if exception.args else "Forbidden"
    if isinstance(exception, Base400):
        return "bad_request", exception.status, str(exception)
    if isinstance(
        exception, sqlite3.OperationalError | sqlite3.ProgrammingError | sqlite3.DataError | OverflowError
    ):
        # A facet, a page marker or a condition of the address names something that there is not, or makes it too long.
        return "bad_request", 400, str(exception)
    return "failure", 500, "Internal error"


def near(datasette: Any, request: Request) -> list[tuple[str, str]]:
    """(name, address) of the tables or members that the reader may have meant, at most three."""
    site = datasette.published.in_language(request.scope["language"])
    kind, _slash, rest = request.path.strip("/").partition("/")
    asked = tilde_decode(rest.partition("/")[0].partition(".")[0])
    if kind in ("ingp", "tables"):
        known = {name: site.table(name)["title"] for name in datasette.published.release.columns}
    elif kind == "members":
        known = {each["code"]: each["name"] for each in site.members}
    else:
        return []
    if not asked or asked in known:
        return []
    words = {text.casefold(): name for name, title in known.items() for text in (title, name)}
    # The prefix of a table's name is easily forgotten: a word in it counts as near, too.
    found = [words[each] for each in get_close_matches(asked.casefold(), words, n=6, cutoff=0.6)]
    found += [
        name
        for name, title in known.items()
        if len(asked) > 3 and asked.casefold() in f"{name} {title}".casefold()
    ]
    return [(known[name], datasette.urls.path(f"/{kind}/{name}")) for name in list(dict.fromkeys(found))[:3]]


async def answer(datasette: Any, request: Request, exception: Exception) -> Response:
    kind, status, message = judged(exception)
    if kind == "failure":
        logger.error("failed to answer %s", request.path, exc_info=exception)
    headers: dict[str, str] = {}
    meant = near(datasette, request) if kind == "not_found" else []
    if datasette.cors:
        add_cors_headers(headers)
    path = request.path.split("?")[0]
    if meant:
        message += f" (near: {', '.join(address.rpartition('/')[2] for _name, address in meant)})"
    if path.endswith(".json") or "application/json" in (request.headers.get("accept") or ""):
        return Response.error(message, status, headers=headers)
    if path.endswith(".csv"):
        return Response.text(message, status=status, headers=headers)
    context = {
        "kind": kind,
        "status": status,
        "error": message,
        "near": meant,
        "seconds": datasette.setting("sql_time_limit_ms") / 1000,
    }
    return Response.html(
        await datasette.render_template("error.html", context, request=request),
        status=status,
        headers=headers,
    )


@hookimpl(wrapper=True)
def handle_exception(datasette: Any, request: Request, exception: Exception) -> Any:
    """In place of Datasette's own answer, which is in English and prints every local variable to the log."""
    yield
    return [answer(datasette, request, exception)]


@hookimpl
def forbidden(datasette: Any, request: Request, message: str) -> Any:
    return answer(datasette, request, Forbidden(message))


@hookimpl
def filters_from_request(
    datasette: Any, request: Request, database: str, table: str
) -> Callable[[], Awaitable[None]]:
    """Refuse columns that the table does not have: SQLite takes such a name for a text, and finds no row.

    Refuse arguments, too, that Datasette reads without looking at them first.
    """
    for name, form in FORMS.items():
        for value in request.args.getlist(name):
            if not form.fullmatch(value):
                raise BadRequest(f"{name} cannot be read")

    async def check() -> None:
        columns = {*await datasette.get_database(database).table_columns(table), "rowid"}
        filtered = {
            key.rpartition("__")[0] if "__" in key else key
            for key in request.args
            if "__" in key or not key.startswith("_")
        }
        counted = {
            name for key in ("_facet", "_facet_date", "_facet_array") for name in request.args.getlist(key)
        }
        for name in sorted((filtered | counted) - columns):
            raise BadRequest(f"{table} has no column {name}")

    return check
