"""``Idempotency-Key`` (IETF draft-ietf-httpapi-idempotency-key-header): a request that is sent again is answered again, not done again.

Kept for a day per person and token: the hash of the request and its answer. The row is the lock: of two at the same moment one writes it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, Integer, String, Table, Text, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.desk.schema import metadata
from pipelines.exceptions import StoreError
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant

KEPT = timedelta(days=1)
LOST = timedelta(minutes=10)
"""After which a request that never ended was that of a server that was killed."""

answers = Table(
    "desk_idempotency",
    metadata,
    Column("owner", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("hash", String, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    # None while it is being done.
    Column("status", Integer),
    Column("headers", JSON),
    Column("body", Text),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that has been given."""

    status: int
    headers: dict[str, str]
    body: Any


class KeyReusedError(StoreError):
    """The key was used for another request."""


class KeyRunningError(StoreError):
    """The first request with this key has not ended."""


class Idempotency:
    """The answers kept in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, owner: str, key: str, fingerprint: str) -> Kept | None:
        """None: do it, then `end`. The answer, when it has been done. `KeyReusedError` for another request under the
        same key, `KeyRunningError` while the first is being done.
        """
        now = datetime.now(UTC)
        own = (answers.c.owner == owner) & (answers.c.key == key)
        try:
            with self._database.write() as connection:
                connection.execute(delete(answers).where(answers.c.at < now - KEPT))
                row = connection.execute(select(answers).where(own).with_for_update()).one_or_none()
                if row is None:
                    connection.execute(insert(answers).values(owner=owner, key=key, hash=fingerprint, at=now))
                    return None
                if row.hash != fingerprint:
                    raise KeyReusedError(key)
                if row.status is not None:
                    return Kept(row.status, row.headers, json.loads(row.body))
                if row.at > now - LOST:
                    raise KeyRunningError(key)
                connection.execute(update(answers).where(own).values(at=now))
                return None
        except IntegrityError as error:  # PostgreSQL lets two look before either writes; the other one wrote
            raise KeyRunningError(key) from error

    def end(self, owner: str, key: str, answer: Kept) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(answers)
                .where(answers.c.owner == owner, answers.c.key == key)
                .values(status=answer.status, headers=answer.headers, body=json.dumps(answer.body))
            )

    def forget(self, owner: str, key: str) -> None:
        """It came to nothing: the same key may try again."""
        with self._database.write() as connection:
            connection.execute(
                delete(answers).where(
                    answers.c.owner == owner, answers.c.key == key, answers.c.status.is_(None)
                )
            )
