"""The Secretariat's board: every member, what it has sent and what is missing; as a page, a file and a calendar."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from datasette import Forbidden, NotFound, Request, Response, hookimpl

from pipelines import rechecked
from pipelines.desk import Action, Person, may
from pipelines.desk.board import PERIODS, SORTS, Line, Timing, arranged, lines, standings, standings_of_all
from pipelines.desk.board_files import csv_file, ics_file, xlsx_file
from pipelines.desk.calendar import Due, coming, span, today_of
from pipelines.desk.members import FREQUENCIES
from pipelines.desk.reminders import LONGEST_NOTE, remind_by_hand
from pipelines.exceptions import StoreError
from pipelines.records import Verdict
from pipelines.reporting.check_titles import check_titles
from pipelines.store import LedgerEvent, State

FILES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def person_of(datasette: Any, request: Request) -> Person | None:
    """Who is signed in with a browser; blocking. A token speaks to the interface, not to pages."""
    found: Person | None = datasette.journey.person(request)
    return found


async def allowed(
    datasette: Any, request: Request, action: Action, member: str | None = None
) -> Person | Response:
    """The person, or where a stranger signs in. Forbidden: the role is too low; NotFound: it is another's member."""
    person = await asyncio.to_thread(person_of, datasette, request)
    if person is None:
        return Response.redirect(f"/sign-in?{urlencode({'next': request.full_path})}")
    if not may(person, action, member):
        if member is not None and person.member not in (None, member):
            raise NotFound("no such page")
        raise Forbidden("not for this role")
    return person


def state_words(_: Callable[[str], str]) -> dict[str, str]:
    """Every state, in the words of a reader."""
    return {
        State.RECEIVED: _("Received"), State.CHECKING: _("Being checked"), State.NEEDS_WORK: _("Needs work"),
        State.READY: _("Ready"), State.IN_REVIEW: _("In review"), State.ACCEPTED: _("Accepted"),
        State.PUBLISHED: _("Published"), State.SUPERSEDED: _("Replaced"), State.WITHDRAWN: _("Withdrawn"),
    }  # fmt: skip


def verdict_words(_: Callable[[str], str]) -> dict[str, str]:
    return {
        Verdict.ACCEPTED: _("sound"),
        Verdict.ACCEPTED_WITH_WARNINGS: _("sound, with warnings"),
        Verdict.REJECTED: _("not sound"),
    }


def timing_words(_: Callable[[str], str]) -> dict[str, str]:
    return {
        Timing.LATE: _("Late"), Timing.DUE: _("Not yet, in time"), Timing.WAITING: _("Waits for a person"),
        Timing.DONE: _("Done"), Timing.UNDECLARED: _("No frequency declared"),
    }  # fmt: skip


def frequency_words(_: Callable[[str], str]) -> dict[str, str]:
    return dict(
        zip(
            FREQUENCIES,
            (_("None declared"), _("Every month"), _("Every quarter"), _("Every year")),
            strict=True,
        )
    )


def table_of(
    found: Sequence[Line], _: Callable[[str], str]
) -> tuple[list[str], list[list[str | int | float | None]]]:
    """The board as headings and rows."""
    headings = [
        _("Code"), _("Member"), _("Period"), _("Due on"), _("Standing"), _("Days late"), _("State"), _("Errors"),
        _("Warnings"), _("Rows accepted, %"), _("Open questions"), _("Letters not delivered"), _("People"),
    ]  # fmt: skip
    states, timings = state_words(_), timing_words(_)
    return headings, [
        [
            line.member, line.name, line.due.period if line.due else "", line.due.on.isoformat() if line.due else "",
            timings[line.timing], line.days_late, states[line.newest.state] if line.newest else "",
            line.newest.errors if line.newest else None, line.newest.warnings if line.newest else None,
            None if line.quality is None else round(100 * line.quality, 1),
            line.open_questions, line.lost_letters, line.people,
        ]
        for line in found
    ]  # fmt: skip


