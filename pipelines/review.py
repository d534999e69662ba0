"""What a person decides about a sound submission: see what it would change, say yes, send it back, take it back.

Who may decide is asked before (`pipelines.desk`); here is what a decision does. by: the number of a person
(``person:17``) or the name of a program, never a name or an address, as it goes into the audit log.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.exceptions import StoreError
from pipelines.identifiers import SubmissionId, VersionNumber
from pipelines.intake import read_staged
from pipelines.records import ChangeSummary
from pipelines.store import LedgerEntry, State, preview_changes
from pipelines.store.states import WAITING
from pipelines.validation import read_report
from pipelines.workflow import Installation, Outcome, candidates, process


class SecondPersonError(StoreError):
    """The yes of the one who asked is not the yes of a second person."""


class LossError(StoreError):
    """Nobody has agreed yet to lose so many earlier rows."""


@dataclass(frozen=True)
class Preview:
    """What accepting a submission would change. parent: the version that it was compared with, None for the first."""

    changes: ChangeSummary
    parent: VersionNumber | None
    loses: bool
    """More than the agreed share of a table's earlier rows."""


def preview(site: Installation, submission_id: SubmissionId) -> Preview:
    """Compare a sound submission with what is accepted today; nothing is written."""
    report = read_report(site.zones.report_folder(submission_id))
    staged = read_staged(site.zones.staged_folder(submission_id))
    package_type = site.catalogue.package_type(report.package_type)
    changes, parent = preview_changes(site.lake, staged.submission, package_type, candidates(site, report))
    return Preview(changes, parent, parent is not None and changes.loss_share > site.settings.loss_share)


def approve(
    site: Installation,
    submission_id: SubmissionId,
    *,
    by: str,
    needs_second: bool = False,
    agrees_to_loss: bool = False,
    publish_at: datetime | None = None,
) -> Outcome | LedgerEntry:
    """Say yes to a submission that is ready or in review.

    needs_second: the member wants two persons: the first yes moves it to in_review, the second, by another person
    (`SecondPersonError`), counts. publish_at: a yes that holds from that day on; until then it stays in review and is nowhere
    to be seen. agrees_to_loss: also when more than the agreed share of earlier rows goes. Returns the ledger's entry while
    it waits, the outcome once it is accepted. StoreError in any other state.
    """
    entry = site.ledger.submission(submission_id)
    if entry.state not in WAITING:
        raise StoreError(f"{submission_id} is {entry.state}: nothing waits for a yes")
    if needs_second and entry.asked_by is None:
        return site.ledger.move(submission_id, State.IN_REVIEW, actor=by, asked_by=by, publish_at=publish_at)
    if needs_second and entry.asked_by == by:
        raise SecondPersonError(f"{submission_id} waits for a second person")
    publish_at = publish_at or entry.publish_at
    if publish_at is not None and publish_at > datetime.now(UTC):
        facts: dict[str, Any] = {"approved_by": by, "publish_at": publish_at}
        detail = {"publish_at": publish_at.astimezone(UTC).isoformat(timespec="seconds")}
        if entry.state is State.READY:
            return site.ledger.move(submission_id, State.IN_REVIEW, actor=by, detail=detail, **facts)
        return site.ledger.record(submission_id, actor=by, detail=detail, **facts)
    if preview(site, submission_id).loses and not agrees_to_loss:
        raise LossError(f"{submission_id} loses more earlier rows than agreed")
    # Written down before it is done: a server that dies in between leaves a yes that the next start carries out.
    site.ledger.record(submission_id, actor=by, approved_by=by)
    return process(site, submission_id)


def send_back(site: Installation, submission_id: SubmissionId, *, by: str, reason: str) -> LedgerEntry:
    """A sound submission needs work all the same, says a person."""
    return site.ledger.move(submission_id, State.NEEDS_WORK, actor=by, reason=reason)


def ask_again(
    site: Installation, submission_id: SubmissionId, *, by: str, reason: str | None = None
) -> LedgerEntry:
    """Take back a yes: from in_review to ready."""
    return site.ledger.move(submission_id, State.READY, actor=by, reason=reason)


def take_back(site: Installation, submission_id: SubmissionId, *, by: str, reason: str) -> LedgerEntry:
    """Take back a submission that is not accepted yet; what is accepted is withdrawn (`pipelines.workflow.withdraw`)."""
    if site.ledger.submission(submission_id).state in (State.ACCEPTED, State.PUBLISHED):
        raise StoreError(f"{submission_id} is accepted: withdraw its rows instead")
    return site.ledger.move(submission_id, State.WITHDRAWN, actor=by, reason=reason)
