"""The validator under test, forced onto its fast path, and a note of which path it took."""

from typing import Any

from frictionless import Report

from pipelines.validation.exact import explain


class Watcher:
    """Called as `compare` calls a validator; `paths` says which way each table went."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, source: Any, options: dict[str, Any]) -> Report:
        outcome = explain(source, small_bytes=0, threads=1, **options)
        self.paths += [route.path for route in outcome.routes]
        return outcome.report
