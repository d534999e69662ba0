"""What search engines and other machines are told first: ``robots.txt``, ``sitemap.xml``, ``llms.txt``."""

import re
from typing import Any

from datasette import NotFound, Request, Response, hookimpl
from datasette.plugins import pm
from datasette.utils import tilde_encode

from pipelines.serving.sitemap import index, parts, sitemap

FOR_NOW = {"cache-control": "public, max-age=3600", "access-control-allow-origin": "*"}

PAGES = (
    "/questions", "/ask", "/search", "/feeds", "/developers", "/v/", "/ingp/-/analytics",
)  # fmt: skip
"""Pages of plugins; those that this site does not have are not listed."""

ROBOTS = """\
# Pages are for everybody. Views of a page (filters, facets, orders) have no end, and a query costs a computer time:
# whoever wants all rows takes the files, which {public}/llms.txt names.
User-agent: *
Disallow: {base}*?
Disallow: {base}*/-/
Disallow: {base}-/
Disallow: {base}files/
Disallow: {base}latest/
Disallow: {base}as-of/
Disallow: {base}*.csv$
Disallow: {base}*.jsonl$
Disallow: {base}*.parquet$
Disallow: {base}*.xlsx$
Disallow: {base}*.zip$
Disallow: {base}*.db$
Disallow: {base}*.duckdb$
Allow: {base}*/-/analytics$
Allow: {base}assets/

Sitemap: {public}/sitemap.xml
"""

LLMS = """\
# {title}

> {network}: open data on public procurement in the Americas, collected from the procurement agencies of its members,
> checked against one standard ({standards}) and published as numbered releases that never change. Now: release {release}.

The pages are in Spanish, English, Portuguese and French: {public}/es/, /en/, /pt/, /fr/. What programs read has no language.

## Data

- [All releases]({public}/v.json): JSON; each release lists its files with size, rows and SHA-256
- [Files of the newest release]({public}/v/{release}.json): CSV, Parquet, JSON Lines, XLSX, SQLite, DuckDB
- [Data Package]({public}/latest/datapackage.json): every table and column, with titles and descriptions in four languages
- A table, all rows that match: {public}/ingp/<table>.csv?<column>=<value> (also .jsonl, .parquet)

## Interfaces

- [OpenAPI 3.1]({public}/openapi.json): every address that answers with JSON, CSV or Parquet
- [SQL on DuckDB]({public}/ingp/-/analytics.json?sql=select+1): read only, at most {seconds} seconds; use this rather than many pages
- [For programs]({public}/en/developers): examples for Python, R, Excel and curl
- [Feeds]({public}/en/feeds): Atom, of releases, members, tables and questions

## Tables

{tables}

## Terms

- Licence: {licence} ({licence_address})
- Please name the release when you cite: {title}, release {release}, table, {public}/v/{release}/, and the day on which you read it
- An empty cell means that the member did not say; it is never zero. Amounts are in the currency of the column beside them
- Please be gentle: take whole files instead of crawling pages; `Retry-After` says when to come back
"""


def _public(datasette: Any) -> str:
    return datasette.published.release.descriptor["homepage"].rstrip("/")


async def _pages(datasette: Any) -> list[str]:
    """Paths of the pages that search engines shall know, without a language; those that this site has."""
    site = datasette.published.in_language("en")
    tables = [tilde_encode(each["name"]) for group in site.groups for each in group["tables"]]
    always = ["/", "/ingp", "/members", *(f"/ingp/{name}" for name in tables)]
    perhaps = [
        *PAGES,
        *(f"/{kind}" for kind in sorted(await datasette.kinds_of_organisations())),
        *(f"/members/{each['code']}" for each in site.members),
        *(f"/tables/{name}" for name in tables),
    ]
    perhaps += [f"/v/{name}/" for name in datasette.releases.names()]
    routes = [
        re.compile(regex)
        for routes in pm.hook.register_routes(datasette=datasette)
        for regex, _view in routes
    ]
    return always + [path for path in perhaps if any(route.match(path) for route in routes)]


async def robots(datasette: Any) -> Response:
    return Response.text(
        ROBOTS.format(public=_public(datasette), base=datasette.setting("base_url")), headers=FOR_NOW
    )


async def sitemap_index(datasette: Any) -> Response:
    count = len(parts(await _pages(datasette)))
    return _xml(index(_public(datasette), count, datasette.published.release.descriptor["created"][:10]))


async def sitemap_part(datasette: Any, request: Request) -> Response:
    number, split = int(request.url_vars["number"]), parts(await _pages(datasette))
    if not 1 <= number <= len(split):
        raise NotFound("There is no such part of the sitemap")
    day = datasette.published.release.descriptor["created"][:10]
    return _xml(sitemap(_public(datasette), split[number - 1], day))


def _xml(body: str) -> Response:
    return Response(body, headers=FOR_NOW, content_type="application/xml; charset=utf-8")


async def llms(datasette: Any) -> Response:
    site = datasette.published.in_language("en")
    public = _public(datasette)
    tables = "\n".join(
        f"- [{each['title']}]({public}/ingp/{tilde_encode(each['name'])}.json): {each['rows']} rows. {each['one_row']}"
        for group in site.groups for each in group["tables"]
    )  # fmt: skip
    body = LLMS.format(
        title=site.title, network=site.network, standards=site.standards, release=site.release.number, public=public,
        tables=tables or "No member's data is published yet.", licence=site.licence["title"],
        licence_address=site.licence["path"], seconds=site.number(datasette.analysts.limits.seconds),
    )  # fmt: skip
    return Response.text(body, headers=FOR_NOW)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/robots\.txt$", robots),
        (r"^/sitemap\.xml$", sitemap_index),
        (r"^/sitemap-(?P<number>\d{1,6})\.xml$", sitemap_part),
        (r"^/llms\.txt$", llms),
    ]