def _asked(request: Request) -> dict[str, str]:
    told = {name: request.args.get(name) or "" for name in ("period", "timing", "state", "sort")}
    if told["period"] and span(told["period"]) is None:
        told["period"] = ""
    return told


async def board(datasette: Any, request: Request) -> Response:
    person = await allowed(datasette, request, Action.BOARD)
    if isinstance(person, Response):
        return person
    asked, _ = _asked(request), datasette.words_of(request).gettext
    every = await asyncio.to_thread(
        lines, datasette.desk, datetime.now(UTC), datasette.language_of(request), asked["period"]
    )
    found = arranged(every, asked["timing"], asked["state"], asked["sort"])
    ending = request.url_vars.get("ending")
    if ending:
        headings, rows = table_of(found, _)
        body = csv_file(headings, rows) if ending == "csv" else xlsx_file(_("Board"), headings, rows)
        told = {"content-disposition": f'attachment; filename="board.{ending}"', "cache-control": "no-store"}
        return Response(body, content_type=FILES[ending], headers=told)
    shown = {
        "lines": found, "asked": asked, "query": urlencode({k: v for k, v in asked.items() if v}),
        "states": state_words(_), "timings": timing_words(_), "of": len(every),
        "sorts": dict(zip(SORTS, (_("Member"), _("Standing"), _("Quality"), _("Open questions"), _("Last sent")), strict=True)),
    }  # fmt: skip
    return Response.html(await datasette.render_template("board.html", shown, request=request))


def _dues(datasette: Any, language: str, member: str | None) -> list[tuple[str, str, Due]]:
    """(code, name, due) of the year to come, soonest first."""
    desk, now, found = datasette.desk, datetime.now(UTC), []
    for code, each in desk.site.catalogue.members.items():
        if each.kind == "member" and member in (None, code):
            dues = coming(desk.policies.get(code), today_of(each.time_zone, now))
            found += [(code, each.names.get(language) or each.names["en"], due) for due in dues]
    return sorted(found, key=lambda told: (told[2].on, told[0]))


async def calendar(datasette: Any, request: Request) -> Response:
    """What is due: all members for the Secretariat, her own for a person of a member."""
    someone = await asyncio.to_thread(person_of, datasette, request)
    member = someone.member if someone else None
    person = await allowed(datasette, request, Action.SEE if member else Action.BOARD, member)
    if isinstance(person, Response):
        return person
    _ = datasette.words_of(request).gettext
    dues = await asyncio.to_thread(_dues, datasette, datasette.language_of(request), member)
    if request.url_vars.get("ending"):
        events = [
            (code, due, _("{member}: data of {period} are due").format(member=name, period=due.period))
            for code, name, due in dues
        ]
        body = ics_file(
            datasette.desk.site.settings.site_title,
            events,
            datasette.desk.site.settings.desk_url,
            datetime.now(UTC),
        )
        return Response(
            body, content_type="text/calendar; charset=utf-8", headers={"cache-control": "no-store"}
        )
    return Response.html(await datasette.render_template("calendar.html", {"dues": dues}, request=request))


