"""The desk as a whole: what it opens with, which addresses it answers, and the page that a person begins at."""

import os
from collections.abc import Callable
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk import Action, Desk, Person, may

OWN = ("/-/static/", "/assets/")
"""What is answered of Datasette's own addresses. Its pages of databases, settings, plugins and tokens are for nobody here."""


@hookimpl(tryfirst=True)
def startup(datasette: Any) -> None:
    """``datasette.desk``: the installation with its desk. The other plugins of the desk find it there."""
    if not hasattr(datasette, "desk"):
        datasette.desk = Desk.open()
    datasette.desk_pages = [pattern for pattern, _view in _routes(datasette)]


def _routes(datasette: Any) -> list[tuple[str, Any]]:
    """Addresses that plugins of the desk have registered."""
    from datasette.plugins import pm

    return [route for routes in pm.hook.register_routes(datasette=datasette) for route in routes or ()]


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Nothing is answered but our own pages and the files that they need."""
    import re

    def wrap(within: Any) -> Any:
        async def only_ours(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                path = scope["path"]
                known = path.startswith(OWN) or any(re.match(each, path) for each in datasette.desk_pages)
                if not known:
                    # The page for what is not found, through Datasette, in the reader's language.
                    scope = {**scope, "path": "/-/nothing", "raw_path": b"/-/nothing"}
            await within(scope, receive, send)

        return only_ours

    return wrap


async def front(datasette: Any, request: Request) -> Response:
    """Where a person begins: what waits for her, or how to sign in."""
    return Response.html(
        await datasette.render_template("front.html", {"person": request.actor}, request=request)
    )


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/$", front)]


@hookimpl
def extra_template_vars(datasette: Any, request: Request | None) -> dict[str, Any]:
    """``person``: who is signed in, None for a stranger. ``public``: address of the public site. ``may(action, member)``."""
    person = datasette.journey.person(request) if request else None
    return {
        "person": person,
        "public": os.environ.get("INGP_BASE_URL", "") or datasette.desk.site.settings.base_url,
        "title": datasette.desk.site.settings.site_title,
        "menu": _menu(person, datasette.words_of(request).gettext) if request else [],
        "may": lambda action, member=None: may(person, action, member),
    }


def _menu(person: Person | None, _: Callable[[str], str]) -> list[tuple[str, str]]:
    """(address, words) of the pages that a person goes to."""
    if person is None:
        return [("/sign-in", _("Sign in"))]
    found = []
    if person.member and may(person, Action.SUBMIT, person.member):
        found.append(("/send", _("Send data")))
    if person.member:
        found.append(("/submissions", _("Submissions")))
    if may(person, Action.BOARD):
        found.append(("/board", _("Board")))
    found.append(("/calendar", _("Calendar")))
    if may(person, Action.AUDIT):
        found.append(("/audit", _("Audit log")))
    if may(person, Action.HARVEST, person.member):
        found.append(("/harvest", _("Fetched by itself")))
    if may(person, Action.WEBHOOKS, person.member):
        found.append(("/webhooks", _("Messages to your programs")))
    if may(person, Action.INVITE):
        found.append(("/people", _("People")))
    return [*found, ("/account", _("My account"))]
