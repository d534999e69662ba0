"""All rows that a table page matches, as CSV, JSON Lines or Parquet: counted first, streamed, never cut.

``/ingp/<table>.csv`` replaces Datasette's own, which is cut at one page and writes failures into the file. The
answer announces ``X-Row-Count``; a stream that does not reach it is broken off without its end, so that every
client reports the failure. With ``_end=on`` a last line says that everything is there.
"""

import json
import re
import shutil
import tempfile
from array import array
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode

from datasette import NotFound, Request, hookimpl
from datasette.utils import escape_sqlite, sqlite_timelimit, tilde_decode
from datasette.utils.asgi import BadRequest

from pipelines.engine import quote_name
from pipelines.publication.formats.csv import LINES
from pipelines.publication.formats.pages import LINE, NUMBER
from pipelines.publication.gather import DECIMAL_TEXT
from pipelines.serving.columns import TooSlowError, UnlikeError
from pipelines.serving.shapes import plain, read_shape
from pipelines.serving.workers import SqlLimits, start_process

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
AT_ONCE = 3
SETTINGS = {
    "mode": "stream",
    "memory_limit": "160MB",
    "threads": 1,
    "process_bytes": 1_500_000_000,
    "spool_bytes": 10**12,
    "spool": "/dev/stdout",
}
BLOCK = 2**18
FIND_SECONDS = 20
OWN = {"_stream", "_dl", "_end", "_size", "_next", "_header", "_format", "_lang", "_nofacet", "_nocount", "_facet", "_facet_size", "_labels", "_empty", "_shape", "_extra"}  # fmt: skip


