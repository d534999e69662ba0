"""Frictionless' report over every table, and which way each of them went."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from frictionless import Checklist, Detector, FrictionlessException, Package, Report, Resource, helpers
from frictionless.resources import TableResource

from pipelines.structure import UnprovedError
from pipelines.validation.exact.engine import Finished, run
from pipelines.validation.exact.keys import UncoveredError
from pipelines.validation.exact.probe import cover, open_probe
from pipelines.validation.exact.scan import Settings
from pipelines.validation.exact.source import MisreadError, StoppedError
from pipelines.validation.exact.typed import TypedTable
from pipelines.validation.exact.workbook import validate_sheet

SMALL_BYTES = 1 << 17
"""Below this Frictionless is done before DuckDB has planned."""

SMALL_ROWS = 20_000
"""A limit of rows below this is Frictionless' own business."""


@dataclass(frozen=True, slots=True)
class Route:
    """What happened to one table. path: fast, rewritten (Frictionless read it, the screen judged its copy), workbook
    (XLSX: see `workbook`) or frictionless. reason: why not fast. rows_checked of rows_total (None when the file was not read to its end);
    rows_judged: how many of them Frictionless saw. stopped: cancelled, or out of time. typed: the rows as Parquet.
    """

    name: str
    path: str
    reason: str
    rows_checked: int
    rows_total: int | None
    rows_judged: int
    stopped: bool = False
    seconds: float = 0.0
    typed: TypedTable | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A Frictionless report, and the route of each of its tasks."""

    report: Report
    routes: tuple[Route, ...]


def examine(source: Any, checklist: Checklist | None, settings: Settings, small_bytes: int) -> Outcome:
    """Validate a package or a resource."""
    subject = _open_source(source)
    checklist = checklist or Checklist()
    if isinstance(subject, Report):
        return Outcome(subject, ())
    if not isinstance(subject, Package):
        report, route = _examine_resource(subject, checklist, settings, small_bytes)
        return Outcome(report, (route,))
    began = time.monotonic()
    try:
        subject.to_descriptor(validate=True)
    except FrictionlessException as exception:
        return Outcome(Report.from_validation(time=0.0, errors=exception.to_errors()), ())
    results = []
    for resource in subject.resources:
        own = settings
        if settings.typed is not None:
            settings.typed.mkdir(parents=True, exist_ok=True)
            own = replace(settings, typed=settings.typed / f"{resource.name}.parquet")
        results.append(_examine_resource(resource, checklist, own, small_bytes))
    report = Report.from_validation_reports(
        time=round(time.monotonic() - began, 3), reports=[each for each, _ in results]
    )
    return Outcome(report, tuple(route for _, route in results))


def _open_source(source: Any) -> Resource | Package | Report:
    """The source as `frictionless.validate` would understand it; a report when its descriptor is not valid."""
    if isinstance(source, Resource | Package):
        return source
    text = str(source)
    try:
        kind = Detector.detect_metadata_type(text)
        if kind == "package":
            return Package.from_descriptor(text)
        if kind == "resource":
            return Resource.from_descriptor(text)
        # Frictionless refuses absolute paths, as a descriptor's might lead anywhere; this one was asked for.
        path = Path(text)
        if path.is_absolute():
            return Resource(path=path.name, basepath=str(path.parent))
        return Resource(path=text)
    except FrictionlessException as exception:
        return Report.from_validation(time=0.0, errors=exception.to_errors())


def _examine_resource(
    resource: Resource, checklist: Checklist, settings: Settings, small_bytes: int
) -> tuple[Report, Route]:
    began = time.monotonic()
    try:
        # Frictionless writes no typed table, so that even a small file is taken when one is wanted.
        small_bytes = 0 if settings.typed is not None else small_bytes
        path = cover(resource, checklist, small_bytes)
        if settings.limit_rows and settings.limit_rows <= SMALL_ROWS and small_bytes:
            raise UncoveredError("few rows asked for")
        assert isinstance(resource, TableResource)
        resource.to_descriptor(validate=True)
        warnings = _hash_warnings(resource)
        checks = checklist.connect(resource)
        probe = open_probe(resource, path, checks)
        finished = run(probe, checklist, settings)
    except StoppedError:
        return _stopped_before_rows(resource, began)
    except (UncoveredError, FrictionlessException, UnprovedError, MisreadError) as reason:
        return _by_frictionless(
            resource, checklist, settings, str(reason).splitlines()[0] if str(reason) else ""
        )
    verdict = finished.verdict
    if not verdict.partial:
        verdict.errors += [
            error for check in checks for error in check.validate_end() if checklist.match(error)
        ]
    seconds = round(time.monotonic() - began, 3)
    warnings += verdict.warnings
    if finished.stopped:
        warnings.append(f"stopped: checked {verdict.rows} of {finished.rows_total} rows")
    report = Report.from_validation_task(
        probe.resource, time=seconds, labels=probe.labels, errors=verdict.errors, warnings=warnings
    )
    return report, _route(resource, finished, seconds)


def _route(resource: Resource, finished: Finished, seconds: float) -> Route:
    return Route(
        name=resource.name or "",
        path=finished.route,
        reason=finished.reason,
        rows_checked=finished.verdict.rows,
        rows_total=finished.rows_total,
        rows_judged=finished.judged,
        stopped=finished.stopped,
        seconds=seconds,
        typed=finished.typed,
    )


def _hash_warnings(resource: Resource) -> list[str]:
    if resource.hash:
        algorithm, _ = helpers.parse_resource_hash_v1(resource.hash)
        if algorithm not in ("md5", "sha256"):
            return ["hash is ignored; supported algorithms: md5/sha256"]
    return []


def _stopped_before_rows(resource: Resource, began: float) -> tuple[Report, Route]:
    seconds = round(time.monotonic() - began, 3)
    report = Report.from_validation_task(resource, time=seconds, warnings=["stopped: no row checked"])
    name = resource.name or ""
    return report, Route(name, "fast", "", 0, None, 0, stopped=True, seconds=seconds)


class _HaltedError(Exception):
    """Leaves Frictionless' loop from its callback."""


