"""Addresses that are told what happens to a member's data: who gave them, what each wants to know, and its secrets.

A secret has to be kept as it is, for messages are signed with it (HMAC); it is shown once, when it is made, and never again.
"""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import JSON, Column, Integer, String, Table, Text, delete, func, insert, select, update

from pipelines.desk.fetching import Limits, NotFetchedError, check_address
from pipelines.desk.people import Person
from pipelines.desk.schema import metadata
from pipelines.desk.webhooks.messages import TOPICS
from pipelines.exceptions import StoreError, UnknownError
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant

MOST = 5
"""Addresses of one member."""

OVERLAP = timedelta(hours=24)
"""How long a secret signs along after it was changed, so that no message is refused while a receiver learns the new one."""

ON, PAUSED, OFF = "on", "paused", "off"
"""Told; not told because a person wants it so; not told because the desk gave up."""

GONE, FAILING, OWNER = "gone", "failing", "owner"
"""Why the desk gave up: the receiver said so (410), nothing arrived for days, whoever answered for it may not any more."""

hooks = Table(
    "desk_webhooks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("member", String, nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("topics", JSON, nullable=False),
    Column("secret", String, nullable=False),
    Column("old_secret", String),
    Column("old_until", Instant),
    # The person who answers for it.
    Column("person", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("why_off", String),
    # What happened before is sent when somebody asks for it only.
    Column("since", Instant, nullable=False),
    Column("failing_since", Instant),
)


@dataclass(frozen=True, slots=True)
class Hook:
    """topics: of `messages.TOPICS`. person: number of who answers for it. since: what happened before is not told by itself.
    failing_since: of the first failure after the last success; None: the last message arrived, or none was sent.
    """

    id: int
    member: str
    address: str
    topics: tuple[str, ...]
    secret: str = field(repr=False)
    old_secret: str | None = field(repr=False)
    old_until: datetime | None
    person: int
    state: str
    why_off: str | None
    since: datetime
    failing_since: datetime | None

    @property
    def host(self) -> str:
        """What of the address may stand in a letter: what follows can be a secret of the receiver's."""
        return urlsplit(self.address).hostname or ""

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """What a message is signed with, the newest first."""
        both = self.old_secret is not None and self.old_until is not None and now < self.old_until
        return (self.secret, str(self.old_secret)) if both else (self.secret,)


def check_hook_address(address: str, allowed: frozenset[str]) -> str:
    """An address as it is kept; StoreError when no message may go there. Its name is looked up by the worker, at every message.

    allowed: hosts of one's own network, which may be told over http and at other ports too.
    """
    told = address.strip()
    try:
        found = check_address(told, Limits(allowed=allowed), resolved=lambda _host, _port: ["1.1.1.1"])
    except NotFetchedError as error:
        raise StoreError("address") from error
    if found.scheme != "https" and found.host.lower() not in allowed:
        raise StoreError("address")
    return told


def new_secret() -> str:
    """256 random bits in the form of Standard Webhooks: ``whsec_`` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


class Hooks:
    """The addresses in a database. Who may is asked before (`pipelines.desk.permissions`). allowed: see `check_hook_address`."""

    def __init__(self, database: Database, allowed: frozenset[str] = frozenset()) -> None:
        self._database, self.allowed = database, allowed

    def add(self, member: str, address: str, topics: Iterable[str], person: Person) -> Hook:
        """A new address, told of what happens from now on. StoreError: ``address``, ``topics`` (none of ours), ``most``."""
        values = self._checked(address, topics) | {
            "member": member, "secret": new_secret(), "person": person.id, "state": ON,
        }  # fmt: skip
        with self._database.write() as connection:
            own = select(func.count()).select_from(hooks).where(hooks.c.member == member)
            if connection.execute(own).scalar_one() >= MOST:
                raise StoreError("most")
            made = connection.execute(insert(hooks).values(**values, since=datetime.now(UTC)))
            number = made.inserted_primary_key[0]  # type: ignore[index]
        return self.get(number)

    def change(self, number: int, address: str, topics: Iterable[str]) -> Hook:
        """Another address, or other things that it wants to know. StoreError as for `add`.

        Another address gets another secret: whoever had the old one must not sign for the new.
        """
        values, was = self._checked(address, topics), self.get(number)
        if values["address"] != was.address:
            values |= {"secret": new_secret(), "old_secret": None, "old_until": None, "failing_since": None}
        return self.set(number, **values)

    def _checked(self, address: str, topics: Iterable[str]) -> dict[str, Any]:
        named = set(topics)
        wanted = [each for each in TOPICS if each in named]
        if not wanted:
            raise StoreError("topics")
        return {"address": check_hook_address(address, self.allowed), "topics": wanted}

    def rotate(self, number: int) -> Hook:
        """A new secret. The one of before signs along for `OVERLAP`; the one before that no more."""
        return self.set(
            number, secret=new_secret(), old_secret=self.get(number).secret, old_until=datetime.now(UTC) + OVERLAP
        )  # fmt: skip

    def pause(self, number: int) -> Hook:
        return self.set(number, state=PAUSED, why_off=None)

    def resume(self, number: int, person: Person) -> Hook:
        """Told again: of what waits, and of what happens from now on. person: answers for it from now on."""
        return self.set(
            number, state=ON, why_off=None, failing_since=None, person=person.id, since=datetime.now(UTC)
        )

    def switch_off(self, hook: Hook, why: str) -> bool:
        """Give up; False when somebody else has, or paused it."""
        with self._database.write() as connection:
            own = update(hooks).where(hooks.c.id == hook.id, hooks.c.state == ON)
            return connection.execute(own.values(state=OFF, why_off=why)).rowcount > 0

    def remove(self, number: int) -> None:
        """The address, its secrets and its messages are gone (`outbox.deliveries` go with them)."""
        from pipelines.desk.webhooks.outbox import deliveries

        with self._database.write() as connection:
            connection.execute(delete(deliveries).where(deliveries.c.hook == number))
            connection.execute(delete(hooks).where(hooks.c.id == number))

    def get(self, number: int) -> Hook:
        """An address; UnknownError when there is none."""
        found = self._where(hooks.c.id == number)
        if not found:
            raise UnknownError(f"no webhook {number}")
        return found[0]

    def of_member(self, member: str) -> tuple[Hook, ...]:
        return self._where(hooks.c.member == member)

    def on(self) -> tuple[Hook, ...]:
        """Of all members, those that are told."""
        return self._where(hooks.c.state == ON)

    def set(self, number: int, **values: Any) -> Hook:
        with self._database.write() as connection:
            connection.execute(update(hooks).where(hooks.c.id == number).values(**values))
        return self.get(number)

    def _where(self, condition: Any) -> tuple[Hook, ...]:
        with self._database.read() as connection:
            rows = connection.execute(select(hooks).where(condition).order_by(hooks.c.id)).all()
        return tuple(Hook(**dict(row._mapping) | {"topics": tuple(row.topics)}) for row in rows)
