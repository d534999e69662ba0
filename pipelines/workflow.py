"""The steps joined, without an orchestrator: what the command line and the flows call.

Every function finds where an interrupted one stopped, from lake, ledger and folders, and goes on from there:
calling it again is always safe and never doubles anything.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import rechecked
from pipelines.catalogue import Catalogue, load_catalogue
from pipelines.exceptions import UnknownError
from pipelines.identifiers import MemberCode, SubmissionId
from pipelines.intake import Instructions, Limits, read_staged, receive_submission
from pipelines.publication import assemble_release, current_release, read_release, switch_current
from pipelines.publication.files import Releases
from pipelines.publication.origins import Origin, Origins
from pipelines.publication.summaries import Judgement, Judgements
from pipelines.publication.withdrawn import ALL, Withdrawn, withdraw_table
from pipelines.records import (
    AcceptancePolicy,
    AcceptedVersion,
    ChangeSummary,
    EarlierRows,
    Release,
    Severity,
    StagedPackage,
    ValidationReport,
    Verdict,
    count_rows,
)
from pipelines.reporting.comparison import compare_reports, read_comparison, write_comparison
from pipelines.settings import Settings
from pipelines.store import (
    CandidateTable,
    Lake,
    Ledger,
    LedgerEntry,
    PendingChange,
    State,
    accept_version,
    newest_versions,
    read_manifest,
    rows_of_other_periods,
    sweep,
    withdraw_version,
)
from pipelines.store.states import WAITING
from pipelines.validation import read_report, ruleset_version, validate_package
from pipelines.zones import Zones

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Installation:
    """One installation, opened: its settings, folders, standard, lake and ledger."""

    settings: Settings
    zones: Zones
    catalogue: Catalogue
    lake: Lake
    ledger: Ledger

    @classmethod
    def open(cls, settings: Settings | None = None) -> "Installation":
        settings = settings or Settings()
        zones = settings.zones.create()
        catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
        lake = Lake(settings.lake_url or zones.lake.as_uri(), zones.tmp / "lake-cache")
        ledger = Ledger(settings.ledger_url or f"sqlite:///{zones.ledger}")
        return cls(settings, zones, catalogue, lake, ledger)

    @property
    def limits(self) -> Limits:
        own = self.settings
        return Limits(
            max_file_bytes=own.max_file_bytes,
            max_total_bytes=own.max_total_bytes,
            max_files=own.max_files,
            max_expansion=own.max_expansion,
        )


@dataclass(frozen=True)
class Outcome:
    """What became of a submission. `pending` is set when its losses wait for a person's yes."""

    staged: StagedPackage
    report: ValidationReport
    state: str
    version: AcceptedVersion | None = None
    pending: ChangeSummary | None = None
    changes: ChangeSummary | None = None


def receive(
    site: Installation,
    paths: Sequence[Path],
    member: str,
    *,
    package_type: str | None = None,
    period: str | None = None,
    instructions: Instructions | None = None,
    policy: AcceptancePolicy = AcceptancePolicy.WHOLE,
    actor: str = "intake",
    held: bool = False,
    source_name: str | None = None,
) -> StagedPackage:
    """Stage files and enter them in the ledger; the same bytes again are the same submission.

    actor: who sent them. held: when they are sound, a person decides (`pipelines.review`). source_name: what the sender
    calls them, the names of the files by default.
    """
    staged = receive_submission(
        paths,
        MemberCode(member),
        site.zones,
        site.catalogue,
        package_type=package_type,
        period=period,
        instructions=instructions,
        limits=site.limits,
        source_name=source_name,
        policy=policy,
        actor=actor,
        held=held,
    )
    _enter(site, staged)
    return staged


def _enter(site: Installation, staged: StagedPackage) -> LedgerEntry:
    """Write a staged package down in the ledger, as its sender wanted."""
    told = staged.understood
    return site.ledger.receive(
        staged.submission, actor=told.get("actor", "intake"), held=told.get("held", False)
    )


