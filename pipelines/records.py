"""Frozen records handed from step to step.

They hold data, never sentences: whatever a person reads is rendered from a finding's code and parameters
by `pipelines.reporting`, in the language of the reader.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipelines.identifiers import MemberCode, ReleaseId, SubmissionId, VersionNumber


class Severity(StrEnum):
    """What a finding does: an error refuses, a warning is published and shown, a notice informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    REJECTED = "rejected"


class AcceptancePolicy(StrEnum):
    """What an error refuses: the whole package (default), or the rows that have one and those that hang on them."""

    WHOLE = "whole"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a submission. Severity comes from ``schemas/findings.csv``, never from the finder.

    row_number is the row of the submitted file as a spreadsheet shows it (headings and blank rows count);
    column the letter of the column there; parameters fill the sentence of the code (JSON scalars only).
    """

    code: str
    table: str | None = None
    field: str | None = None
    source_file: str | None = None
    sheet: str | None = None
    row_number: int | None = None
    column: str | None = None
    value: str | None = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def cell(self) -> str | None:
        """Address as a spreadsheet writes it: ``D17``."""
        return f"{self.column}{self.row_number}" if self.column and self.row_number else None

    def to_dict(self) -> dict[str, Any]:
        data = {key: value for key, value in asdict(self).items() if value is not None}
        data["parameters"] = dict(self.parameters)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Finding":
        return cls(**data)


@dataclass(frozen=True, slots=True)
class SkippedCheck:
    """A check that was not applied, and the code of the reason (third outcome beside passed and failed)."""

    check: str
    reason: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submission:
    """A member's bytes, received. `sha256` is over the names and bytes of all files."""

    submission_id: SubmissionId
    member: MemberCode
    package_type: str
    schema_version: str
    period: str
    received_at: datetime
    sha256: str
    source_name: str


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A table read from a submission: Parquet with every cell as text, plus source_file and source_row_number.

    rows: data rows staged, blank rows not among them. columns: fields of the standard that were delivered.
    """

    name: str
    path: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StagedPackage:
    """A submission unpacked and read. Never changes again.

    `understood` is what the intake made of it (sheets, headings, encodings, delimiters, date orders, which
    column is which field), as JSON data: shown to the sender, and accepted back as instructions.
    """

    submission: Submission
    folder: str
    tables: tuple[StagedTable, ...]
    findings: tuple[Finding, ...]
    understood: Mapping[str, Any]
    already_received: bool = False

    def table(self, name: str) -> StagedTable | None:
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True, slots=True)
class EarlierRows:
    """Rows of a member that are accepted already and stay: those of other periods. References may point to them.

    version: number of the accepted version that holds them. tables: table -> its Parquet files.
    """

    version: VersionNumber
    tables: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TableCounts:
    """rows_in = rows_accepted + rows_refused, always (checked where it is built)."""

    table: str
    rows_in: int
    rows_accepted: int
    rows_refused: int
    derived: bool = False

    def __post_init__(self) -> None:
        if self.rows_in != self.rows_accepted + self.rows_refused:
            raise ValueError(
                f"{self.table}: {self.rows_in} rows in, {self.rows_accepted} + {self.rows_refused} out"
            )


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """Rows of a file or sheet as it was sent: rows_in = rows_accepted + rows_refused, always.

    A row that became rows of several tables is refused when one of them is. For OCDS JSON the rows are releases,
    refused when they could not be read or merged: what became of their parts is counted table by table.
    """

    source: str
    rows_in: int
    rows_accepted: int
    rows_refused: int

    def __post_init__(self) -> None:
        if self.rows_in != self.rows_accepted + self.rows_refused:
            raise ValueError(
                f"{self.source}: {self.rows_in} rows in, {self.rows_accepted} + {self.rows_refused} out"
            )


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings of one code in one column: how many, and the first few. All of them are in ``findings.parquet``."""

    code: str
    severity: Severity
    table: str | None
    field: str | None
    count: int
    examples: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """The judgement of one staged package: a pure function of (staged bytes, schema version, ruleset version, policy,
    rows accepted earlier).

    sources: rows per file or sheet as sent. counts: rows per table of the standard that they became, and per
    table derived from those (`TableCounts.derived`).
    typed: the sound rows as typed Parquet, table -> path below the report's folder; empty when rejected.
    against: number of the accepted version whose rows of other periods references could point to, if there was one.
    """

    submission_id: SubmissionId
    member: MemberCode
    package_type: str
    schema_version: str
    ruleset_version: str
    policy: AcceptancePolicy
    verdict: Verdict
    sources: tuple[SourceCounts, ...]
    counts: tuple[TableCounts, ...]
    groups: tuple[FindingGroup, ...]
    skipped: tuple[SkippedCheck, ...]
    typed: Mapping[str, str]
    validated_at: datetime
    seconds: float = 0.0
    against: int | None = None

    def count(self, severity: Severity) -> int:
        return sum(group.count for group in self.groups if group.severity is severity)


@dataclass(frozen=True, slots=True)
class VersionTable:
    """A table of an accepted version, in one period: Parquet in the lake."""

    table: str
    period: str
    path: str
    rows: int
    sha256: str
    derived: bool = False


@dataclass(frozen=True, slots=True)
class AcceptedVersion:
    """All accepted data of (member, package type) at one moment. Never edited; withdrawn by a new version."""

    member: MemberCode
    package_type: str
    number: VersionNumber
    parent: VersionNumber | None
    submission_id: SubmissionId | None
    period: str
    accepted_at: datetime
    schema_version: str
    tables: tuple[VersionTable, ...]
    reason: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class TableChange:
    table: str
    added: int
    removed: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """What a candidate changes in its period against the version before."""

    tables: tuple[TableChange, ...]

    @property
    def loss_share(self) -> float:
        """Largest share of a table's earlier rows that is gone, 0 to 1."""
        shares = [
            change.removed / before
            for change in self.tables
            if (before := change.removed + change.changed + change.unchanged)
        ]
        return max(shares, default=0.0)


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    path: str
    bytes: int
    sha256: str
    rows: int | None = None
    table: str | None = None
    member: str | None = None
    year: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """One publication: exactly which accepted versions it contains, and every file with its hash."""

    release_id: ReleaseId
    released_at: datetime
    versions: tuple[Mapping[str, Any], ...]
    files: tuple[ReleaseFile, ...]
    replaced: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Per published table, rows of an earlier submission that a later one brought again under the same key."""


def count_rows(sources: Iterable[SourceCounts]) -> tuple[int, int, int]:
    """(in, accepted, refused) over everything that was sent."""
    own = list(sources)
    return (
        sum(count.rows_in for count in own),
        sum(count.rows_accepted for count in own),
        sum(count.rows_refused for count in own),
    )
