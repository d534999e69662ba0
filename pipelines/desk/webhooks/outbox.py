"""Messages that are to leave, that left, and that did not.

An address has one row of a message's name: what is written down twice is there once.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from pipelines.desk.schema import metadata
from pipelines.desk.webhooks.hooks import ON, Hook, hooks
from pipelines.desk.webhooks.messages import KEPT, TEST, Message, a_test
from pipelines.exceptions import UnknownError
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant

WAITING, DELIVERED, GIVEN_UP = "waiting", "delivered", "given-up"

SILENCE = timedelta(minutes=1)
"""After which a worker that is at a message is believed dead. A try takes a quarter of that at most."""

deliveries = Table(
    "desk_webhook_deliveries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hook", Integer, nullable=False),
    Column("message", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Instant, nullable=False),
    # The try that is being made, and since when.
    Column("claim", String),
    Column("claimed_at", Instant),
    # Of the last try.
    Column("tried_at", Instant),
    Column("status", Integer),
    Column("trouble", String),
    Column("answer", Text),
    UniqueConstraint("hook", "message"),
    Index("desk_webhook_deliveries_due", "state", "next_try"),
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for one address. tries: that failed since it was last asked for. status: of HTTP; None: no answer came, and
    trouble says why (a code of `posting`). answer: the beginning of what the receiver said, as plain text.
    """

    id: int
    hook: int
    message: str
    topic: str
    at: datetime
    body: str
    state: str
    made_at: datetime
    tries: int
    next_try: datetime
    claim: str | None
    claimed_at: datetime | None
    tried_at: datetime | None
    status: int | None
    trouble: str | None
    answer: str | None


class Outbox:
    """The messages in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, hook: Hook, message: Message, now: datetime) -> bool:
        """A message for an address; False when it is there."""
        own = (deliveries.c.hook == hook.id) & (deliveries.c.message == message.id)
        try:
            with self._database.write() as connection:
                if connection.execute(select(deliveries.c.id).where(own)).first():
                    return False
                connection.execute(
                    insert(deliveries).values(
                        hook=hook.id, message=message.id, topic=message.topic, at=message.at, body=message.body,
                        state=WAITING, made_at=now, tries=0, next_try=now,
                    )
                )  # fmt: skip
        except IntegrityError:  # PostgreSQL lets two look before either writes; the other one wrote
            return False
        return True

    def add_new(self, hook: Hook, messages: Iterable[Message], now: datetime) -> None:
        """Those of the messages that are not there; looks once for all of them."""
        found = list(messages)
        if not found:
            return
        query = select(deliveries.c.message).where(deliveries.c.hook == hook.id)
        with self._database.read() as connection:
            known = set(connection.execute(query).scalars())
        for each in found:
            if each.id not in known:
                self.add(hook, each, now)

    def test(self, hook: Hook, home: str, now: datetime) -> bool:
        """A message that tells nothing; False while one is on its way. home: address of the desk."""
        waits = select(deliveries.c.id).where(
            deliveries.c.hook == hook.id, deliveries.c.topic == TEST, deliveries.c.state == WAITING
        )
        with self._database.read() as connection:
            if connection.execute(waits).first():
                return False
        return self.add(hook, a_test(home, hook.member, uuid.uuid4().hex, now), now)

    def again(self, hook: int, messages: Collection[str], now: datetime) -> int:
        """Send messages of an address once more, whatever became of them; returns how many. One that is on its way stays so."""
        names, count = list(messages), 0
        with self._database.write() as connection:
            for first in range(0, len(names), 500):
                own = update(deliveries).where(
                    deliveries.c.hook == hook, deliveries.c.message.in_(names[first : first + 500])
                )
                count += connection.execute(own.values(state=WAITING, tries=0, next_try=now)).rowcount
        return count

    def claim(self, now: datetime, busy: Collection[int] = ()) -> list[tuple[Delivery, Hook]]:
        """What is due, claimed for the caller: the oldest of each address, but of none that is in `busy`."""
        due = and_(
            deliveries.c.state == WAITING, deliveries.c.next_try <= now,
            or_(deliveries.c.claim.is_(None), deliveries.c.claimed_at < now - SILENCE),
        )  # fmt: skip
        query = (
            select(func.min(deliveries.c.id))
            .join(hooks, hooks.c.id == deliveries.c.hook)
            .where(due, hooks.c.state == ON, hooks.c.id.not_in(list(busy)))
            .group_by(deliveries.c.hook)
        )
        with self._database.read() as connection:
            oldest = list(connection.execute(query).scalars())
        found = []
        for number in sorted(oldest):
            claim = uuid.uuid4().hex
            with self._database.write() as connection:
                own = update(deliveries).where(deliveries.c.id == number, due)
                if not connection.execute(own.values(claim=claim, claimed_at=now)).rowcount:
                    continue  # somebody else was faster
                row = connection.execute(select(deliveries).where(deliveries.c.id == number)).one()
                hook = connection.execute(select(hooks).where(hooks.c.id == row.hook)).one()
            told = Hook(**dict(hook._mapping) | {"topics": tuple(hook.topics)})
            found.append((Delivery(**dict(row._mapping)), told))
        return found

    def finish(self, delivery: Delivery, hook_values: dict[str, Any], **values: Any) -> bool:
        """What a try came to, with what it says about the address; False when somebody else is at it by now."""
        with self._database.write() as connection:
            own = update(deliveries).where(
                deliveries.c.id == delivery.id, deliveries.c.claim == delivery.claim
            )
            if not connection.execute(own.values(claim=None, claimed_at=None, **values)).rowcount:
                return False
            if hook_values:
                connection.execute(update(hooks).where(hooks.c.id == delivery.hook).values(**hook_values))
        return True

    def of_hook(self, hook: int, before: int | None = None, most: int = 50) -> tuple[Delivery, ...]:
        """The messages of an address, newest first; before: number of the one that the last page ended with."""
        query = (
            select(deliveries).where(deliveries.c.hook == hook).order_by(deliveries.c.id.desc()).limit(most)
        )
        if before is not None:
            query = query.where(deliveries.c.id < before)
        with self._database.read() as connection:
            return tuple(Delivery(**dict(row._mapping)) for row in connection.execute(query))

    def get(self, number: int) -> Delivery:
        """A message of an address; UnknownError when there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(deliveries).where(deliveries.c.id == number)).one_or_none()
        if row is None:
            raise UnknownError(f"no message {number}")
        return Delivery(**dict(row._mapping))

    def trim(self, now: datetime | None = None) -> int:
        """Forget what is older than `KEPT`; returns how many."""
        with self._database.write() as connection:
            old = deliveries.c.made_at < (now or datetime.now(UTC)) - KEPT
            return connection.execute(delete(deliveries).where(old)).rowcount
