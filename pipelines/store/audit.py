"""The audit log: every event carries a hash of itself and of the one before, so that none can be changed, taken out or added
between without every later hash being wrong.

Who did it is the number of a person (``person:17``) or the name of a program, never a name or an address: the log is for ever.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, text

from pipelines.store import ledger_schema as schema
from pipelines.store.database import Database

START = "0" * 64
"""What stands for the hash before the first."""

FIELDS = ("submission_id", "member", "at", "from_state", "to_state", "actor", "reason", "detail")
"""What is hashed, as a JSON array in this order after the hash before."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the chain found. broken: number of the first event whose hash is not what it should be."""

    events: int
    unchained: int
    head: str
    broken: int | None = None


def event_hash(before: str, event: Mapping[str, Any]) -> str:
    """SHA-256 of the event after another: ``sha256(json([before, submission_id, member, at, …]))``, no spaces, keys sorted,
    the instant in UTC with six digits of a second.
    """
    told = [before, *(event[name] for name in FIELDS)]
    told[1 + FIELDS.index("at")] = _instant(event["at"])
    return hashlib.sha256(
        json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


def link(connection: Connection, event: Mapping[str, Any]) -> str:
    """The hash of an event that is about to be written, in the transaction that writes it."""
    if connection.dialect.name == "postgresql":  # SQLite's write transaction excludes others by itself
        connection.execute(text("SELECT pg_advisory_xact_lock(714326)"))
    last = connection.execute(
        select(schema.events.c.hash).order_by(schema.events.c.id.desc()).limit(1)
    ).scalar_one_or_none()
    return event_hash(last or START, event)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events; what is empty is not asked for. submission: the beginning of its identifier. action: the state that was
    reached, ``note`` for what was written down of a member as a whole. since, until: UTC, until itself is left out.
    """

    member: str = ""
    submission: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[Any]:
        column, found = schema.events.c, []
        if self.member:
            found.append(column.member == self.member)
        if self.submission:
            found.append(column.submission_id.startswith(self.submission, autoescape=True))
        if self.action:
            found.append(
                column.to_state.is_(None) if self.action == "note" else column.to_state == self.action
            )
        if self.since:
            found.append(column.at >= self.since)
        if self.until:
            found.append(column.at < self.until)
        return found


def page(
    database: Database, asked: Asked, *, before: int | None = None, count: int = 100
) -> list[dict[str, Any]]:
    """Events, newest first. before: number of an event; older ones than that."""
    query = select(schema.events).where(*asked.conditions()).order_by(schema.events.c.id.desc()).limit(count)
    if before is not None:
        query = query.where(schema.events.c.id < before)
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def export(database: Database, asked: Asked | None = None) -> Iterator[dict[str, Any]]:
    """Every event that is asked for, oldest first, as JSON data."""
    query = select(schema.events).where(*(asked or Asked()).conditions()).order_by(schema.events.c.id)
    with database.read() as connection:
        for row in connection.execute(query):
            data = dict(row._mapping)
            yield data | {"at": _instant(data["at"])}


def check(database: Database) -> Checked:
    """Follow the chain from its first event. Events of a ledger older than the chain carry no hash and are counted apart."""
    before, events, unchained = START, 0, 0
    with database.read() as connection:
        for row in connection.execute(select(schema.events).order_by(schema.events.c.id)):
            data = dict(row._mapping)
            events += 1
            if data["hash"] is None and before == START:
                unchained += 1
                continue
            if data["hash"] != event_hash(before, data):
                return Checked(events, unchained, before, data["id"])
            before = data["hash"]
    return Checked(events, unchained, before)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
