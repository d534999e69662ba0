"""``make bench [ONLY=name]``: each benchmark beside its peer in the same run; a table and ``benchmarks/results.json``."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import site
from benchmarks.generate import write_contracts_flat
from benchmarks.indicators import write_release
from benchmarks.tables import write_csv, write_organisations, write_xlsx

RESULTS = Path(__file__).with_name("results.json")
SIZES = {"submit-to-published-100k": 100_000, "submit-to-published-1m": 1_000_000}
"""Name of a benchmark -> rows. The peer's frictionless alone takes minutes at a million."""
VALIDATIONS = {
    "validate-1m": 1_000_000,
    "validate-1m-dirty": 1_000_000,
    "validate-5m": 5_000_000,
    "validate-xlsx-100k": 100_000,
}
"""Name of a benchmark of validation alone -> rows."""
CACHE = Path(os.environ.get("INGP_BENCH_CACHE", Path(__file__).resolve().parents[1] / "var" / "benchmarks"))
"""Where the tables of the validation benchmarks stay between runs: gigabytes, never committed."""


SITE_SIZES = {"site-200k": 200_000, "site-1m": 1_000_000, "site-5m": 5_000_000}
"""The site beside stock Datasette. Without ONLY the smallest is run; ``ARGS='--rows N'`` takes any number."""


INDICATORS = {"indicators-200k": 200_000, "indicators-1m": 1_000_000, "indicators-5m": 5_000_000}
"""Contracts that the indicators are worked out of. ``indicators`` alone is the smallest, or as many as ``--rows`` says."""


