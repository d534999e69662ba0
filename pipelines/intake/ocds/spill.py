"""Releases of a submission on disk, so that those of one process come together in bounded memory."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import orjson

from pipelines.intake.ocds.read import FoundRelease
from pipelines.intake.ocds.shape import scalar_text

_BATCH = 2_000
_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """What is known of a release without reading it again.

    instant: its date as microseconds since 1970 (a date without a zone is taken as UTC), None when it has no
    readable date. digest: of its content, whatever the order of its keys. file: index of its file in the
    submission.
    """

    serial: int
    ocid: str
    release_id: str
    date: str
    tags: str
    instant: int | None
    compiled: bool
    digest: bytes
    file: int
    ordinal: int
    links: tuple[tuple[str, str, str], ...]


def read_instant(text: str) -> int | None:
    """Microseconds since 1970 of an ISO 8601 date or date-time; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def _clean(value: Any) -> Any:
    """The value with lone halves of surrogate pairs, which no encoding can hold, as U+FFFD."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(each) for name, each in value.items()}
    return value


class TooDeepError(Exception):
    """A release nests deeper than 250 levels."""


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        if "surrogates" not in str(error):
            raise TooDeepError from error
    return _dump(_clean(value))


class ReleaseSpill:
    """A temporary SQLite file of releases; use as a context manager, the file is removed at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._serial = 0
        self._heads: list[tuple[Any, ...]] = []
        self._bodies: list[tuple[int, bytes]] = []

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.path, isolation_level=None)
        self._database.executescript(
            """
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
            CREATE TABLE heads (serial INTEGER PRIMARY KEY, ocid TEXT, release_id TEXT, date TEXT, tags TEXT,
                instant INTEGER, compiled INTEGER, digest BLOB, file INTEGER, ordinal INTEGER, links TEXT);
            CREATE TABLE bodies (serial INTEGER PRIMARY KEY, body BLOB);
            BEGIN;
            """
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self.path.unlink(missing_ok=True)

    def add(self, ocid: str, found: FoundRelease, file: int) -> None:
        """Keep a release that is an object with an ocid. Raises `TooDeepError`."""
        release = found.value
        body = _dump(release)
        date = scalar_text(release.get("date"))
        tags = release.get("tag")
        tags = ";".join(map(scalar_text, tags)) if isinstance(tags, list) else scalar_text(tags)
        head = (
            self._serial,
            *(_SURROGATES.sub("\ufffd", text) for text in (ocid, scalar_text(release.get("id")), date, tags)),
            read_instant(date),
            found.compiled,
            blake2b(body, digest_size=16).digest(),
            file,
            found.ordinal,
            orjson.dumps(_clean(found.links)).decode() if found.links else None,
        )
        self._heads.append(head)
        self._bodies.append((self._serial, body))
        self._serial += 1
        if len(self._heads) >= _BATCH:
            self._write()

    def _write(self) -> None:
        self._database.executemany("INSERT INTO heads VALUES (?,?,?,?,?,?,?,?,?,?,?)", self._heads)
        self._database.executemany("INSERT INTO bodies VALUES (?,?)", self._bodies)
        self._heads.clear()
        self._bodies.clear()

    def processes(self) -> Iterator[tuple[str, Sequence[StoredRelease]]]:
        """(ocid, its releases from oldest to newest), by ocid.

        Releases without a date come first; of the same instant, compiled ones last and else as they were
        sent.
        """
        self._write()
        rows = self._database.execute("SELECT * FROM heads ORDER BY ocid, instant, compiled, serial")
        stored = (
            StoredRelease(*row[:6], bool(row[6]), *row[7:10], _links(row[10]))  # type: ignore[call-arg]
            for row in rows
        )
        for ocid, group in groupby(stored, key=lambda release: release.ocid):
            yield ocid, list(group)

    def load(self, release: StoredRelease) -> dict[str, Any]:
        """The release itself, numbers as text."""
        row = self._database.execute("SELECT body FROM bodies WHERE serial = ?", (release.serial,)).fetchone()
        return orjson.loads(row[0])


def _links(text: str | None) -> tuple[tuple[str, str, str], ...]:
    return tuple(tuple(link) for link in orjson.loads(text)) if text else ()
