"""Reminders: before data are due, when they are late, and when the Secretariat asks. One link, which leads to sending them."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from pipelines.desk.board import Timing, newest_of, timing_of
from pipelines.desk.calendar import Due, coming, due_of, ended, today_of
from pipelines.desk.desk import Desk
from pipelines.desk.letters import Kind, link, wants
from pipelines.desk.people import Person
from pipelines.desk.permissions import Action, may
from pipelines.exceptions import StoreError

DAYS_BEFORE = 5
WEEKS_LATE = 3
"""A late period is told on the first day, and so many times more, a week apart; then it is for the Secretariat to ask."""

PERIODS = 6
"""How many ended periods are looked at: with a monthly member and thirty days, two can be open at once."""

LONGEST_NOTE = 500
"""Characters of what the Secretariat adds."""


def remind(desk: Desk, now: datetime) -> int:
    """Write the letters that are due on this day; returns how many. Again on the same day: none."""
    return sum(
        _write(desk, member, due, kind, days)
        for member, due, kind, days in _open(desk, now)
    )  # fmt: skip


def remind_by_hand(desk: Desk, person: Person, member: str, period: str, note: str, now: datetime) -> int:
    """What somebody of the Secretariat asks for, once a day for a period; who and when stays in the audit log.

    Returns how many letters; 0 when nobody of the member can be written to, or they were today. StoreError: no such
    period, or a note that is too long.
    """
    note = note.strip()
    try:
        due = due_of(period, desk.policies.get(member).due_days)
    except ValueError as error:
        raise StoreError("reminder-period") from error
    if len(note) > LONGEST_NOTE:
        raise StoreError("reminder-note")
    today = today_of(desk.site.catalogue.members[member].time_zone, now)
    count = _write(desk, member, due, f"hand-{today.isoformat()}", due.days_late(today), note)
    if count:
        told = {"reminder": due.period, "letters": count}
        desk.site.ledger.note(member, actor=person.actor, reason=note or None, detail=told)
    return count


def kind_of(days_late: int) -> str | None:
    """Which reminder belongs to a day; None: none."""
    if -DAYS_BEFORE <= days_late <= 0:
        return "soon"
    week = (days_late - 1) // 7
    return f"late-{week}" if 0 <= week <= WEEKS_LATE else None


def _open(desk: Desk, now: datetime) -> Iterator[tuple[str, Due, str, int]]:
    """(member, what is due, kind of letter, days late) of every period that lacks data and has a letter today."""
    for code, member in desk.site.catalogue.members.items():
        policy = desk.policies.get(code)
        if member.kind != "member" or not policy.frequency:
            continue
        today = today_of(member.time_zone, now)
        dues = {*ended(policy, today, PERIODS), *coming(policy, today, DAYS_BEFORE)}
        wanted = [(due, kind) for due in dues if (kind := kind_of(due.days_late(today)))]
        entries = desk.site.ledger.submissions(code) if wanted else ()
        for due, kind in sorted(wanted, key=lambda told: told[0].on):
            days = due.days_late(today)
            newest = newest_of(entries, due, member.time_zone)
            if timing_of(policy, due, newest, days) in (Timing.DUE, Timing.LATE):
                yield code, due, kind, days


def _write(desk: Desk, member: str, due: Due, kind: str, days_late: int, note: str = "") -> int:
    names, count = desk.site.catalogue.members[member].names, 0
    for person in desk.people.of_member(member):
        if not may(person, Action.SUBMIT, member) or not wants(desk, person, Kind.REMINDER):
            continue
        count += desk.mail.post(
            person.email, person.language, Kind.REMINDER.value, once=f"reminder-{member}-{due.period}-{kind}-{person.id}",
            member=names.get(person.language) or names["en"], period=due.period, on=due.on.isoformat(), days_late=days_late,
            note=note, address=link(desk, f"/send?period={quote(due.period)}"),
        )  # fmt: skip
    return count
