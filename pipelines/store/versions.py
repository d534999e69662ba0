"""Accepted versions in the lake: one manifest per version, written last, never edited.

::

    accepted/<member>/<package_type>/v0007/
        version.json                       the manifest
        <period>/<table>.<hash>.parquet    rows of a period that this version brought
        changes/<table>.<hash>.parquet     what it changed against its parent

A version is the whole content of (member, package type) at one moment: files of periods that it did not touch
stay where their version put them and are named again. Files without a manifest are invisible. The first
digits of the content's hash are part of a file's name, so that two writers who race for the same number
cannot overwrite each other's files: the one that loses leaves orphans, which `sweep` removes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from pipelines.exceptions import StoreError, UnknownError
from pipelines.identifiers import MemberCode, SubmissionId, VersionNumber
from pipelines.records import (
    AcceptedVersion,
    ChangeSummary,
    EarlierRows,
    Submission,
    TableChange,
    VersionTable,
)
from pipelines.store.lake import INCOMING, Lake

ACCEPTED = "accepted"
FORMAT = 1
_MANIFEST = "version.json"


@dataclass(frozen=True, slots=True)
class PeriodSource:
    """The version that brought the rows of a period, and its submission."""

    number: VersionNumber
    submission_id: SubmissionId


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything the lake knows of a version: the record, and how it came to be.

    sources: per period with rows, who brought them. changes: what this version did to its period against the
    parent. change_files: the changed rows by key, for tables that had rows before and after; where a table
    had none before, its own file is the list of what was added, and where it has none after, the parent's is
    the list of what was removed. submission: None for a withdrawal. facts: policy, verdict, report (its
    path), counts, confirmed_by or withdrawn_by, as JSON scalars.
    """

    version: AcceptedVersion
    sources: Mapping[str, PeriodSource]
    changes: ChangeSummary
    change_files: tuple[VersionTable, ...] = ()
    submission: Submission | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> frozenset[str]:
        """Keys of every file that the manifest names."""
        return frozenset(table.path for table in (*self.version.tables, *self.change_files))


def covers(outer: str, inner: str) -> bool:
    """Whether a period contains another: ``all`` every one, ``2020`` also ``2020-03`` and ``2020-Q1``."""
    if outer in ("all", inner):
        return True
    if "-Q" in outer:
        year, quarter = outer.split("-Q")
        return inner in {f"{year}-{month:02d}" for month in range(3 * int(quarter) - 2, 3 * int(quarter) + 1)}
    return "-" not in outer and inner.startswith(f"{outer}-")


def rows_of_other_periods(lake: Lake, member: str, package_type: str, period: str) -> EarlierRows | None:
    """What stays when a submission replaces `period`: the accepted rows of all periods that it does not cover."""
    manifest = newest_manifest(lake, member, package_type)
    if manifest is None:
        return None
    files: dict[str, list[str]] = {}
    for table in manifest.version.tables:
        if not covers(period, table.period):
            files.setdefault(table.table, []).append(str(lake.local_path(table.path, table.sha256)))
    if not files:
        return None
    return EarlierRows(manifest.version.number, {name: tuple(paths) for name, paths in files.items()})


def package_prefix(member: str, package_type: str) -> str:
    return f"{ACCEPTED}/{member}/{package_type}"


def version_prefix(member: str, package_type: str, number: VersionNumber) -> str:
    return f"{package_prefix(member, package_type)}/{number}"


def _to_json(manifest: Manifest) -> bytes:
    data = {"format": FORMAT, **asdict(manifest.version)}
    data["sources"] = {period: asdict(source) for period, source in manifest.sources.items()}
    data["changes"] = [asdict(change) for change in manifest.changes.tables]
    data["change_files"] = [asdict(file) for file in manifest.change_files]
    data["submission"] = asdict(manifest.submission) if manifest.submission else None
    data["facts"] = dict(manifest.facts)
    return json.dumps(data, indent=1, ensure_ascii=False, default=datetime.isoformat).encode()


def _from_json(data: bytes) -> Manifest:
    raw = json.loads(data)
    if raw.pop("format") != FORMAT:
        raise StoreError("the lake was written by a newer version of this software")
    sources, changes, files = raw.pop("sources"), raw.pop("changes"), raw.pop("change_files")
    submission, facts = raw.pop("submission"), raw.pop("facts")
    version = AcceptedVersion(
        **raw
        | {
            "member": MemberCode(raw["member"]),
            "number": VersionNumber(raw["number"]),
            "parent": VersionNumber(raw["parent"]) if raw["parent"] else None,
            "submission_id": SubmissionId(raw["submission_id"]) if raw["submission_id"] else None,
            "accepted_at": datetime.fromisoformat(raw["accepted_at"]),
            "tables": tuple(VersionTable(**table) for table in raw["tables"]),
        }
    )
    if submission:
        submission = Submission(
            **submission
            | {
                "submission_id": SubmissionId(submission["submission_id"]),
                "member": MemberCode(submission["member"]),
                "received_at": datetime.fromisoformat(submission["received_at"]),
            }
        )
    return Manifest(
        version,
        {
            period: PeriodSource(VersionNumber(source["number"]), SubmissionId(source["submission_id"]))
            for period, source in sources.items()
        },
        ChangeSummary(tuple(TableChange(**change) for change in changes)),
        tuple(VersionTable(**file) for file in files),
        submission,
        facts,
    )


