"""``/webhooks``: programs that are told what happens to a member's data; added, changed, paused, tried, and what each was told lately.

For persons only: no token opens it (`pipelines.desk.permissions.SCOPES`).
"""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk import Action, Desk, Person, may
from pipelines.desk.webhooks.happening import replay
from pipelines.desk.webhooks.hooks import FAILING, GONE, MOST, OVERLAP, OWNER, Hook
from pipelines.desk.webhooks.messages import (
    COMMENTED,
    KEPT,
    MOVED,
    PUBLISHED,
    RELEASED,
    TEST,
    TOPICS,
    WITHDRAWN,
)
from pipelines.exceptions import StoreError, UnknownError

PER_PAGE = 50
NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
Words = Callable[[str], str]


def _topic_words(_: Words) -> dict[str, str]:
    return {
        MOVED: _("A submission moves on: checked, sent back, ready, accepted, replaced"),
        PUBLISHED: _("A submission is published"),
        WITHDRAWN: _("A submission is withdrawn"),
        COMMENTED: _("Somebody comments on a submission"),
        RELEASED: _("A new release of all members is public"),
        TEST: _("A try"),
    }


def _trouble_words(_: Words) -> dict[str, str]:
    return {
        "address": _("The address is none that can be asked."),
        "private": _("The desk must not ask this address: it is not on the public internet."),
        "no-answer": _("Nobody answered, or the certificate is not valid for this name."),
        "too-slow": _("There was no answer within 15 seconds. Let your program answer first and work afterwards."),
    }  # fmt: skip


def _off_words(_: Words) -> dict[str, str]:
    return {
        GONE: _("Switched off: your program answered that it wants no more messages (410)."),
        FAILING: _("Switched off: nothing arrived for three days."),
        OWNER: _("Switched off: whoever set it up may do so no longer."),
    }


async def _allowed(datasette: Any, request: Request) -> Person | Response:
    """The person, or the answer for whoever may not."""
    journey = datasette.journey
    found: Person | Response | None = await asyncio.to_thread(journey.person, request)
    if found is None:
        found = journey.to_sign_in(request)
    elif not may(found, Action.WEBHOOKS, found.member):
        found = await journey.error(request, 403)
    assert found is not None
    return found


def _note(desk: Desk, person: Person, hook: Hook, did: str) -> None:
    desk.site.ledger.note(hook.member, actor=person.actor, detail={"webhook": hook.id, "did": did})


async def listing(datasette: Any, request: Request) -> Response:
    person = await _allowed(datasette, request)
    if isinstance(person, Response):
        return person
    desk: Desk = datasette.desk
    told: dict[str, Any] = {"address": "", "topics": [each for each in TOPICS if each != MOVED]}
    problem = ""
    if request.method == "POST":
        told = _read(await request.post_vars())
        try:
            hook = await asyncio.to_thread(_add, desk, person, told)
        except StoreError as error:
            problem = str(error)
        else:
            return await _page(datasette, request, person, hook, {"shown": hook.secret})

    def look() -> list[tuple[Hook, Any]]:
        found = desk.hooks.of_member(str(person.member))
        return [(each, next(iter(desk.outbox.of_hook(each.id, most=1)), None)) for each in found]

    values = _shared(datasette, request) | {
        "found": await asyncio.to_thread(look), "told": told, "problem": problem, "most": MOST,
    }  # fmt: skip
    page: Response = await datasette.journey.render(request, "webhooks.html", values, 400 if problem else 200)
    return page


def _add(desk: Desk, person: Person, told: dict[str, Any]) -> Hook:
    hook = desk.hooks.add(str(person.member), told["address"], told["topics"], person)
    _note(desk, person, hook, "added")
    return hook


def _read(form: dict[str, str]) -> dict[str, Any]:
    return {
        "address": form.get("address", ""),
        "topics": [each for each in TOPICS if form.get(f"topic-{each}")],
    }


def _shared(datasette: Any, request: Request) -> dict[str, Any]:
    """Words that both pages use."""
    _ = datasette.words_of(request).gettext
    return {
        "topics": TOPICS, "topic_words": _topic_words(_), "trouble_words": _trouble_words(_), "off_words": _off_words(_),
        "days": KEPT.days,
    }  # fmt: skip


