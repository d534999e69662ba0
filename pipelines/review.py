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
from pipelines.store.states import LIVE, WAITING
from pipelines.validation import read_report
from pipelines.workflow import Installation, Outcome, candidates, process


class SecondPersonError(StoreError):
    """The yes of the one who asked is not the yes of a second person."""


class DecidedError(StoreError):
    """Somebody was quicker: the decision has been taken, or is being carried out."""


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


def say_yes(
    site: Installation,
    submission_id: SubmissionId,
    *,
    by: str,
    needs_second: bool = False,
    agrees_to_loss: bool = False,
    loses: bool | None = None,
    publish_at: datetime | None = None,
) -> LedgerEntry:
    """Write down a yes to a submission that is ready or in review; whoever works for the desk carries it out.

    needs_second: the member wants two persons: the first yes moves it to in_review, the second, by another person
    (`SecondPersonError`), counts. publish_at: a yes that holds from that day on; until then it stays in review and is nowhere
    to be seen. agrees_to_loss: also when more than the agreed share of earlier rows goes. loses: what a preview has said of that,
    None: look now. `DecidedError` where somebody was
    quicker; StoreError in any other state.
    """
    entry = site.ledger.submission(submission_id)
    _check_waits(entry)
    if needs_second and entry.asked_by is None:
        return site.ledger.move(
            submission_id, State.IN_REVIEW, actor=by, allowed=_check_open, asked_by=by, publish_at=publish_at,
        )  # fmt: skip
    if needs_second and entry.asked_by == by:
        raise SecondPersonError(f"{submission_id} waits for a second person")
    if not agrees_to_loss and (preview(site, submission_id).loses if loses is None else loses):
        raise LossError(f"{submission_id} loses more earlier rows than agreed")
    publish_at = publish_at or entry.publish_at
    if publish_at is not None and publish_at > datetime.now(UTC):
        facts: dict[str, Any] = {"approved_by": by, "publish_at": publish_at}
        detail = {"publish_at": publish_at.astimezone(UTC).isoformat(timespec="seconds")}
        if entry.state is State.READY:
            return site.ledger.move(
                submission_id, State.IN_REVIEW, actor=by, detail=detail, allowed=_check_open, **facts
            )
        return site.ledger.record(submission_id, actor=by, detail=detail, allowed=_check_waits, **facts)
    # Written down before it is done: a server that dies in between leaves a yes that the next start carries out.
    return site.ledger.record(submission_id, actor=by, allowed=_check_waits, approved_by=by)


def approve(site: Installation, submission_id: SubmissionId, **how: Any) -> Outcome | LedgerEntry:
    """`say_yes`, and what follows from it at once: the ledger's entry while it waits, the outcome once it is accepted."""
    entry = say_yes(site, submission_id, **how)
    waits = entry.approved_by is None or not entry.is_unfinished(datetime.now(UTC))
    return entry if waits else process(site, submission_id)


def _check_waits(entry: LedgerEntry) -> None:
    """Whether a yes to it is still wanted."""
    if entry.state in LIVE or entry.is_unfinished_yes:
        raise DecidedError(f"somebody has said yes to {entry.submission_id} already")
    if entry.state not in WAITING:
        raise StoreError(f"{entry.submission_id} is {entry.state}: nothing waits for a yes")


def _check_open(entry: LedgerEntry) -> None:
    """Whether a first yes to it is still wanted."""
    _check_waits(entry)
    if entry.asked_by is not None or entry.approved_by is not None:
        raise DecidedError(f"somebody has said yes to {entry.submission_id} already")


def _check_undone(entry: LedgerEntry) -> None:
    """A yes that is being carried out cannot be taken back any more; what is accepted can be withdrawn."""
    if entry.is_unfinished_yes:
        raise DecidedError(f"{entry.submission_id} is being accepted")


def send_back(site: Installation, submission_id: SubmissionId, *, by: str, reason: str) -> LedgerEntry:
    """A sound submission needs work all the same, says a person."""
    return site.ledger.move(submission_id, State.NEEDS_WORK, actor=by, reason=reason, allowed=_check_undone)


def ask_again(
    site: Installation, submission_id: SubmissionId, *, by: str, reason: str | None = None
) -> LedgerEntry:
    """Take back a yes: from in_review to ready."""
    return site.ledger.move(submission_id, State.READY, actor=by, reason=reason, allowed=_check_undone)


def take_back(site: Installation, submission_id: SubmissionId, *, by: str, reason: str) -> LedgerEntry:
    """Take back a submission that is not accepted yet; what is accepted is withdrawn (`pipelines.workflow.withdraw`)."""
    if site.ledger.submission(submission_id).state in (State.ACCEPTED, State.PUBLISHED):
        raise StoreError(f"{submission_id} is accepted: withdraw its rows instead")
    return site.ledger.move(submission_id, State.WITHDRAWN, actor=by, reason=reason, allowed=_check_undone)
