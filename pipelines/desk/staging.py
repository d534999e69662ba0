"""Arrivals become submissions, and how far the judging of one has come."""

import json
import os
from pathlib import Path

from pipelines import workflow
from pipelines.desk.arrivals import Arrival
from pipelines.desk.desk import Desk
from pipelines.exceptions import IntakeError
from pipelines.records import AcceptancePolicy


def stage_arrival(desk: Desk, arrival: Arrival) -> str | None:
    """Stage the files of an arrival; returns the submission, None when they cannot be read at all. Repeating it changes nothing."""
    files = sorted(
        path for path in desk.arrivals.folder(arrival.id).iterdir() if not path.name.startswith(".")
    )
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
            instructions=arrival.instructions,
            policy=AcceptancePolicy(arrival.policy),
            actor=arrival.actor,
            held=True,
        )
    except IntakeError as error:
        desk.arrivals.refused(arrival.id, str(error))
        return None
    desk.arrivals.staged(arrival.id, str(staged.submission.submission_id))
    return str(staged.submission.submission_id)


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
