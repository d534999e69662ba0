"""OpenAPI 3.1 of the site: Datasette's JSON API over the published tables, and the routes of this project."""

from collections.abc import Iterable, Mapping
from typing import Any

KINDS = {"VARCHAR": "string", "BIGINT": "integer", "INTEGER": "integer", "BOOLEAN": "integer"}
COMPARISONS = (
    "exact, not, contains, notcontains, startswith, endswith, gt, gte, lt, lte, like, notlike, glob, in, notin, date, "
    "isnull, notnull, isblank, notblank"
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV, LINES, PARQUET, PROBLEM, ATOM = (
    "text/csv",
    "application/jsonl",
    "application/vnd.apache.parquet",
    "application/problem+json",
    "application/atom+xml",
)
ROW_COUNT = {
    "X-Row-Count": {
        "description": "Rows of the answer, known before it starts.",
        "schema": {"type": "integer"},
    }
}
LIMITS = {
    f"X-Limit-{name}": {"description": words, "schema": {"type": kind}}
    for name, words, kind in (
        ("Seconds", "Seconds that a query may take.", "number"), ("Memory", "Memory that a query may use.", "string"),
        ("Rows", "Rows that a JSON answer may have.", "integer"), ("Bytes", "Bytes that a file may have.", "integer"),
    )
}  # fmt: skip


def _query(name: str, words: str, kind: str = "string", required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": words, "required": required, "schema": {"type": kind}}


def _place(name: str, words: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "description": words,
        "required": True,
        "schema": {"type": "string", **schema},
    }


def _get(summary: str, parameters: list[Any], content: Mapping[str, Any], headers: Mapping[str, Any] | None = None,
         problems: Iterable[int] = (404,), status: int = 200) -> dict[str, Any]:  # fmt: skip
    answers: dict[str, Any] = {
        str(status): {
            "description": summary, "headers": dict(headers or {}),
            "content": {kind: {"schema": schema} for kind, schema in content.items()},
        }
    }  # fmt: skip
    for each in problems:
        kind = PROBLEM if each in (410, 429, 503) else "application/json"
        name = "Problem" if kind == PROBLEM else "Error"
        answers[str(each)] = {
            "description": {400: "The question cannot be read, or goes beyond a limit.", 404: "There is no such thing.",
                            410: "The table was withdrawn.", 416: "The range is outside the file.",
                            429: "Too many questions of one reader.", 503: "Too many readers at this moment."}[each],
            "content": {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }  # fmt: skip
    return {"get": {"summary": summary, "parameters": parameters, "responses": answers}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def openapi(title: str, version: str, address: str, licence: Mapping[str, str],
            tables: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:  # fmt: skip
    """The description. tables: published table -> column -> type in DuckDB."""
    table = _place("table", "A published table.", enum=sorted(tables))
    filters = {
        "name": "filters", "in": "query", "style": "form", "explode": True,
        "description": f"Any column, with or without a comparison: `column=value`, `column__gt=value`. Comparisons: {COMPARISONS}.",
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    }  # fmt: skip
    search = [filters, _query("_search", "Words; accents and capitals do not matter."),
              _query("_sort", "Column to order by."), _query("_sort_desc", "Column to order by, largest first.")]  # fmt: skip
    paged = [_query("_size", "Rows of a page, at most 1,000.", "integer"), _query("_next", "The `next` of the page before."),
             _query("_facet", "Column whose values are counted; may be repeated."), _query("_extra", "More of the answer, for example `count`."),
             {"name": "_shape", "in": "query", "description": "Form of the rows.", "required": False,
              "schema": {"type": "string", "enum": ["objects", "arrays", "array", "arrayfirst", "object"]}}]  # fmt: skip
    sql = [_query("sql", "One SELECT.", required=True)]
    binary, text = {"type": "string", "format": "binary"}, {"type": "string"}
    release, path = (
        _place("release", "Number of a release."),
        _place("path", "Path of a file of the release."),
    )
    pair = [_place("newer", "Number of a release."), _place("older", "Number of another release.")]
    streamed = {**ROW_COUNT, **LIMITS}
    whole = [table, *search, _query("_size", "Only the first rows.", "integer"), _query("_col", "Only these columns; may be repeated."),
             {"name": "_end", "in": "query", "description": "`on`: a last line says that everything is there.", "required": False,
              "schema": {"type": "string", "enum": ["on"]}}]  # fmt: skip
    excel = {"name": "_excel", "in": "query", "description": "Language of the spreadsheet: separator, decimal sign, headings of the workbook.",
             "required": False, "schema": {"type": "string", "enum": ["es", "en", "pt", "fr"]}}  # fmt: skip
    asking = (400, 429, 503)
    paths = {
        "/ingp.json": _get("All tables with their columns and counts.", [], {"application/json": _ref("Database")}, problems=()),
        "/ingp/{table}.json": _get("A page of rows.", [table, *search, *paged], {"application/json": _ref("Page")}, problems=(400, 404, 410)),
        "/ingp/{table}/{key}.json": _get("One row.", [table, _place("key", "Key of the row, its parts with commas, tilde-encoded.")],
                                         {"application/json": _ref("Page")}, problems=(404, 410)),
        "/ingp/{table}.csv": _get("All rows that match, as CSV; for a spreadsheet with `_excel`.", [*whole, excel], {CSV: text}, streamed, (400, 404, 410, 503)),
        "/ingp/{table}.jsonl": _get("All rows that match, a JSON object a line.", whole, {LINES: text}, streamed, (400, 404, 410, 503)),
        "/ingp/{table}.parquet": _get("All rows that match, as Parquet.", whole, {PARQUET: binary}, streamed, (400, 404, 410, 503)),
        "/ingp/{table}.xlsx": _get("All rows that match, at most 200,000, as a workbook that names its question and address.", [*whole[:-1], excel],
                                   {XLSX: binary}, streamed, (400, 404, 410, 503)),
        "/ingp/-/query.json": _get("SQL to SQLite; cut at 1,000 rows, and `truncated` says so.", sql, {"application/json": _ref("Page")}, problems=(400,)),
        "/ingp/-/query.csv": _get("SQL to SQLite, all rows.", sql, {CSV: text}, streamed, asking),
        "/ingp/-/analytics.json": _get("SQL to DuckDB.", sql, {"application/json": _ref("Answer")}, streamed, asking),
        "/ingp/-/analytics.csv": _get("SQL to DuckDB, all rows; for a spreadsheet with `_excel`.", [*sql, excel], {CSV: text}, streamed, asking),
        "/ingp/-/analytics.jsonl": _get("SQL to DuckDB, all rows.", sql, {LINES: text}, streamed, asking),
        "/ingp/-/analytics.parquet": _get("SQL to DuckDB, all rows.", sql, {PARQUET: binary}, streamed, asking),
        **_for_people(table, release, binary),
        "/feed.atom": _get("News of all releases; also below /es, /en, /pt, /fr, like every feed.", [], {ATOM: text}, problems=()),
        "/ingp/{table}.atom": _get("News of a table, or of the rows that filters leave.", [table, *search], {ATOM: text}, problems=(400, 404, 410)),
        "/members/{member}.atom": _get("News of a member.", [_place("member", "Code of a member with data.")], {ATOM: text}),
        "/ingp/-/analytics.atom": _get("News of the answer to a question (DuckDB).", sql, {ATOM: text}),
        "/ingp/-/query.atom": _get("News of the answer to a question (SQLite).", sql, {ATOM: text}),
        "/sitemap.xml": _get("The sitemap of the sitemaps.", [], {"application/xml": text}, problems=()),
        "/llms.txt": _get("The site in one page of text.", [], {"text/plain": text}, problems=()),
        "/ingp/-/analytics.xlsx": _get("SQL to DuckDB, at most 200,000 rows, as a workbook.", [*sql, excel], {XLSX: binary}, streamed, asking),
        "/v.json": _get("All releases.", [], {"application/json": _ref("Releases")}, problems=()),
        "/v/{release}.json": _get("All files of a release.", [release], {"application/json": _ref("Release")}),
        "/v/{release}/{path}": _get("A file, for ever the same; ranges are answered with 206.", [release, path],
                                    {"application/octet-stream": binary}, ROW_COUNT, (404, 410, 416)),
        "/v/{release}/downloads/{table}.json": _get("Addresses of all formats of a table: whole, by member, by member and year. What has no size is "
                                                    "made when it is first asked for; 202 asks you to come back.", [release, table],
                                                    {"application/json": _ref("Downloads")}),
        "/latest/{path}": _get("The same path in the newest release.", [path], {}, problems=(), status=302),
        "/as-of/{day}/{path}": _get("What was published on a day.", [_place("day", "A day.", format="date"), path], {}, problems=(400, 404), status=302),
        "/v/{newer}/changes/{older}.json": _get("What changed between two releases.", pair, {"application/json": _ref("Changes")}),
        "/v/{newer}/changes/{older}/{table}.parquet": _get("Changed rows of a table.", [*pair, table], {PARQUET: binary}, ROW_COUNT),
        "/v/{newer}/changes/{older}/{table}.cells.parquet": _get("Changed cells of a table.", [*pair, table], {PARQUET: binary}, ROW_COUNT),
    }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "license": {"name": licence["title"], "url": licence["path"]},
        },
        "servers": [{"url": address}],
        "paths": paths,
        "components": {"schemas": _schemas(tables)},
    }


def _for_people(table: Any, release: Any, binary: Any) -> dict[str, Any]:
    """Paths of what the pages for people show: members, tables, organisations, processes, questions, search."""

    def told(words: str, *parameters: Any, problems: Iterable[int] = (404,)) -> dict[str, Any]:
        return _get(words, list(parameters), {"application/json": _ref("Told")}, problems=problems)

    def rows(words: str, *parameters: Any) -> dict[str, Any]:
        return _get(words, list(parameters), {"application/json": _ref("Organisations")}, problems=(400, 404))

    found = [_query("q", "A question in words, in the language of `_lang`."), _query("what", "What is counted, for example `contracts`."),
             _query("by", "What the figures are told by, for example `member` or `year`."), _query("year", "Only this year."),
             _query("member", "Only this member; may be repeated."), _query("method", "Only this procurement method; may be repeated."),
             _query("over", "Only amounts from here on."), _query("currency", "Only amounts in this currency.")]  # fmt: skip
    lists: dict[str, Any] = {}
    for kind in ("buyers", "suppliers"):
        narrowed = (
            _query("member_code", "Only those of this member."),
            _query("_search", "Words of a name."),
        )
        lists[f"/{kind}.json"] = rows(f"The {kind}, most contracts first.", *narrowed, _query("_size", "How many, at most 1,000.", "integer"),
                                      _query("_next", "The `next` of the page before."))  # fmt: skip
        lists[f"/{kind}.csv"] = _get(
            f"All {kind}, a line for each currency.", [*narrowed], {CSV: {"type": "string"}}
        )
        lists[f"/{kind}/{{id}}.json"] = told(f"One of the {kind}.", _place("id", "The `id` of the list."))
    asking = (404, 429, 503)
    return {
        **lists,
        "/members.json": told("All members.", problems=()),
        "/members/{member}.json": told("A member: what it sent, and how complete it is.", _place("member", "Code of a member.")),
        "/tables/{table}.json": told("A table: its columns, coverage, quality and files.", table),
        "/tables/{table}/{column}.json": told("A column: its codes and how often it is filled.", table, _place("column", "A column of the table.")),
        "/processes/{ocid}.json": _get("A contracting process in OCDS; 300 names the members when several have its number.",
                                       [_place("ocid", "Number of a process, tilde-encoded.")], {"application/json": {"type": "object"}}),
        "/processes/{member}/{ocid}.json": _get("The process of one member, in OCDS.", [
            _place("member", "Code of a member."), _place("ocid", "Number of a process, tilde-encoded.")], {"application/json": {"type": "object"}}),
        "/questions.json": told("Questions that every release answers.", problems=()),
        "/questions/{slug}.json": told("One question: answer, coverage, SQL.", _place("slug", "The `question` of the list."), _query("member", "Code of a member.")),
        "/search.json": told("Search in all tables.", _query("q", "Words; accents and capitals do not matter."), _query("table", "Only this table."),
                             _query("page", "Number of a page of one table.", "integer")),
        "/ask.json": told("Figures by member, year or any other group, each in its own currency.", *found, problems=asking),
        "/ask.xlsx": _get("The same figures as a workbook that names its question.", found, {XLSX: binary}, problems=asking),
        "/v/{release}/ask.json": told("The figures of one release.", release, *found, problems=asking),
    }  # fmt: skip


def _schemas(tables: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    def fields(required: str, **properties: Any) -> dict[str, Any]:
        return {"type": "object", "required": required.split(), "properties": properties}

    def rows_of(columns: Mapping[str, str]) -> dict[str, Any]:
        kinds = {name: KINDS.get(kind, "number") for name, kind in columns.items() if name != "_rowid"}
        return {
            "type": "object",
            "properties": {name: {"type": [kind, "null"]} for name, kind in kinds.items()},
        }

    text, number, truth, anything = (
        {"type": "string"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "object"},
    )
    texts = {"type": "array", "items": text}
    file = fields("path url bytes sha256 media_type", path=text, url=text, bytes=number, sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
                  media_type=text, rows={"type": ["integer", "null"]}, table={"type": ["string", "null"]}, member={"type": ["string", "null"]})  # fmt: skip
    counted = fields("table added removed changed unchanged cells keyed", table=text, added=number, removed=number, changed=number,
                     unchanged=number, cells=number, keyed=truth)  # fmt: skip
    return {
        "Error": fields("ok error status", ok={"const": False}, error=text, errors=texts, status=number),
        "Problem": fields("title status detail", type=text, title=text, status=number, detail=text, details=anything, said=text, instance=text),
        "Page": fields("ok rows", ok={"const": True}, rows={"type": "array", "items": anything}, next={"type": ["string", "null"]},
                       next_url={"type": ["string", "null"]}, truncated=truth, count={"type": ["integer", "null"]}),
        "Organisations": fields("ok rows next next_url", ok={"const": True}, next={"type": ["integer", "null"]}, next_url={"type": ["string", "null"]},
                                rows={"type": "array", "items": fields("url id name member_code", url=text, id=text, name=text, member_code=text)}),
        "Told": fields("ok", ok={"const": True}, release=text),
        "Database": fields("database tables", database=text, tables={"type": "array", "items": fields("name columns", name=text, columns=texts)}),
        "Answer": fields("ok release row_count columns types rows", ok={"const": True}, release=text, row_count=number, columns=texts,
                         types=texts, rows={"type": "array", "items": anything}),
        "Releases": fields("latest releases", latest=text, releases={"type": "array", "items": fields("release released_at url", release=text,
                           released_at={"type": "string", "format": "date-time"}, url=text)}),
        "Release": fields("release released_at files", release=text, released_at=text, files={"type": "array", "items": file}),
        "Downloads": fields("release table files", release=text, table=text, files={"type": "array", "items": fields(
            "path url rows bytes member year", path=text, url=text, rows=number, bytes={"type": ["integer", "null"]},
            member={"type": ["string", "null"]}, year={"type": ["string", "null"]})}),
        "Changes": fields("older newer schema tables", older=text, newer=text, schema={"type": "array", "items": fields("kind table", kind=text, table=text)},
                          tables={"type": "array", "items": counted}),
        **{f"row.{name}": rows_of(columns) for name, columns in tables.items()},
    }  # fmt: skip
