"""``/sign-in/with/<provider>``: signing in with the account that a member's people have already (OpenID Connect)."""

import asyncio
import logging
from typing import Any

from datasette import NotFound, Request, Response, hookimpl

from pipelines.desk.accounts.elsewhere import LASTS, ElsewhereError

log = logging.getLogger("ingp.desk")


def _cookie(datasette: Any) -> str:
    return str(datasette.door.cookie_name).replace("session", "departure")


async def depart(datasette: Any, request: Request) -> Response:
    """Send the browser to the provider."""
    name, elsewhere, door = request.url_vars["name"], datasette.desk.elsewhere, datasette.door
    if name not in elsewhere.providers:
        raise NotFound("no such provider")
    wanted = door.place(request.args.get("next") or "/")
    try:
        gone = await asyncio.to_thread(elsewhere.depart, name, wanted)
    except ElsewhereError as error:
        return _refused(error)
    cookie = door.cookie(gone.browser, _cookie(datasette), int(LASTS.total_seconds()))
    return Response.redirect(gone.address, headers={"set-cookie": cookie})


async def arrive(datasette: Any, request: Request) -> Response:
    """Where the provider sends the browser back."""
    name, elsewhere, door = request.url_vars["name"], datasette.desk.elsewhere, datasette.door
    if name not in elsewhere.providers:
        raise NotFound("no such provider")
    state, code, issuer = (request.args.get(each) or "" for each in ("state", "code", "iss"))
    browser = door.read(request, _cookie(datasette))
    try:
        done, wanted = await asyncio.to_thread(elsewhere.arrive, name, state, code, browser, issuer)
    except ElsewhereError as error:
        return _refused(error)
    await asyncio.to_thread(datasette.desk.accounts.end_session, door.secret(request))
    place = door.to_second_factor(wanted) if done.limited else wanted
    return Response.redirect(place, headers={"set-cookie": door.cookie(done.session)})


def _refused(error: ElsewhereError) -> Response:
    """One page for every reason: who is known here is told to nobody. The code of the way back is in no page."""
    log.warning("signing in elsewhere: %s", error)
    return Response.redirect("/sign-in?elsewhere=1")


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/sign-in/with/(?P<name>[a-z0-9-]{1,40})$", depart),
        (r"^/sign-in/with/(?P<name>[a-z0-9-]{1,40})/back$", arrive),
    ]
