"""A small standard, submissions and Parquet tables for the tests of the store."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.catalogue import Field, PackageType, Table
from pipelines.identifiers import MemberCode, SubmissionId
from pipelines.records import AcceptedVersion, Submission
from pipelines.store import CandidateTable, Lake, Ledger, PendingChange, State, accept_version


def _table(name: str, key: tuple[str, ...]) -> Table:
    fields = tuple(Field(each, "string", "optional", {}) for each in ("ocid", "id", "title", "amount"))
    return Table("procurement", name, fields, key, (), (), {})


PACKAGE_TYPE = PackageType(
    "procurement",
    "1.0",
    (_table("processes", ("ocid",)), _table("contracts", ("ocid", "id")), _table("documents", ())),
    ("processes",),
    None,
    {},
)

SUMMARY = {
    "policy": "whole",
    "verdict": "accepted",
    "report": "reports/x/report.json",
    "rows_in": 7,
    "rows_accepted": 6,
    "rows_refused": 1,
    "errors": 0,
    "warnings": 2,
    "notices": 1,
}

Row = tuple[str | None, ...]


def submission(name: str = "a", member: str = "XAA", period: str = "2020") -> Submission:
    digest = hashlib.sha256(f"{name} {member} {period}".encode()).hexdigest()
    return Submission(
        SubmissionId.build(member, "procurement", digest),
        MemberCode(member),
        "procurement",
        "1.0",
        period,
        datetime(2026, 11, 1, 12, tzinfo=UTC),
        digest,
        f"{name}.zip",
    )


def write_table(path: Path, rows: Sequence[Row], source: str = "a.csv") -> Path:
    """Rows of (ocid, id, title, amount), amount as text of a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    amounts = pa.array(columns[3], pa.string()).cast(pa.decimal128(38, 12))
    table = pa.table(
        {
            **{name: pa.array(columns[i], pa.string()) for i, name in enumerate(("ocid", "id", "title"))},
            "amount": amounts,
            "source_file": pa.array([source] * len(rows), pa.string()),
            "source_row_number": pa.array(range(2, len(rows) + 2), pa.int64()),
        }
    )
    pq.write_table(table, path)
    return path


def numbered_rows(count: int, title: str = "t", start: int = 0) -> list[Row]:
    return [(f"ocds-x-{n}", str(n), f"{title} {n}", f"{n}.5") for n in range(start, start + count)]


def candidates(folder: Path, source: str = "a.csv", **tables: Sequence[Row]) -> list[CandidateTable]:
    return [
        CandidateTable(name, write_table(folder / f"{name}.parquet", rows, source), len(rows))
        for name, rows in tables.items()
    ]


def accept(
    lake: Lake,
    ledger: Ledger,
    sent: Submission,
    tables: Sequence[CandidateTable],
    *,
    loss_share: float = 0.5,
    confirmed_by: str | None = None,
) -> AcceptedVersion | PendingChange:
    """Receive, check and accept, as the workflow does; safe to repeat."""
    entry = ledger.receive(sent)
    if entry.state in (State.RECEIVED, State.NEEDS_WORK):
        entry = ledger.move(sent.submission_id, State.CHECKING)
    if entry.state is State.CHECKING:
        ledger.move(sent.submission_id, State.READY)
    return accept_version(
        lake,
        ledger,
        sent,
        PACKAGE_TYPE,
        tables,
        schema_version="1.0",
        loss_share=loss_share,
        confirmed_by=confirmed_by,
        report_summary=SUMMARY,
    )
