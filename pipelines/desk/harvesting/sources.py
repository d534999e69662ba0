"""Addresses that are harvested, what happened at each try, and who is at it.

A claim is a row's word that a worker is at it. The worker renews it while it works; one that is silent for `SILENCE` is believed
dead, and whoever comes next takes over. What a worker finishes counts only while its claim still holds.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    insert,
    or_,
    select,
    update,
)

from pipelines.desk.harvesting.timetable import next_time
from pipelines.desk.schema import metadata
from pipelines.exceptions import StoreError, UnknownError
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant

KINDS = ("file", "ocds")
"""One file at one address; the pages of an OCDS API."""

SILENCE = timedelta(minutes=5)
LONGEST_ADDRESS = 2_000

sources = Table(
    "desk_harvest_sources",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("member", String, nullable=False),
    Column("address", Text, nullable=False),
    Column("kind", String, nullable=False),
    Column("period", String, nullable=False),
    Column("package_type", String),
    Column("often", String, nullable=False),
    Column("hour", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("set_by", String, nullable=False),
    Column("next_at", Instant, nullable=False),
    # The run that is at it, and when it last said so.
    Column("claim", String),
    Column("claimed_at", Instant),
    # Of what was taken last.
    Column("etag", Text),
    Column("modified", String),
    Column("sha256", String),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Instant),
    Index("desk_harvest_sources_by_time", "next_at"),
)

runs = Table(
    "desk_harvest_runs",
    metadata,
    # The same as its arrival's, so that a run has one arrival at most.
    Column("id", String, primary_key=True),
    Column("source", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # None while it runs: arrived, unchanged, interrupted, or a `Trouble`.
    Column("outcome", String),
    Column("pages", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Index("desk_harvest_runs_by_source", "source", "started_at"),
)

ARRIVED, UNCHANGED, INTERRUPTED = "arrived", "unchanged", "interrupted"


@dataclass(frozen=True, slots=True)
class Source:
    """kind: one of `KINDS`. often, hour: see `timetable`. sha256: of what was taken last. failures: in a row."""

    id: int
    member: str
    address: str
    kind: str
    period: str
    package_type: str | None
    often: str
    hour: int
    active: bool
    set_by: str
    next_at: datetime
    claim: str | None
    claimed_at: datetime | None
    etag: str | None
    modified: str | None
    sha256: str | None
    failures: int
    failing_since: datetime | None

    @property
    def actor(self) -> str:
        """Who sent what came from here, as the ledger names it."""
        return f"harvest:{self.id}"


@dataclass(frozen=True, slots=True)
class Run:
    """outcome: None while it runs. pages: that were fetched. size: bytes that came."""

    id: str
    source: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    pages: int
    size: int


class LostClaimError(Exception):
    """Somebody else took over; nothing that this worker has done counts."""


def clean_address(told: str) -> str:
    """An address as it is kept; StoreError when it is none. Whether anybody may be asked there is looked at when it is fetched."""
    address = told.strip()
    try:
        parts = urlsplit(address)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if (
        not fine
        or parts.username is not None
        or len(address) > LONGEST_ADDRESS
        or not address.isprintable()
        or " " in address
    ):
        raise StoreError("address")  # fmt: skip
    return address


class Harvests:
    """The sources of an installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        member: str,
        address: str,
        kind: str,
        *,
        set_by: str,
        period: str = "all",
        package_type: str | None = None,
        often: str = "daily",
        hour: int = 6,
        now: datetime | None = None,
    ) -> Source:
        """A new source, asked for the first time as soon as a worker is free. StoreError: the address or kind is none."""
        values = self._checked(address, kind, often, hour) | {
            "member": member, "period": period, "package_type": package_type, "active": True, "set_by": set_by,
            "next_at": now or datetime.now(UTC), "failures": 0,
        }  # fmt: skip
        with self._database.write() as connection:
            made = connection.execute(insert(sources).values(**values))
            number = made.inserted_primary_key[0]  # type: ignore[index]
        return self.get(number)

    def change(
        self, number: int, address: str, kind: str, *, set_by: str, period: str, package_type: str | None, often: str, hour: int
    ) -> Source:  # fmt: skip
        """Another address or timetable. What was taken from another address is forgotten, and no run that is at the old one counts."""
        values = self._checked(address, kind, often, hour) | {
            "period": period, "package_type": package_type, "set_by": set_by, "failures": 0, "failing_since": None,
            "next_at": next_time(often, hour, datetime.now(UTC)), "claim": None,
        }  # fmt: skip
        was = self.get(number)
        if (was.address, was.kind, was.period, was.package_type) != (
            values["address"], kind, period, package_type,
        ):  # fmt: skip
            values |= {"etag": None, "modified": None, "sha256": None, "next_at": datetime.now(UTC)}
        self._set(number, **values)
        return self.get(number)

    @staticmethod
    def _checked(address: str, kind: str, often: str, hour: int) -> dict[str, Any]:
        if kind not in KINDS:
            raise StoreError("kind")
        try:
            next_time(often, hour, datetime.now(UTC))
        except ValueError as error:
            raise StoreError("timetable") from error
        return {"address": clean_address(address), "kind": kind, "often": often, "hour": hour}

    def pause(self, number: int, *, set_by: str) -> None:
        """Ask no more, until `resume`; a run that is at it does not count any more."""
        self._set(number, active=False, claim=None, set_by=set_by)

    def resume(self, number: int, *, set_by: str) -> None:
        self._set(
            number, active=True, failures=0, failing_since=None, next_at=datetime.now(UTC), set_by=set_by
        )

    def now(self, number: int) -> None:
        """Ask as soon as a worker is free; a source that is paused stays so."""
        self._set(number, next_at=datetime.now(UTC))

    def get(self, number: int) -> Source:
        """A source; UnknownError when there is none."""
        found = self._where(sources.c.id == number)
        if not found:
            raise UnknownError(f"no source {number}")
        return found[0]

    def of_member(self, member: str | None) -> tuple[Source, ...]:
        """The sources of a member; None: of all."""
        return self._where(True if member is None else sources.c.member == member)

    def runs(self, number: int, most: int = 10) -> tuple[Run, ...]:
        """The last tries, newest first."""
        query = select(runs).where(runs.c.source == number).order_by(runs.c.started_at.desc()).limit(most)
        with self._database.read() as connection:
            return tuple(Run(**dict(row._mapping)) for row in connection.execute(query))

    def claim(self, now: datetime) -> tuple[Source, str, str | None] | None:
        """Take a source that is due: it, the number of the new run, and of the one that died at it. None: nothing is due."""
        due = and_(
            sources.c.active,
            sources.c.next_at <= now,
            or_(sources.c.claim.is_(None), sources.c.claimed_at < now - SILENCE),
        )
        run = uuid.uuid4().hex
        with self._database.write() as connection:
            for row in connection.execute(select(sources).where(due).order_by(sources.c.next_at)).all():
                taken = connection.execute(
                    update(sources).where(sources.c.id == row.id, due).values(claim=run, claimed_at=now)
                )
                if not taken.rowcount:
                    continue
                connection.execute(
                    update(runs).where(runs.c.source == row.id, runs.c.outcome.is_(None))
                    .values(outcome=INTERRUPTED, ended_at=now)
                )  # fmt: skip
                connection.execute(
                    insert(runs).values(id=run, source=row.id, started_at=now, pages=0, size=0)
                )
                return Source(**dict(row._mapping) | {"claim": run, "claimed_at": now}), run, row.claim
        return None

    def renew(self, run: str, now: datetime) -> bool:
        """Say that the worker of a run lives; False: its claim is lost."""
        with self._database.write() as connection:
            held = update(sources).where(sources.c.claim == run)
            return connection.execute(held.values(claimed_at=now)).rowcount > 0

    @contextmanager
    def finishing(
        self, source: Source, run: str, outcome: str, *, pages: int = 0, size: int = 0, **values: Any
    ) -> Iterator[Connection]:
        """The transaction in which a run ends: what the caller writes within, the run's outcome and the source's `values`
        are there together or not at all. LostClaimError: somebody else is at it by now.
        """
        with self._database.write() as connection:
            own = update(sources).where(sources.c.id == source.id, sources.c.claim == run)
            if not connection.execute(own.values(claim=None, claimed_at=None, **values)).rowcount:
                raise LostClaimError(run)
            connection.execute(
                update(runs).where(runs.c.id == run)
                .values(outcome=outcome, ended_at=datetime.now(UTC), pages=pages, size=size)
            )  # fmt: skip
            yield connection

    def _set(self, number: int, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(update(sources).where(sources.c.id == number).values(**values))

    def _where(self, condition: Any) -> tuple[Source, ...]:
        query = select(sources).where(condition).order_by(sources.c.member, sources.c.id)
        with self._database.read() as connection:
            return tuple(Source(**dict(row._mapping)) for row in connection.execute(query))
