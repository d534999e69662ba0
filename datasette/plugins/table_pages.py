"""A page for every table, ``/tables/<table>``, and for every column of it, ``/tables/<table>/<column>``.

What one row is, what the columns mean and how full they are, who sent rows for which year, what the checks found.
"""

from collections.abc import Mapping
from typing import Any

from datasette import NotFound, Request, Response, hookimpl

from pipelines.publication.metadata.citation import apa
from pipelines.publication.metadata.described import describe
from pipelines.publication.texts import load_texts

OPEN = {"access-control-allow-origin": "*", "cache-control": "public, max-age=60"}
SHORT_LIST = 12
"""Codes of a column that the page of its table lists; longer lists are on the page of the column."""

LAST_YEARS = 12
"""Years that a matrix shows one by one; earlier ones are added up in a column of their own."""


def matrix(datasette: Any, site: Any, rows: Mapping[str, Mapping[int | None, Any]]) -> dict[str, Any]:
    """``years`` (None: without a year), ``members`` with their cells, ``silent`` members without any.

    earlier: last of the years that are left out because there are too many, or None; of a member: its cells until then.
    """
    years = datasette.years_of(rows)
    dated = [year for year in years if year is not None]
    earlier = dated[-LAST_YEARS - 1] if len(dated) > LAST_YEARS else None
    shown = [year for year in years if year is None or earlier is None or year > earlier]
    members = [
        {
            **site.member(code),
            "cells": cells,
            "earlier": [cells[year] for year in cells if year and earlier and year <= earlier],
        }
        for code, cells in rows.items()
    ]
    network = [code for code, each in site.published.catalogue.members.items() if each.kind == "member"]
    silent = [site.member(code) for code in network if code not in rows]
    return {
        "years": shown,
        "earlier": earlier,
        "members": sorted(members, key=lambda each: each["name"]),
        "silent": sorted(silent, key=lambda each: each["name"]),
        "has_years": bool(dated),
    }


def fields_of(site: Any, table: str) -> list[dict[str, Any]]:
    """The dictionary of a table, in the language of the site."""
    described = site.published.tables[table]
    types = load_texts()[site.language]["types"]
    fields = []
    for name in site.release.columns.get(table, ()):
        column = site.column(table, name)
        field = described.by_name.get(name)
        kind = field.type if field else site.published.kind(table, name)[0]
        codes = site.published.catalogue.codelists[column.codelist].codes if column.codelist else {}
        fields.append(
            {
                "name": name,
                "title": column.title,
                "description": column.description,
                "type": types.get(kind, types["string"]),
                "level": field.level if field else None,
                "example": field.descriptor.get("example") if field else None,
                "ocds_path": field.ocds_path if field else None,
                "codelist": column.codelist,
                "codes": {code: site.code(code, column.codelist) or code for code in codes},
            }
        )
    return fields


def _known(datasette: Any, request: Request) -> tuple[Any, dict[str, Any]]:
    site = datasette.published.in_language(request.scope["language"])
    table = request.url_vars["table"]
    if table not in site.published.tables or site.release.rows(table) is None:
        raise NotFound("This release has no such table")
    return site, site.table(table)


async def table_page(datasette: Any, request: Request) -> Response:
    site, this = _known(datasette, request)
    name, summaries = this["name"], datasette.summaries
    coverage, filled = summaries.coverage.get(name, {}), summaries.filled.get(name, {})
    found = summaries.findings(table=name)
    fields = [{**each, "filled": filled.get(each["name"])} for each in fields_of(site, name)]
    names = datasette.releases.names()
    before = names[names.index(site.release.number) + 1 :][:1]
    older = before[0] if before and name in datasette.releases.get(before[0]).tables else None
    described = describe(site.release.descriptor, site.published.catalogue)
    if request.url_vars.get("form"):
        told = {
            "ok": True, "release": site.release.number, "language": site.language, "table": name, "title": this["title"],
            "one_row": this["one_row"], "rows": this["rows"],
            "columns": [{**each, "filled": each["filled"] and {"rows": each["filled"][0], "filled": each["filled"][1]}} for each in fields],
            "coverage": [
                {"member_code": member, "year": year, "rows": rows}
                for member, years in coverage.items() for year, rows in years.items()
            ],
            "quality": found and [{"code": each.code, "severity": each.severity, "columns": each.columns, "count": each.count} for each in found],
            "files": [{"path": file.path, "bytes": file.bytes, "rows": file.rows, "member": file.member} for file in (*this["files"], *this["member_files"])],
        }  # fmt: skip
        return Response.json(told, headers=OPEN | {"content-language": site.language})
    context = {
        "this": this, "fields": fields, "matrix": matrix(datasette, site, coverage), "found": found, "older": older,
        "short": SHORT_LIST, "citation": apa(described, site.language), "known": bool(summaries.coverage),
    }  # fmt: skip
    return Response.html(await datasette.render_template("table_page.html", context, request=request))


async def column_page(datasette: Any, request: Request) -> Response:
    site, this = _known(datasette, request)
    field = next(
        (each for each in fields_of(site, this["name"]) if each["name"] == request.url_vars["column"]), None
    )
    if field is None:
        raise NotFound("This table has no such column")
    rates = datasette.summaries.fill_of(this["name"], field["name"]) if datasette.summaries.filled else {}
    if request.url_vars.get("form"):
        told = [
            {"member_code": member, "year": year, "rows": rows, "filled": filled}
            for member, years in rates.items() for year, (rows, filled) in years.items()
        ]  # fmt: skip
        return Response.json(
            {"ok": True, "release": site.release.number, "table": this["name"], **field, "fill_rates": told},
            headers=OPEN | {"content-language": site.language},
        )
    context = {
        "this": this,
        "field": field,
        "matrix": matrix(datasette, site, rates),
        "overall": datasette.summaries.filled.get(this["name"], {}).get(field["name"]),
    }
    return Response.html(await datasette.render_template("column_page.html", context, request=request))


async def all_tables(datasette: Any) -> Response:
    """The list of tables is the page of the database."""
    return Response.redirect(datasette.urls.path("/ingp"))


@hookimpl
def startup(datasette: Any) -> None:
    datasette.matrix = matrix


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/tables/?$", all_tables),
        (r"^/tables/(?P<table>\w+)(?P<form>\.json)?$", table_page),
        (r"^/tables/(?P<table>\w+)/(?P<column>\w+)(?P<form>\.json)?$", column_page),
    ]