async def member_page(datasette: Any, request: Request) -> Response:
    """A member: what was agreed (administrators change it), its people counted, what it sent."""
    code, desk = request.url_vars["member"], datasette.desk
    known = desk.site.catalogue.members.get(code)
    person = await allowed(datasette, request, Action.BOARD)
    if isinstance(person, Response):
        return person
    if known is None or known.kind != "member":
        raise NotFound("no such member")
    policy, trouble = await asyncio.to_thread(desk.policies.get, code), False
    if request.method == "POST":
        await allowed(datasette, request, Action.SETTINGS)
        told = await request.post_vars()
        try:
            changed = replace(
                policy, two_persons=told.get("two_persons") == "1", frequency=told.get("frequency", ""),
                due_days=int(told.get("due_days", "")),
            )  # fmt: skip
            if not 0 <= changed.due_days <= 366:
                raise ValueError(changed.due_days)
            await asyncio.to_thread(desk.policies.set, changed)
            return Response.redirect(f"/board/{quote(code)}")
        except (ValueError, StoreError):
            trouble = True
    _ = datasette.words_of(request).gettext
    count = request.args.get("reminded", "")
    shown = {
        "standings": await asyncio.to_thread(standings, desk, code, datetime.now(UTC)), "timings": timing_words(_),
        "asked_for": await asyncio.to_thread(_reminders, desk, code), "reminded": count if count.isdecimal() else "",
        "not_reminded": request.args.get("trouble", ""), "longest": LONGEST_NOTE,
        "member": code, "name": known.names.get(datasette.language_of(request)) or known.names["en"],
        "policy": policy, "trouble": trouble, "frequencies": frequency_words(_), "states": state_words(_),
        "count": sum(each.active for each in await asyncio.to_thread(desk.people.of_member, code)),
        "history": await asyncio.to_thread(desk.site.ledger.submissions, code),
        "rechecked": await asyncio.to_thread(rechecked.last, desk.site.zones), "verdicts": verdict_words(_),
        "titles": check_titles(datasette.language_of(request)),
    }  # fmt: skip
    page = await datasette.render_template("board_member.html", shown, request=request)
    return Response.html(page, status=400 if trouble else 200)


def _reminders(desk: Any, member: str) -> list[tuple[LedgerEvent, str]]:
    """What was asked for by hand, newest first, and the name of who asked."""
    names = {person.actor: person.name for person in desk.people.all()}
    return [
        (each, names.get(each.actor, each.actor))
        for each in reversed(desk.site.ledger.events(member=member))
        if "reminder" in each.detail
    ]


async def remind(datasette: Any, request: Request) -> Response:
    code, desk = request.url_vars["member"], datasette.desk
    known = desk.site.catalogue.members.get(code)
    person = await allowed(datasette, request, Action.REMIND)
    if isinstance(person, Response):
        return person
    if request.method != "POST" or known is None or known.kind != "member":
        raise NotFound("no such page")
    told = await request.post_vars()
    period, note = told.get("period", "").strip(), told.get("note", "")
    try:
        count = await asyncio.to_thread(remind_by_hand, desk, person, code, period, note, datetime.now(UTC))
    except StoreError as error:
        return Response.redirect(f"/board/{quote(code)}?trouble={quote(str(error))}#remind")
    return Response.redirect(f"/board/{quote(code)}?reminded={count}#remind")


async def periods(datasette: Any, request: Request) -> Response:
    """Members and their last periods, each by its own frequency."""
    person = await allowed(datasette, request, Action.BOARD)
    if isinstance(person, Response):
        return person
    _, language = datasette.words_of(request).gettext, datasette.language_of(request)
    words = timing_words(_)
    found = await asyncio.to_thread(standings_of_all, datasette.desk, datetime.now(UTC), language)
    ending = request.url_vars.get("ending")
    if ending:
        headings = [_("Code"), _("Member"), _("Period"), _("Due on"), _("Standing"), _("Days late")]
        rows: list[list[str | int | float | None]] = [
            [code, name, each.due.period, each.due.on.isoformat(), words[each.timing], each.days_late]
            for code, name, each_of in found
            for each in each_of
        ]
        body = csv_file(headings, rows) if ending == "csv" else xlsx_file(_("Periods"), headings, rows)
        told = {
            "content-disposition": f'attachment; filename="periods.{ending}"',
            "cache-control": "no-store",
        }
        return Response(body, content_type=FILES[ending], headers=told)
    shown = {"found": found, "timings": words, "count": PERIODS}
    return Response.html(await datasette.render_template("board_periods.html", shown, request=request))


@hookimpl
def startup(datasette: Any) -> None:
    datasette.state_words = state_words


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/board(\.(?P<ending>csv|xlsx))?$", board),
        (r"^/calendar(\.(?P<ending>ics))?$", calendar),
        (r"^/board/periods(\.(?P<ending>csv|xlsx))?$", periods),
        (r"^/board/(?P<member>[A-Z]{3})$", member_page),
        (r"^/board/(?P<member>[A-Z]{3})/remind$", remind),
    ]
