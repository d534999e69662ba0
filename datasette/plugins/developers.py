"""``/developers``: how programs read this site, with examples that run as they stand."""

from typing import Any
from urllib.parse import urlencode

from datasette import Request, Response, hookimpl

PYTHON = """import pandas as pd

table = pd.read_parquet("{file}")
print(len(table), "rows")"""
FILTERED = """import pandas as pd

rows = pd.read_csv("{filtered}", dtype=str)
print(len(rows), "rows")"""
DUCKDB = '''import duckdb

print(duckdb.sql("""
    SELECT member_code, count(*) AS n
    FROM '{file}'
    GROUP BY ALL
"""))'''
ATTACH = """import duckdb

duckdb.sql("ATTACH '{database}' AS ingp (READ_ONLY)")
print(duckdb.sql("SELECT count(*) FROM ingp.{table}"))"""
PAGED = """import json
from urllib.request import urlopen

address, rows = "{page}", []
while address:
    answer = json.load(urlopen(address))
    rows += answer["rows"]
    address = answer["next_url"]
print(len(rows), "rows")"""
CURL = '''curl --fail --silent --show-error --location "{file}" --output {table}.parquet
curl --fail --silent --show-error "{filtered}" --output rows.csv
curl --fail --silent --show-error "{sql}"'''
R = """library(arrow)

path <- tempfile(fileext = ".parquet")
download.file("{file}", path, mode = "wb")
table <- read_parquet(path)
print(nrow(table))"""
EXCEL = """let
    Source = Csv.Document(Web.Contents("{filtered}"), [Delimiter = ",", Encoding = 65001]),
    Table = Table.PromoteHeaders(Source)
in
    Table"""


def examples(datasette: Any, request: Request) -> list[dict[str, str]]:
    """``title``, ``words``, ``language`` and ``code`` of each, over the first published table."""
    site = datasette.published.in_language(request.scope["language"])
    _ = site._

    def absolute(path: str) -> str:
        return datasette.absolute_url(request, datasette.urls.path(path))

    table = site.groups[0]["tables"][0] if site.groups else site.reference_tables[0]
    name = table["name"]
    one = {"member_code": table["members"][0]["code"]} if table["members"] else {}
    query = f"?{urlencode(one)}" if one else ""
    places = {
        "table": name,
        "file": absolute(f"/latest/parquet/{name}.parquet"),
        "database": absolute("/latest/ingp.duckdb"),
        "filtered": absolute(f"/ingp/{name}.csv{query}"),
        "page": absolute(f"/ingp/{name}.json?{urlencode({**one, '_size': 100})}"),
        "sql": absolute(f"/ingp/-/analytics.json?{urlencode({'sql': f'SELECT count(*) AS n FROM {name}'})}"),
    }
    shown = [
        ("python", "Python: pandas", _("A whole table as a file: the fastest way, and amounts stay exact."), PYTHON),
        ("python", _("Python: the rows of one member"), _("Any filter of a table page works: take the address of the page and add .csv before the question mark."), FILTERED),
        ("python", "Python: DuckDB", _("Only the parts of the file that the question needs travel over the network."), DUCKDB),
        ("python", "Python: ATTACH", _("All tables of the release as one database, without downloading it."), ATTACH),
        ("python", _("Python: JSON, page by page"), _("For programs that read a little at a time."), PAGED),
        ("sh", "curl", _("A file, filtered rows, and a question in SQL."), CURL),
        ("r", "R", _("The file first, then its rows."), R),
        ("excel", "Excel", _("Data > Get data > From other sources > Blank query > Advanced editor. Excel can then refresh the rows by itself."), EXCEL),
    ]  # fmt: skip
    return [
        {"language": language, "title": title, "words": words, "code": code.format(**places)}
        for language, title, words, code in shown
    ]


async def developers(datasette: Any, request: Request) -> Response:
    context = {"examples": examples(datasette, request), "asking": datasette.analysts.limits}
    return Response.html(await datasette.render_template("developers.html", context, request=request))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/developers$", developers)]
