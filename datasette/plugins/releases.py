"""Releases that last: ``/v/<release>/…`` never changes, ``/latest/…`` and ``/files/…`` lead to the newest one."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from datasette import NotFound, Request, Response, hookimpl
from datasette.utils import tilde_decode

from pipelines.publication.files import PublishedFile, Releases, UnsatisfiableError, matches, parse_range
from pipelines.publication.withdrawn import Withdrawn

FOREVER = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=60"
BLOCK = 2**18
LASTING = re.compile(r"/((ingp|tables|members)(\.json|/|$)|(buyers|suppliers|processes)(\.\w+|/|$))")
"""Pages of the served release that live below its number too; ``ingp.db`` is a file."""

READS_ANY = re.compile(r"/ingp/-/(query|analytics)(\.|/|$)|/ingp\.db$|(/v/[^/]+)?/embed/sql$")
"""Addresses that read any table. While one of the served release is withdrawn they are gone too, for they would give
it out; the next release has them again. So are pages with a condition in SQL, which may ask another table.
"""

_INDEX = re.compile(r"_fts(_\w+)?$")
"""What the full text of a table is called: Datasette shows its words like a table of its own."""

OPEN = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Range, If-Range, If-None-Match",
    "access-control-max-age": "86400",
    "access-control-expose-headers": (
        "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Repr-Digest, X-Row-Count, X-SHA256, X-Release"
    ),
}


class FileAnswer:
    """Bytes of a file, read as they are sent. Datasette calls `asgi_send` of whatever a view returns."""

    def __init__(
        self, file: PublishedFile, part: tuple[int, int] | None, headers: dict[str, str], body: bool
    ) -> None:
        self.file = file
        self.first, self.last = part or (0, file.bytes - 1)
        self.status = 206 if part else 200
        self.headers = headers | {"content-length": str(self.last - self.first + 1)}
        if part:
            self.headers["content-range"] = f"bytes {self.first}-{self.last}/{file.bytes}"
        self.body = body

    async def asgi_send(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        headers = [(key.encode(), value.encode()) for key, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        left = self.last - self.first + 1 if self.body else 0
        if left > 0:
            with self.file.place.open("rb") as source:
                source.seek(self.first)
                while left > 0:
                    block = await asyncio.to_thread(source.read, min(BLOCK, left))
                    if not block:
                        # Fewer bytes than announced: the server cuts the connection and the reader knows.
                        raise OSError(f"{self.file.path} is shorter than its release says")
                    left -= len(block)
                    await send({"type": "http.response.body", "body": block, "more_body": left > 0})
        else:
            await send({"type": "http.response.body", "body": b""})


def answer_file(request: Request, file: PublishedFile) -> Any:
    """200, 206, 304 or 416 for a file, as RFC 9110 has it."""
    headers = OPEN | {
        "accept-ranges": "bytes",
        "cache-control": FOREVER,
        "etag": file.etag,
        "repr-digest": file.repr_digest,
        "x-sha256": file.sha256,
        "x-release": file.release,
    }
    if file.rows is not None:
        headers["x-row-count"] = str(file.rows)
    if request.method == "OPTIONS":
        return Response("", status=204, headers=headers)
    if matches(request.headers.get("if-none-match"), file.etag, weak=True):
        return Response("", status=304, headers=headers)
    asked = request.headers.get("range")
    if "if-range" in request.headers and not matches(request.headers["if-range"], file.etag, weak=False):
        asked = None
    try:
        part = parse_range(asked, file.bytes)
    except UnsatisfiableError:
        return Response("", status=416, headers=headers | {"content-range": f"bytes */{file.bytes}"})
    return FileAnswer(file, part, headers | {"content-type": file.media_type}, body=request.method != "HEAD")


async def gone(datasette: Any, request: Request, withdrawn: Withdrawn) -> Response:
    """410: the reason, for people in their language, for programs in all four."""
    language = request.scope["language"]
    headers = OPEN | {"cache-control": FOR_NOW, "vary": "Accept"}
    if "text/html" not in (request.headers.get("accept") or ""):
        problem = {
            "type": "about:blank",
            "title": "Gone",
            "status": 410,
            "detail": withdrawn.reasons["en"],
            "details": dict(withdrawn.reasons),
            "table": withdrawn.table,
            "withdrawn_at": withdrawn.withdrawn_at,
        }
        answer = Response.json(problem, status=410, headers=headers)
        answer.content_type = "application/problem+json"
        return answer
    context = {"withdrawn": withdrawn, "reason": withdrawn.reasons[language], "status": 410}
    return Response.html(
        await datasette.render_template("gone.html", context, request=request), status=410, headers=headers
    )


async def release_file(datasette: Any, request: Request) -> Any:
    name, path = request.url_vars["release"], request.url_vars["path"]
    file = datasette.releases.file(name, path)
    if file is None:
        release = datasette.releases.get(name)
        made = await datasette.made_file(datasette, request, release, path) if release else None
        if made is None:
            raise NotFound("This release has no such file")
        return made
    withdrawn = datasette.withdrawals.of_file(name, file.table)
    if withdrawn:
        return await gone(datasette, request, withdrawn)
    return answer_file(request, file)


async def release_page(datasette: Any, request: Request) -> Response:
    """What a release holds: every file with its size, rows and hash."""
    release = datasette.releases.get(request.url_vars["release"])
    if release is None:
        raise NotFound("There is no such release")
    withdrawn = datasette.withdrawals.of_release(release.name)
    if withdrawn:
        return await gone(datasette, request, withdrawn)
    if request.url_vars.get("form"):
        files = [
            {
                "path": file.path, "url": datasette.urls.path(f"/v/{release.name}/{file.path}"), "bytes": file.bytes, "rows": file.rows,
                "sha256": file.sha256, "media_type": file.media_type, "table": file.table, "member": file.member,
            }
            for file in release.files.values()
        ]  # fmt: skip
        facts = {"release": release.name, "released_at": release.record["released_at"], "files": files}
        return Response.json(facts, headers=OPEN | {"cache-control": FOR_NOW})
    context = {
        "of": release,
        "current": release.name == datasette.releases.served,
        "names": datasette.releases.names(),
    }
    return Response.html(await datasette.render_template("release.html", context, request=request))


async def release_list(datasette: Any, request: Request) -> Response:
    releases = [datasette.releases.get(name) for name in datasette.releases.names()]
    if request.url_vars.get("form"):
        listed = [
            {
                "release": each.name,
                "released_at": each.record["released_at"],
                "url": datasette.urls.path(f"/v/{each.name}/"),
            }
            for each in releases
        ]
        return Response.json(
            {"latest": datasette.releases.served, "releases": listed},
            headers=OPEN | {"cache-control": FOR_NOW},
        )
    return Response.html(
        await datasette.render_template("releases.html", {"releases": releases}, request=request)
    )


async def old_table(datasette: Any, request: Request) -> Response:
    """A table of a release that is no longer served row by row: its files, all of which are still there."""
    release, table = datasette.releases.get(request.url_vars["release"]), request.url_vars["table"]
    if release is None or table not in release.tables:
        raise NotFound("This release has no such table")
    withdrawn = datasette.withdrawals.of_file(release.name, table)
    if withdrawn:
        return await gone(datasette, request, withdrawn)
    context = {"of": release, "table": table, "files_of_table": release.tables[table]}
    return Response.html(await datasette.render_template("old_table.html", context, request=request))


async def old_page(datasette: Any, request: Request) -> Response:
    """A page made from several tables, of a release that is no longer served row by row."""
    release = datasette.releases.get(request.url_vars["release"])
    if release is None:
        raise NotFound("There is no such release")
    context = {"of": release, "path": request.url_vars["path"]}
    html = await datasette.render_template("old_page.html", context, request=request)
    return Response.html(html, status=404)


async def latest(datasette: Any, request: Request) -> Response:
    """The newest release under the same path. Asked again each minute, so that nobody keeps an old answer."""
    path = request.url_vars.get("path") or ""
    query = f"?{request.query_string}" if request.query_string else ""
    place = datasette.urls.path(f"/v/{datasette.releases.served}/{path}") + query
    return Response.redirect(place, headers=OPEN | {"cache-control": FOR_NOW})


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/v(?P<form>\.json)?/?$", release_list),
        (r"^/v/(?P<release>[^/]+?)(?P<form>\.json)?/?$", release_page),
        (r"^/v/(?P<release>[^/]+)/(?:ingp|tables)/(?P<table>\w+)$", old_table),
        (r"^/v/(?P<release>[^/]+)/(?P<path>(buyers|suppliers|processes)([./].*)?)$", old_page),
        (
            r"^/v/(?P<release>[^/]+)/(?P<path>(?!changes/|(?:ask|chart|embed|questions|search)\b).+)$",
            release_file,
        ),
        (r"^/latest/?(?P<path>.*)$", latest),
        (r"^/files/(?P<path>.+)$", latest),
    ]


@hookimpl(tryfirst=True)
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Pages of the served release under their lasting address, and 410 for tables that were withdrawn.

    First among the wrappers, which is the innermost: the language has been decided when it runs.
    """

    def wrap(app: Any) -> Any:
        async def lasting(scope: dict[str, Any], receive: Any, send: Any) -> None:
            releases = getattr(datasette, "releases", None)
            if scope["type"] == "http" and releases:
                # What Datasette routes by is the address as it was sent, not the decoded one.
                path, prefix = scope["raw_path"].decode("latin-1"), f"/v/{releases.served}"
                if path.startswith(f"{prefix}/") and LASTING.match(path[len(prefix) :]):
                    path = path[len(prefix) :]
                    scope = {**scope, "lasting": True}
                path = _plain_database(path)
                scope = {**scope, "path": unquote(path), "raw_path": path.encode("latin-1")}
                withdrawn = _withdrawn(datasette, path, scope["query_string"])
                if withdrawn:
                    answer = await gone(datasette, Request(scope, receive), withdrawn)
                    await answer.asgi_send(send)
                    return
            await app(scope, receive, send)

        return lasting

    return wrap


