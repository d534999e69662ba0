"""What happened with an account: who signed in, what was changed. Numbers of persons only, kept for a year."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, select

from pipelines.desk.accounts.tables import events
from pipelines.store import Database

KEPT = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """by: number of who did it, where it was not the person."""

    at: datetime
    event: str
    by: int | None


class AccountEvents:
    """The events of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, event: str, person: int | None, by: int | None = None) -> None:
        """person: None, where nobody has the address that was tried; so that writing takes as long for both."""
        now = datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(delete(events).where(events.c.at < now - KEPT))
            connection.execute(insert(events).values(at=now, event=event, person=person, by=by))

    def of(self, person: int, most: int = 10) -> tuple[AccountEvent, ...]:
        """The newest of a person."""
        query = (
            select(events.c.at, events.c.event, events.c.by)
            .where(events.c.person == person)
            .order_by(events.c.id.desc())
            .limit(most)
        )
        with self._database.read() as connection:
            return tuple(AccountEvent(*row) for row in connection.execute(query))
