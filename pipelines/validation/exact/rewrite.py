"""What Frictionless reads of a file, written anew as plain CSV where the submitted one is not."""

import csv
from collections.abc import Callable
from pathlib import Path

from frictionless import FrictionlessException

from pipelines.validation.exact.probe import Probe


def rewrite(probe: Probe, target: Path, check: Callable[[int, int], None]) -> FrictionlessException | None:
    """Write the rows that Frictionless reads, whatever the dialect and the encoding, as plain CSV.

    Fills in the stats of the probe (bytes, hashes) as far as the file was read. Returns what ended the reading, if
    anything did: Frictionless reports the rows before it, and then that.
    """
    resource = probe.resource
    terminal: FrictionlessException | None = None
    # Its own mark in front, so that one that belongs to the first cell stays there.
    with resource, target.open("w", encoding="utf-8-sig", newline="") as file:
        # With both characters in its line end, Python's writer quotes a cell that has either.
        writer = csv.writer(file, lineterminator="\r\n")
        size = probe.path.stat().st_size
        stream = iter(resource.cell_stream)
        count = 0
        while True:
            try:
                cells = next(stream)
            except StopIteration:
                break
            except FrictionlessException as exception:
                terminal = exception
                break
            writer.writerow(cells)
            count += 1
            if count % 10_000 == 0:
                check(resource.stats.bytes or 0, size)
    return terminal