def run(module: str, file: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Run a job as a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, str(file), str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{module} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def total(stages: dict[str, dict[str, float]]) -> dict[str, float]:
    return {
        "seconds": round(sum(stage["seconds"] for stage in stages.values()), 2),
        "cpu_seconds": round(sum(stage["cpu_seconds"] for stage in stages.values()), 2),
        "peak_mb": max(stage["peak_mb"] for stage in stages.values()),
    }


def bench(name: str, rows: int, work: Path) -> list[dict[str, Any]]:
    """Figures of one size: the whole job beside the peer's, then stage by stage."""
    file = work / f"{name}.csv"
    write_contracts_flat(file, rows)
    ours, peer = run("benchmarks.ours", file, work / "ours"), run("benchmarks.peer", file, work / "peer")
    whole, other = total(ours), total(peer)
    validation = ours["receive"]["seconds"] + ours["validate and accept"]["seconds"]
    judged = peer["frictionless validate"]["seconds"]
    results = [
        entry(name, whole, "frictionless + sqlite-utils (one table, one file)", other["seconds"]),
        entry(
            f"{name}: read, validate, accept",
            {
                "seconds": round(validation, 2),
                "cpu_seconds": ours["receive"]["cpu_seconds"] + ours["validate and accept"]["cpu_seconds"],
                "peak_mb": ours["validate and accept"]["peak_mb"],
            },
            "frictionless validate",
            judged,
        ),
    ]
    results += [entry(f"{name}: {stage}", figures, None, None) for stage, figures in ours.items()]
    results += [entry(f"{name}, peer: {stage}", figures, None, None) for stage, figures in peer.items()]
    return results


def entry(
    name: str, figures: dict[str, float], peer: str | None, peer_figure: float | None
) -> dict[str, Any]:
    return {
        "name": name,
        "figure": figures["seconds"],
        "unit": "s",
        "peer": peer,
        "peer_figure": peer_figure,
        "ratio": round(peer_figure / figures["seconds"], 2) if peer_figure else None,
        "cpu_seconds": round(figures["cpu_seconds"], 2),
        "peak_mb": figures["peak_mb"],
    }


def _table(name: str, write: Callable[[Path], None]) -> str:
    """The name of a file in the cache, written when it is not there; under its own name only when it is whole."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not (CACHE / "organisations.csv").exists():
        write_organisations(CACHE)
    if not (CACHE / name).exists():
        part = CACHE / f"part-{name}"
        write(part)
        part.rename(CACHE / name)
    return name


ROUNDS = 3
"""Turns of the jobs that take seconds: the quickest counts, for what else the machine does only adds to a run."""


def _measured(job: str, file: str) -> dict[str, Any]:
    """Figures of one job of `benchmarks.validation`, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.validation", job, str(CACHE), file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{job} over {file} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _quickest(jobs: list[str], file: str) -> list[dict[str, Any]]:
    """Figures of jobs that take seconds, in turns over a file that has been read before."""
    with (CACHE / file).open("rb") as warmed:
        while warmed.read(1 << 24):
            pass
    turns = [[_measured(job, file) for job in jobs] for _ in range(ROUNDS)]
    return [min(runs, key=lambda run: float(run["seconds"])) for runs in zip(*turns, strict=True)]


def bench_validation(name: str, scale: float) -> list[dict[str, Any]]:
    """`scale` 1 is the size that the name promises; smaller ones are for trying the benchmark itself."""
    count = int(VALIDATIONS[name] * scale)
    label = f"clean-{count}" if name != "validate-1m-dirty" else f"dirty-{count}"
    if name == "validate-xlsx-100k":
        file = _table(f"{label}.xlsx", lambda path: write_xlsx(path, count))
    else:
        file = _table(f"{label}.csv", lambda path: write_csv(path, count, dirty="dirty" in name))
    ours, *copies = _quickest(["ours", "parquet"] if name == "validate-1m" else ["ours"], file)
    if ours["path"] not in ("fast", "workbook"):
        raise SystemExit(f"{name} went by {ours['path']}")
    if name == "validate-5m":
        return [entry(name, ours, None, None)]
    theirs = _measured("frictionless", file)
    if theirs["errors"] != ours["errors"]:
        raise SystemExit(f"{name}: {ours['errors']} errors here, {theirs['errors']} there")
    results = [entry(name, ours, "frictionless validate", theirs["seconds"])]
    for copy in copies:
        results.append(entry(f"{name}: beside a copy", ours, "DuckDB, CSV to zstd Parquet", copy["seconds"]))
    if name == "validate-xlsx-100k":
        read = _measured("frictionless-read", file)
        results.append(entry(f"{name}: beside reading", ours, "frictionless reads cells", read["seconds"]))
    return results


def bench_indicators(name: str, rows: int, work: Path) -> list[dict[str, Any]]:
    """All indicators and flags beside three of them in pandas over the same files; the figures have to agree."""
    write_release(work / "release", rows)
    found = {}
    for job in ("ours", "pandas"):
        command = [sys.executable, "-m", "benchmarks.indicators", job, str(work / "release")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{job} over {rows} contracts failed:\n{done.stderr[-2000:]}")
        found[job] = json.loads(done.stdout.splitlines()[-1])
    ours, theirs = found["ours"], found["pandas"]
    for figure, value in theirs["figures"].items():
        if abs(ours["figures"][figure] - value) > 1e-6 * max(1.0, abs(value)):
            raise SystemExit(f"{figure}: {ours['figures'][figure]} here, {value} there")
    return [entry(f"{name}: all of them", ours, "pandas, three of them", theirs["seconds"])]


def show(results: list[dict[str, Any]]) -> None:
    table = Table(title="Benchmarks (ratio above 1: faster than the peer)")
    keys = (
        "name",
        "figure",
        "p95",
        "unit",
        "cpu_seconds",
        "peak_mb",
        "peer",
        "peer_figure",
        "peer_p95",
        "ratio",
    )
    for heading in keys:
        table.add_column(
            heading.replace("_", " "), justify="left" if heading in ("name", "peer") else "right"
        )
    for each in results:
        table.add_row(*("" if each.get(key) is None else str(each[key]) for key in keys))
    Console(width=150).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", choices=(*SIZES, *VALIDATIONS, *SITE_SIZES, "indicators", *INDICATORS), help="one benchmark"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="part of the rows of a validation; results are not kept"
    )
    parser.add_argument(
        "--rows", type=int, help="another number of rows for a benchmark of the site or of the indicators"
    )
    parser.add_argument("--requests", type=int, default=20, help="requests of each kind to the site")
    told = parser.parse_args()
    only = told.only
    known = {each["name"]: each for each in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    for name, rows in SIZES.items():
        if only in (None, name):
            with tempfile.TemporaryDirectory(prefix="ingp-bench-") as work:
                results = bench(name, rows, Path(work))
            show(results)
            known.update({each["name"]: each for each in results})
    for name, rows in SITE_SIZES.items():
        if only == name or (only is None and name == "site-200k"):
            with tempfile.TemporaryDirectory(prefix="ingp-bench-") as work:
                results = site.main(told.rows or rows, Path(work), told.requests)
            for each in results:
                each["name"] = f"{name}: {each['name']}"
            show(results)
            known.update({each["name"]: each for each in results})
    for name, rows in INDICATORS.items():
        if only == name or (only in (None, "indicators") and name == "indicators-200k"):
            with tempfile.TemporaryDirectory(prefix="ingp-bench-") as work:
                results = bench_indicators(name, told.rows or rows, Path(work))
            show(results)
            if told.rows in (None, rows):
                known.update({each["name"]: each for each in results})
    for name in VALIDATIONS:
        if only in (None, name):
            results = bench_validation(name, told.scale)
            show(results)
            if told.scale == 1.0:
                known.update({each["name"]: each for each in results})
    RESULTS.write_text(json.dumps(list(known.values()), indent=1) + "\n")


if __name__ == "__main__":
    main()
