"""SQL for everybody: ``/ingp/-/analytics`` (DuckDB) as a page, JSON, CSV, JSON Lines and Parquet, and
``/ingp/-/query.csv`` (SQLite), which Datasette cuts at its page size, with all rows.

The SQL of strangers runs in processes that can be killed (`pipelines.serving.workers`). An answer is finished before
its first byte is sent: what the limits do not allow is told instead of it, never in the middle of it.
"""

import asyncio
import json
import os
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from datasette import Request, Response, hookimpl

from pipelines.publication.files import MEDIA_TYPES
from pipelines.serving.sending import Send, within_patience
from pipelines.serving.workers import SqlAnswer, SqlLimits, SqlRefusedError, Workers

SHOWN = 1_000
"""Rows of an answer that the page shows."""

BLOCK = 2**18
FORMS = ("csv", "json", "jsonl", "parquet", "xlsx")
EXAMPLE = "SELECT member_code, count(*) AS n\nFROM {table}\nGROUP BY ALL\nORDER BY n DESC"


class Answer:
    """A finished answer, sent from its file. Datasette calls `asgi_send` of whatever a view returns."""

    def __init__(
        self, answer: SqlAnswer, headers: dict[str, str], before: bytes = b"", after: bytes = b""
    ) -> None:
        self.answer, self.before, self.after = answer, before, after
        self.headers = headers | {"content-length": str(answer.bytes + len(before) + len(after))}

    async def asgi_send(self, send: Send) -> None:
        send = within_patience(send)
        with self.answer.file as file:
            headers = [(key.encode(), value.encode()) for key, value in self.headers.items()]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self.before, "more_body": True})
            while block := await asyncio.to_thread(file.read, BLOCK):
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": self.after})


async def analytics(datasette: Any, request: Request) -> Any:
    form = (request.url_vars.get("format") or "html").lower()
    sql = (request.args.get("sql") or "").strip()
    if form == "html":
        return await _page(datasette, request, sql)
    limits = datasette.analysts.limits
    variables = {key: value for key, value in parse_qsl(request.query_string, True) if key.isidentifier()}
    variables = {key: value for key, value in variables.items() if key != "sql" and not key.startswith("_")}
    sheet = form == "xlsx" or (form == "csv" and request.args.get("_excel"))
    try:
        answer = await datasette.analysts.ask(
            sql,
            "parquet" if sheet else form,
            datasette.reader_of(request),
            limit=limits.rows if form == "json" else 0,
            variables=variables,
        )
    except SqlRefusedError as error:
        return datasette.problem(datasette, request, error.kind, error.message, limits)
    if sheet:
        return await _sheet(datasette, request, answer, "xlsx" if form == "xlsx" else "excel", sql)
    if form == "json" and answer.rows > limits.rows:
        answer.file.close()
        return datasette.problem(datasette, request, "too_many_rows", "", limits)
    return _file(datasette, answer, form)


async def _sheet(datasette: Any, request: Request, answer: SqlAnswer, form: str, sql: str) -> Any:
    limits = datasette.analysts.limits
    if datasette.spreadsheets.too_many(form, answer.rows):
        answer.file.close()
        return datasette.problem(datasette, request, "too_many_for_excel", "", limits)

    async def fill(path: Path) -> int:
        with answer.file as source, path.open("wb") as target:
            await asyncio.to_thread(shutil.copyfileobj, source, target, BLOCK)
        return answer.rows

    place = f"ingp/-/analytics?{urlencode({'sql': sql})}"
    return await datasette.spreadsheets.answer(
        request, fill, form, "query", place, sql, datasette.limit_headers(limits)
    )


async def whole_query(datasette: Any, request: Request) -> Any:
    """CSV and JSON Lines of a query to SQLite: the dialect of Datasette's own page, without its cut."""
    form, sql = request.url_vars["format"], (request.args.get("sql") or "").strip()
    named = {
        key: value for key, value in parse_qsl(request.query_string, True) if key != "sql" and key[:1] != "_"
    }
    try:
        reader = datasette.reader_of(request)
        answer = await datasette.analysts.ask(sql, form, reader, engine="sqlite", variables=named)
    except SqlRefusedError as error:
        return datasette.problem(datasette, request, error.kind, error.message, datasette.analysts.limits)
    return _file(datasette, answer, form)


def _file(datasette: Any, answer: SqlAnswer, form: str) -> Answer:
    release = datasette.releases.served
    headers = datasette.limit_headers(datasette.analysts.limits) | {
        "content-type": MEDIA_TYPES[form],
        "x-row-count": str(answer.rows),
        "x-release": release,
        "cache-control": "public, max-age=60",
    }
    if form != "json":
        headers["content-disposition"] = f'attachment; filename="query-{release}.{form}"'
        return Answer(answer, headers)
    told = {
        "ok": True,
        "release": release,
        "row_count": answer.rows,
        "columns": answer.columns,
        "types": answer.types,
    }
    before = json.dumps(told, ensure_ascii=False).removesuffix("}") + ', "rows": '
    return Answer(answer, headers, before.encode(), b"}\n")


async def _page(datasette: Any, request: Request, sql: str) -> Response:
    limits = datasette.analysts.limits
    site = datasette.published.in_language(request.scope["language"])
    served = [table["name"] for group in site.groups for table in group["tables"]]
    context: dict[str, Any] = {
        "sql": sql, "asked": sql or EXAMPLE.format(table=served[0] if served else "codelists"), "allowed": limits,
        "tables": {name: datasette.published.release.columns.get(name, ()) for name in served}, "shown": SHOWN,
    }  # fmt: skip
    status = 200
    if sql:
        try:
            answer = await datasette.analysts.ask(sql, "json", datasette.reader_of(request), limit=SHOWN)
        except SqlRefusedError as error:
            context |= {
                "problem": datasette.problem_sentences(site, limits)[error.kind],
                "said": error.message if error.kind == "wrong_sql" else "",
            }
            status = {"busy": 503, "your_turn": 429}.get(error.kind, 400)
        else:
            with answer.file as file:
                rows = json.load(file, parse_float=Decimal)
            quantities = {
                name for name, kind in zip(answer.columns, answer.types, strict=True)
                if kind.startswith(("DECIMAL", "DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT"))
            }  # fmt: skip
            context |= {
                "rows": rows[:SHOWN], "more": answer.rows > SHOWN, "columns": answer.columns, "quantities": quantities,
                "files": {form: datasette.urls.path(f"/ingp/-/analytics.{form}?{urlencode({'sql': sql})}") for form in FORMS},
                "lasting": f"/v/{datasette.releases.served}/ingp/-/analytics?{urlencode({'sql': sql})}",
            }  # fmt: skip
    headers = datasette.limit_headers(limits)
    html = await datasette.render_template("analytics.html", context, request=request)
    return Response.html(html, status=status, headers=headers)


@hookimpl
def startup(datasette: Any) -> None:
    release = Path(os.environ["INGP_RELEASE_DIR"])
    datasette.analysts = Workers(release / "ingp.duckdb", release / "ingp.db", SqlLimits())


@hookimpl
def shutdown(datasette: Any) -> None:
    datasette.analysts.close()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/ingp/-/analytics(\.(?P<format>csv|json|jsonl|parquet|xlsx))?$", analytics),
        (r"^/ingp/-/query\.(?P<format>csv|jsonl)$", whole_query),
    ]
