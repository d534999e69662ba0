"""The manifest of a staged package: written once, read by every later step."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.exceptions import IntakeError
from pipelines.identifiers import MemberCode, SubmissionId
from pipelines.records import Finding, StagedPackage, StagedTable, Submission

NAME = "manifest.json"


def write_manifest(
    folder: Path,
    submission: Submission,
    tables: tuple[StagedTable, ...],
    findings: tuple[Finding, ...],
    understood: Mapping[str, Any],
) -> None:
    """Write the manifest of a folder that is still private to the writer."""
    data = {
        "submission": asdict(submission) | {"received_at": submission.received_at.isoformat()},
        "tables": [
            {
                "name": each.name,
                "path": f"tables/{Path(each.path).name}",
                "rows": each.rows,
                "columns": list(each.columns),
            }
            for each in tables
        ],
        "findings": [finding.to_dict() for finding in findings],
        "understood": understood,
    }
    (folder / NAME).write_text(json.dumps(data, ensure_ascii=False, indent=1, default=str), encoding="utf-8")


def read_staged(folder: Path, *, already_received: bool = False) -> StagedPackage:
    """The staged package of a folder. Raises IntakeError when the folder holds none."""
    try:
        data = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IntakeError(f"no staged package in {folder}") from error
    told = data["submission"]
    submission = Submission(
        SubmissionId(told["submission_id"]),
        MemberCode(told["member"]),
        told["package_type"],
        told["schema_version"],
        told["period"],
        datetime.fromisoformat(told["received_at"]),
        told["sha256"],
        told["source_name"],
    )
    tables = tuple(
        StagedTable(each["name"], str(folder / each["path"]), each["rows"], tuple(each["columns"]))
        for each in data["tables"]
    )
    findings = tuple(Finding.from_dict(each) for each in data["findings"])
    if already_received:
        findings += (Finding("already-received", parameters={"received_at": told["received_at"]}),)
    return StagedPackage(submission, str(folder), tables, findings, data["understood"], already_received)
