"""Files of a request become an arrival: one place for the form and the interface for programs."""

import os
import shutil
from collections.abc import Sequence
from typing import BinaryIO

from pipelines.desk.arrivals import Arrival
from pipelines.desk.desk import Desk
from pipelines.desk.names import safe_name
from pipelines.desk.people import Person
from pipelines.exceptions import StoreError

BLOCK = 1 << 20
OVERHEAD = 1 << 20
"""Bytes of a request that are not of its files: fields and the heads of its parts."""


def keep_files(
    desk: Desk,
    person: Person,
    files: Sequence[tuple[str, BinaryIO]],
    *,
    period: str,
    package_type: str | None = None,
    policy: str = "whole",
) -> Arrival:
    """Copy files (name as told, bytes) to the last byte onto the disk, then write them down as an arrival of the person's member."""
    if person.member is None:
        raise StoreError(f"{person.actor} sends for no member")
    identifier, folder = desk.arrivals.new_folder()
    try:
        taken: list[str] = []
        for name, source in files:
            taken.append(safe_name(name, taken))
            source.seek(0)
            with (folder / taken[-1]).open("xb") as file:
                shutil.copyfileobj(source, file, BLOCK)
                file.flush()
                os.fsync(file.fileno())
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return desk.arrivals.add(
        identifier, person.member, person.actor, period=period, package_type=package_type, policy=policy
    )
