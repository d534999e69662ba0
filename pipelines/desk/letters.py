"""Letters of the state machine: who is written to when a submission moves, in that person's language, once for each event.

What a person wants is hers to choose; without a choice she gets what went wrong and what asks something of her, and no more.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from sqlalchemy import Boolean, Column, Integer, String, Table, delete, insert, select

from pipelines.desk.desk import Desk
from pipelines.desk.events import follow
from pipelines.desk.people import Person
from pipelines.desk.permissions import Action, Role, may
from pipelines.desk.receipts import receipt
from pipelines.desk.schema import metadata
from pipelines.store import Database, LedgerEntry, LedgerEvent, State

NEWS = timedelta(days=7)
"""What is older when the worker comes to it is history: a desk that is opened on an old ledger writes to nobody about it."""

LONGEST_NAME = 80
"""Characters of a file's name in a letter."""

choices = Table(
    "desk_letter_choices",
    metadata,
    Column("person", Integer, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("wanted", Boolean, nullable=False),
)


class Kind(StrEnum):
    """NEEDS_WORK: errors were found, or a person sent it back. APPROVAL: a yes is asked. REMINDER: data are due or late.
    COMMENTED: somebody wrote. PUBLISHED: with the receipt. WITHDRAWN: the member took it back.
    """

    NEEDS_WORK = "needs_work"
    APPROVAL = "approval"
    REMINDER = "reminder"
    COMMENTED = "commented"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


UNASKED = frozenset({Kind.NEEDS_WORK, Kind.APPROVAL, Kind.REMINDER, Kind.COMMENTED})
"""What comes to somebody who has chosen nothing."""


def offered(person: Person) -> tuple[Kind, ...]:
    """The letters that can come to a person at all."""
    needs = {Kind.NEEDS_WORK: Action.SUBMIT, Kind.APPROVAL: Action.APPROVE, Kind.REMINDER: Action.SUBMIT}
    return tuple(kind for kind in Kind if kind not in needs or may(person, needs[kind], person.member))


def chosen(database: Database, person: Person) -> Mapping[Kind, bool]:
    """What a person gets of what is offered to her."""
    query = select(choices.c.kind, choices.c.wanted).where(choices.c.person == person.id)
    with database.read() as connection:
        told = {row.kind: row.wanted for row in connection.execute(query)}
    return {kind: bool(told.get(kind.value, kind in UNASKED)) for kind in offered(person)}


def choose(database: Database, person: Person, wanted: Iterable[str]) -> None:
    """Keep which of the offered letters a person wants."""
    names = set(wanted)
    with database.write() as connection:
        connection.execute(delete(choices).where(choices.c.person == person.id))
        for kind in offered(person):
            connection.execute(
                insert(choices).values(person=person.id, kind=kind.value, wanted=kind.value in names)
            )


def wants(desk: Desk, person: Person, kind: Kind) -> bool:
    return person.active and chosen(desk.database, person).get(kind, False)


def link(desk: Desk, path: str) -> str:
    """The address in a letter: one click, and where nobody is signed in, signing in leads on to the page."""
    return f"{desk.site.settings.desk_url.rstrip('/')}/sign-in?next={quote(path, safe='')}"


def tell(desk: Desk) -> int:
    """Write the letters for what has happened since the last time; returns how many events were looked at."""
    return follow(desk.database, desk.site.ledger, "letters", lambda event: _tell(desk, event))


def _tell(desk: Desk, event: LedgerEvent) -> None:
    if event.submission_id is None or event.at < datetime.now(UTC) - NEWS:
        return
    entry = desk.site.ledger.submission(event.submission_id)
    # What has moved on asks nothing any more: the letter of the newest state is enough.
    if event.to_state is not entry.state or (event.from_state is event.to_state):
        return
    match entry.state:
        case State.NEEDS_WORK:
            kind, readers = Kind.NEEDS_WORK, _menders(desk, entry)
        case State.READY | State.IN_REVIEW if _asks(entry):
            kind, readers = Kind.APPROVAL, _approvers(desk, entry)
        case State.PUBLISHED:
            kind, readers = Kind.PUBLISHED, _concerned(desk, entry)
        case State.WITHDRAWN:
            kind, readers = Kind.WITHDRAWN, _concerned(desk, entry)
        case _:
            return
    values = _values(desk, entry, event, kind)
    names = desk.site.catalogue.members[entry.member].names
    for person in readers:
        if person.actor == event.actor or not wants(desk, person, kind):
            continue  # who did it knows it
        desk.mail.post(
            person.email, person.language, kind.value, once=f"event-{event.id}-{person.id}",
            member=names.get(person.language) or names["en"], **values,
        )  # fmt: skip


def _asks(entry: LedgerEntry) -> bool:
    """Whether somebody's yes is missing. What is not held goes on by itself from ready."""
    return entry.approved_by is None and (entry.held or entry.state is State.IN_REVIEW)


def _menders(desk: Desk, entry: LedgerEntry) -> list[Person]:
    """Who sent it, and the member's submitters; its approvers where there are none of these."""
    people = desk.people.of_member(entry.member)
    sender = next(iter(desk.site.ledger.events(entry.submission_id))).actor
    found = [each for each in people if each.active and (each.role is Role.SUBMITTER or each.actor == sender)]
    return found or [each for each in people if may(each, Action.SUBMIT, entry.member)]


def _approvers(desk: Desk, entry: LedgerEntry) -> list[Person]:
    """Whose yes counts: not once more that of the one who has said it."""
    return [
        each
        for each in desk.people.of_member(entry.member)
        if may(each, Action.APPROVE, entry.member) and each.actor != entry.asked_by
    ]


def _concerned(desk: Desk, entry: LedgerEntry) -> list[Person]:
    """The member's people and the Secretariat's; who of them gets it is what they have chosen."""
    return [*desk.people.of_member(entry.member), *desk.people.of_member(None)]


def _values(desk: Desk, entry: LedgerEntry, event: LedgerEvent, kind: Kind) -> dict[str, Any]:
    """JSON data for the template of a kind."""
    name = " ".join(entry.source_name.split())
    values: dict[str, Any] = {
        "file": name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…",
        "period": "" if entry.period == "all" else entry.period,
        "address": link(desk, f"/submissions/{entry.submission_id}"),
    }
    if kind is Kind.NEEDS_WORK:
        by_person = event.actor.startswith("person:")
        values |= {"errors": entry.errors or 0, "warnings": entry.warnings or 0, "by_person": by_person}
    if kind is Kind.APPROVAL:
        second = entry.state is State.IN_REVIEW and entry.asked_by is not None
        loses = entry.state is State.IN_REVIEW and entry.asked_by is None
        values |= {"rows": entry.rows_accepted or 0, "warnings": entry.warnings or 0, "second": second, "loses": loses}  # fmt: skip
    if kind is Kind.PUBLISHED:
        told = receipt(desk, str(entry.submission_id), desk.site.settings.base_url)
        values |= {name: told[name] for name in ("submission", "files", "rows", "published_at", "release")}
        values["public"] = told["address"] or told["feed"]
    if kind in (Kind.NEEDS_WORK, Kind.WITHDRAWN):
        values["reason"] = event.reason or ""
    return values
