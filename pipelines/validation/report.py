"""The stored report: ``report.json`` (summary and examples) beside ``findings.parquet`` (every finding)."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.exceptions import ValidationError
from pipelines.identifiers import MemberCode, SubmissionId
from pipelines.records import (
    AcceptancePolicy,
    Finding,
    FindingGroup,
    Severity,
    SkippedCheck,
    SourceCounts,
    TableCounts,
    ValidationReport,
    Verdict,
)

NAME = "report.json"


def report_to_dict(report: ValidationReport) -> dict[str, Any]:
    """The report as JSON data; the inverse of `report_from_dict`."""
    data = asdict(report)
    data["validated_at"] = report.validated_at.isoformat()
    data["groups"] = [
        {**asdict(group), "examples": [example.to_dict() for example in group.examples]}
        for group in report.groups
    ]
    data["errors"], data["warnings"], data["notices"] = (report.count(severity) for severity in Severity)
    return data


def report_from_dict(data: dict[str, Any]) -> ValidationReport:
    return ValidationReport(
        SubmissionId(data["submission_id"]),
        MemberCode(data["member"]),
        data["package_type"],
        data["schema_version"],
        data["ruleset_version"],
        AcceptancePolicy(data["policy"]),
        Verdict(data["verdict"]),
        tuple(SourceCounts(**each) for each in data["sources"]),
        tuple(TableCounts(**each) for each in data["counts"]),
        tuple(
            FindingGroup(
                each["code"],
                Severity(each["severity"]),
                each["table"],
                each["field"],
                each["count"],
                tuple(Finding.from_dict(example) for example in each["examples"]),
            )
            for each in data["groups"]
        ),
        tuple(SkippedCheck(**each) for each in data["skipped"]),
        data["typed"],
        datetime.fromisoformat(data["validated_at"]),
        data["seconds"],
    )


def write_report(folder: Path, report: ValidationReport) -> None:
    text = json.dumps(report_to_dict(report), ensure_ascii=False, indent=1, default=str)
    (folder / NAME).write_text(text, encoding="utf-8")


def read_report(folder: Path) -> ValidationReport:
    """The report of a folder. Raises ValidationError when there is none."""
    try:
        return report_from_dict(json.loads((folder / NAME).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ValidationError(f"no report in {folder}") from error
