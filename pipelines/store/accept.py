"""Accept: the sound rows of a submission become a version, all tables together or none."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.catalogue import PackageType
from pipelines.exceptions import ConflictError, StoreError
from pipelines.identifiers import SubmissionId, VersionNumber
from pipelines.records import AcceptedVersion, ChangeSummary, Submission, VersionTable
from pipelines.store.compare import summarize_changes
from pipelines.store.lake import Lake, hash_file
from pipelines.store.ledger import Ledger, LedgerEntry
from pipelines.store.ledger_schema import FACTS
from pipelines.store.states import SETTLED, State, check_move
from pipelines.store.versions import (
    Manifest,
    PeriodSource,
    commit,
    covers,
    read_manifests,
    version_prefix,
)

ATTEMPTS = 50
"""Lost races after which a writer gives up."""

_NAME_DIGITS = 12


@dataclass(frozen=True, slots=True)
class CandidateTable:
    """A validated, typed table that wants to be accepted: a Parquet file and its number of rows.

    derived: made by the pipeline from the other tables, not sent by the member.
    """

    name: str
    path: Path
    rows: int
    derived: bool = False


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A candidate that loses more earlier rows than agreed: a person decides, nothing is in the lake.

    parent: the version it was compared with. Accept it with ``confirmed_by``, or send it back.
    """

    submission_id: SubmissionId
    summary: ChangeSummary
    loss_share: float
    parent: VersionNumber


@dataclass(frozen=True, slots=True)
class _HashedTable:
    candidate: CandidateTable
    sha256: str


def _check_candidates(
    package_type: PackageType, tables: Sequence[CandidateTable]
) -> tuple[_HashedTable, ...]:
    names = [table.name for table in tables]
    if len(set(names)) != len(names):
        raise StoreError(f"a table comes twice: {', '.join(sorted(names))}")
    for table in tables:
        if table.name not in package_type.by_name:
            raise StoreError(f"{package_type.name} has no table {table.name}")
        found = pq.read_metadata(table.path).num_rows
        if found != table.rows:
            raise StoreError(f"{table.path} has {found} rows, not {table.rows}")
    return tuple(_HashedTable(table, hash_file(table.path)) for table in tables)


def _already_accepted(entry: LedgerEntry, manifests: Sequence[Manifest]) -> Manifest | None:
    """The version that a submission has already, by the ledger or, when a crash came between, by the lake
    alone.
    """
    known = entry.version_number or 0
    if entry.state in SETTLED and known:
        for manifest in manifests:
            if manifest.version.number == known:
                return manifest
        raise StoreError(
            f"the ledger names version {known} of {entry.submission_id}, which is not in the lake"
        )
    # Bytes that were replaced or withdrawn and are sent again start anew: only versions after that one count.
    own = [
        m for m in manifests if m.version.submission_id == entry.submission_id and m.version.number > known
    ]
    return own[-1] if own else None


def _store_file(lake: Lake, prefix: str, name: str, path: Path, sha256: str) -> str:
    key = f"{prefix}/{name}.{sha256[:_NAME_DIGITS]}.parquet"
    lake.put_file(key, path, sha256)
    return key


def _store_version(
    lake: Lake,
    submission: Submission,
    tables: Sequence[_HashedTable],
    parent: Manifest | None,
    changes: ChangeSummary,
    change_folder: Path,
    schema_version: str,
    facts: Mapping[str, Any],
) -> Manifest:
    """Store the files, then the manifest. ConflictError: another version took the number meanwhile."""
    number = VersionNumber(parent.version.number + 1 if parent else 1)
    prefix = version_prefix(submission.member, submission.package_type, number)
    period = submission.period
    rows = [
        VersionTable(
            each.candidate.name,
            period,
            _store_file(lake, f"{prefix}/{period}", each.candidate.name, each.candidate.path, each.sha256),
            each.candidate.rows,
            each.sha256,
            each.candidate.derived,
        )
        for each in tables
    ]
    change_files = []
    for path in sorted(change_folder.glob("*.parquet")):
        sha256 = hash_file(path)
        key = _store_file(lake, f"{prefix}/changes", path.stem, path, sha256)
        change_files.append(
            VersionTable(path.stem, period, key, pq.read_metadata(path).num_rows, sha256, True)
        )
    kept = [table for table in parent.version.tables if not covers(period, table.period)] if parent else []
    sources = (
        {each: source for each, source in parent.sources.items() if not covers(period, each)}
        if parent
        else {}
    )
    version = AcceptedVersion(
        submission.member,
        submission.package_type,
        number,
        parent.version.number if parent else None,
        submission.submission_id,
        period,
        next_instant(parent),
        schema_version,
        tuple(sorted((*kept, *rows), key=lambda table: (table.period, table.table))),
    )
    sources[period] = PeriodSource(number, submission.submission_id)
    manifest = Manifest(version, sources, changes, tuple(change_files), submission, facts)
    commit(lake, manifest)
    return manifest