class Export:
    """A stream from a process of its own. Datasette calls `asgi_send` of whatever a view returns."""

    def __init__(self, settings: dict[str, Any], found: bytes | None, rows: int, headers: dict[str, str], last_line: bytes,
                 release: Callable[[], None], head: bool) -> None:  # fmt: skip
        self.settings, self.found, self.rows = settings, found, rows
        self.headers, self.last_line, self.release, self.head = headers, last_line, release, head

    async def asgi_send(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        process = None
        try:
            headers = [(key.encode(), value.encode()) for key, value in self.headers.items()]
            start = {"type": "http.response.start", "status": 200, "headers": headers}
            if self.head:
                await send(start)
                await send({"type": "http.response.body", "body": b""})
                return
            process = await start_process(self.settings, self.found)
            assert process.stdout and process.stderr
            await send(start)
            while block := await process.stdout.read(BLOCK):
                await send({"type": "http.response.body", "body": block, "more_body": True})
            said = (await process.stderr.read()).decode().splitlines()
            sent = json.loads(said[-1])["rows"] if said and said[-1].startswith("{") else None
            if await process.wait() or sent != self.rows:
                # No last chunk is sent: the server closes the connection, and the reader sees that the rest is missing.
                raise ConnectionAbortedError(f"export broke off: {sent} of {self.rows} rows: {said[-3:]}")
            await send({"type": "http.response.body", "body": self.last_line})
        finally:
            if process and process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            if self.settings["temp"]:
                shutil.rmtree(self.settings["temp"], ignore_errors=True)
            self.release()


async def export_table(datasette: Any, request: Request) -> Any:
    database = datasette.get_database("ingp")
    table, form = tilde_decode(request.url_vars["table"]), request.url_vars["format"]
    if database.columns is None or table not in database.columns.kinds:
        raise NotFound(f"There is no table {table}")
    limits = SqlLimits(seconds=FIND_SECONDS)
    if datasette.exports_running >= AT_ONCE:
        return datasette.problem(datasette, request, "too_many_exports", "", limits)
    sql, params = await _question(datasette, request, table)
    try:
        source, order, found, rows = await _rows(database, table, sql, params)
    except TooSlowError:
        return datasette.problem(datasette, request, "too_slow", "", limits)
    asked = request.args.get("_size") or "max"
    if asked != "max":
        if not asked.isdecimal():
            raise BadRequest("_size must be a positive integer")
        rows = min(rows, int(asked))
        order += f" LIMIT {int(asked)}"
    chosen = _columns(request, database, table, sql)
    select = ", ".join(
        f"{_written(database.columns.kinds[table], name, form)} AS {quote_name(name)}" for name in chosen
    )
    settings = SETTINGS | {"database": str(datasette.pages_file), "format": form}
    release = datasette.releases.get(datasette.releases.served)
    places = release.folder / LINES / table
    if form == "csv" and places.exists() and chosen == list(release.fields(table)):
        select = quote_name(LINE)
        file = release.folder / "csv" / f"{table}.csv"
        settings |= {"format": "lines", "csv": str(file), "places": str(places)}
    # Rows are stored in the order of their numbers and read in it: sorting millions of whole rows needs the disk.
    stored = found is None and re.fullmatch(rf"{NUMBER}( LIMIT \d+)?", order) is not None
    ordered = order.removeprefix(NUMBER) if stored else f" ORDER BY {order}"
    settings |= {
        "sql": f"SELECT {select} FROM {source}{ordered}",
        "temp": "" if stored else tempfile.mkdtemp(prefix="ingp-export-"),
    }
    headers = datasette.limit_headers(limits) | {
        "content-type": MEDIA_TYPES[form],
        "content-disposition": f'attachment; filename="{table}-{datasette.releases.served}.{form}"',
        "x-row-count": str(rows),
        "x-release": datasette.releases.served,
        "cache-control": "public, max-age=60",
    }
    last = b""
    if request.args.get("_end") == "on" and form != "parquet":
        last = f"#end,{rows}\r\n".encode() if form == "csv" else f'{{"_end":{{"rows":{rows}}}}}\n'.encode()
    datasette.exports_running += 1

    def done() -> None:
        datasette.exports_running -= 1

    return Export(settings, found, rows, headers, last, done, request.method == "HEAD")


async def _question(datasette: Any, request: Request, table: str) -> tuple[str, dict[str, Any]]:
    """SQL of the page with these filters, as Datasette itself writes it: the filters mean the same, here and there."""
    asked = [(key, value) for key, value in parse_qsl(request.query_string, True) if key not in OWN]
    query = urlencode([*asked, ("_size", "0"), ("_extra", "query"), ("_nofacet", "1"), ("_nocount", "1")])
    answer = await datasette.client.get(
        datasette.urls.path(f"/ingp/{request.url_vars['table']}.json?{query}")
    )
    body = answer.json()
    if answer.status_code != 200:
        raise BadRequest(body.get("error", "The address could not be read"))
    return body["query"]["sql"], body["query"]["params"]


async def _rows(
    database: Any, table: str, sql: str, params: dict[str, Any]
) -> tuple[str, str, bytes | None, int]:
    """(FROM with its WHERE, ORDER BY, numbers of the rows that SQLite found, how many rows)."""
    columns, name = database.columns, quote_name(table)
    shape = read_shape(sql, params, database.keys)
    if shape:
        try:
            found = await database._numbers_found(shape.searches, FIND_SECONDS)
            where = columns.where(shape, found is not None)
            counted = await database._fetch(f"SELECT count(*) FROM {name}{where}", FIND_SECONDS, found)
            order = NUMBER
            if shape.sort:
                column, descending = shape.sort
                nulls = "DESC NULLS LAST" if descending else "ASC NULLS FIRST"
                order = f"{columns.value(table, column)} {nulls}, {NUMBER}"
            numbers = array("q", found["number"].to_numpy().tolist()).tobytes() if found is not None else None
            return name + where, order, numbers, counted[0][0]
        except UnlikeError:
            pass
    # What only SQLite understands it answers with the numbers of the rows, in the order of the page.
    head = f" from {escape_sqlite(table)} "
    bare = "select rowid" + sql[sql.index(head) :]
    bare = re.sub(r" limit \d+$", "", bare)

    def find(con: Any) -> array:
        cursor = con.cursor()
        cursor.row_factory = None
        with sqlite_timelimit(con, FIND_SECONDS * 1000):
            return array("q", (number for (number,) in cursor.execute(bare, params)))

    numbers = await database.in_slow_lane(find)
    return f"{name} JOIN found ON {NUMBER} = number", "place", numbers.tobytes(), len(numbers)


def _columns(request: Request, database: Any, table: str, sql: str) -> list[str]:
    """Columns of the page, as ``_col`` and ``_nocol`` left them."""
    head = sql.partition(f" from {escape_sqlite(table)} ")[0].removeprefix("select ")
    return [name for name in map(plain, head.split(", ")) if name in database.columns.kinds[table]]


def _written(kinds: dict[str, str], name: str, form: str) -> str:
    """SQL of a column as the files of the release have it: exact decimals, true and false."""
    kind, column = kinds[name], quote_name(name)
    if form == "csv" and kind.startswith("DECIMAL"):
        return DECIMAL_TEXT.format(f"CAST({column} AS VARCHAR)")
    return column


@hookimpl
def startup(datasette: Any) -> None:
    datasette.exports_running = 0
    datasette.question_of_table = _question


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/ingp/(?P<table>[^/]+?)\.(?P<format>csv|jsonl|parquet)$", export_table)]
