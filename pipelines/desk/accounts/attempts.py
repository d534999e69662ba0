"""Wrong tries: counted by e-mail address, whether it is known or not, and by network address, so that counting tells nobody who has an account."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, select, update

from pipelines.desk.accounts.tables import attempts, hashed
from pipelines.store import Database

FREE = {"person": 5, "network": 30}
"""Wrong tries before waiting begins. Behind one network address there may be a whole ministry."""
LONGEST = timedelta(hours=1)
FORGOTTEN = timedelta(days=1)


class Attempts:
    """Keys are kept as hashes: the table is no list of addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waits_until(self, kind: str, key: str) -> datetime | None:
        """Until when no further try is looked at; None: now."""
        with self._database.read() as connection:
            until = connection.execute(
                select(attempts.c.wait_until).where(attempts.c.key == hashed(f"{kind} {key}"))
            ).scalar_one_or_none()
        return until if until and until > datetime.now(UTC) else None

    def failed(self, kind: str, key: str) -> None:
        """Count a wrong try; past the free ones, each doubles the wait: 1, 2, 4, … minutes, an hour at most."""
        now, name = datetime.now(UTC), hashed(f"{kind} {key}")
        with self._database.write() as connection:
            row = connection.execute(select(attempts).where(attempts.c.key == name)).one_or_none()
            known = row is not None and row.last_at > now - FORGOTTEN
            failures = row.failures + 1 if row is not None and known else 1
            over = failures - FREE[kind]
            wait = min(timedelta(minutes=2 ** min(over, 10)), LONGEST) if over >= 0 else timedelta(0)
            values = {"failures": failures, "last_at": now, "wait_until": now + wait}
            if row is None:
                connection.execute(insert(attempts).values(key=name, **values))
            else:
                connection.execute(update(attempts).where(attempts.c.key == name).values(**values))

    def forget(self, kind: str, key: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(attempts).where(attempts.c.key == hashed(f"{kind} {key}")))
