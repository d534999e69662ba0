"""``/audit``: what happened, for the Secretariat: by member, submission, action and day; as JSON Lines; and whether it is whole."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from datasette import Forbidden, Request, Response, hookimpl

from pipelines.desk import Action, may
from pipelines.store import State
from pipelines.store import audit as log

SHOWN = 100
"""Events of a page."""


def _day(told: str) -> datetime | None:
    """The first moment of a day in UTC; None for what is none."""
    try:
        return datetime.combine(date.fromisoformat(told), datetime.min.time(), UTC)
    except ValueError:
        return None


def _asked(request: Request) -> tuple[log.Asked, dict[str, str]]:
    """What is asked for, and the fields of the form with what of them was understood."""
    told = {
        name: (request.args.get(name) or "").strip()
        for name in ("member", "submission", "action", "from", "until")
    }
    since, until = _day(told["from"]), _day(told["until"])
    told["from"], told["until"] = (told["from"] if since else ""), (told["until"] if until else "")
    if told["action"] not in (*State, "note"):
        told["action"] = ""
    try:
        # Both days are meant whole.
        until = until + timedelta(days=1) if until else None
    except OverflowError:
        until = None
    return log.Asked(told["member"].upper(), told["submission"], told["action"], since, until), told


async def audit(datasette: Any, request: Request) -> Any:
    person = await asyncio.to_thread(datasette.journey.person, request)
    if person is None:
        return datasette.journey.to_sign_in(request)
    if not may(person, Action.AUDIT):
        raise Forbidden("not for this role")
    desk, database = datasette.desk, datasette.desk.database
    asked, told = _asked(request)
    query = {name: value for name, value in told.items() if value}
    if request.url_vars.get("ending"):
        return Response(
            await asyncio.to_thread(_lines, database, asked), content_type="application/jsonl; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="audit.jsonl"', "cache-control": "no-store"},
        )  # fmt: skip
    before = request.args.get("before") or ""
    number = int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else None
    found = await asyncio.to_thread(lambda: log.page(database, asked, before=number, count=SHOWN + 1))
    people = {each.actor: each.name for each in await asyncio.to_thread(desk.people.all)}
    shown = {
        "events": found[:SHOWN], "names": people, "asked": told, "query": urlencode(query),
        "states": [each.value for each in State], "whole": await asyncio.to_thread(log.check, database),
        "words": datasette.state_words(datasette.words_of(request).gettext),
        "older": urlencode({**query, "before": found[SHOWN - 1]["id"]}) if len(found) > SHOWN else "",
        "members": sorted(code for code, each in desk.site.catalogue.members.items() if each.kind == "member"),
    }  # fmt: skip
    return Response.html(await datasette.render_template("audit.html", shown, request=request))


def _lines(database: Any, asked: log.Asked) -> str:
    return "".join(
        json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n"
        for record in log.export(database, asked)
    )


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/audit(\.(?P<ending>jsonl))?$", audit)]
