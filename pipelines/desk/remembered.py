"""Corrections of how a member's files are read, remembered for the next file of the same form, whatever its name.

A form is known by its headings: when every heading that a correction speaks of stands in one row of a new file, and most of the
others as well, the file is read as the last one was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import JSON, Column, Index, Integer, String, Table, delete, insert, select

from pipelines.desk.schema import metadata
from pipelines.intake.labels import fold
from pipelines.intake.limits import Limits
from pipelines.intake.plan import HEADING_SEARCH_ROWS
from pipelines.intake.readers import read_tables
from pipelines.intake.sources import RawTable, SourceFile
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant

MOST = 50
"""Forms remembered of a member; the oldest is forgotten first."""
ALIKE = 0.7
"""Share of all headings of the two files that both must have."""
_OF_ONE_FILE = ("file", "sheet", "heading_row")

readings = Table(
    "desk_readings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("member", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("entry", JSON, nullable=False),
    Column("actor", String, nullable=False),
    Column("at", Instant, nullable=False),
    Index("desk_readings_by_member", "member"),
)

uses = Table(
    "desk_readings_used",
    metadata,
    Column("arrival_id", String, primary_key=True),
    Column("reading_id", Integer, primary_key=True),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """labels: folded headings of the file that was corrected. entry: a mapping file's entry without file, sheet and heading row."""

    id: int
    member: str
    labels: tuple[str, ...]
    entry: Mapping[str, Any]
    actor: str
    at: datetime

    @property
    def named(self) -> set[str]:
        """Headings without which the correction says nothing."""
        told = self.entry.get("columns", {}).values()
        sources = [each for source in told for each in (source if isinstance(source, list) else [source])]
        return {fold(each) for each in (*sources, *self.entry.get("ignore", ())) if isinstance(each, str)}

    def fits(self, cells: Iterable[str | None]) -> float:
        """How alike a row of cells is to the headings, 0 where it is not the same form."""
        found = {folded for cell in cells if cell and (folded := fold(cell))}
        own = set(self.labels)
        alike = len(own & found) / len(own | found) if own else 0.0
        return alike if alike >= ALIKE and self.named <= found else 0.0


class Readings:
    """The remembered readings in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, member: str, labels: Sequence[str], entry: Mapping[str, Any], actor: str) -> None:
        """Remember a correction in the place of what was remembered of the same headings."""
        told = {key: value for key, value in entry.items() if key not in _OF_ONE_FILE}
        with self._database.write() as connection:
            for row in connection.execute(
                select(readings.c.id, readings.c.labels).where(readings.c.member == member)
            ):
                if sorted(row.labels) == sorted(labels):
                    connection.execute(delete(readings).where(readings.c.id == row.id))
            connection.execute(
                insert(readings).values(
                    member=member, labels=list(labels), entry=told, actor=actor, at=datetime.now(UTC)
                )
            )
            own = select(readings.c.id).where(readings.c.member == member).order_by(readings.c.id.desc())
            old = [row.id for row in connection.execute(own)][MOST:]
            connection.execute(delete(readings).where(readings.c.id.in_(old)))

    def of_member(self, member: str) -> tuple[Reading, ...]:
        """Newest first."""
        query = select(readings).where(readings.c.member == member).order_by(readings.c.id.desc())
        with self._database.read() as connection:
            return tuple(
                Reading(row.id, row.member, tuple(row.labels), row.entry, row.actor, row.at)
                for row in connection.execute(query)
            )

    def forget(self, member: str, numbers: Sequence[int]) -> None:
        with self._database.write() as connection:
            connection.execute(
                delete(readings).where(readings.c.member == member, readings.c.id.in_(list(numbers)))
            )

    def used(self, arrival: str, numbers: Iterable[int]) -> None:
        """Write down that an arrival was read by these; once is enough."""
        with self._database.write() as connection:
            connection.execute(delete(uses).where(uses.c.arrival_id == arrival))
            for number in sorted(set(numbers)):
                connection.execute(insert(uses).values(arrival_id=arrival, reading_id=number))

    def of_arrival(self, arrival: str) -> tuple[int, ...]:
        """Numbers of the readings that an arrival was read by."""
        with self._database.read() as connection:
            query = select(uses.c.reading_id).where(uses.c.arrival_id == arrival)
            return tuple(row.reading_id for row in connection.execute(query))


def read_as_before(
    files: Sequence[SourceFile], known: Sequence[Reading], limits: Limits
) -> tuple[list[dict[str, Any]], set[int]]:
    """Entries of a mapping file for the tables in these files whose form is remembered, and which readings they come from."""
    best: dict[tuple[str, str | None], tuple[float, Reading, int]] = {}
    for file in files:
        for raw, own in _raws(file, known, limits):
            for number, cells in _rows(raw):
                for reading in own:
                    alike = reading.fits(cells)
                    place = (raw.source_file, raw.sheet)
                    if alike > best.get(place, (0.0,))[0]:
                        best[place] = (alike, reading, number)
    entries = []
    for (name, sheet), (_alike, reading, number) in best.items():
        entry = {"file": name, **({"sheet": sheet} if sheet else {}), **reading.entry}
        if number and not entry.get("skip"):
            entry["heading_row"] = number
        entries.append(entry)
    return entries, {reading.id for _alike, reading, _number in best.values()}


def headings_of(
    files: Sequence[SourceFile], file: str, entry: Mapping[str, Any], limits: Limits
) -> tuple[str, ...]:
    """Folded headings of a delimited file when it is read as an entry says; none where no row of them is found."""
    for each in files:
        if each.name == file:
            for raw in read_tables(each, entry, limits):
                rows = dict(_rows(raw))
                cells = rows.get(entry.get("heading_row", 0)) or max(rows.values(), key=_filled, default=())
                return tuple(folded for cell in cells if cell and (folded := fold(cell)))
    return ()


def _filled(cells: Sequence[str | None]) -> int:
    return sum(1 for cell in cells if cell)


def _raws(
    file: SourceFile, known: Sequence[Reading], limits: Limits
) -> Iterator[tuple[RawTable, list[Reading]]]:
    """The tables of a file, read in each form that is remembered: what a wrong encoding hides, the right one shows."""
    forms: dict[str, list[Reading]] = {}
    for reading in known:
        form = {key: reading.entry[key] for key in ("encoding", "delimiter", "quote") if key in reading.entry}
        forms.setdefault(json.dumps(form if file.format == "csv" else {}, sort_keys=True), []).append(reading)
    for told, own in forms.items():
        for raw in read_tables(file, json.loads(told), limits):
            yield raw, own


def _rows(raw: RawTable) -> Iterator[tuple[int, Sequence[str | None]]]:
    if raw.labels is not None:
        yield 0, raw.labels
        return
    yield from islice(raw.rows(), HEADING_SEARCH_ROWS)
