"""Reports for the renderers: judged from files, or written by hand where the contents are an attack."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.catalogue import Catalogue
from pipelines.identifiers import MemberCode, SubmissionId
from pipelines.intake import receive_submission
from pipelines.records import (
    AcceptancePolicy,
    Finding,
    FindingGroup,
    SourceCounts,
    TableCounts,
    ValidationReport,
    Verdict,
)
from pipelines.validation import validate_package
from pipelines.zones import Zones

Judge = Callable[..., Path]
Written = Callable[..., ValidationReport]


@pytest.fixture
def judge(tmp_path: Path, catalogue: Catalogue) -> Judge:
    """Files -> the folder of their report."""

    def judged(*paths: Path, name: str = "report", member: str = "XZZ") -> Path:
        zones = Zones(tmp_path / f"zones-{name}")
        staged = receive_submission(list(paths), MemberCode(member), zones, catalogue)
        folder = tmp_path / name
        validate_package(staged, catalogue, folder, memory_limit="1GB", threads=2)
        return folder

    return judged


@pytest.fixture
def written(catalogue: Catalogue) -> Written:
    """Findings -> a report of them; findings of one code, table and field are one group."""

    def write(*findings: Finding, count: int | None = None, rows: int = 3) -> ValidationReport:
        groups: dict[tuple[str, str | None, str | None], list[Finding]] = {}
        for finding in findings:
            groups.setdefault((finding.code, finding.table, finding.field), []).append(finding)
        made = tuple(
            FindingGroup(code, catalogue.severity(code), table, field, count or len(own), tuple(own[:50]))
            for (code, table, field), own in groups.items()
        )
        refused = any(group.severity == "error" for group in made)
        accepted = 0 if refused else rows
        return ValidationReport(
            SubmissionId("XZZ-procurement-0123456789ab"),
            MemberCode("XZZ"),
            "procurement",
            "1.0",
            "0123456789ab",
            AcceptancePolicy.WHOLE,
            Verdict.REJECTED if refused else Verdict.ACCEPTED_WITH_WARNINGS if made else Verdict.ACCEPTED,
            (SourceCounts("a.csv", rows, accepted, rows - accepted),),
            (TableCounts("contracts_flat", rows, accepted, rows - accepted),),
            made,
            (),
            {},
            datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
            0.4,
        )

    return write


@pytest.fixture
def finding() -> Finding:
    """A date that is none, in a CSV."""
    return Finding(
        "type-error",
        table="contracts_flat",
        field="contract_date_signed",
        source_file="a.csv",
        row_number=17,
        column="D",
        value="31/02/2025",
        parameters={"type": "date", "example": "2026-08-20"},
    )