async def one(datasette: Any, request: Request) -> Response:
    """An address: what it was told, its form, and what its buttons do."""
    person = await _allowed(datasette, request)
    if isinstance(person, Response):
        return person
    desk, number = datasette.desk, int(request.url_vars["number"])
    try:
        hook = await asyncio.to_thread(desk.hooks.get, number)
    except UnknownError:
        hook = None
    if hook is None or not may(person, Action.WEBHOOKS, hook.member):
        refused: Response = await datasette.journey.error(request, 404)
        return refused
    if request.method != "POST":
        return await _page(datasette, request, person, hook, {})
    form = await request.post_vars()
    try:
        done = await asyncio.to_thread(_change, desk, person, hook, form)
    except StoreError as error:
        return await _page(datasette, request, person, hook, {"problem": str(error), "told": _read(form)})
    if done is None:
        return Response.redirect("/webhooks")
    if not done:
        return Response.redirect(f"/webhooks/{hook.id}")
    return await _page(datasette, request, person, desk.hooks.get(hook.id), done)


def _change(desk: Desk, person: Person, hook: Hook, form: dict[str, str]) -> dict[str, Any] | None:
    """What the page then tells; None: the address is gone. StoreError names what was wrong."""
    now = datetime.now(UTC)
    match form.get("do"):
        case "pause":
            desk.hooks.pause(hook.id)
            _note(desk, person, hook, "paused")
        case "resume":
            desk.hooks.resume(hook.id, person)
            _note(desk, person, hook, "on")
        case "rotate":
            turned = desk.hooks.rotate(hook.id)
            _note(desk, person, hook, "secret")
            return {"shown": turned.secret, "overlaps": True}
        case "remove":
            desk.hooks.remove(hook.id)
            _note(desk, person, hook, "removed")
            return None
        case "test":
            desk.outbox.test(hook, desk.site.settings.desk_url.rstrip("/"), now)
        case "again" if NUMBER.fullmatch(form.get("id", "")):
            _again(desk, hook, int(form["id"]), now)
        case "replay":
            return {"replayed": replay(desk, hook, _day(form.get("since", "")), now)}
        case "change":
            told = _read(form)
            changed = desk.hooks.change(hook.id, told["address"], told["topics"])
            _note(desk, person, hook, "changed")
            return {"shown": changed.secret} if changed.secret != hook.secret else {}
    return {}


def _again(desk: Desk, hook: Hook, number: int, now: datetime) -> None:
    try:
        found = desk.outbox.get(number)
    except UnknownError:
        return
    if found.hook == hook.id:
        desk.outbox.again(hook.id, [found.message], now)


def _day(told: str) -> datetime:
    """The beginning of a day in UTC; StoreError: it is none, or longer ago than anything is kept."""
    try:
        found = datetime.combine(date.fromisoformat(told.strip()), datetime.min.time(), UTC)
    except ValueError as error:
        raise StoreError("since") from error
    if found < datetime.now(UTC) - KEPT - timedelta(days=1):
        raise StoreError("since")
    return found


async def _page(
    datasette: Any, request: Request, person: Person, hook: Hook, done: dict[str, Any]
) -> Response:
    desk: Desk = datasette.desk
    before = request.args.get("before", "")
    place = int(before) if NUMBER.fullmatch(before) else None
    found = await asyncio.to_thread(desk.outbox.of_hook, hook.id, place, PER_PAGE + 1)
    today = datetime.now(UTC).date()
    values = _shared(datasette, request) | {
        "hook": hook, "found": found[:PER_PAGE], "older": found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        "told": {"address": hook.address, "topics": hook.topics}, "problem": "", "shown": "", "overlaps": False, "replayed": None,
        "hours": int(OVERLAP.total_seconds() // 3600), "first_day": (today - KEPT).isoformat(), "today": today.isoformat(),
        "owner": (await asyncio.to_thread(desk.people.get, hook.person)).name, "test": TEST,
    }  # fmt: skip
    page: Response = await datasette.journey.render(
        request, "webhook.html", values | done, 400 if done.get("problem") else 200
    )
    return page


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/webhooks$", listing), (r"^/webhooks/(?P<number>[1-9]\d{0,8})$", one)]
