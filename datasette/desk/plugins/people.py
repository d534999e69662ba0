"""``/people``: for administrators. Who is invited, who does what, who does not any more."""

import asyncio
import re
from typing import Any

from datasette import Forbidden, Request, Response, hookimpl

from pipelines.desk import Action, Person, Role, may
from pipelines.desk.inviting import invite, send_invitation
from pipelines.desk.permissions import EVERYWHERE
from pipelines.exceptions import StoreError

NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


async def people(datasette: Any, request: Request) -> Response:
    """For administrators: everybody, invitations, roles."""
    person, desk = await asyncio.to_thread(datasette.journey.person, request), datasette.desk
    if person is None:
        return Response.redirect("/sign-in?next=/people")
    if not may(person, Action.INVITE):
        raise Forbidden("only administrators invite people")
    problem, done = "", None
    if request.method == "POST":
        form = await request.post_vars()
        try:
            done, event = await asyncio.to_thread(_change, desk, person, form)
            if event in ("factor-removed", "role"):
                await datasette.door.tell(done, event)
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


def _change(desk: Any, person: Person, form: dict[str, str]) -> tuple[Person, str]:
    """What an administrator asks for; nobody takes away their own rights, so that somebody is always left. Returns whom it was about, and the event."""
    events = desk.accounts.events
    if form.get("do") == "invite":
        new = invite(
            desk,
            form.get("email", ""),
            form.get("name", ""),
            form.get("role", ""),
            form.get("member") or None,
            form.get("language", ""),
        )
        events.write("invited", new.id, person.id)
        return new, "invited"
    number = form.get("id", "")
    if not NUMBER.fullmatch(number):
        raise StoreError("no such person")
    other = desk.people.get(int(number))
    if other.id == person.id:
        raise StoreError("not yourself")
    match form.get("do"):
        case "deactivate":
            return desk.accounts.deactivate(other, person), "deactivated"
        case "factor":
            desk.accounts.remove_factor(other, person)
            return other, "factor-removed"
        case "activate":
            changed, event = desk.people.change(other.id, active=True), "activated"
        case "again" if other.active:
            changed, event = send_invitation(desk, other), "invited"
        case "role":
            role = Role(form.get("role", ""))
            if (other.member is None) != (role in EVERYWHERE):
                raise StoreError("this role does not fit this person")
            changed, event = desk.people.change(other.id, role=role.value), "role"
            # Whoever may do more now proves herself as that asks for; whoever may do less begins with that.
            desk.accounts.end_sessions(other)
        case _:
            raise StoreError("nothing that can be done")
    events.write(event, other.id, person.id)
    return changed, event


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/people$", people)]
