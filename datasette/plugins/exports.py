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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from datasette import NotFound, Request, hookimpl
from datasette.utils import escape_sqlite, sqlite_timelimit, tilde_decode
from datasette.utils.asgi import BadRequest

from pipelines.catalogue import LANGUAGES
from pipelines.engine import quote_name
from pipelines.publication.files import MEDIA_TYPES
from pipelines.publication.formats.csv import LINES
from pipelines.publication.formats.lines import Profile
from pipelines.publication.formats.pages import LINE, NUMBER
from pipelines.publication.gather import PublishedColumn
from pipelines.serving.columns import TooSlowError, UnlikeError
from pipelines.serving.sending import Send, within_patience
from pipelines.serving.shapes import plain, read_shape
from pipelines.serving.workers import SqlLimits, start_process

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
OWN = {"_stream", "_dl", "_end", "_excel", "_size", "_next", "_header", "_format", "_lang", "_nofacet", "_nocount", "_facet", "_facet_size", "_labels", "_empty", "_shape", "_extra"}  # fmt: skip


class Export:
    """A stream from a process of its own. Datasette calls `asgi_send` of whatever a view returns."""

    def __init__(self, settings: dict[str, Any], sorts: bool, found: bytes | None, rows: int, headers: dict[str, str],
                 lines: tuple[bytes, bytes], done: Callable[[], None], head: bool) -> None:  # fmt: skip
        """sorts: whether rows are brought into another order, for which the disk is needed.

        lines: what stands before the first row, and after the last. done: called when everything was sent.
        """
        self.settings, self.sorts, self.found, self.rows = settings, sorts, found, rows
        self.headers, self.done, self.head = headers, done, head
        self.first_line, self.last_line = lines

    async def asgi_send(self, send: Send) -> None:
        try:
            await self.stream(within_patience(send))
        finally:
            self.done()

    async def stream(self, send: Send) -> None:
        """Send everything; whoever calls this frees the place of the export."""
        process, temp = None, ""
        try:
            headers = [(key.encode(), value.encode()) for key, value in self.headers.items()]
            start = {"type": "http.response.start", "status": 200, "headers": headers}
            if self.head:
                await send(start)
                await send({"type": "http.response.body", "body": b""})
                return
            temp = tempfile.mkdtemp(prefix="ingp-export-") if self.sorts else ""
            process = await start_process(self.settings | {"temp": temp}, self.found)
            assert process.stdout and process.stderr
            await send(start)
            if self.first_line:
                await send({"type": "http.response.body", "body": self.first_line, "more_body": True})
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
            if temp:
                shutil.rmtree(temp, ignore_errors=True)


async def export_table(datasette: Any, request: Request) -> Any:
    """An export, if there is a place for it: one is taken at once, for counting already costs."""
    if datasette.exports_running >= AT_ONCE:
        return datasette.problem(datasette, request, "too_many_exports", "", SqlLimits(seconds=FIND_SECONDS))

    def done() -> None:
        datasette.exports_running -= 1

    datasette.exports_running += 1
    answer = None
    try:
        answer = await _export(datasette, request, done)
        return answer
    finally:
        if not isinstance(answer, Export):
            done()


async def _export(datasette: Any, request: Request, done: Callable[[], None]) -> Any:
    database = datasette.get_database("ingp")
    table, form = tilde_decode(request.url_vars["table"]), request.url_vars["format"]
    if database.columns is None or table not in database.columns.kinds:
        raise NotFound(f"There is no table {table}")
    limits = SqlLimits(seconds=FIND_SECONDS)
    if form == "xlsx":
        datasette.spreadsheets.language(request)
    asked = request.args.get("_size") or "max"
    if asked != "max" and not re.fullmatch(r"\d{1,15}", asked, re.ASCII):
        raise BadRequest("_size must be a positive integer")
    sql, params = await _question(datasette, request, table)
    try:
        source, order, found, rows = await _rows(database, table, sql, params)
    except TooSlowError:
        return datasette.problem(datasette, request, "too_slow", "", limits)
    if asked != "max":
        rows = min(rows, int(asked))
        order += f" LIMIT {rows}"
    if datasette.spreadsheets.too_many(form, rows):
        return datasette.problem(datasette, request, "too_many_for_excel", "", limits)
    names = _columns(request, database, table, sql)
    profile = _profile(request, form)
    select, heading = ", ".join(quote_name(name) for name in names), b""
    if form == "xlsx":
        days = _days(datasette, table)
        select = ", ".join(
            f"CAST({quote_name(name)} AS {days[name]}) AS {quote_name(name)}"
            if name in days
            else quote_name(name)
            for name in names
        )
    if profile:
        kinds = database.columns.kinds[table] | (_days(datasette, table) if profile.name == "excel" else {})
        columns = [PublishedColumn(name, kinds[name], None) for name in names]
        select, heading = profile.line(columns, ended=False), profile.heading(columns)
    settings = SETTINGS | {"database": str(datasette.pages_file), "format": "lines" if profile else "parquet"}
    release = datasette.releases.get(datasette.releases.served)
    places = release.folder / LINES / table
    if profile and profile.name == "csv" and places.exists() and names == list(release.fields(table)):
        # All columns as the release's own file has them: its lines are copied, heading first.
        select, heading = quote_name(LINE), b""
        file = release.folder / "csv" / f"{table}.csv"
        settings |= {"format": "copied", "csv": str(file), "places": str(places)}
    # Rows are stored in the order of their numbers and read in it: sorting millions of whole rows needs the disk.
    stored = found is None and re.fullmatch(rf"{NUMBER}( LIMIT \d+)?", order) is not None
    ordered = order.removeprefix(NUMBER) if stored else f" ORDER BY {order}"
    settings |= {"sql": f"SELECT {select} FROM {source}{ordered}"}
    headers = datasette.limit_headers(limits) | {
        "content-type": MEDIA_TYPES[form],
        "content-disposition": f'attachment; filename="{_file_name(table, datasette, profile, form)}"',
        "x-row-count": str(rows),
        "x-release": datasette.releases.served,
        "cache-control": "public, max-age=60",
    }
    last = b""
    if request.args.get("_end") == "on" and form in ("csv", "jsonl"):
        last = f"#end,{rows}\r\n".encode() if form == "csv" else f'{{"_end":{{"rows":{rows}}}}}\n'.encode()
    head = request.method == "HEAD"
    export = Export(settings, not stored, found, rows, headers, (heading, last), done, head)
    if form != "xlsx" or head:
        return export
    return await _workbook(datasette, request, table, export)


