"""The inboxes: which packages lie there complete, and moving them out once their bytes are kept.

::

    inbox/PRY/awards.xlsx                  one file, or one folder, is one submission
    inbox/PRY/2024/awards.csv              in a folder named like a period (2024, 2024-03, 2024-Q1): for it
    inbox/PRY/2024/datapackage.json, …     such a folder that is itself a data package: one submission for it
    inbox/PRY/awards.csv.mapping.json      mapping file of awards.csv (awards.mapping.json does as well)
    inbox/.taken/<submission>/awards.xlsx  where it goes once it is staged

Nothing here opens a file: what is inside is the intake's business.
"""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.exceptions import IntakeError
from pipelines.identifiers import MemberCode, SubmissionId, parse_period

TAKEN = ".taken"
SIDECAR = ".mapping.json"
_IGNORED_STARTS = (".", "~$")
_IGNORED_NAMES = ("thumbs.db", "desktop.ini")
_UNFINISHED_ENDS = (".part", ".tmp", ".filepart", ".crdownload")
PATIENCE = 3600.0
"""Seconds that one receiver waits for another one that is staging."""


@dataclass(frozen=True, slots=True)
class InboxPackage:
    """A file or folder of an inbox that is one submission. period: None for the whole time."""

    path: Path
    member: MemberCode
    period: str | None = None
    sidecar: Path | None = None


Fingerprint = tuple[tuple[str, int, int], ...]
"""(name, bytes, time of change in ns) of every file of a package."""


def _is_passed_over(name: str) -> bool:
    """Of the system, of an office program, or still being written by a program that says so."""
    lower = name.lower()
    return lower.startswith(_IGNORED_STARTS) or lower.endswith(_UNFINISHED_ENDS) or lower in _IGNORED_NAMES


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_period(name: str) -> bool:
    try:
        parse_period(name)
    except ValueError:
        return False
    return True


def _packages_in(folder: Path, member: MemberCode, period: str | None) -> Iterator[InboxPackage]:
    children = [child for child in sorted(folder.iterdir()) if not _is_passed_over(child.name)]
    sidecars = {child.name.removesuffix(SIDECAR): child for child in children if child.name.endswith(SIDECAR)}
    packages = [child for child in children if not child.name.endswith(SIDECAR)]
    stems = Counter(child.stem for child in packages)
    for child in packages:
        if period is None and _is_folder(child) and _is_period(child.name):
            if (child / "datapackage.json").exists():  # the period's folder is itself the package
                yield InboxPackage(child, member, child.name, sidecars.get(child.name))
            else:
                yield from _packages_in(child, member, child.name)
            continue
        by_stem = sidecars.get(child.stem) if stems[child.stem] == 1 else None
        yield InboxPackage(child, member, period, sidecars.get(child.name) or by_stem)


def find_packages(inbox: Path, members: Collection[str], only: str | None = None) -> list[InboxPackage]:
    """Every package in the inboxes of these members, or of one, complete or not."""
    return [
        package
        for folder in sorted(inbox.iterdir())
        if folder.is_dir()
        and folder.name.upper() in members
        and (only is None or folder.name.upper() == only.upper())
        for package in _packages_in(folder, MemberCode(folder.name), None)
    ]


def find_strays(inbox: Path, members: Collection[str]) -> list[Path]:
    """What lies in the inbox and is in no member's folder: nobody would ever look at it."""
    return [
        child
        for child in sorted(inbox.iterdir())
        if not _is_passed_over(child.name) and not (child.is_dir() and child.name.upper() in members)
    ]


def fingerprint(package: InboxPackage) -> Fingerprint | None:
    """How the package looks from outside; None while it cannot be complete.

    That is an empty folder, or one that holds a file which a program marks as unfinished or has open.
    """
    files: list[tuple[str, int, int]] = []
    paths = [package.path] if package.sidecar is None else [package.path, package.sidecar]
    try:
        for path in paths:
            found = (
                [path]
                if not _is_folder(path)
                else [Path(at) / name for at, _, names in os.walk(path) for name in names]
            )
            for file in found:
                lower = file.name.lower()
                if lower.startswith("~$") or lower.endswith(_UNFINISHED_ENDS):
                    return None
                if _is_passed_over(file.name):
                    continue
                facts = file.lstat()
                files.append((str(file), facts.st_size, facts.st_mtime_ns))
    except FileNotFoundError:  # moved or renamed while we looked
        return None
    return tuple(sorted(files)) or None


def complete_packages(packages: Collection[InboxPackage], settle_seconds: float) -> list[InboxPackage]:
    """Those whose files did not change between two looks, `settle_seconds` apart; oldest first.

    Two looks and not the age of a file: many programs that copy set the time of the original.
    """
    before = {package: fingerprint(package) for package in packages}
    if packages and settle_seconds:
        time.sleep(settle_seconds)
    complete = []
    for package, earlier in before.items():
        now = fingerprint(package)
        if now is not None and now == earlier:
            complete.append((max(changed for _, _, changed in now), str(package.path), package))
    return [package for *_, package in sorted(complete, key=lambda each: each[:2])]


@contextmanager
def one_receiver(lock: Path) -> Iterator[None]:
    """Let one process at a time stage and move: of a folder that moves, another one would read half.

    An SQLite file as lock: the system frees it when its holder dies, on every platform.
    """
    connection = sqlite3.connect(lock, timeout=PATIENCE, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise IntakeError(f"another process has been receiving for {PATIENCE:.0f} s") from error
        yield
    finally:
        connection.close()


def move_taken(package: InboxPackage, submission_id: SubmissionId, inbox: Path) -> None:
    """Move the original and its mapping file out of the inbox. A name that is taken already gets a number."""
    target = inbox / TAKEN / submission_id
    target.mkdir(parents=True, exist_ok=True)
    for path in (package.path, package.sidecar):
        if path is not None:
            path.rename(_free_name(target, path.name))


def _free_name(folder: Path, name: str) -> Path:
    path, serial = folder / name, 2
    while path.exists() or path.is_symlink():
        path, serial = folder / f"{serial}-{name}", serial + 1
    return path