def commit(lake: Lake, manifest: Manifest) -> None:
    """Make a version visible. Its files must be in the lake already. ConflictError: its number is taken."""
    version = manifest.version
    prefix = version_prefix(version.member, version.package_type, version.number)
    lake.put_if_absent(f"{prefix}/{_MANIFEST}", _to_json(manifest))


def packages(lake: Lake) -> Iterator[tuple[MemberCode, str]]:
    """(member, package type) of everything that has versions, or files of a commit under way, in order."""
    for member in lake.folders(ACCEPTED):
        for package_type in lake.folders(f"{ACCEPTED}/{member}"):
            yield MemberCode(member), package_type


def read_manifest(lake: Lake, member: str, package_type: str, number: int) -> Manifest:
    """The manifest of a version; UnknownError when there is none."""
    key = f"{version_prefix(member, package_type, VersionNumber(number))}/{_MANIFEST}"
    # Manifests never change, so a remote lake hands each out once and the cached copy serves from then on.
    return _from_json(lake.local_path(key).read_bytes())


def _downwards(lake: Lake, member: str, package_type: str) -> Iterator[Manifest]:
    folders = lake.folders(package_prefix(member, package_type))
    for number in sorted(map(VersionNumber, folders), reverse=True):
        try:
            yield read_manifest(lake, member, package_type, number)
        except UnknownError:  # files of a commit that is under way, or died
            continue


def newest_manifest(lake: Lake, member: str, package_type: str) -> Manifest | None:
    return next(_downwards(lake, member, package_type), None)


def read_manifests(lake: Lake, member: str, package_type: str) -> tuple[Manifest, ...]:
    """All manifests of (member, package type), oldest first."""
    return tuple(_downwards(lake, member, package_type))[::-1]


def newest_version(lake: Lake, member: str, package_type: str) -> AcceptedVersion | None:
    """What is accepted now; None before the first version. A withdrawn one has no tables."""
    manifest = newest_manifest(lake, member, package_type)
    return manifest.version if manifest else None


def read_version(lake: Lake, member: str, package_type: str, number: int) -> AcceptedVersion:
    """A version by its number; UnknownError when there is none."""
    return read_manifest(lake, member, package_type, number).version


def version_at(lake: Lake, member: str, package_type: str, instant: datetime) -> AcceptedVersion | None:
    """What was accepted at an instant (with time zone): the newest version not accepted later."""
    for manifest in _downwards(lake, member, package_type):
        if manifest.version.accepted_at <= instant:
            return manifest.version
    return None


def newest_versions(lake: Lake) -> tuple[AcceptedVersion, ...]:
    """What is accepted now, of every member and package type in order; withdrawn ones (no tables) too."""
    found = (newest_version(lake, member, package_type) for member, package_type in packages(lake))
    return tuple(version for version in found if version)


def read_history(lake: Lake, member: str, package_type: str) -> tuple[AcceptedVersion, ...]:
    """All versions of (member, package type), oldest first."""
    return tuple(manifest.version for manifest in read_manifests(lake, member, package_type))


def read_changes(lake: Lake, member: str, package_type: str, number: int | None = None) -> ChangeSummary:
    """What a version changed against its parent, the newest when number is None; UnknownError without one."""
    if number is not None:
        return read_manifest(lake, member, package_type, number).changes
    manifest = newest_manifest(lake, member, package_type)
    if manifest is None:
        raise UnknownError(f"{member} has no accepted version of {package_type}")
    return manifest.changes


def ended_by(manifests: Sequence[Manifest], number: int, period: str) -> Manifest | None:
    """The version that took away all that version `number` said of a period; None while some stands."""
    by_number = {int(manifest.version.number): manifest for manifest in manifests}
    if number not in by_number:
        raise StoreError(f"the ledger names version {number}, which is not in the lake")
    own = {
        (each, source.number) for each, source in by_number[number].sources.items() if covers(period, each)
    }
    for manifest in manifests:
        standing = {(each, source.number) for each, source in manifest.sources.items()}
        if manifest.version.number > number and not own & standing:
            return manifest
    return None


def verify_version(lake: Lake, version: AcceptedVersion) -> None:
    """Read every file of a version and compare its hash; StoreError names the first that differs or is
    missing.
    """
    for table in version.tables:
        try:
            found = lake.sha256(table.path)
        except UnknownError as error:
            raise StoreError(f"{table.path} of version {version.number} is missing") from error
        if found != table.sha256:
            raise StoreError(f"{table.path} of version {version.number} is damaged")


def sweep(lake: Lake, older_than: timedelta = timedelta(days=1)) -> int:
    """Remove files that no manifest names and that are older than a commit can last; returns how
    many.

    Such files come from commits that died or lost a race. Whoever commits writes its files anew, which makes
    them young again, so a sweep beside a rerun takes nothing that the rerun needs.
    """
    limit = datetime.now().astimezone() - older_than
    # Listed before the manifests are read: what is committed in between is named by then.
    candidates = [
        found.key
        for prefix in (ACCEPTED, INCOMING)
        for found in lake.list(prefix)
        if found.modified < limit and PurePosixPath(found.key).name != _MANIFEST
    ]
    named: set[str] = set()
    for member, package_type in packages(lake):
        for manifest in read_manifests(lake, member, package_type):
            named |= manifest.paths
    swept = [key for key in candidates if key not in named]
    for key in swept:
        lake.delete(key)
    lake.clear_scratch(older_than)
    return len(swept)
