"""Table Schema validation with Frictionless' own report, at the speed of a column store.

DuckDB proves most cells clean by predicates that never clear a bad one; what it cannot prove, Frictionless judges. So the
report is Frictionless' own, error for error. What is not covered goes to Frictionless as it is.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frictionless import Checklist, Report

from pipelines.validation.exact.report import SMALL_BYTES, Outcome, Route, examine
from pipelines.validation.exact.scan import Settings
from pipelines.validation.exact.typed import TypedTable

__all__ = ["Outcome", "Route", "TypedTable", "explain", "validate"]


def explain(
    source: Any,
    *,
    checklist: Checklist | None = None,
    limit_errors: int = 1000,
    limit_rows: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    budget_seconds: float | None = None,
    memory_limit: str = "1GB",
    threads: int = 0,
    temp: Path | None = None,
    typed: Path | None = None,
    small_bytes: int = SMALL_BYTES,
) -> Outcome:
    """Validate, and say which way each table went and how many rows were checked.

    source: a path, a descriptor's path, a Resource or a Package. limit_errors, limit_rows: as in Frictionless.
    progress: called with rows done and rows in all. cancelled: asked now and then; True ends the run, as does
    `budget_seconds`: then the report says in a warning how many rows were checked. memory_limit, threads, temp: DuckDB's.
    typed: Parquet file for the sound rows with their types (a folder for a package: one file per resource); see `TypedTable`.
    small_bytes: files below this go to Frictionless as they are.
    """
    settings = Settings(
        limit_errors=limit_errors,
        limit_rows=limit_rows,
        progress=progress,
        cancelled=cancelled,
        deadline=None if budget_seconds is None else time.monotonic() + budget_seconds,
        memory_limit=memory_limit,
        threads=threads,
        temp=temp,
        typed=typed,
    )
    return examine(source, checklist, settings, small_bytes)


def validate(source: Any, **options: Any) -> Report:
    """The Frictionless report of a source; options as of `explain`."""
    return explain(source, **options).report
