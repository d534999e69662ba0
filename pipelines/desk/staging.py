"""Arrivals become submissions, and how far the judging of one has come."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines import workflow
from pipelines.desk.arrivals import Arrival
from pipelines.desk.desk import Desk
from pipelines.desk.remembered import headings_of, read_as_before
from pipelines.exceptions import IntakeError
from pipelines.intake.sources import SourceFile
from pipelines.intake.unpack import unpack
from pipelines.records import AcceptancePolicy


def stage_arrival(desk: Desk, arrival: Arrival) -> str | None:
    """Stage the files of an arrival; returns the submission, None when they cannot be read at all. Repeating it changes nothing."""
    files = _files_of(desk, arrival)
    if not files:
        desk.arrivals.refused(arrival.id, "nothing-arrived")
        return None
    try:
        staged = workflow.receive(
            desk.site,
            files,
            arrival.member,
            package_type=arrival.package_type,
            period=arrival.period,
            instructions=arrival.instructions or _as_before(desk, arrival, files),
            policy=AcceptancePolicy(arrival.policy),
            actor=arrival.actor,
            held=True,
        )
    except IntakeError as error:
        desk.arrivals.refused(arrival.id, str(error))
        return None
    desk.arrivals.staged(arrival.id, str(staged.submission.submission_id))
    return str(staged.submission.submission_id)


def _as_before(desk: Desk, arrival: Arrival, files: Sequence[Path]) -> Mapping[str, Any]:
    """How files of this form were read the last time, when somebody corrected it then. Written down before it is followed."""
    known = desk.readings.of_member(arrival.member)
    if not known:
        return {}
    with _looked_into(desk, files) as unpacked:
        entries, used = read_as_before(unpacked, known, desk.site.limits)
    if not entries:
        return {}
    desk.readings.used(arrival.id, used)
    desk.arrivals.told(arrival.id, {"tables": entries})
    return {"tables": entries}


def headings_as_told(desk: Desk, arrival: Arrival, file: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Folded headings of a delimited file of an arrival, read as a mapping file's entry says; none where it has none."""
    with _looked_into(desk, _files_of(desk, arrival)) as unpacked:
        return headings_of(unpacked, file, entry, desk.site.limits)


def _files_of(desk: Desk, arrival: Arrival) -> list[Path]:
    return sorted(
        path for path in desk.arrivals.folder(arrival.id).iterdir() if not path.name.startswith(".")
    )


@contextmanager
def _looked_into(desk: Desk, files: Sequence[Path]) -> Iterator[Sequence[SourceFile]]:
    """The files as they are unpacked, in a place that is gone afterwards."""
    desk.site.zones.tmp.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="look-", dir=desk.site.zones.tmp) as kept:
        yield unpack(files, Path(kept), desk.site.limits).files


def write_progress(folder: Path, name: str, done: int, total: int) -> None:
    """Keep for the pages how far something has come; whoever reads it sees the one before or this one, never half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.{os.getpid()}"
    part.write_text(json.dumps({"done": done, "total": total}), encoding="utf-8")
    part.replace(folder / f"{name}.json")


def read_progress(folder: Path, name: str) -> tuple[int, int] | None:
    """(done, total) rows, None when nothing is known."""
    try:
        told = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return int(told["done"]), int(told["total"])
