"""``/submissions`` and ``/submissions/<id>``: what a member has sent, where each stands, and what to do next with it.

``datasette.journey`` is what the other plugins of a submission's pages share: who may see it, and what it is called.
"""

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from datasette import Request, Response, hookimpl

from pipelines.catalogue import Member
from pipelines.desk import Action, Desk, Person, may
from pipelines.desk.arrivals import ArrivalState
from pipelines.desk.deciding import Move, moves
from pipelines.desk.mending import count_bad_cells
from pipelines.desk.permissions import EVERYWHERE
from pipelines.desk.staging import read_progress
from pipelines.exceptions import UnknownError
from pipelines.intake import read_staged
from pipelines.reporting.comparison import read_comparison
from pipelines.reporting.document import build_document
from pipelines.store import LedgerEntry, State
from pipelines.store.states import UNFINISHED, WAITING
from pipelines.validation import read_report
from pipelines.validation.report import read_details

PER_PAGE = 50
REFRESH_SECONDS = 2
Words = Callable[[str], str]


class Journey:
    """What pages of a submission share."""

    def __init__(self, datasette: Any) -> None:
        self.datasette = datasette

    @property
    def desk(self) -> Desk:
        desk: Desk = self.datasette.desk
        return desk

    def person(self, request: Request) -> Person | None:
        """Who is signed in at a page. A token speaks to the interface, not to pages."""
        person, scopes = self.speaker(request)
        return person if scopes is None else None

    def speaker(self, request: Request) -> tuple[Person | None, tuple[str, ...] | None]:
        """Who asks, None for strangers, and the scopes of the token that speaks for her, None for a session; blocking."""
        actor = request.actor or {}
        number = str(actor.get("id", "")).removeprefix("person:")
        if not number.isdecimal():
            return None, None
        scopes = tuple(actor["token"]["scopes"]) if "token" in actor else None
        try:
            person = self.desk.people.get(int(number))
        except UnknownError:
            return None, scopes
        return (person if person.active else None), scopes

    async def open(
        self, request: Request, action: Action = Action.SEE
    ) -> tuple[Person, LedgerEntry] | Response:
        """The person and the submission, or the answer for whoever may not."""
        person = self.person(request)
        if person is None:
            return self.to_sign_in(request)
        entry = await asyncio.to_thread(self._entry, request.url_vars["id"])
        if entry is None or not may(person, Action.SEE, entry.member):
            return await self.error(request, 404)
        if not may(person, action, entry.member):
            return await self.error(request, 403)
        return person, entry

    def _entry(self, identifier: str) -> LedgerEntry | None:
        try:
            return self.desk.site.ledger.submission(identifier)
        except UnknownError:
            return None

    @staticmethod
    def to_sign_in(request: Request) -> Response:
        query = f"?{request.query_string}" if request.query_string else ""
        return Response.redirect("/sign-in?" + urlencode({"next": request.path + query}))

    async def error(self, request: Request, status: int) -> Response:
        page = await self.datasette.render_template("error.html", {"status": status}, request=request)
        return Response.html(page, status=status)

    async def render(
        self, request: Request, template: str, values: Mapping[str, Any], status: int = 200
    ) -> Response:
        language = self.datasette.language_of(request)
        shared = {
            "at": lambda moment: instant_text(moment, language),
            "day": lambda moment: format_date(moment, format="long", locale=language),
            "number": lambda value: format_decimal(value, locale=language),
        }
        page = await self.datasette.render_template(template, {**shared, **values}, request=request)
        return Response.html(page, status=status, headers={"cache-control": "no-store"})

    def named(self, entry: LedgerEntry, request: Request) -> dict[str, Any]:
        """The submission in words: member, kind of data, period, file."""
        _ = self.datasette.words_of(request).gettext
        language = self.datasette.language_of(request)
        member = self.desk.site.catalogue.members.get(entry.member)
        return {
            "id": str(entry.submission_id),
            "path": f"/submissions/{quote(str(entry.submission_id))}",
            "member": member_name(member, language) if member else str(entry.member),
            "file": entry.source_name,
            "period": _("all years") if entry.period == "all" else entry.period,
            "package_type": _("Activity of the network") if entry.package_type == "activity" else _("Public procurement"),
        }  # fmt: skip

    def may(self, person: Person, action: Action, entry: LedgerEntry) -> bool:
        return may(person, action, entry.member)

    def state_words(self, entry: LedgerEntry, request: Request) -> tuple[str, str]:
        return state_words(entry, self.datasette.words_of(request).gettext)

    def public(self) -> str:
        """Address of the public site."""
        return os.environ.get("INGP_BASE_URL", "") or self.desk.site.settings.base_url

    def who(self, actor: str | None, request: Request) -> str:
        """A person of the desk by name and number, as the log names a number only; a program as the desk."""
        _ = self.datasette.words_of(request).gettext
        number = (actor or "").removeprefix("person:")
        if not (actor or "").startswith("person:") or not number.isdecimal():
            return _("the desk")
        try:
            person = self.desk.people.get(int(number))
        except UnknownError:
            return _("person no. %(number)s") % {"number": number}
        return _("%(name)s (no. %(number)s)") % {"name": person.name, "number": number}


