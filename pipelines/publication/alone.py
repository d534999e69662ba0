"""One at a time, whichever process it is; and what a process that was killed has left."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MARK = ".held"
_YOUNG = 60
"""Seconds in which a folder may still lack its holder."""


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Wait until nobody else holds this file, then hold it. A process that is killed lets go."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make a folder for unfinished work, held as long as this process works on it; the mark goes before the folder is renamed."""
    folder.mkdir(parents=True)
    mark = folder / _MARK
    try:
        with alone(mark):
            yield
    finally:
        mark.unlink(missing_ok=True)


def remove_abandoned(parent: Path, pattern: str) -> list[Path]:
    """Remove folders of unfinished work whose process ended without doing so; returns them."""
    removed = []
    for mark in parent.glob(f"{pattern}/{_MARK}"):
        try:
            with mark.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_old = mark.stat().st_mtime < time.time() - _YOUNG
        except OSError:  # held by somebody, or gone meanwhile
            continue
        if is_old:
            shutil.rmtree(mark.parent, ignore_errors=True)
            removed.append(mark.parent)
    return removed
