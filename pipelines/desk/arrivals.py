"""What has been sent at the desk and is not staged yet: files that are kept, and what their sender said of them.

An arrival is written down when its last byte is on disk; the worker stages it, which makes it a submission of the ledger. A
server or worker that is killed in between leaves an arrival that the next start goes on with.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypedDict, Unpack

from sqlalchemy import JSON, Column, Connection, Index, String, Table, Text, insert, select, update

from pipelines.desk.schema import metadata
from pipelines.exceptions import UnknownError
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant
from pipelines.zones import Zones

arrivals = Table(
    "desk_arrivals",
    metadata,
    Column("id", String, primary_key=True),
    Column("member", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("period", String, nullable=False),
    Column("package_type", String),
    Column("policy", String, nullable=False),
    # A mapping file's JSON: what the sender corrected of what was understood.
    Column("instructions", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("submission_id", String),
    Column("trouble", Text),
    Column("at", Instant, nullable=False),
    Index("desk_arrivals_by_state", "state"),
)


class ArrivalState(StrEnum):
    """FETCHING: its file is at an address and the worker fetches it. WAITING: for the worker. STAGED: it is the submission `submission_id`. REFUSED: `trouble` says why it could not be read at all."""

    FETCHING = "fetching"
    WAITING = "waiting"
    STAGED = "staged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Arrival:
    """actor: ``person:17``. period: ``all``, ``2026``, ``2026-03``. policy: ``whole`` or ``rows``. trouble: a code of ours."""

    id: str
    member: str
    actor: str
    period: str
    package_type: str | None
    policy: str
    instructions: Mapping[str, Any]
    state: ArrivalState
    submission_id: str | None
    trouble: str | None
    at: datetime


class Told(TypedDict, total=False):
    """What a sender may say of an arrival, each as of `Arrival`; what is not said is ``all``, found out, ``whole``, nothing and WAITING."""

    period: str
    package_type: str | None
    policy: str
    instructions: Mapping[str, Any]
    state: ArrivalState


def write_down(
    connection: Connection, identifier: str, member: str, actor: str, **told: Unpack[Told]
) -> None:
    """`Arrivals.add` within the caller's transaction."""
    if not connection.execute(select(arrivals.c.id).where(arrivals.c.id == identifier)).first():
        said: Told = {"period": "all", "policy": "whole", "instructions": {}, **told}
        state = told.get("state", ArrivalState.WAITING).value
        values = {**said, "id": identifier, "member": member, "actor": actor, "state": state}
        connection.execute(insert(arrivals).values(**values, at=datetime.now(UTC)))


class Arrivals:
    """The arrivals of an installation. Their files lie in ``<root>/arrivals/<id>/`` under the names that they were sent with."""

    def __init__(self, database: Database, zones: Zones) -> None:
        self._database, self._folder = database, zones.arrivals

    def new_folder(self) -> tuple[str, Path]:
        """An id and an empty folder for the files of an arrival that is not written down yet."""
        identifier = uuid.uuid4().hex
        folder = self._folder / identifier
        folder.mkdir(parents=True)
        return identifier, folder

    def folder(self, identifier: str) -> Path:
        return self._folder / identifier

    def add(self, identifier: str, member: str, actor: str, **told: Unpack[Told]) -> Arrival:
        """Write an arrival down once its files are whole in its folder; the same id again is the same arrival."""
        with self._database.write() as connection:
            write_down(connection, identifier, member, actor, **told)
        return self.get(identifier)

    def get(self, identifier: str) -> Arrival:
        """An arrival; UnknownError when there is none."""
        found = self.find(identifier)
        if found is None:
            raise UnknownError(f"no arrival {identifier}")
        return found

    def find(self, identifier: str) -> Arrival | None:
        return next(iter(self._where(arrivals.c.id == identifier)), None)

    def of_submission(self, submission_id: str) -> tuple[Arrival, ...]:
        """Arrivals that are this submission, oldest first; several when the same bytes came again."""
        return self._where(arrivals.c.submission_id == submission_id)

    def waiting(self) -> tuple[Arrival, ...]:
        """What the worker has to stage, oldest first."""
        return self._where(arrivals.c.state == ArrivalState.WAITING.value)

    def of_member(self, member: str) -> tuple[Arrival, ...]:
        return self._where(arrivals.c.member == member)

    def told(self, identifier: str, instructions: Mapping[str, Any]) -> None:
        """How its files are to be read, where its sender said nothing."""
        self._set(identifier, instructions=dict(instructions))

    def fetching(self) -> tuple[Arrival, ...]:
        """Whose file the worker has to fetch, oldest first."""
        return self._where(arrivals.c.state == ArrivalState.FETCHING.value)

    def fetched(self, identifier: str) -> None:
        self._set(identifier, state=ArrivalState.WAITING.value)

    def staged(self, identifier: str, submission_id: str) -> None:
        self._set(identifier, state=ArrivalState.STAGED.value, submission_id=submission_id, trouble=None)

    def refused(self, identifier: str, trouble: str) -> None:
        self._set(identifier, state=ArrivalState.REFUSED.value, trouble=trouble)

    def _set(self, identifier: str, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(update(arrivals).where(arrivals.c.id == identifier).values(**values))

    def _where(self, condition: Any) -> tuple[Arrival, ...]:
        query = select(arrivals).where(condition).order_by(arrivals.c.at, arrivals.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(Arrival(**dict(row._mapping) | {"state": ArrivalState(row.state)}) for row in rows)
