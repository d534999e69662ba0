"""Arrivals whose file is at an address: the page writes the address down, the worker fetches it (`pipelines.desk.fetching`)."""

import shutil
import uuid

from sqlalchemy import Column, String, Table, Text, insert, select

from pipelines.desk.arrivals import Arrival, ArrivalState
from pipelines.desk.desk import Desk
from pipelines.desk.fetching import Limits, NotFetchedError, check_address, fetch
from pipelines.desk.people import Person
from pipelines.desk.schema import metadata
from pipelines.exceptions import StoreError
from pipelines.store import Database

fetches = Table(
    "desk_fetches",
    metadata,
    Column("arrival_id", String, primary_key=True),
    Column("address", Text, nullable=False),
)

PREFIX = "fetch-"
"""Of the trouble of an arrival whose address gave no file; a code of `NotFetchedError` follows."""


def limits_of(desk: Desk) -> Limits:
    """What members may have fetched here."""
    own = desk.site.settings
    return Limits(bytes=own.max_file_bytes, allowed=frozenset(own.fetch_hosts.lower().split()))


def check_form(desk: Desk, address: str) -> None:
    """`NotFetchedError` for what can be seen of an address itself. Its name is looked up by the worker, which asks."""
    check_address(address, limits_of(desk), resolved=lambda _host, _port: ["1.1.1.1"])


def ask_for(
    desk: Desk,
    person: Person,
    address: str,
    *,
    period: str,
    policy: str = "whole",
    package_type: str | None = None,
) -> Arrival:
    """An arrival whose file the worker is going to fetch. Nothing is asked before somebody looked at the address there."""
    if person.member is None:
        raise StoreError(f"{person.actor} sends for no member")
    identifier = uuid.uuid4().hex
    with desk.database.write() as connection:
        connection.execute(insert(fetches).values(arrival_id=identifier, address=address))
    return desk.arrivals.add(
        identifier, person.member, person.actor, period=period, policy=policy, package_type=package_type,
        state=ArrivalState.FETCHING,
    )  # fmt: skip


def address_of(database: Database, arrival: str) -> str | None:
    """Where the file of an arrival comes from; None when it was sent."""
    with database.read() as connection:
        query = select(fetches.c.address).where(fetches.c.arrival_id == arrival)
        return connection.execute(query).scalar_one_or_none()


def fetch_arrival(desk: Desk, arrival: Arrival) -> None:
    """Fetch the file of an arrival; whatever a killed worker left of it before is done again."""
    address = address_of(desk.database, arrival.id) or ""
    folder = desk.arrivals.folder(arrival.id)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        fetch(address, folder, limits=limits_of(desk))
    except NotFetchedError as error:
        shutil.rmtree(folder, ignore_errors=True)
        desk.arrivals.refused(arrival.id, f"{PREFIX}{error.code}")
        return
    desk.arrivals.fetched(arrival.id)
