"""``/account``: a person's own: language, password, second factor, sessions, tokens, and what happened."""

import asyncio
import re
from datetime import timedelta
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk import Person
from pipelines.desk.accounts.accounts import STRONG
from pipelines.desk.permissions import SCOPES
from pipelines.exceptions import StoreError

DAYS = (30, 90, 365)
NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


async def account(datasette: Any, request: Request) -> Response:
    """A program's token opens no pages of accounts."""
    person = await asyncio.to_thread(datasette.journey.person, request)
    if person is None:
        return Response.redirect("/sign-in?next=/account")
    done: dict[str, Any] = {}
    if request.method == "POST":
        changed = await _change(datasette, request, person, await request.post_vars())
        if isinstance(changed, Response):
            return changed
        done = changed
    return await _page(datasette, request, done)


async def _change(
    datasette: Any, request: Request, person: Person, form: dict[str, str]
) -> dict[str, Any] | Response:
    """What the page then tells, or where to go."""
    accounts, door = datasette.desk.accounts, datasette.door
    match form.get("do"):
        case "language" if form.get("language") in ("es", "en", "pt", "fr"):
            await asyncio.to_thread(datasette.desk.people.change, person.id, language=form["language"])
        case "password":
            return await _password(datasette, request, person, form)
        case "end":
            await asyncio.to_thread(accounts.end_sessions, person)
            return Response.redirect("/sign-in", headers={"set-cookie": door.cookie("")})
        case "end-one":
            await asyncio.to_thread(accounts.end_session_of, person, form.get("key", ""))
        case "token":
            scopes = [scope for scope in SCOPES if form.get(f"scope-{scope}")]
            days = int(form["days"]) if NUMBER.fullmatch(form.get("days", "")) else 0
            try:
                shown = await asyncio.to_thread(
                    accounts.new_token,
                    person,
                    form.get("name", ""),
                    scopes,
                    timedelta(days=min(days, 10_000)),
                )
            except StoreError:
                return {"problem": "token"}
            await door.tell(person, "token")
            return {"shown": shown}
        case "revoke" if NUMBER.fullmatch(form.get("id", "")):
            await asyncio.to_thread(accounts.revoke_token, person, int(form["id"]))
    return {}


async def _password(
    datasette: Any, request: Request, person: Person, form: dict[str, str]
) -> dict[str, Any] | Response:
    """Every session ends, and this browser gets a new one."""
    accounts, door = datasette.desk.accounts, datasette.door
    chosen = form.get("password", "")
    if chosen != form.get("again", ""):
        return {"problem": "different"}
    wrong = await asyncio.to_thread(
        accounts.change_password, person, form.get("current", ""), chosen, door.network(request)
    )
    if wrong:
        return {"problem": wrong}
    secret = await asyncio.to_thread(accounts.begin_session, person)
    await door.tell(person, "password")
    answer = await _page(datasette, request, {"changed": True}, secret)
    answer.headers["set-cookie"] = door.cookie(secret)
    return answer


async def _page(datasette: Any, request: Request, done: dict[str, Any], session: str = "") -> Response:
    accounts, door = datasette.desk.accounts, datasette.door
    # As it is now: the language may just have been chosen.
    person = await asyncio.to_thread(datasette.journey.person, request)

    def gathered() -> dict[str, Any]:
        return {
            "tokens": accounts.tokens(person), "sessions": accounts.sessions(person, session or door.secret(request)),
            "has_factor": accounts.factors.has(person.id), "codes_left": accounts.factors.count_recovery(person.id),
            "events": accounts.events.of(person.id),
        }  # fmt: skip

    values = {"problem": "", "shown": "", "changed": False, "scopes": SCOPES, "days": DAYS, "is_strong": person.role in STRONG}  # fmt: skip
    values |= await asyncio.to_thread(gathered)
    status = {"": 200, "wait": 429}.get(done.get("problem", ""), 400)
    page: Response = await datasette.journey.render(request, "account.html", values | done, status)
    return page


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/account$", account)]
