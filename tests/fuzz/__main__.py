"""``python -m tests.fuzz --seconds N [--seed S] [--workers 1] [--keep FOLDER] [--replay FOLDER]``; exit code 1 on a difference."""

import argparse
import logging
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.case import draw, read
from tests.fuzz.compare import Outcome, compare
from tests.fuzz.ours import PARTS, Watcher

KEPT = Path(__file__).with_name("kept")


@dataclass
class Tally:
    """What a run came to."""

    cases: int = 0
    errors: int = 0
    refused: int = 0
    paths: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, name: str, outcome: Outcome, paths: list[str]) -> None:
        self.cases += 1
        self.errors += outcome.errors
        self.refused += outcome.refused
        self.paths.update(paths)
        if outcome.known:
            self.known[outcome.known.code] += 1
        if outcome.difference:
            self.differences.append(f"{name}: {outcome.difference}")

    def merge(self, other: "Tally") -> None:
        self.cases += other.cases
        self.errors += other.errors
        self.refused += other.refused
        self.paths.update(other.paths)
        self.known.update(other.known)
        self.differences += other.differences


def run_seed(seed: int, keep: Path | None) -> tuple[str, Outcome, list[str]]:
    """Draw and compare one case; where it differs its files go to ``keep/seed-N``."""
    case = draw(seed)
    with tempfile.TemporaryDirectory(prefix="ingp-fuzz-") as scratch:
        folder = case.write(Path(scratch))
        watcher = Watcher(PARTS[seed % len(PARTS)])
        outcome = compare(case, folder, watcher)
        if outcome.difference and keep:
            shutil.copytree(folder, keep / case.name, dirs_exist_ok=True)
    return case.name, outcome, watcher.paths


def replay(folder: Path) -> tuple[str, Outcome, list[str]]:
    """Compare a kept case again."""
    watcher = Watcher()
    case = read(folder)
    return case.name, compare(case, folder, watcher), watcher.paths


def work(start: int, step: int, until: float, keep: Path | None) -> Tally:
    """Seeds start, start + step, … until the clock says so."""
    logging.disable(logging.CRITICAL)
    tally, seed = Tally(), start
    while time.monotonic() < until:
        name, outcome, paths = run_seed(seed, keep)
        tally.add(name, outcome, paths)
        if outcome.difference:
            print(f"{name}: {outcome.difference}", flush=True)
        seed += step
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, help="the first seed; drawn when not given")
    parser.add_argument("--cases", type=int, help="so many cases instead of so many seconds")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="where files of cases that differ go")
    parser.add_argument("--replay", type=Path, nargs="+", help="folders of kept cases")
    told = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if told.seed is None else told.seed
    tally = Tally()
    if told.replay:
        for folder in told.replay:
            tally.add(*replay(folder))
    elif told.cases:
        for each in range(seed, seed + told.cases):
            tally.add(*run_seed(each, told.keep))
    else:
        until = time.monotonic() + told.seconds
        if told.workers == 1:
            tally = work(seed, 1, until, told.keep)
        else:
            jobs = [(seed + at, told.workers, until, told.keep) for at in range(told.workers)]
            with multiprocessing.get_context("spawn").Pool(told.workers) as pool:
                for part in pool.starmap(work, jobs):
                    tally.merge(part)
    print(
        f"first seed {seed}: {tally.cases} cases ({tally.refused} refused by their descriptor), {tally.errors} errors compared"
    )
    print("paths: " + ", ".join(f"{name} {count}" for name, count in tally.paths.most_common()))
    print(
        "frictionless stopped: "
        + (", ".join(f"{name} {count}" for name, count in tally.known.most_common()) or "never")
    )
    print(f"differences: {len(tally.differences)}")
    for line in tally.differences:
        print("  " + line)
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
