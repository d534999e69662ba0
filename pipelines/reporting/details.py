"""What a rendering shows beside the judgement itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Details:
    """rows_with_errors: rows that have an error of their own; None when nobody counted.

    understood: what the intake made of the files (`pipelines.records.StagedPackage.understood`).
    """

    rows_with_errors: int | None = None
    understood: Mapping[str, Any] = field(default_factory=dict)
