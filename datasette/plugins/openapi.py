"""``/openapi.json``: what programs may ask of this site."""

from typing import Any

from datasette import Response, hookimpl

from pipelines.serving.openapi import openapi


async def description(datasette: Any) -> Response:
    site = datasette.published.in_language("en")
    release = datasette.published.release
    columns = datasette.get_database("ingp").columns
    tables = (
        columns.kinds
        if columns
        else {name: dict.fromkeys(own, "VARCHAR") for name, own in release.columns.items()}
    )
    described = openapi(site.title, release.number, release.descriptor["homepage"], site.licence, tables)
    headers = {"access-control-allow-origin": "*", "cache-control": "public, max-age=60"}
    return Response.json(described, headers=headers)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/openapi\.json$", description)]
