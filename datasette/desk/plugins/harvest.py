"""``/harvest``: addresses that are fetched by a timetable; added, changed, paused, tried now, and what happened lately."""

import asyncio
from collections.abc import Callable
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk import Action, Person, may
from pipelines.desk.harvesting.sources import ARRIVED, INTERRUPTED, UNCHANGED, Source
from pipelines.desk.harvesting.trouble import Trouble
from pipelines.exceptions import StoreError, UnknownError
from pipelines.identifiers import parse_period

Words = Callable[[str], str]


def outcome_words(_: Words) -> dict[str | None, str]:
    """What a try came to, in the words of a reader; None while it runs."""
    return {
        None: _("Being fetched now."),
        ARRIVED: _("New data came and were sent in, as if you had sent the file yourself."),
        UNCHANGED: _("The same data as last time; nothing was sent in."),
        INTERRUPTED: _("The desk was stopped in the middle; it began again by itself."),
        Trouble.ADDRESS_REFUSED: _("The desk must not ask this address, or one that it leads to: it is not on the public internet."),
        Trouble.UNREACHABLE: _("Nobody answered. Check the address, and whether your server can be reached from outside."),
        Trouble.NOT_FOUND: _("Your server says that there is nothing at this address. Check whether it has moved."),
        Trouble.NOT_ALLOWED: _("Your server refused. It has to let everybody read this address, without signing in."),
        Trouble.TOO_MANY_REQUESTS: _("Your server asked for a rest. The desk waits as long as it wants."),
        Trouble.SERVER_BROKEN: _("Your server answered with an error of its own. If that goes on, tell the people who look after it."),
        Trouble.CUT_OFF: _("The connection broke before everything was here. Nothing of it was kept."),
        Trouble.TOO_SLOW: _("It took too long. Give an address with less data, for example of one year."),
        Trouble.TOO_LARGE: _("This is more than can be taken at once. Give an address with less data, for example of one year."),
        Trouble.TOO_MANY_PAGES: _("There are more pages than can be taken at once. Give an address with less data, or larger pages."),
        Trouble.NOT_JSON: _("What came is not JSON to its end: it is broken, or an error page."),
        Trouble.NOT_A_PACKAGE: _("What came is JSON, but no release package or record package of OCDS. For another kind of file choose “One file”."),
        Trouble.MIXED_PAGES: _("Some pages have releases and others records. The address has to give one of them only."),
        Trouble.LOOP: _("A page led back to one that had been there, or came twice. The paging of the server has to be mended."),
        Trouble.NOTHING_THERE: _("The address answered, but there were no data in it."),
        Trouble.A_WEB_PAGE: _("A web page came instead of data. Give the address of the file itself."),
        Trouble.MACHINE: _("The desk had a fault of its own. You need do nothing; it tries again."),
    }  # fmt: skip


def _often_words(_: Words) -> dict[str, str]:
    return {
        "daily": _("Every day"),
        "weekly": _("Every Monday"),
        "monthly": _("On the first of every month"),
    }


def _kind_words(_: Words) -> dict[str, str]:
    return {
        "file": _("One file (XLSX, CSV, ZIP, JSON)"),
        "ocds": _("OCDS interface, page after page"),
    }


async def _allowed(datasette: Any, request: Request) -> Person | Response:
    """The person, or the answer for whoever may not."""
    journey = datasette.journey
    person: Person | None = await asyncio.to_thread(journey.person, request)
    if person is None:
        return journey.to_sign_in(request)
    if not may(person, Action.HARVEST, person.member):
        return await journey.error(request, 403)
    return person


def _members(datasette: Any, request: Request) -> dict[str, str]:
    """Name of every member by its code."""
    language = datasette.language_of(request)
    return {
        code: each.names.get(language) or each.names["en"]
        for code, each in datasette.desk.site.catalogue.members.items()
        if each.kind == "member"
    }