async def _workbook(datasette: Any, request: Request, table: str, export: Export) -> Any:
    """The rows of an export as a workbook that tells its question and its lasting address."""

    async def fill(path: Path) -> int:
        with path.open("wb") as file:

            async def write(message: dict[str, Any]) -> None:
                file.write(message.get("body", b""))

            await export.stream(write)
        return export.rows

    asked = [(key, value) for key, value in parse_qsl(request.query_string, True) if key not in OWN]
    place = f"ingp/{request.url_vars['table']}" + (f"?{urlencode(asked)}" if asked else "")
    question = "&".join(f"{key}={value}" for key, value in asked)
    return await datasette.spreadsheets.answer(
        request,
        fill,
        "xlsx",
        table,
        place,
        question,
        datasette.limit_headers(SqlLimits(seconds=FIND_SECONDS)),
    )


async def _question(datasette: Any, request: Request, table: str) -> tuple[str, dict[str, Any]]:
    """SQL of the page with these filters, as Datasette itself writes it: the filters mean the same, here and there."""
    asked = [(key, value) for key, value in parse_qsl(request.query_string, True) if key not in OWN]
    query = urlencode([*asked, ("_size", "0"), ("_extra", "query"), ("_nofacet", "1"), ("_nocount", "1")])
    answer = await datasette.client.get(
        datasette.urls.path(f"/ingp/{request.url_vars['table']}.json?{query}")
    )
    if answer.status_code != 200:
        # Addresses of the form of filters lead elsewhere, and have no body.
        said = answer.json() if "json" in answer.headers["content-type"] else {}
        raise BadRequest(said.get("error", "The address could not be read"))
    body = answer.json()
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


def _profile(request: Request, form: str) -> Profile | None:
    """How the lines are written: as the files of the release, or for a spreadsheet with ``_excel=<language>``."""
    if form in ("parquet", "xlsx"):
        return None
    language = request.args.get("_excel")
    if not language or form != "csv":
        return Profile(form)
    if language not in LANGUAGES:
        raise BadRequest(f"_excel must be one of {', '.join(LANGUAGES)}")
    return Profile("excel", language)


def _days(datasette: Any, table: str) -> dict[str, str]:
    """Type of the columns that hold an instant or a date, which lie behind the pages as texts."""
    fields = datasette.releases.get(datasette.releases.served).fields(table)
    types = {"datetime": "TIMESTAMP WITH TIME ZONE", "date": "DATE"}
    return {name: types[field["type"]] for name, field in fields.items() if field["type"] in types}


def _file_name(table: str, datasette: Any, profile: Profile | None, form: str) -> str:
    language = f"-{profile.language}" if profile and profile.name == "excel" else ""
    return f"{table}-{datasette.releases.served}{language}.{form}"


@hookimpl
def extra_template_vars(request: Request | None) -> dict[str, str]:
    """``asked_rows``: the query of a page without what only cuts it into pages, for links to all of its rows."""
    pairs = parse_qsl(request.query_string, True) if request else []
    kept = urlencode([(key, value) for key, value in pairs if key not in OWN])
    return {"asked_rows": f"?{kept}" if kept else ""}


@hookimpl
def startup(datasette: Any) -> None:
    datasette.exports_running = 0
    datasette.question_of_table = _question


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/ingp/(?P<table>[^/]+?)\.(?P<format>csv|jsonl|parquet|xlsx)$", export_table)]
