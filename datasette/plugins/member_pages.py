"""``/members`` and a page for every member, ``/members/<code>``: all 32, also those that have not sent data yet."""

import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

from datasette import NotFound, Request, Response, hookimpl

OPEN = {"access-control-allow-origin": "*", "cache-control": "public, max-age=60"}
REGISTER = "activity_members"
"""Published table in which the network lists its members, with the websites of their institutions."""


def listed(site: Any) -> list[dict[str, Any]]:
    """Members of the network and everybody else who sent data, by name: versions, tables and files, empty without data."""
    with_data = {member["code"]: member for member in site.members}
    codes = [code for code, each in site.published.catalogue.members.items() if each.kind == "member"]
    empty = {"parts": [], "rows": 0, "tables": [], "files": {}}
    silent = [{**site.member(code), **empty} for code in codes if code not in with_data]
    return [*site.members, *sorted(silent, key=lambda member: member["name"])]


def _newest(site: Any, code: str) -> dict[str, Any] | None:
    """When the member's newest data was accepted, and how many days that was before the release."""
    accepted = [each["accepted_at"] for each in site.release.descriptor["versions"] if each["member"] == code]
    if not accepted:
        return None
    newest = max(accepted)
    released = datetime.fromisoformat(site.release.descriptor["created"])
    days = (released.date() - datetime.fromisoformat(newest).date()).days
    return {"at": newest, "day": site.day(newest), "days": days}


def _registered(site: Any, database: Any, alpha2: str) -> dict[str, Any] | None:
    """What the network's own list of members says; None when the release does not hold it, or not this country."""
    if site.release.rows(REGISTER) is None:
        return None
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as con:
        row = con.execute(f"SELECT since, website FROM {REGISTER} WHERE country = ?", (alpha2,)).fetchone()
    return {"since": row[0], "website": row[1]} if row else None


async def members(datasette: Any, request: Request) -> Response:
    site = datasette.published.in_language(request.scope["language"])
    everybody = listed(site)
    if request.url_vars.get("form"):
        told = [
            {
                "member_code": each["code"], "name": each["name"], "institution": each["institution"], "kind": each["kind"],
                "rows": each["rows"] or None, "tables": len(each["tables"]),
                "newest": (_newest(site, each["code"]) or {}).get("at"),
            }
            for each in everybody
        ]  # fmt: skip
        body = {"ok": True, "release": site.release.number, "members": told}
        return Response.json(body, headers=OPEN | {"content-language": site.language})
    context = {
        "everybody": [{**each, "newest": _newest(site, each["code"])} for each in everybody],
        "expected": sum(1 for each in site.published.catalogue.members.values() if each.kind == "member"),
        "sending": sum(1 for each in everybody if each["kind"] == "member" and each["parts"]),
    }
    return Response.html(await datasette.render_template("members.html", context, request=request))


async def member_page(datasette: Any, request: Request) -> Response:
    site = datasette.published.in_language(request.scope["language"])
    code = request.url_vars["code"].upper()
    found_member = next((each for each in listed(site) if each["code"] == code), None)
    if found_member is None:
        raise NotFound("There is no such member")
    this = {**found_member}
    about = site.published.catalogue.members.get(code)
    summaries = datasette.summaries
    coverage = {
        table["name"]: years[code]
        for table in this["tables"]
        if code in (years := summaries.coverage.get(table["name"], {}))
    }
    order = [table["name"] for group in site.groups for table in group["tables"]]
    this["tables"] = sorted(this["tables"], key=lambda table: order.index(table["name"]))
    newest, found = _newest(site, code), summaries.findings(member=code)
    registered = _registered(site, summaries.database, about.alpha2) if about else None
    if request.url_vars.get("form"):
        told = {
            "ok": True, "release": site.release.number, "language": site.language, "member_code": code, "name": this["name"],
            "institution": this["institution"], "kind": this["kind"], "has_data": bool(this["parts"]),
            "newest": newest and newest["at"], "registered": registered,
            "versions": [each for each in site.release.descriptor["versions"] if each["member"] == code],
            "coverage": [
                {"table": table, "year": year, "rows": rows} for table, years in coverage.items() for year, rows in years.items()
            ],
            "quality": found and [{"table": each.table, "code": each.code, "severity": each.severity, "columns": each.columns, "count": each.count} for each in found],
            "files": [{"path": file.path, "bytes": file.bytes, "rows": file.rows} for file in this["files"].values()],
        }  # fmt: skip
        return Response.json(told, headers=OPEN | {"content-language": site.language})
    context = {
        "this": this, "about": about, "registered": registered, "coverage": coverage, "newest": newest, "found": found,
        "years": datasette.years_of(coverage),
    }  # fmt: skip
    return Response.html(await datasette.render_template("member.html", context, request=request))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/members(?P<form>\.json)?/?$", members),
        (r"^/members/(?P<code>[A-Za-z]{3,4})(?P<form>\.json)?/?$", member_page),
    ]
