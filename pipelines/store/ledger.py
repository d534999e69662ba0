"""The ledger: people and process. Which submissions came, where each of them is, who did what and why.

What it says about data can be rebuilt from the lake (`Ledger.rebuild`); who did what, and what never reached
the lake (rejections, waiting confirmations), cannot.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.exceptions import StoreError, UnknownError
from pipelines.identifiers import MemberCode, ReleaseId, SubmissionId
from pipelines.records import Release, Submission
from pipelines.store import ledger_schema as schema
from pipelines.store.audit import link
from pipelines.store.database import Database
from pipelines.store.lake import Lake
from pipelines.store.states import LIVE, UNFINISHED, WAITING, State, check_move, route
from pipelines.store.versions import Manifest, ended_by, packages, read_manifests


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A submission as the ledger knows it now. Counts are None until it has been validated.

    version_number: the version that holds its rows, or held them when it was accepted; None before.
    held: when it is sound, a person decides. asked_by: who said yes and waits for a second person. approved_by: whose yes
    was the last that was needed. publish_at: not to be accepted before.
    """

    submission_id: SubmissionId
    member: MemberCode
    package_type: str
    schema_version: str
    period: str
    received_at: datetime
    sha256: str
    source_name: str
    state: State
    verdict: str | None
    rows_in: int | None
    rows_accepted: int | None
    rows_refused: int | None
    errors: int | None
    warnings: int | None
    notices: int | None
    version_number: int | None
    held: bool
    asked_by: str | None
    approved_by: str | None
    publish_at: datetime | None
    updated_at: datetime

    def is_unfinished(self, now: datetime) -> bool:
        """Whether a rerun has to take it further: nobody works on it, and nothing waits for a person."""
        if self.state in UNFINISHED or (self.state is State.READY and not self.held):
            return True
        approved = self.state in WAITING and self.approved_by is not None
        return approved and (self.publish_at is None or self.publish_at <= now)

    @property
    def is_unfinished_yes(self) -> bool:
        """Whether the last yes that was needed has been said, its day has come, and it is not carried out yet."""
        return self.state in WAITING and self.approved_by is not None and self.is_unfinished(_now())

    @property
    def submission(self) -> Submission:
        return Submission(
            self.submission_id,
            self.member,
            self.package_type,
            self.schema_version,
            self.period,
            self.received_at,
            self.sha256,
            self.source_name,
        )


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """Something that happened to a submission, or to a member when submission_id is None. Never edited."""

    id: int
    submission_id: SubmissionId | None
    member: MemberCode
    at: datetime
    from_state: State | None
    to_state: State | None
    actor: str
    reason: str | None
    detail: Mapping[str, Any]
    hash: str | None = None
    """See `pipelines.store.audit`; None in a ledger that is older than the chain."""


@dataclass(frozen=True, slots=True)
class LedgerRelease:
    release_id: ReleaseId
    released_at: datetime
    path: str
    is_current: bool


def _entry(row: Any) -> LedgerEntry:
    data = dict(row._mapping)
    return LedgerEntry(
        **data
        | {
            "submission_id": SubmissionId(data["submission_id"]),
            "member": MemberCode(data["member"]),
            "state": State(data["state"]),
        }
    )