async def listing(datasette: Any, request: Request) -> Response:
    person = await _allowed(datasette, request)
    if isinstance(person, Response):
        return person
    harvests, _ = datasette.desk.harvests, datasette.words_of(request).gettext

    def look() -> list[tuple[Source, Any]]:
        return [
            (each, next(iter(harvests.runs(each.id, 1)), None)) for each in harvests.of_member(person.member)
        ]

    values = {
        "found": await asyncio.to_thread(look), "members": _members(datasette, request), "outcomes": outcome_words(_),
        "often": _often_words(_), "kinds": _kind_words(_),
    }  # fmt: skip
    page: Response = await datasette.journey.render(request, "harvest.html", values)
    return page


async def new(datasette: Any, request: Request) -> Response:
    person = await _allowed(datasette, request)
    if isinstance(person, Response):
        return person
    if request.method != "POST":
        return await _form(datasette, request, person, {"kind": "ocds", "often": "daily", "hour": "6"})
    told = dict(await request.post_vars())
    member = person.member or told.get("member", "")
    if member not in _members(datasette, request):
        return await _form(datasette, request, person, told, problem="member")
    try:
        source = await asyncio.to_thread(
            datasette.desk.harvests.add, member, set_by=person.actor, **_read(datasette, told)
        )
    except StoreError as error:
        return await _form(datasette, request, person, told, problem=str(error))
    return Response.redirect(f"/harvest/{source.id}")


def _read(datasette: Any, told: dict[str, str]) -> dict[str, Any]:
    """What a form says; StoreError names the field that is none."""
    try:
        period = parse_period(told.get("period", "").strip() or None)
    except ValueError as error:
        raise StoreError("period") from error
    hour, package_type = told.get("hour", ""), told.get("package_type") or None
    if not (hour.isascii() and hour.isdecimal()):
        raise StoreError("timetable")
    if package_type and package_type not in datasette.desk.site.catalogue.package_types:
        raise StoreError("kind")
    return {
        "address": told.get("address", ""), "kind": told.get("kind", ""), "period": period, "package_type": package_type,
        "often": told.get("often", ""), "hour": int(hour[:4]),
    }  # fmt: skip


async def one(datasette: Any, request: Request) -> Response:
    """A source: its last tries, its form, and what its buttons do."""
    person = await _allowed(datasette, request)
    if isinstance(person, Response):
        return person
    harvests, number = datasette.desk.harvests, int(request.url_vars["number"])
    try:
        source = await asyncio.to_thread(harvests.get, number)
    except UnknownError:
        source = None
    if source is None or not may(person, Action.HARVEST, source.member):
        refused: Response = await datasette.journey.error(request, 404)
        return refused
    if request.method != "POST":
        return await _form(datasette, request, person, _told(source), source)
    told = dict(await request.post_vars())
    what = told.get("do")
    if what in ("pause", "resume"):
        await asyncio.to_thread(getattr(harvests, what), number, set_by=person.actor)
    elif what == "now":
        await asyncio.to_thread(harvests.now, number)
    else:
        try:
            await asyncio.to_thread(harvests.change, number, set_by=person.actor, **_read(datasette, told))
        except StoreError as error:
            return await _form(datasette, request, person, told, source, problem=str(error))
    return Response.redirect(f"/harvest/{number}")


def _told(source: Source) -> dict[str, str]:
    """A source as its form says it."""
    return {
        "address": source.address, "kind": source.kind, "package_type": source.package_type or "", "often": source.often,
        "period": "" if source.period == "all" else source.period, "hour": str(source.hour),
    }  # fmt: skip


async def _form(
    datasette: Any,
    request: Request,
    person: Person,
    told: dict[str, str],
    source: Source | None = None,
    problem: str = "",
) -> Response:
    _, runs = datasette.words_of(request).gettext, ()
    if source is not None:
        runs = await asyncio.to_thread(datasette.desk.harvests.runs, source.id)
    values = {
        "told": told, "source": source, "problem": problem, "runs": runs, "own": person.member,
        "members": _members(datasette, request), "outcomes": outcome_words(_), "often": _often_words(_),
        "kinds": _kind_words(_), "arrived": ARRIVED,
        "types": {"procurement": _("Public procurement"), "activity": _("Activity of the network")},
    }  # fmt: skip
    page: Response = await datasette.journey.render(
        request, "harvest_source.html", values, 400 if problem else 200
    )
    return page


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/harvest$", listing), (r"^/harvest/new$", new), (r"^/harvest/(?P<number>\d{1,9})$", one)]
