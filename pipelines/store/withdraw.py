"""Withdraw: a member takes data back. A new version says so; nothing is deleted."""

from collections.abc import Sequence

from pipelines.exceptions import ConflictError, StoreError, UnknownError
from pipelines.identifiers import MemberCode, VersionNumber, parse_period
from pipelines.records import AcceptedVersion, ChangeSummary, TableChange
from pipelines.store.accept import ATTEMPTS, next_instant
from pipelines.store.lake import Lake
from pipelines.store.ledger import Ledger
from pipelines.store.versions import Manifest, commit, covers, read_manifests


def _earlier_withdrawal(manifests: Sequence[Manifest], period: str) -> Manifest | None:
    """The withdrawal that emptied a period, when nothing was accepted for it since."""
    for manifest in reversed(manifests):
        if manifest.submission is None and covers(manifest.version.period, period):
            return manifest
        if covers(period, manifest.version.period):
            return None
    return None


def _without(parent: Manifest, period: str, reason: str, by: str) -> Manifest:
    gone = [table for table in parent.version.tables if covers(period, table.period)]
    kept = tuple(table for table in parent.version.tables if not covers(period, table.period))
    removed = {
        name: sum(t.rows for t in gone if t.table == name) for name in dict.fromkeys(t.table for t in gone)
    }
    version = AcceptedVersion(
        parent.version.member,
        parent.version.package_type,
        VersionNumber(parent.version.number + 1),
        parent.version.number,
        None,
        period,
        next_instant(parent),
        parent.version.schema_version,
        kept,
        reason,
        withdrawn=not kept,
    )
    return Manifest(
        version,
        {each: source for each, source in parent.sources.items() if not covers(period, each)},
        ChangeSummary(tuple(TableChange(name, 0, rows, 0, 0) for name, rows in removed.items())),
        facts={"withdrawn_by": by},
    )


def withdraw_version(
    lake: Lake,
    ledger: Ledger,
    member: str,
    package_type: str,
    *,
    period: str | None = None,
    reason: str,
    by: str,
) -> AcceptedVersion:
    """Commit a version without a period (and the periods within it), or without anything when period is None.

    reason and by are kept in the manifest and the ledger for ever. Withdrawing again what is withdrawn
    returns the version that did it. UnknownError: there is nothing of that period. StoreError: no reason
    given.
    """
    if not reason.strip():
        raise StoreError("a withdrawal needs a reason")
    span = parse_period(period)
    for _ in range(ATTEMPTS):
        manifests = read_manifests(lake, MemberCode(member), package_type)
        if not manifests or not any(covers(span, each) for each in manifests[-1].sources):
            done = _earlier_withdrawal(manifests, span)
            if done is None:
                raise UnknownError(f"{member} has nothing accepted in {package_type} for {span}")
            ledger.settle(manifests)
            return done.version
        manifest = _without(manifests[-1], span, reason.strip(), by)
        try:
            commit(lake, manifest)
        except ConflictError:
            continue
        ledger.settle((*manifests, manifest))
        return manifest.version
    raise ConflictError(
        f"the withdrawal of {member} {package_type} lost {ATTEMPTS} races for a version number"
    )
