"""Followers of the audit log: mail, webhooks, whatever has to know what happened. Each goes on where it stopped, after any interruption.

A follower is called at least once for every event, in order. What it does twice must come to the same.
"""

from collections.abc import Callable

from sqlalchemy import Column, Integer, String, Table, insert, select, update

from pipelines.desk.schema import metadata
from pipelines.store import Database, Ledger, LedgerEvent

cursors = Table(
    "desk_cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("last_event", Integer, nullable=False),
)


def follow(database: Database, ledger: Ledger, name: str, handle: Callable[[LedgerEvent], None]) -> int:
    """Hand the events since the last time to `handle`, one by one; returns how many. An exception of `handle` stops before
    its event, which comes again at the next call.
    """
    done = 0
    for event in ledger.events(after=_last(database, name)):
        handle(event)
        _advance(database, name, event.id)
        done += 1
    return done


def _last(database: Database, name: str) -> int:
    with database.read() as connection:
        found = connection.execute(
            select(cursors.c.last_event).where(cursors.c.name == name)
        ).scalar_one_or_none()
    return found or 0


def _advance(database: Database, name: str, event: int) -> None:
    with database.write() as connection:
        moved = connection.execute(update(cursors).where(cursors.c.name == name).values(last_event=event))
        if not moved.rowcount:
            connection.execute(insert(cursors).values(name=name, last_event=event))
