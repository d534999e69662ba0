"""The Secretariat's board: where each member stands, from the ledger, the policies, the comments and the letters."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from pipelines.desk.calendar import Due, covers, due_of, ended, today_of
from pipelines.desk.desk import Desk
from pipelines.desk.mail import REST, mail
from pipelines.desk.members import MemberPolicy
from pipelines.store import LedgerEntry, State
from pipelines.store.states import LIVE, WAITING


class Timing(StrEnum):
    """UNDECLARED: no frequency. DONE: accepted or published. WAITING: sent and sound, a person decides. DUE: not there, but
    in time still. LATE: the day has passed and nothing that counts is there.
    """

    UNDECLARED = "undeclared"
    DONE = "done"
    WAITING = "waiting"
    DUE = "due"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Line:
    """A member in a period. due: None where nothing is declared and no period was asked for. newest: newest submission
    that covers the period, or of all. days_late: after the due day, negative before it; None when nothing is due.
    people: who can sign in. lost_letters: given up. quality: share of rows accepted, None before a verdict.
    """

    member: str
    name: str
    policy: MemberPolicy
    due: Due | None
    newest: LedgerEntry | None
    timing: Timing
    days_late: int | None
    open_questions: int
    lost_letters: int
    people: int

    @property
    def quality(self) -> float | None:
        if self.newest is None or not self.newest.rows_in:
            return None
        return (self.newest.rows_accepted or 0) / self.newest.rows_in


def lost_letters(desk: Desk) -> Mapping[str | None, int]:
    """How many letters could not be delivered, by the member of whom they were for."""
    query = select(mail.c.to).where(mail.c.sent_at.is_(None), mail.c.tries > len(REST))
    with desk.database.read() as connection:
        lost = Counter(row.to for row in connection.execute(query))
    members = {person.email: person.member for person in desk.people.all()}
    found: Counter[str | None] = Counter()
    for address, count in lost.items():
        found[members.get(address)] += count
    return found


def lines(desk: Desk, now: datetime, language: str, period: str = "") -> tuple[Line, ...]:
    """A line for every member of the network, by code. period: all members in this one; otherwise each in its newest
    that is over.
    """
    submissions: dict[str, list[LedgerEntry]] = {}
    for entry in desk.site.ledger.submissions():
        submissions.setdefault(str(entry.member), []).append(entry)
    questions, lost = desk.comments.open_questions(), lost_letters(desk)
    people = Counter(person.member for person in desk.people.all() if person.active)
    found = []
    for code, member in sorted(desk.site.catalogue.members.items()):
        if member.kind != "member":
            continue
        policy = desk.policies.get(code)
        today = today_of(member.time_zone, now)
        dues = (due_of(period, policy.due_days),) if period else ended(policy, today)
        due = dues[0] if dues else None
        newest = newest_of(submissions.get(code, ()), due, member.time_zone)
        timing = timing_of(policy, due, newest, due.days_late(today) if due else 0)
        found.append(
            Line(
                code, member.names.get(language) or member.names["en"], policy, due, newest, timing,
                due.days_late(today) if due and timing in (Timing.DUE, Timing.LATE) else None,
                questions.get(code, 0), lost.get(code, 0), people[code],
            )
        )  # fmt: skip
    return tuple(found)


def newest_of(entries: Iterable[LedgerEntry], due: Due | None, zone: str | None) -> LedgerEntry | None:
    """The newest submission that covers what is due and still says something; entries: newest first."""
    for entry in entries:
        if entry.state in (State.SUPERSEDED, State.WITHDRAWN):
            continue
        if due is None or covers(entry.period, today_of(zone, entry.received_at), due):
            return entry
    return None


def timing_of(policy: MemberPolicy, due: Due | None, newest: LedgerEntry | None, days_late: int) -> Timing:
    if newest is not None and newest.state in LIVE:
        return Timing.DONE
    if newest is not None and newest.state in WAITING:
        return Timing.WAITING
    if due is None or not policy.frequency:
        return Timing.UNDECLARED
    return Timing.LATE if days_late > 0 else Timing.DUE


PERIODS = 6


@dataclass(frozen=True, slots=True)
class Standing:
    """A member in one of its periods; days_late as in `Line`."""

    due: Due
    newest: LedgerEntry | None
    timing: Timing
    days_late: int | None


def standings(desk: Desk, member: str, now: datetime, count: int = PERIODS) -> tuple[Standing, ...]:
    """A member in its last periods that are over, newest first, by its own frequency; none where it has declared none."""
    policy, zone = desk.policies.get(member), desk.site.catalogue.members[member].time_zone
    today, entries, found = today_of(zone, now), desk.site.ledger.submissions(member), []
    for due in ended(policy, today, count):
        newest, late = newest_of(entries, due, zone), due.days_late(today)
        timing = timing_of(policy, due, newest, late)
        open_still = timing in (Timing.DUE, Timing.LATE)
        found.append(Standing(due, newest, timing, late if open_still else None))
    return tuple(found)


def standings_of_all(
    desk: Desk, now: datetime, language: str
) -> tuple[tuple[str, str, tuple[Standing, ...]], ...]:
    """(code, name, standings) of every member, by name."""
    told = [
        (code, member.names.get(language) or member.names["en"], standings(desk, code, now))
        for code, member in desk.site.catalogue.members.items()
        if member.kind == "member"
    ]
    return tuple(sorted(told, key=lambda each: each[1]))


SORTS = ("member", "timing", "quality", "questions", "received")
_URGENT = {each: place for place, each in enumerate(("late", "due", "waiting", "done", "undeclared"))}


def arranged(
    found: Sequence[Line], timing: str = "", state: str = "", sort: str = "member"
) -> tuple[Line, ...]:
    """Lines of one timing and one state where asked, in an order of `SORTS`; what has most to be done comes first."""
    kept = [
        line
        for line in found
        if (not timing or line.timing == timing)
        and (not state or (line.newest is not None and line.newest.state == state) or (state == "none" and line.newest is None))
    ]  # fmt: skip
    keys = {
        "member": lambda line: (line.name,),
        "timing": lambda line: (_URGENT[line.timing], -(line.days_late or 0), line.member),
        "quality": lambda line: (line.quality is None, line.quality or 0.0, line.member),
        "questions": lambda line: (-line.open_questions, line.member),
        "received": lambda line: (-(line.newest.received_at.timestamp() if line.newest else 0), line.member),
    }
    return tuple(sorted(kept, key=keys.get(sort, keys["member"])))