def _event(row: Any) -> LedgerEvent:
    data = dict(row._mapping)
    return LedgerEvent(
        **data
        | {
            "submission_id": SubmissionId(data["submission_id"]) if data["submission_id"] else None,
            "member": MemberCode(data["member"]),
            "from_state": State(data["from_state"]) if data["from_state"] else None,
            "to_state": State(data["to_state"]) if data["to_state"] else None,
        }
    )


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """place: a `Database`, an SQLAlchemy address (``sqlite:////data/ledger.sqlite``, ``postgresql+psycopg://…``), or a
    file's path.

    Opening creates the tables where there are none. Several processes may write at once; each call is one
    transaction.
    """

    def __init__(self, place: str | Path | Database) -> None:
        self.database = place if isinstance(place, Database) else Database(place)
        self._write, self._read = self.database.write, self.database.read
        with self._write() as connection:
            schema.bring_up_to_date(connection)

    def close(self) -> None:
        self.database.close()

    # Submissions

    def receive(self, submission: Submission, *, actor: str = "intake", held: bool = False) -> LedgerEntry:
        """Write a submission down as received; one that is known already stays as it is.

        held: when it is sound, a person decides.
        """
        try:
            with self._write() as connection:
                if self._find(connection, submission.submission_id) is None:
                    self._insert(connection, submission, actor, held)
        except IntegrityError:  # PostgreSQL lets two look before either writes; the other one wrote
            pass
        return self.submission(submission.submission_id)

    def move(
        self,
        submission_id: str,
        state: State | str,
        *,
        actor: str = "pipeline",
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
        allowed: Callable[[LedgerEntry], None] | None = None,
        **facts: Any,
    ) -> LedgerEntry:
        """Move a submission to a state and write the event, in one transaction.

        facts: columns of `pipelines.store.ledger_schema.FACTS` to set with it. detail: JSON data for the
        event. allowed: raises where the submission, as it stands in this transaction, may not be moved. Moving to the state
        it is in does nothing. StoreError when the table of moves does not allow it, UnknownError when the submission is not known.
        """
        with self._write() as connection:
            entry = self._get(connection, submission_id)
            if allowed is not None:
                allowed(entry)
            if entry.state is State(state):
                return entry
            return self._step(connection, entry, State(state), actor, reason, detail or {}, facts)

    def record(
        self,
        submission_id: str,
        *,
        actor: str,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
        allowed: Callable[[LedgerEntry], None] | None = None,
        **facts: Any,
    ) -> LedgerEntry:
        """Set facts of a submission that stays in its state, and write the event, in one transaction. allowed: as of `move`."""
        with self._write() as connection:
            entry = self._get(connection, submission_id)
            if allowed is not None:
                allowed(entry)
            self._set(connection, entry, entry.state, facts)
            self._note(connection, entry, entry.state, entry.state, actor, reason, detail or {})
            return self._get(connection, submission_id)

    def note(
        self, member: str, *, actor: str, reason: str | None = None, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Write down what happened to a member as a whole: an event without a submission."""
        with self._write() as connection:
            self._add(connection, None, member, None, None, actor, reason, detail or {})

    def submission(self, submission_id: str) -> LedgerEntry:
        """A submission as it stands; UnknownError when there is none."""
        with self._read() as connection:
            return self._get(connection, submission_id, lock=False)

    def submissions(
        self, member: str | None = None, state: State | str | None = None
    ) -> tuple[LedgerEntry, ...]:
        """Submissions, newest first, of one member or in one state when asked."""
        query = select(schema.submissions)
        if member is not None:
            query = query.where(schema.submissions.c.member == member)
        if state is not None:
            query = query.where(schema.submissions.c.state == State(state).value)
        query = query.order_by(schema.submissions.c.received_at.desc(), schema.submissions.c.submission_id)
        with self._read() as connection:
            return tuple(map(_entry, connection.execute(query)))

    def unfinished(self) -> tuple[LedgerEntry, ...]:
        """Submissions that a rerun has to take further, oldest first; not those that wait for a person, or for their day."""
        now = _now()
        return tuple(entry for entry in reversed(self.submissions()) if entry.is_unfinished(now))

    def events(
        self, submission_id: str | None = None, member: str | None = None, after: int = 0
    ) -> tuple[LedgerEvent, ...]:
        """What happened, oldest first, to one submission or one member when asked. after: the number of an event."""
        query = select(schema.events).where(schema.events.c.id > after).order_by(schema.events.c.id)
        if submission_id is not None:
            query = query.where(schema.events.c.submission_id == submission_id)
        if member is not None:
            query = query.where(schema.events.c.member == member)
        with self._read() as connection:
            return tuple(map(_event, connection.execute(query)))

    def _find(self, connection: Connection, submission_id: str, *, lock: bool = True) -> LedgerEntry | None:
        query = select(schema.submissions).where(schema.submissions.c.submission_id == submission_id)
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
        return _entry(row) if row else None

    def _get(self, connection: Connection, submission_id: str, *, lock: bool = True) -> LedgerEntry:
        entry = self._find(connection, submission_id, lock=lock)
        if entry is None:
            raise UnknownError(f"the ledger knows no submission {submission_id}")
        return entry

    def _insert(
        self, connection: Connection, submission: Submission, actor: str, held: bool = False
    ) -> LedgerEntry:
        values = asdict(submission) | {"state": State.RECEIVED.value, "held": held, "updated_at": _now()}
        connection.execute(insert(schema.submissions).values(**values))
        entry = self._get(connection, submission.submission_id)
        self._note(connection, entry, None, State.RECEIVED, actor, None, {})
        return entry

    def _step(
        self,
        connection: Connection,
        entry: LedgerEntry,
        state: State,
        actor: str,
        reason: str | None,
        detail: Mapping[str, Any],
        facts: Mapping[str, Any],
    ) -> LedgerEntry:
        check_move(entry.submission_id, entry.state, state)
        if state in (State.CHECKING, State.NEEDS_WORK, State.READY):
            # Whoever said yes said it to something else.
            facts = {"asked_by": None, "approved_by": None, "publish_at": None, **facts}
        self._set(connection, entry, state, facts)
        self._note(connection, entry, entry.state, state, actor, reason, detail)
        return self._get(connection, entry.submission_id)

    @staticmethod
    def _set(connection: Connection, entry: LedgerEntry, state: State, facts: Mapping[str, Any]) -> None:
        if unknown := set(facts) - set(schema.FACTS):
            raise StoreError(f"the ledger has no column for {', '.join(sorted(unknown))}")
        connection.execute(
            update(schema.submissions)
            .where(schema.submissions.c.submission_id == entry.submission_id)
            .values(state=state.value, updated_at=_now(), **facts)
        )

    def _note(
        self,
        connection: Connection,
        entry: LedgerEntry,
        before: State | None,
        after: State,
        actor: str,
        reason: str | None,
        detail: Mapping[str, Any],
    ) -> None:
        self._add(connection, entry.submission_id, entry.member, before, after, actor, reason, detail)

    @staticmethod
    def _add(
        connection: Connection,
        submission_id: str | None,
        member: str,
        before: State | None,
        after: State | None,
        actor: str,
        reason: str | None,
        detail: Mapping[str, Any],
    ) -> None:
        written = {
            "submission_id": submission_id,
            "member": member,
            "at": _now(),
            "from_state": before.value if before else None,
            "to_state": after.value if after else None,
            "actor": actor,
            "reason": reason,
            "detail": dict(detail),
        }
        connection.execute(insert(schema.events).values(**written, hash=link(connection, written)))

    # Agreement with the lake

    def settle(self, manifests: Sequence[Manifest], actor: str = "pipeline") -> None:
        """Bring all submissions of one (member, package type) to where the lake says they are, in one
        transaction.

        manifests: all of them, oldest first. A submission whose rows stand is accepted (or stays published),
        one whose rows a later version replaced is superseded, or withdrawn. Running it again changes nothing.
        """
        if not manifests:
            return
        newest = manifests[-1].version
        own = {m.submission.submission_id: (m, m.submission) for m in manifests if m.submission}
        table = schema.submissions
        query = (
            select(table)
            .where(table.c.member == newest.member, table.c.package_type == newest.package_type)
            .order_by(table.c.submission_id)
        )
        with self._write() as connection:
            entries = {row.submission_id: _entry(row) for row in connection.execute(query.with_for_update())}
            for submission_id, (_, submission) in own.items():
                if submission_id not in entries:
                    entries[submission_id] = self._insert(connection, submission, actor)
            for submission_id, entry in entries.items():
                manifest, _ = own.get(submission_id, (None, None))
                self._settle_one(connection, entry, manifest, manifests, actor)

    def _settle_one(
        self,
        connection: Connection,
        entry: LedgerEntry,
        own: Manifest | None,
        manifests: Sequence[Manifest],
        actor: str,
    ) -> None:
        known = entry.version_number or 0
        if own is not None and own.version.number > known:
            known = own.version.number
            facts = {key: own.facts[key] for key in schema.FACTS if key in own.facts}
            facts |= {"version_number": int(own.version.number), "schema_version": own.version.schema_version}
            detail = {"version": int(own.version.number)} | {
                key: own.facts[key] for key in ("confirmed_by", "policy", "report") if own.facts.get(key)
            }
            for state in route(entry.state, State.ACCEPTED):
                accepted = state is State.ACCEPTED
                by = own.facts.get("confirmed_by") or actor
                entry = self._step(
                    connection, entry, state, by, None, detail if accepted else {}, facts if accepted else {}
                )
        elif entry.state not in LIVE:
            return  # never accepted, ended already, or sent again and being judged anew
        elif known > manifests[-1].version.number:
            return  # another writer has committed and settled since these manifests were read
        ended = ended_by(manifests, known, entry.period)
        if ended is None:
            return
        withdrawn = ended.submission is None
        self._step(
            connection,
            entry,
            State.WITHDRAWN if withdrawn else State.SUPERSEDED,
            ended.facts["withdrawn_by"] if withdrawn else actor,
            ended.version.reason,
            {"version": int(ended.version.number)}
            | ({} if withdrawn else {"by": ended.version.submission_id}),
            {},
        )

    def rebuild(self, lake: Lake) -> None:
        """Write down again what the lake knows: submissions with rows in versions, their counts and states.

        Adds and corrects, removes nothing. Releases come back with `record_release`, and with them the state
        published.
        """
        for member, package_type in packages(lake):
            self.settle(read_manifests(lake, member, package_type), actor="rebuild")

    # Releases

    def record_release(self, release: Release, path: str | None = None) -> None:
        """Write a release down as the current one and mark the submissions that it contains as published.

        release.versions: mappings with ``member``, ``package_type`` and ``number``. path: where it is, the
        release's own name by default. Repeating it changes nothing.
        """
        table = schema.submissions
        path = path or str(release.release_id)
        with self._write() as connection:
            connection.execute(update(schema.releases).values(is_current=False))
            known = connection.execute(
                update(schema.releases)
                .where(schema.releases.c.release_id == release.release_id)
                .values(is_current=True, path=path)
            )
            if not known.rowcount:
                connection.execute(
                    insert(schema.releases).values(
                        release_id=release.release_id,
                        released_at=release.released_at,
                        path=path,
                        is_current=True,
                    )
                )
            for version in release.versions:
                query = select(table).where(
                    table.c.member == version["member"],
                    table.c.package_type == version["package_type"],
                    table.c.version_number <= int(version["number"]),
                    table.c.state == State.ACCEPTED.value,
                )
                for row in connection.execute(query.with_for_update()).all():
                    detail = {"release": release.release_id}
                    self._step(connection, _entry(row), State.PUBLISHED, "publication", None, detail, {})

    def releases(self) -> tuple[LedgerRelease, ...]:
        """Releases written down, oldest first."""
        with self._read() as connection:
            rows = connection.execute(select(schema.releases).order_by(schema.releases.c.released_at))
            return tuple(
                LedgerRelease(**dict(row._mapping) | {"release_id": ReleaseId(row.release_id)})
                for row in rows
            )

    def counts(self) -> Mapping[State, int]:
        """How many submissions are in each state that has any."""
        table = schema.submissions
        query = select(table.c.state, func.count()).group_by(table.c.state)
        with self._read() as connection:
            return {State(state): count for state, count in connection.execute(query)}
