"""Tries to prove who one is: counted by e-mail address, whether it is known or not, and by network, so that counting tells nobody who has an account.

A try is counted before it is looked at and taken back when it was right: of a thousand tries at the same moment no more are looked at than
one after the other.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, select, update

from pipelines.desk.accounts.tables import attempts, hashed
from pipelines.store import Database

FREE = {"person": 5, "network": 30}
"""Wrong tries before waiting begins. Behind one network address there may be a whole ministry."""
LONGEST = timedelta(hours=1)
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Try:
    """A try that has been counted. waits_until: it must not be looked at, and was not counted."""

    key: str
    failures: int = 0
    waited_until: datetime | None = None
    waits_until: datetime | None = None


def network_of(address: str) -> str:
    """The network that an address stands for: itself for IPv4; the /64 that one subscriber has for IPv6."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        return str(known.ipv4_mapped or ipaddress.ip_network((int(known), 64), strict=False))
    return str(known)


class Attempts:
    """Keys are kept as hashes: the table is no list of addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, kind: str, key: str) -> Try:
        """Count a try as wrong; past the free ones, each doubles the wait: 1, 2, 4, … minutes, an hour at most."""
        now, name = datetime.now(UTC), hashed(f"{kind} {key}")
        with self._database.write() as connection:
            connection.execute(delete(attempts).where(attempts.c.last_at < now - FORGOTTEN))
            # SQLite writes one after the other; PostgreSQL does so for rows that are locked.
            row = connection.execute(
                select(attempts).where(attempts.c.key == name).with_for_update()
            ).one_or_none()
            if row is not None and row.wait_until > now:
                return Try(name, waits_until=row.wait_until)
            failures = row.failures + 1 if row is not None else 1
            over = failures - FREE[kind]
            wait = min(timedelta(minutes=2 ** min(over, 10)), LONGEST) if over >= 0 else timedelta(0)
            values = {"failures": failures, "last_at": now, "wait_until": now + wait}
            if row is None:
                connection.execute(insert(attempts).values(key=name, **values))
            else:
                connection.execute(update(attempts).where(attempts.c.key == name).values(**values))
        return Try(name, failures, row.wait_until if row is not None else now)

    def take_back(self, counted: Try) -> None:
        """The try was right: it counts no more, and neither does the wait that it began."""
        with self._database.write() as connection:
            found = attempts.c.key == counted.key
            alone = connection.execute(
                update(attempts)
                .where(found, attempts.c.failures == counted.failures)
                .values(failures=counted.failures - 1, wait_until=counted.waited_until)
            )
            if not alone.rowcount:
                connection.execute(
                    update(attempts)
                    .where(found, attempts.c.failures > 0)
                    .values(failures=attempts.c.failures - 1)
                )

    def forget(self, kind: str, key: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(attempts).where(attempts.c.key == hashed(f"{kind} {key}")))
