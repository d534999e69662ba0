"""A person's own account, and the people of the installation: who is invited, who does what, who does not any more."""

import asyncio
from datetime import timedelta
from typing import Any

from datasette import Forbidden, Request, Response, hookimpl

from pipelines.desk import Action, Person, Role, may
from pipelines.desk.accounts.accounts import SCOPES, STRONG
from pipelines.desk.inviting import invite, send_invitation
from pipelines.desk.permissions import EVERYWHERE
from pipelines.exceptions import StoreError

DAYS = (30, 90, 365)


async def _person(datasette: Any, request: Request) -> Person | None:
    """Who is signed in with a browser; a program's token opens no pages of accounts."""
    actor = request.actor
    if not actor or actor.get("token"):
        return None
    number = int(str(actor["id"]).removeprefix("person:"))
    return await asyncio.to_thread(datasette.desk.people.get, number)


async def account(datasette: Any, request: Request) -> Response:
    """Language, second factor, sessions and tokens of one's own."""
    person, accounts = await _person(datasette, request), datasette.desk.accounts
    if person is None:
        return Response.redirect("/sign-in?next=/account")
    shown, problem = "", ""
    if request.method == "POST":
        form = await request.post_vars()
        match form.get("do"):
            case "language" if form.get("language") in ("es", "en", "pt", "fr"):
                person = await asyncio.to_thread(
                    datasette.desk.people.change, person.id, language=form["language"]
                )
            case "end":
                await asyncio.to_thread(accounts.end_sessions, person)
                return Response.redirect("/sign-in")
            case "token":
                scopes = [scope for scope in SCOPES if form.get(f"scope-{scope}")]
                days = int(form["days"]) if form.get("days", "").isdigit() else 0
                try:
                    shown = await asyncio.to_thread(
                        accounts.new_token, person, form.get("name", ""), scopes, timedelta(days=days)
                    )
                except StoreError:
                    problem = "token"
            case "revoke" if form.get("id", "").isdigit():
                await asyncio.to_thread(accounts.revoke_token, person, int(form["id"]))
    values = {
        "problem": problem, "shown": shown, "tokens": await asyncio.to_thread(accounts.tokens, person), "scopes": SCOPES,
        "days": DAYS, "sessions": await asyncio.to_thread(accounts.count_sessions, person),
        "has_factor": await asyncio.to_thread(accounts.factors.has, person.id), "is_strong": person.role in STRONG,
    }  # fmt: skip
    page = await datasette.render_template("account.html", values, request=request)
    return Response.html(page, status=400 if problem else 200)


async def people(datasette: Any, request: Request) -> Response:
    """For administrators: everybody, invitations, roles."""
    person, desk = await _person(datasette, request), datasette.desk
    if person is None:
        return Response.redirect("/sign-in?next=/people")
    if not may(person, Action.INVITE):
        raise Forbidden("only administrators invite people")
    problem, done = "", None
    if request.method == "POST":
        form = await request.post_vars()
        try:
            done = await asyncio.to_thread(_change, desk, person, form)
        except (StoreError, ValueError) as error:
            problem = str(error)
    values = {
        "people": await asyncio.to_thread(desk.people.all),
        "roles": [role.value for role in Role],
        "members": [
            (each.code, each.names[datasette.language_of(request)])
            for each in desk.site.catalogue.members.values()
        ],
        "problem": problem,
        "done": done,
    }
    page = await datasette.render_template("people.html", values, request=request)
    return Response.html(page, status=400 if problem else 200)


def _change(desk: Any, person: Person, form: dict[str, str]) -> Person:
    """What an administrator asks for; nobody takes away their own rights, so that somebody is always left."""
    if form.get("do") == "invite":
        return invite(
            desk,
            form.get("email", ""),
            form.get("name", ""),
            form.get("role", ""),
            form.get("member") or None,
            form.get("language", ""),
        )
    other = desk.people.get(int(form.get("id", "0")))
    if other.id == person.id:
        raise StoreError("not yourself")
    if form.get("do") == "deactivate":
        return desk.accounts.deactivate(other)
    if form.get("do") == "activate":
        return desk.people.change(other.id, active=True)
    if form.get("do") == "again":
        return send_invitation(desk, other)
    role = Role(form.get("role", ""))
    if (other.member is None) != (role in EVERYWHERE):
        raise StoreError("this role does not fit this person")
    desk.accounts.end_sessions(other)
    return desk.people.change(other.id, role=role.value)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/account$", account), (r"^/people$", people)]
