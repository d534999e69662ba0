"""Tables that were published and had to be taken back: what, from which releases, since when, and why.

``releases/withdrawn.json`` is the register. A release itself is never edited: the site refuses the table's files
and pages with 410 and the reason, and refuses the files that hold all tables together with them.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.catalogue import LANGUAGES
from pipelines.exceptions import PublicationError

REGISTER = "withdrawn.json"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A table that is no longer given out. releases: ids, or ``*`` for every release there is and will be."""

    table: str
    releases: tuple[str, ...]
    withdrawn_at: str
    reasons: Mapping[str, str]

    def covers(self, release: str) -> bool:
        return "*" in self.releases or release in self.releases

    @staticmethod
    def register(folder: Path) -> "Register":
        return Register(folder / REGISTER)


class Register:
    """The register, read again whenever the file has changed: a withdrawal counts from the next request on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at: int | None = None
        self._entries: tuple[Withdrawn, ...] = ()

    @property
    def entries(self) -> tuple[Withdrawn, ...]:
        try:
            changed = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            self._entries, self._read_at = (), None
            return ()
        if changed != self._read_at:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            self._entries = tuple(
                Withdrawn(each["table"], tuple(each["releases"]), each["withdrawn_at"], each["reasons"])
                for each in data
            )
            self._read_at = changed
        return self._entries

    def of_table(self, release: str, table: str) -> Withdrawn | None:
        return next((each for each in self.entries if each.table == table and each.covers(release)), None)

    def of_file(self, release: str, table: str | None) -> Withdrawn | None:
        """The withdrawal that a file falls under; one without a table of its own holds all tables."""
        if table:
            return self.of_table(release, table)
        return next((each for each in self.entries if each.covers(release)), None)


def withdraw_table(
    folder: Path, table: str, reasons: Mapping[str, str], releases: Sequence[str] = ("*",)
) -> Withdrawn:
    """Enter a table in the register of the releases below `folder`.

    reasons: language -> sentence, one for each language of the site. Raises PublicationError when one is missing.
    """
    missing = [language for language in LANGUAGES if not reasons.get(language, "").strip()]
    if missing:
        raise PublicationError(f"the reason of a withdrawal is told in every language; missing: {missing}")
    register = Withdrawn.register(folder)
    entry = Withdrawn(
        table, tuple(releases), datetime.now(UTC).isoformat(timespec="seconds"), {k: reasons[k] for k in LANGUAGES}
    )  # fmt: skip
    beside = register.path.with_suffix(f".{os.getpid()}.tmp")
    entries = [asdict(each) for each in (*register.entries, entry)]
    beside.write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")
    beside.replace(register.path)
    return entry