def member_name(member: Member, language: str) -> str:
    """The member's country in a language."""
    return member.names.get(language) or member.names["en"]


def instant_text(moment: datetime | None, language: str) -> str:
    """A moment as people write it, in UTC, which it says."""
    return (
        ""
        if moment is None
        else f"{format_datetime(moment.astimezone(UTC), 'd MMM y, HH:mm', locale=language)} UTC"
    )


def state_words(entry: LedgerEntry, _: Words) -> tuple[str, str]:
    """(where it stands, how that is: good, fair, bad, quiet)."""
    if entry.is_unfinished_yes:
        return _("Being published"), "fair"
    if entry.state is State.IN_REVIEW and entry.approved_by:
        return _("Approved, waits for its day"), "fair"
    if entry.state is State.IN_REVIEW and entry.asked_by:
        return _("Waits for a second person"), "fair"
    return {
        State.RECEIVED: (_("Received"), "fair"),
        State.CHECKING: (_("Being checked"), "fair"),
        State.NEEDS_WORK: (_("Needs work"), "bad"),
        State.READY: (_("Ready: waits for approval"), "fair"),
        State.IN_REVIEW: (_("Waits for a decision"), "fair"),
        State.ACCEPTED: (_("Accepted, being published"), "good"),
        State.PUBLISHED: (_("Published"), "good"),
        State.SUPERSEDED: (_("Replaced by a later one"), "quiet"),
        State.WITHDRAWN: (_("Withdrawn"), "quiet"),
    }[entry.state]


def next_step(entry: LedgerEntry, person: Person, _: Words) -> str:
    """What the reader can do next, in a sentence."""
    submits, approves = may(person, Action.SUBMIT, entry.member), may(person, Action.APPROVE, entry.member)
    if entry.state in UNFINISHED:
        return _("Nothing to do: it is being checked. This takes seconds, with large files minutes.")
    if entry.is_unfinished_yes or entry.state is State.ACCEPTED:
        return _("Nothing to do: it is on its way to the public site.")
    if entry.state is State.NEEDS_WORK:
        if submits:
            return _("Correct what is marked below, here or in your own file, and send it again.")
        return _("Somebody who sends data for this member has to correct it.")
    if entry.state is State.IN_REVIEW and entry.approved_by:
        return _("Nothing to do: it becomes public on its day.")
    if entry.state is State.IN_REVIEW and entry.asked_by == person.actor:
        return _("You have said yes. A second person of this member has to say yes too.")
    if entry.state in WAITING:
        if approves:
            return _("Look at what will change, then approve it or send it back.")
        return _("Somebody who approves for this member has to look at it.")
    if entry.state is State.PUBLISHED:
        return _("Done. Keep the receipt; if something was wrong, correct or withdraw it.")
    return _("Nothing to do.")


def steps(entry: LedgerEntry, _: Words) -> list[dict[str, str]]:
    """The way of a submission: words, and of each step whether it is done, now, bad or to come."""
    names = [_("Reception"), _("Check"), _("Approval"), _("Acceptance"), _("Publication")]
    now = {
        State.RECEIVED: 1, State.CHECKING: 1, State.NEEDS_WORK: 1, State.READY: 2, State.IN_REVIEW: 2, State.ACCEPTED: 4,
        State.PUBLISHED: 5,
    }.get(entry.state, 5 if entry.version_number else 1)  # fmt: skip
    if entry.is_unfinished_yes:
        now = 3
    ended = entry.state in (State.SUPERSEDED, State.WITHDRAWN)
    found = []
    for place, name in enumerate(names):
        how = "done" if place < now else "now" if place == now and not ended else "later"
        if entry.state is State.NEEDS_WORK and place == 1:
            how = "bad"
        found.append({"name": name, "how": how})
    if ended:
        found.append({"name": state_words(entry, _)[0], "how": "now"})
    return found