def process(
    site: Installation,
    submission_id: SubmissionId,
    *,
    policy: AcceptancePolicy | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Outcome:
    """Validate a staged submission and accept it if it may be; safe to repeat at any point.

    policy: the one that the sender asked for when not given.
    A report of the same rules, policy, standard and earlier rows is taken as it is. `StoppedError` when it was
    cancelled or the time of ``INGP_VALIDATION_SECONDS`` was over: then nothing has changed but the state. A submission that is accepted or published
    is left as it is; one that was replaced or withdrawn and comes again becomes a new version.
    """
    staged = read_staged(site.zones.staged_folder(submission_id))
    record = _enter(site, staged)
    policy = policy or AcceptancePolicy(staged.understood.get("policy", AcceptancePolicy.WHOLE))
    folder = site.zones.report_folder(submission_id)
    if record.state in (State.ACCEPTED, State.PUBLISHED):
        return Outcome(staged, read_report(folder), record.state)
    own = staged.submission
    earlier = rows_of_other_periods(site.lake, own.member, own.package_type, own.period)
    report = _known_report(site, folder, policy, earlier)
    if report is None:
        site.ledger.move(submission_id, State.CHECKING)
        report = validate_package(
            staged,
            site.catalogue,
            folder,
            policy=policy,
            earlier=earlier,
            memory_limit=site.settings.memory_limit,
            threads=site.settings.threads,
            progress=progress,
            cancelled=cancelled,
            budget_seconds=site.settings.validation_seconds or None,
        )
    elif record.state not in (State.CHECKING, *WAITING):
        site.ledger.move(submission_id, State.CHECKING)
    _compare(site, record, folder)
    facts = _facts(report)
    if report.verdict is Verdict.REJECTED:
        if site.ledger.submission(submission_id).state in WAITING:
            site.ledger.move(submission_id, State.CHECKING)
        site.ledger.move(submission_id, State.NEEDS_WORK, **facts)
        return Outcome(staged, report, State.NEEDS_WORK)
    if site.ledger.submission(submission_id).state is State.CHECKING:
        record = site.ledger.move(submission_id, State.READY, **facts)
        _replace_waiting(site, record)
    if record.held and not (confirmed_by or record.approved_by):
        return Outcome(staged, report, record.state)
    return _accept(site, staged, report, facts, confirmed_by or record.approved_by)


def _replace_waiting(site: Installation, ready: LedgerEntry) -> None:
    """A sound submission ends what came before it for the same rows and was never accepted."""
    for entry in site.ledger.submissions(member=ready.member):
        same = (entry.package_type, entry.period) == (ready.package_type, ready.period)
        waits = entry.state in (State.NEEDS_WORK, *WAITING)
        if same and waits and entry.received_at < ready.received_at:
            site.ledger.move(entry.submission_id, State.SUPERSEDED, detail={"by": str(ready.submission_id)})


def _known_report(
    site: Installation, folder: Path, policy: AcceptancePolicy, earlier: EarlierRows | None
) -> ValidationReport | None:
    if not (folder / "report.json").exists():
        return None
    report = read_report(folder)
    same_rules = report.ruleset_version == ruleset_version(site.catalogue)
    same_rows = report.against == (int(earlier.version) if earlier else None)
    return report if same_rules and same_rows and report.policy is policy else None


def _compare(site: Installation, record: LedgerEntry, folder: Path) -> None:
    """Keep beside a report what was fixed since the member's last attempt at the same type and period."""
    if read_comparison(folder) is not None:
        return
    for entry in site.ledger.submissions(member=record.member):
        same = (entry.package_type, entry.period) == (record.package_type, record.period)
        before = site.zones.report_folder(SubmissionId(entry.submission_id))
        if same and entry.received_at < record.received_at and (before / "report.json").exists():
            write_comparison(folder, compare_reports(before, folder))
            return


def _facts(report: ValidationReport) -> dict[str, Any]:
    rows_in, accepted, refused = count_rows(report.sources)
    return {
        "verdict": report.verdict.value,
        "rows_in": rows_in,
        "rows_accepted": accepted,
        "rows_refused": refused,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "notices": report.count(Severity.NOTICE),
    }


def candidates(site: Installation, report: ValidationReport) -> list[CandidateTable]:
    """The tables of a report that may be accepted."""
    folder = site.zones.report_folder(report.submission_id)
    counts = {count.table: count for count in report.counts}
    return [
        CandidateTable(name, folder / path, counts[name].rows_accepted, counts[name].derived)
        for name, path in report.typed.items()
    ]


def _accept(
    site: Installation,
    staged: StagedPackage,
    report: ValidationReport,
    facts: dict[str, Any],
    confirmed_by: str | None,
) -> Outcome:
    folder = site.zones.report_folder(report.submission_id)
    result = accept_version(
        site.lake,
        site.ledger,
        staged.submission,
        site.catalogue.package_type(report.package_type),
        candidates(site, report),
        schema_version=report.schema_version,
        loss_share=site.settings.loss_share,
        confirmed_by=confirmed_by,
        report_summary={**facts, "policy": report.policy.value, "report": folder.name},
    )
    if isinstance(result, PendingChange):
        return Outcome(staged, report, State.IN_REVIEW, pending=result.summary)
    return Outcome(staged, report, State.ACCEPTED, version=result)


def submit(
    site: Installation,
    paths: Sequence[Path],
    member: str,
    *,
    package_type: str | None = None,
    period: str | None = None,
    instructions: Instructions | None = None,
    policy: AcceptancePolicy = AcceptancePolicy.WHOLE,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """`receive`, then `process`."""
    staged = receive(
        site,
        paths,
        member,
        package_type=package_type,
        period=period,
        instructions=instructions,
        policy=policy,
    )
    outcome = process(
        site, staged.submission.submission_id, policy=policy, confirmed_by=confirmed_by, progress=progress
    )
    return Outcome(staged, outcome.report, outcome.state, outcome.version, outcome.pending, outcome.changes)


def unfinished(site: Installation) -> list[SubmissionId]:
    """Submissions that a stopped process left between two states, staged folders unknown to the ledger among them."""
    for folder in sorted(site.zones.staged.glob("*")):
        if (folder / "manifest.json").exists():
            _enter(site, read_staged(folder))
    return [SubmissionId(record.submission_id) for record in site.ledger.unfinished()]


def publish(site: Installation, *, progress: Progress | None = None, force: bool = False) -> Release | None:
    """Release the newest version of every member and package type, and serve it. None when nothing is new."""
    versions = [version for version in newest_versions(site.lake) if version.tables]
    current = current_release(site.zones)
    if current is not None and not force:
        newest = read_release(current)
        released = {(each["member"], each["package_type"], each["number"]) for each in newest.versions}
        if released == {(str(each.member), each.package_type, int(each.number)) for each in versions}:
            # A publication may have been stopped between the switch and the ledger.
            site.ledger.record_release(newest)
            return None
    judgements, origins = _provenance(site, versions)
    release = assemble_release(
        versions,
        site.lake.local_path,
        site.catalogue,
        site.zones,
        licence=site.settings.licence,
        base_url=site.settings.base_url,
        judgements=judgements,
        origins=origins,
        known=[each.release_id for each in site.ledger.releases()],
        memory_limit=site.settings.memory_limit,
        threads=site.settings.threads,
        indicators=site.settings.indicators,
        progress=progress,
    )
    switch_current(release.release_id, site.zones)
    site.ledger.record_release(release)
    return release


def _provenance(site: Installation, versions: Sequence[AcceptedVersion]) -> tuple[Judgements, Origins]:
    """What the checks found in the submissions whose rows the versions hold, and which version brought which period.

    A report that is not here any more is left out.
    """
    found: dict[tuple[str, str], list[Judgement]] = {}
    origins: dict[tuple[str, str, str], Origin] = {}
    for version in versions:
        manifest = read_manifest(site.lake, version.member, version.package_type, version.number)
        for period, source in manifest.sources.items():
            folder, rules = site.zones.report_folder(source.submission_id), ""
            if (folder / "report.json").exists():
                tables = tuple(each.table for each in version.tables if each.period == period)
                report = read_report(folder)
                rules = report.ruleset_version
                judgement = Judgement(period, tables, report.groups)
                found.setdefault((str(version.member), version.package_type), []).append(judgement)
            brought = read_manifest(site.lake, version.member, version.package_type, source.number).version
            origins[(str(version.member), version.package_type, period)] = Origin.of(brought, rules)
    return found, origins


def withdraw(
    site: Installation, member: str, package_type: str, *, period: str | None, reason: str, by: str
) -> AcceptedVersion:
    """Take a member's data out of the next releases, with the reason; what was published stays in its release."""
    return withdraw_version(
        site.lake, site.ledger, MemberCode(member), package_type, period=period, reason=reason, by=by
    )


def unpublish(
    site: Installation, table: str, reasons: Mapping[str, str], *, releases: Sequence[str], by: str
) -> Withdrawn:
    """Take a published table (``*``: every table) off the site, in these releases (none: in all); the files stay on disk.

    reasons: language -> sentence, in every language of the site. Raises UnknownError for a release or table that
    was never published.
    """
    published = Releases(site.zones.releases)
    names = releases or published.names()
    found = [published.get(name) for name in names]
    if unknown := [name for name, each in zip(names, found, strict=True) if each is None]:
        raise UnknownError(f"no release {', '.join(unknown)}")
    if table != ALL and not any(each and table in each.tables for each in found):
        raise UnknownError(f"no release has a table {table!r}")
    return withdraw_table(site.zones.releases, table, reasons, releases or (ALL,), by)


def recheck(site: Installation, *, progress: Progress | None = None) -> list[rechecked.Recheck]:
    """Try the rules of now on everything accepted, without changing any of it; `pipelines.rechecked` keeps what was found."""
    results = []
    records = [
        record
        for state in (State.ACCEPTED, State.PUBLISHED)
        for record in site.ledger.submissions(state=state)
    ]
    for done, record in enumerate(records):
        if progress:
            progress(record.submission_id, done, len(records))
        submission_id = SubmissionId(record.submission_id)
        before = read_report(site.zones.report_folder(submission_id))
        staged = read_staged(site.zones.staged_folder(submission_id))
        own = staged.submission
        folder = site.zones.tmp / f"recheck-{submission_id}"
        after = validate_package(
            staged,
            site.catalogue,
            folder,
            policy=before.policy,
            earlier=rows_of_other_periods(site.lake, own.member, own.package_type, own.period),
            memory_limit=site.settings.memory_limit,
            threads=site.settings.threads,
        )
        shutil.rmtree(folder)
        known = {group.code for group in before.groups}
        new = tuple(sorted({group.code for group in after.groups} - known))
        results.append(rechecked.Recheck(submission_id, before.verdict, after.verdict, new))
    rechecked.keep(site.zones, results)
    return results


def clean(site: Installation) -> int:
    """Remove what interrupted work left in the lake; returns how many objects."""
    return sweep(site.lake)


def find_submission(site: Installation, start: str) -> SubmissionId:
    """A submission by the beginning of its identifier; raises UnknownError when none or several fit."""
    fits = [
        record.submission_id for record in site.ledger.submissions() if record.submission_id.startswith(start)
    ]
    if len(fits) != 1:
        raise UnknownError(f"{len(fits)} submissions begin with {start!r}")
    return SubmissionId(fits[0])
