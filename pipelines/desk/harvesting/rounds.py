"""One harvest: claimed, fetched, and written down as an arrival in the transaction that ends it."""

import hashlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.desk.arrivals import write_down
from pipelines.desk.desk import Desk
from pipelines.desk.harvesting.asking import Guarded
from pipelines.desk.harvesting.gathering import Bounds, Budget, gather
from pipelines.desk.harvesting.sources import ARRIVED, SILENCE, UNCHANGED, LostClaimError, Source
from pipelines.desk.harvesting.timetable import LETTER_AFTER, next_time, next_try
from pipelines.desk.harvesting.trouble import HarvestError, Trouble
from pipelines.desk.names import safe_name
from pipelines.desk.permissions import Role
from pipelines.exceptions import UnknownError

BLOCK = 1 << 20
_WEB_PAGE = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class _Taken:
    """What came: a file, its hash, and what makes the next question a conditional one."""

    path: Path
    name: str
    sha256: str
    etag: str | None
    modified: str | None


def harvest_due(desk: Desk, fetcher: Guarded, bounds: Bounds | None = None) -> bool:
    """Harvest one source that is due; False when none is."""
    claimed = desk.harvests.claim(datetime.now(UTC))
    if claimed is None:
        return False
    source, run, dead = claimed
    if dead:
        _clear(desk, dead)
    folder = _folder(desk, run)
    folder.mkdir(parents=True)
    budget = Budget(bounds or Bounds(most_bytes=desk.site.settings.max_file_bytes))
    try:
        with _alive(desk, run):
            _harvest(desk, fetcher, source, run, folder, budget)
    except LostClaimError:
        _clear(desk, run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _harvest(desk: Desk, fetcher: Guarded, source: Source, run: str, folder: Path, budget: Budget) -> None:
    try:
        taken = _take(fetcher, source, folder, budget)
        if taken is not None and taken.sha256 != source.sha256:
            # Before the transaction that ends the run: an arrival that is written down has its file.
            place = desk.arrivals.folder(run)
            place.mkdir(parents=True)
            shutil.move(taken.path, place / taken.name)
    except HarvestError as error:
        _failed(desk, source, run, budget, error)
        return
    except OSError:
        # The disk is ours: the address has done nothing wrong, but must not be asked without a rest either.
        _clear(desk, run)
        _failed(desk, source, run, budget, HarvestError(Trouble.MACHINE))
        return
    now = datetime.now(UTC)
    well: dict[str, Any] = {
        "failures": 0,
        "failing_since": None,
        "next_at": next_time(source.often, source.hour, now),
    }
    came: dict[str, int] = {"pages": budget.pages, "size": budget.size}
    if taken is None:
        with desk.harvests.finishing(source, run, UNCHANGED, **came, **well):
            return
    well |= {"etag": taken.etag, "modified": taken.modified, "sha256": taken.sha256}
    if taken.sha256 == source.sha256:
        with desk.harvests.finishing(source, run, UNCHANGED, **came, **well):
            return
    with desk.harvests.finishing(source, run, ARRIVED, **came, **well) as connection:
        write_down(
            connection,
            run,
            source.member,
            source.actor,
            period=source.period,
            package_type=source.package_type,
        )


def _take(fetcher: Guarded, source: Source, folder: Path, budget: Budget) -> _Taken | None:
    """What the address has; None when it is what was taken last. HarvestError: nothing whole came."""
    if source.kind == "ocds":
        gathered = gather(fetcher, source.address, folder, budget, source.etag, source.modified)
        if gathered is None:
            return None
        only = gathered.only
        return _Taken(
            gathered.path, f"harvest-{source.id}.json", gathered.sha256,
            only.etag if only else None, only.modified if only else None,
        )  # fmt: skip
    found = budget.fetch(fetcher, source.address, folder, source.etag, source.modified)
    if found.path is None:
        return None
    with found.path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if not start:
            raise HarvestError(Trouble.NOTHING_THERE)
        if start.startswith(_WEB_PAGE):
            raise HarvestError(Trouble.A_WEB_PAGE)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _Taken(found.path, safe_name(found.name), digest, found.etag, found.modified)


def _failed(desk: Desk, source: Source, run: str, budget: Budget, error: HarvestError) -> None:
    """Write down what went wrong and when the next try is; tell the approvers once when it has gone on for days."""
    now = datetime.now(UTC)
    since, failures = source.failing_since or now, source.failures + 1
    values: dict[str, Any] = {
        "failures": failures,
        "failing_since": since,
        "next_at": next_try(failures, error.wait, now),
    }
    with desk.harvests.finishing(
        source, run, error.trouble.value, pages=budget.pages, size=budget.size, **values
    ):
        pass
    if error.trouble is Trouble.MACHINE or now - since < LETTER_AFTER:
        return
    for person in desk.people.of_member(source.member):
        if person.active and person.role is Role.APPROVER:
            desk.mail.post(
                person.email, person.language, "harvest_failing",
                once=f"harvest-{source.id}-{since.isoformat()}-{person.id}", name=person.name, since=f"{since:%Y-%m-%d}",
                address=source.address, url=f"{desk.site.settings.desk_url}/harvest/{source.id}",
            )  # fmt: skip


@contextmanager
def _alive(desk: Desk, run: str) -> Iterator[None]:
    """Renew the claim while something takes long."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(SILENCE.total_seconds() / 5):
            if not desk.harvests.renew(run, datetime.now(UTC)):
                return

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _folder(desk: Desk, run: str) -> Path:
    return desk.site.zones.tmp / "harvest" / run


def _clear(desk: Desk, run: str) -> None:
    """Remove what a run has left that became nothing."""
    shutil.rmtree(_folder(desk, run), ignore_errors=True)
    try:
        desk.arrivals.get(run)
    except UnknownError:
        shutil.rmtree(desk.arrivals.folder(run), ignore_errors=True)
