"""Both validators on one case, and the first difference between their reports."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frictionless import Detector, Package, Report, Resource

from tests.fuzz.case import Case
from tests.fuzz.known import Known, recognise

Validator = Callable[[Resource | Package, dict[str, Any]], Report]


@dataclass(frozen=True)
class Outcome:
    """What came of a case: errors compared, and how the two differ (None: not at all)."""

    errors: int = 0
    difference: str | None = None
    known: Known | None = None
    refused: bool = False
    """frictionless refused the descriptor; no validator was reached."""


def source(case: Case, folder: Path) -> Resource | Package:
    """A fresh object, as validators change the ones they are given."""
    if "resources" in case.descriptor:
        return Package.from_descriptor(case.descriptor, basepath=str(folder))
    detector = Detector(schema_sync=True) if case.schema_sync else Detector()
    return Resource.from_descriptor(case.descriptor, basepath=str(folder), detector=detector)


def plain(report: Report) -> dict[str, Any]:
    """A report's descriptor without what no two runs share: seconds, and sizes of a file that was not read to its end."""
    told = report.to_descriptor()
    told["stats"].pop("seconds", None)
    for task in told["tasks"]:
        task["stats"].pop("seconds", None)
        stopped = any(text.startswith("reached ") for text in task["warnings"])
        broken = any(
            error["type"] in ("encoding-error", "source-error", "compression-error")
            for error in task["errors"]
        )
        if stopped or broken:
            for name in ("bytes", "md5", "sha256"):
                task["stats"].pop(name, None)
    return told


def first_difference(ours: Any, theirs: Any, at: str = "") -> str | None:
    """Where two descriptors part, as one line: path, what we say, what frictionless says."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            if found := first_difference(
                ours.get(key, "(absent)"), theirs.get(key, "(absent)"), f"{at}/{key}"
            ):
                return found
        return None
    if isinstance(ours, list) and isinstance(theirs, list):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            if found := first_difference(one, other, f"{at}/{number}"):
                return found
        if len(ours) != len(theirs):
            rest = (ours if len(ours) > len(theirs) else theirs)[min(len(ours), len(theirs))]
            return f"{at}: {len(ours)} here, {len(theirs)} there; the first of the rest: {str(rest)[:300]}"
        return None
    # 1 == True and 1 == 1.0 in Python, but not in a report.
    same = type(ours) is type(theirs) and ours == theirs
    return None if same else f"{at}: {str(ours)[:300]!r} here, {str(theirs)[:300]!r} there"


def compare(case: Case, folder: Path, ours: Validator) -> Outcome:
    """Run both on the files of a case in `folder`."""
    return contrast(lambda: source(case, folder), case.options, ours)


def contrast(
    make: Callable[[], Resource | Package],
    options: dict[str, Any],
    ours: Validator,
) -> Outcome:
    """Run both on what `make` makes.

    A difference is known only when frictionless raised: two reports that differ are never excused.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            first, second = make(), make()
        except Exception:  # a descriptor that frictionless refuses is no case for a validator
            return Outcome(refused=True)
        theirs, their_error = _run(lambda given, told: given.validate(**told), first, options)
        mine, my_error = _run(ours, second, options)
    if theirs is not None and mine is not None:
        wanted = plain(theirs)
        count = sum(len(task["errors"]) for task in wanted["tasks"]) + len(wanted["errors"])
        return Outcome(count, first_difference(plain(mine), wanted))
    if theirs is None and my_error is not None and type(my_error) is type(their_error):
        return Outcome(known=recognise(their_error))
    known = recognise(their_error)
    if theirs is None and mine is not None and known:
        return Outcome(known=known)
    return Outcome(difference=f"{_said(mine, my_error)} here, {_said(theirs, their_error)} there")


def _run(
    validator: Validator, given: Resource | Package, options: dict[str, Any]
) -> tuple[Report | None, Exception | None]:
    try:
        return validator(given, options), None
    except Exception as error:  # whatever a validator raises is what is compared
        return None, error


def _said(report: Report | None, error: Exception | None) -> str:
    if error is not None:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return f"a report with {report.stats['errors']} errors" if report else "nothing"