async def listing(datasette: Any, request: Request) -> Response:
    """What a member has sent, newest first."""
    journey: Journey = datasette.journey
    _ = datasette.words_of(request).gettext
    person = journey.person(request)
    if person is None:
        return journey.to_sign_in(request)
    asked = (request.args.get("member") or "").upper()
    if person.role in EVERYWHERE and not asked:
        members = journey.desk.site.catalogue.members
        language = datasette.language_of(request)
        every = sorted((member_name(each, language), code) for code, each in members.items())
        return await journey.render(request, "submissions_members.html", {"members": every})
    member = asked or str(person.member)
    if not may(person, Action.SEE, member) or member not in journey.desk.site.catalogue.members:
        return await journey.error(request, 404)
    entries = await asyncio.to_thread(journey.desk.site.ledger.submissions, member)
    arrivals = await asyncio.to_thread(journey.desk.arrivals.of_member, member)
    periods = sorted({entry.period for entry in entries}, reverse=True)
    period, state = request.args.get("period") or "", request.args.get("state") or ""
    found = [entry for entry in entries if period in ("", entry.period) and state in ("", entry.state.value)]
    text = request.args.get("page") or "1"
    page = max(1, int(text)) if re.fullmatch(r"\d{1,6}", text) else 1
    shown = [
        {
            **journey.named(entry, request),
            "received": entry.received_at,
            "rows": entry.rows_in,
            "errors": entry.errors,
            "state": state_words(entry, _),
            "next": next_step(entry, person, _),
        }
        for entry in found[(page - 1) * PER_PAGE : page * PER_PAGE]
    ]
    kept = {
        name: value for name, value in {"member": asked, "period": period, "state": state}.items() if value
    }
    values = {
        "entries": shown, "count": len(found), "period": period, "state": state, "asked": asked, "page": page,
        "member_name": member_name(journey.desk.site.catalogue.members[member], datasette.language_of(request)),
        "periods": [(each, _("all years") if each == "all" else each) for each in periods],
        "states": [(each.value, name) for each, name in state_names(_).items()],
        "more": page * PER_PAGE < len(found), "query": urlencode(kept),
        "arrivals": [each for each in reversed(arrivals) if each.state is ArrivalState.WAITING],
        "may_send": may(person, Action.SUBMIT, member),
    }  # fmt: skip
    return await journey.render(request, "submissions.html", values)


def state_names(_: Words) -> dict[State, str]:
    return {
        State.CHECKING: _("Being checked"),
        State.NEEDS_WORK: _("Needs work"),
        State.READY: _("Ready: waits for approval"),
        State.IN_REVIEW: _("Waits for a decision"),
        State.ACCEPTED: _("Accepted, being published"),
        State.PUBLISHED: _("Published"),
        State.SUPERSEDED: _("Replaced by a later one"),
        State.WITHDRAWN: _("Withdrawn"),
    }


async def detail(datasette: Any, request: Request) -> Response:
    """One submission: where it stands, what was found, what to do."""
    journey: Journey = datasette.journey
    opened = await journey.open(request)
    if isinstance(opened, Response):
        return opened
    person, entry = opened
    _ = datasette.words_of(request).gettext
    told = await asyncio.to_thread(_told, datasette, request, entry)
    busy = entry.state in UNFINISHED or entry.is_unfinished_yes or entry.state is State.ACCEPTED
    values = {
        "entry": entry, "submission": entry, "named": journey.named(entry, request), "state": state_words(entry, _),
        "next": next_step(entry, person, _), "steps": steps(entry, _), "refresh": REFRESH_SECONDS if busy else None,
        "submits": may(person, Action.SUBMIT, entry.member), "approves": may(person, Action.APPROVE, entry.member),
        "moves": [each.value for each in moves(person, entry) if each is not Move.APPROVE], "waits": entry.state in WAITING and not entry.is_unfinished_yes,
        "needs_work": entry.state is State.NEEDS_WORK, "needs_reason": request.args.get("needs") == "reason",
        **told,
    }  # fmt: skip
    return await journey.render(request, "submission.html", values)


def _told(datasette: Any, request: Request, entry: LedgerEntry) -> dict[str, Any]:
    """Report, comparison and progress, as far as they are there."""
    journey, language = datasette.journey, datasette.language_of(request)
    site = journey.desk.site
    folder = site.zones.report_folder(entry.submission_id)
    found: dict[str, Any] = {
        "report": None,
        "progress": None,
        "cells": 0,
        "mendable": False,
        "sent_back": None,
        "successor": None,
    }
    if entry.state in UNFINISHED:
        progress = read_progress(site.zones.progress, str(entry.submission_id))
        found["progress"] = (min(progress), progress[1]) if progress else None
        return found
    if (folder / "report.json").exists():
        report = read_report(folder)
        found["report"] = build_document(
            report, site.catalogue, language, details=read_details(folder), comparison=read_comparison(folder)
        )
        found["cells"] = count_bad_cells(journey.desk, str(entry.submission_id))
        arrived = journey.desk.arrivals.of_submission(str(entry.submission_id))
        found["arrival"] = arrived[-1].id if arrived else None
        staged = read_staged(site.zones.staged_folder(entry.submission_id))
        files = {str(each["file"]) for each in staged.understood.get("files", ())}
        found["mendable"] = any(name.lower().endswith((".csv", ".xlsx", ".tsv", ".txt")) for name in files)
    for event in reversed(site.ledger.events(str(entry.submission_id))):
        if entry.state is State.SUPERSEDED and event.to_state is State.SUPERSEDED:
            found["successor"] = event.detail.get("by")
            break
        if event.to_state is entry.state and event.to_state is not event.from_state:
            found["sent_back"] = event if event.reason else None
            break
    return found


@hookimpl
def startup(datasette: Any) -> None:
    datasette.journey = Journey(datasette)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/submissions/?$", listing), (r"^/submissions/(?P<id>[^/]+)/?$", detail)]