def _plain_database(path: str) -> str:
    """A path with the name of the database as everything here compares it: Datasette takes ``/in~67p`` for ``/ingp``."""
    first, slash, rest = path[1:].partition("/")
    plain = tilde_decode(first)
    return f"/{plain}{slash}{rest}" if plain.partition(".")[0] == "ingp" else path


def _withdrawn(datasette: Any, path: str, query: bytes) -> Withdrawn | None:
    """The withdrawal for which an address of the served release is gone."""
    served, withdrawals = datasette.releases.served, datasette.withdrawals
    _root, place, *rest = (tilde_decode(part) for part in path.split("/"))
    if place in ("ingp", "tables") and rest:
        table = rest[0].partition(".")[0]
        found = withdrawals.of_table(served, table) or withdrawals.of_table(served, _INDEX.sub("", table))
        if found:
            return found
    asks_another = "ingp" in (place, *rest) and any(
        key == "_where" for key, _value in parse_qsl(query.decode("latin-1"), True)
    )
    return withdrawals.of_file(served, None) if asks_another or READS_ANY.match(path) else None


@hookimpl(tryfirst=True)
def startup(datasette: Any) -> None:
    datasette.answer_file, datasette.gone, datasette.open_headers = answer_file, gone, OPEN
    folder = Path(os.environ["INGP_RELEASE_DIR"])
    datasette.releases = Releases(folder.parent)
    datasette.releases.served = folder.name
    datasette.withdrawals = Withdrawn.register(folder.parent)