def next_instant(parent: Manifest | None) -> datetime:
    """Now, but after the parent even when this machine's clock is behind: "as of" follows the numbers."""
    now = datetime.now(UTC)
    return max(now, parent.version.accepted_at + timedelta(microseconds=1)) if parent else now


def previous_files(lake: Lake, parent: Manifest | None, period: str) -> dict[str, list[Path]]:
    """Files of the parent, by table, that a submission for a period replaces."""
    files: dict[str, list[Path]] = {}
    for table in parent.version.tables if parent else ():
        if covers(period, table.period):
            files.setdefault(table.table, []).append(lake.local_path(table.path, table.sha256))
    return files


def preview_changes(
    lake: Lake, submission: Submission, package_type: PackageType, tables: Sequence[CandidateTable]
) -> tuple[ChangeSummary, VersionNumber | None]:
    """What accepting these tables would change, and the version that it was compared with; nothing is written."""
    manifests = read_manifests(lake, submission.member, submission.package_type)
    parent = manifests[-1] if manifests else None
    with lake.scratch() as folder:
        before = previous_files(lake, parent, submission.period)
        changes = summarize_changes(before, {each.name: each.path for each in tables}, package_type, folder)
    return changes, parent.version.number if parent else None


def accept_version(
    lake: Lake,
    ledger: Ledger,
    submission: Submission,
    package_type: PackageType,
    tables: Sequence[CandidateTable],
    *,
    schema_version: str,
    loss_share: float,
    confirmed_by: str | None,
    report_summary: Mapping[str, Any],
) -> AcceptedVersion | PendingChange:
    """Make the validated tables of a submission the content of its period.

    The submission must be in the ledger, ready or in review. loss_share: share of a table's
    earlier rows, 0 to 1; a candidate that loses more of any table returns a `PendingChange` and moves to
    in_review, unless confirmed_by names who agreed. report_summary: policy, verdict, report (its
    path) and the counts of `pipelines.store.ledger_schema.FACTS`, as JSON scalars; kept in the manifest.

    A period replaces the periods that it contains (``2020`` also ``2020-03``). A submission that changes
    nothing returns the current version. Calling it again, also after a crash at any point, gives the same
    version. StoreError: tables do not fit, or lake or ledger fail; ConflictError: too many races lost.
    """
    hashed = _check_candidates(package_type, tables)
    facts = dict(report_summary) | {"confirmed_by": confirmed_by}
    counts = {key: value for key, value in report_summary.items() if key in FACTS}
    for attempt in range(ATTEMPTS):
        # The ledger first: it follows the lake, so whatever version it names is there when the lake is read.
        entry = ledger.submission(submission.submission_id)
        manifests = read_manifests(lake, submission.member, submission.package_type)
        if done := _already_accepted(entry, manifests):
            ledger.settle(manifests)
            return done.version
        check_move(entry.submission_id, entry.state, State.ACCEPTED)
        parent = manifests[-1] if manifests else None
        with lake.scratch() as folder:
            candidate = {table.name: table.path for table in tables}
            changes = summarize_changes(
                previous_files(lake, parent, submission.period), candidate, package_type, folder
            )
            if parent and not any(
                change.added or change.removed or change.changed for change in changes.tables
            ):
                ledger.move(
                    entry.submission_id,
                    State.ACCEPTED,
                    detail={"version": int(parent.version.number), "unchanged": True},
                    **counts
                    | {"version_number": int(parent.version.number), "schema_version": schema_version},
                )
                return parent.version
            if parent and changes.loss_share > loss_share and not confirmed_by:
                ledger.move(
                    entry.submission_id,
                    State.IN_REVIEW,
                    detail={"loss_share": round(changes.loss_share, 6), "parent": int(parent.version.number)},
                    **counts,
                )
                return PendingChange(
                    entry.submission_id, changes, changes.loss_share, VersionNumber(parent.version.number)
                )
            try:
                manifest = _store_version(
                    lake, submission, hashed, parent, changes, folder, schema_version, facts
                )
            except ConflictError:
                time.sleep(random.uniform(0, 0.02 * min(attempt + 1, 10)))
                continue
        ledger.settle((*manifests, manifest))
        return manifest.version
    raise ConflictError(f"{submission.submission_id} lost {ATTEMPTS} races for a version number")
