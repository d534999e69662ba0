"""``/letters``: which letters a person wants."""

import asyncio
from collections.abc import Callable
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk.letters import UNASKED, Kind, choose, chosen


def kind_words(_: Callable[[str], str]) -> dict[str, str]:
    return {
        Kind.NEEDS_WORK: _("What you sent needs work, or was sent back"),
        Kind.APPROVAL: _("Something waits for your yes"),
        Kind.REMINDER: _("Data are due soon, or late"),
        Kind.COMMENTED: _("Somebody wrote below a submission"),
        Kind.PUBLISHED: _("Data were published, with the receipt"),
        Kind.WITHDRAWN: _("Data were withdrawn"),
    }


async def letters(datasette: Any, request: Request) -> Response:
    person = await asyncio.to_thread(datasette.journey.person, request)
    if person is None:
        return Response.redirect("/sign-in?next=/letters")
    desk, kept = datasette.desk, False
    if request.method == "POST":
        told = await request.post_vars()
        await asyncio.to_thread(choose, desk.database, person, [kind for kind in Kind if told.get(kind)])
        kept = True
    _ = datasette.words_of(request).gettext
    shown = {
        "chosen": await asyncio.to_thread(chosen, desk.database, person),
        "kinds": kind_words(_), "unasked": UNASKED, "kept": kept,
    }  # fmt: skip
    return Response.html(await datasette.render_template("letters.html", shown, request=request))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/letters$", letters)]
