"""The validator under test, forced onto its fast path, and a note of which path it took."""

from typing import Any
from unittest.mock import patch

from frictionless import Report

from pipelines.validation.exact import explain, source

PARTS = (100, source.SMALLEST_PART, 1_000)
"""Least bytes of a part: the files of a case are small, and boundaries are where records are lost."""


class Watcher:
    """Called as `compare` calls a validator; `paths` says which way each table went."""

    def __init__(self, part: int = PARTS[0]) -> None:
        self.paths: list[str] = []
        self.part = part

    def __call__(self, package: Any, options: dict[str, Any]) -> Report:
        with patch.object(source, "SMALLEST_PART", self.part):
            outcome = explain(package, small_bytes=0, threads=1, **options)
        self.paths += [route.path for route in outcome.routes]
        return outcome.report
