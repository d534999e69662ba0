"""One measured run over a table of `benchmarks.tables`, as a process of its own; prints its figures as JSON.

python -m benchmarks.validation (ours | frictionless | frictionless-read | parquet) FOLDER FILE
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from frictionless import Package

from benchmarks.ours import measure
from benchmarks.tables import package
from pipelines.validation.exact import explain

UNLIMITED = 10_000_000
"""Errors; a limit would end the run over a dirty file early."""


def _subject(folder: Path, file: str) -> Package:
    return Package.from_descriptor(package(file, keys=file.endswith(".csv")), basepath=str(folder))


def ours(folder: Path, file: str) -> dict[str, Any]:
    outcome = explain(_subject(folder, file), limit_errors=UNLIMITED)
    return {"errors": outcome.report.stats["errors"], "path": outcome.routes[0].path}


def frictionless(folder: Path, file: str) -> dict[str, Any]:
    report = _subject(folder, file).validate(limit_errors=UNLIMITED)
    return {"errors": report.stats["errors"]}


def frictionless_read(folder: Path, file: str) -> dict[str, Any]:
    with _subject(folder, file).resources[0] as resource:
        return {"rows": sum(1 for _ in resource.cell_stream)}


def parquet(folder: Path, file: str) -> dict[str, Any]:
    """The CSV as zstd Parquet, every column text: what storing it costs at the least.

    Large stretches, because DuckDB's threads give up on this file with its own: one begins inside a quoted cell.
    """
    source, target = str(folder / file), str(folder / "copy.parquet")
    with duckdb.connect() as con:
        con.execute(
            f"COPY (FROM read_csv('{source}', all_varchar=true, header=true, delim=',', quote='\"', escape='\"', buffer_size=134217728))"
            f" TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
    Path(target).unlink()
    return {}


JOBS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "ours": ours,
    "frictionless": frictionless,
    "frictionless-read": frictionless_read,
    "parquet": parquet,
}


def main(job: str, folder: Path, file: str) -> None:
    stages: dict[str, dict[str, float]] = {}
    told = measure(stages, job, lambda: JOBS[job](folder, file))
    print(json.dumps({**stages[job], **told}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