def _by_frictionless(
    resource: Resource, checklist: Checklist, settings: Settings, reason: str
) -> tuple[Report, Route]:
    """Frictionless as it is; its callback for rows carries progress, cancellation and the time allowed."""
    began = time.monotonic()
    scope = frozenset(checklist.scope)
    errors: list[Any] = []
    count = 0

    def on_row(row: Any) -> None:
        nonlocal count
        count += 1
        if settings.progress and count % 1000 == 0:
            settings.progress(count, count)
        if settings.cancelled or settings.deadline:
            errors.extend(error for error in row.errors if error.type in scope)
            if count % 100 == 0 and settings.stopping():
                raise _HaltedError

    watched = settings.progress or settings.cancelled or settings.deadline
    options: dict[str, Any] = {"on_row": on_row} if watched else {}
    options |= {"limit_errors": settings.limit_errors, "limit_rows": settings.limit_rows}
    path = "workbook"
    try:
        report = validate_sheet(resource, checklist, **options)
        if report is None:
            path, count = "frictionless", 0
            errors.clear()
            report = resource.validate(checklist, **options)
        stopped = False
    except _HaltedError:
        stopped = True
        report = Report.from_validation_task(
            resource,
            time=round(time.monotonic() - began, 3),
            labels=getattr(resource, "labels", []),
            errors=errors,
            warnings=[f"stopped: checked {count} rows"],
        )
    seconds = round(time.monotonic() - began, 3)
    rows = (report.tasks[0].stats.get("rows") or 0) if report.tasks else 0
    checked = count if stopped else rows
    route = Route(
        resource.name or "",
        path,
        reason,
        checked,
        None if stopped else rows,
        checked,
        stopped,
        seconds,
    )
    return report, route
