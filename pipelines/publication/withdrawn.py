"""Tables and releases that were published and had to be taken back: what, since when, by whom, and why.

``releases/withdrawn.json`` is the register. A release itself is never edited: the site refuses the table's files
and pages with 410 and the reason, and refuses the files that hold all tables together with them. An entry is never removed: what was withdrawn by mistake
is given back by saying so, with the day, and the entry stays.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.catalogue import LANGUAGES
from pipelines.exceptions import PublicationError
from pipelines.publication.alone import alone

REGISTER = "withdrawn.json"
LOCK = ".withdrawn.lock"
"""Held by whoever writes the register: of two withdrawals at once, none may be lost."""

ALL = "*"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A table that is no longer given out; ``*`` for every table.

    releases: ids, or ``*`` for every release there is and will be. restored_at: when it was given back, None until then.
    """

    table: str
    releases: tuple[str, ...]
    withdrawn_at: str
    reasons: Mapping[str, str]
    by: str = ""
    restored_at: str | None = None

    def covers(self, release: str) -> bool:
        return self.restored_at is None and (ALL in self.releases or release in self.releases)

    @staticmethod
    def register(folder: Path) -> "Register":
        return Register(folder / REGISTER)


class Register:
    """The register, read again whenever the file has changed: a withdrawal counts from the next request on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[int, ...] | None = None
        self._entries: tuple[Withdrawn, ...] = ()

    @property
    def entries(self) -> tuple[Withdrawn, ...]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._entries, self._read = (), None
            return ()
        # Two withdrawals within one tick of the clock have the same time, never the same file and size.
        state = found.st_mtime_ns, found.st_ino, found.st_size
        if state != self._read:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            self._entries = tuple(Withdrawn(**{**each, "releases": tuple(each["releases"])}) for each in data)
            self._read = state
        return self._entries

    def of_table(self, release: str, table: str) -> Withdrawn | None:
        return next(
            (each for each in self.entries if each.table in (table, ALL) and each.covers(release)), None
        )

    def of_release(self, release: str) -> Withdrawn | None:
        """The withdrawal of a release with everything that is in it."""
        return next((each for each in self.entries if each.table == ALL and each.covers(release)), None)

    def of_file(self, release: str, table: str | None) -> Withdrawn | None:
        """The withdrawal that a file falls under; one without a table of its own holds all tables."""
        if table:
            return self.of_table(release, table)
        return next((each for each in self.entries if each.covers(release)), None)


def withdraw_table(
    folder: Path, table: str, reasons: Mapping[str, str], releases: Sequence[str] = (ALL,), by: str = ""
) -> Withdrawn:
    """Enter a table (``*``: every table) in the register of the releases below `folder`.

    reasons: language -> sentence, one for each language of the site. Raises PublicationError when one is missing.
    """
    missing = [language for language in LANGUAGES if not reasons.get(language, "").strip()]
    if missing:
        raise PublicationError(f"the reason of a withdrawal is told in every language; missing: {missing}")
    entry = Withdrawn(
        table, tuple(releases), _now(), {k: reasons[k] for k in LANGUAGES}, by
    )  # fmt: skip
    with alone(folder / LOCK):
        register = Withdrawn.register(folder)
        _write(register, (*register.entries, entry))
    return entry


def restore_table(folder: Path, table: str) -> list[Withdrawn]:
    """Give a withdrawn table back, wherever it was withdrawn; returns the entries that no longer count."""
    with alone(folder / LOCK):
        register = Withdrawn.register(folder)
        entries = [
            replace(each, restored_at=_now()) if each.table == table and each.restored_at is None else each
            for each in register.entries
        ]
        changed = [new for old, new in zip(register.entries, entries, strict=True) if old is not new]
        if changed:
            _write(register, entries)
    return changed


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(register: Register, entries: Sequence[Withdrawn]) -> None:
    beside = register.path.with_suffix(".tmp")
    with beside.open("w", encoding="utf-8") as file:
        json.dump([asdict(each) for each in entries], file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(register.path)
