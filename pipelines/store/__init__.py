"""Validated tables become accepted versions in the lake; the ledger says who did what.

accept       accept_version: compare with the current version, store, commit
withdraw     withdraw_version: take data back, with a reason
compare      summarize_changes: rows added, removed, changed by primary key
versions     manifests: newest, by number, as of an instant, history; verify, sweep
lake         immutable objects in a folder or in S3-like storage
ledger       submissions, events, releases; states.py holds the one table of moves
audit        the chain of hashes over all events: check, export
database     SQLite or PostgreSQL, shared by ledger and desk
"""

from pipelines.store.accept import CandidateTable, PendingChange, accept_version, preview_changes
from pipelines.store.compare import summarize_changes
from pipelines.store.database import Database
from pipelines.store.lake import Lake, LakeObject, hash_file
from pipelines.store.ledger import Ledger, LedgerEntry, LedgerEvent, LedgerRelease
from pipelines.store.states import TRANSITIONS, State
from pipelines.store.versions import (
    Manifest,
    PeriodSource,
    covers,
    newest_manifest,
    newest_version,
    newest_versions,
    packages,
    read_changes,
    read_history,
    read_manifest,
    read_manifests,
    read_version,
    rows_of_other_periods,
    sweep,
    verify_version,
    version_at,
)
from pipelines.store.withdraw import withdraw_version

__all__ = [
    "TRANSITIONS",
    "CandidateTable",
    "Database",
    "Lake",
    "LakeObject",
    "Ledger",
    "LedgerEntry",
    "LedgerEvent",
    "LedgerRelease",
    "Manifest",
    "PendingChange",
    "PeriodSource",
    "State",
    "accept_version",
    "covers",
    "hash_file",
    "newest_manifest",
    "newest_version",
    "newest_versions",
    "packages",
    "preview_changes",
    "read_changes",
    "read_history",
    "read_manifest",
    "read_manifests",
    "read_version",
    "rows_of_other_periods",
    "summarize_changes",
    "sweep",
    "verify_version",
    "version_at",
    "withdraw_version",
]
