"""The front page and the list of tables, from what is known of the release when the site starts.

Datasette's own pages ask the database for every table and every permission: a hundred questions and more, for answers
that the templates do not show. Their JSON, ``/.json`` and ``/ingp.json``, stays as it is.
"""

from typing import Any

from datasette import Request, Response, hookimpl


async def home(datasette: Any, request: Request) -> Response:
    return Response.html(await datasette.render_template("index.html", {}, request=request))


async def data(datasette: Any, request: Request) -> Response:
    """All tables of the release. With ``?sql=``, as Datasette has it, the page of that query."""
    if request.args.get("sql"):
        return Response.redirect(datasette.urls.path(f"/ingp/-/query?{request.query_string}"))
    context = {
        "database": "ingp",
        "served": datasette.summaries.tables,
        "alternate_url_json": datasette.urls.path("/ingp.json"),
    }
    return Response.html(await datasette.render_template("database.html", context, request=request))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/$", home), (r"^/ingp$", data)]
