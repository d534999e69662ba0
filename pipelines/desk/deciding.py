"""What may be done next with a submission, and the doing of it: one place for the pages and the interface for programs."""

from collections.abc import Collection
from datetime import UTC, datetime, time
from enum import StrEnum

from pipelines import review, workflow
from pipelines.desk.desk import Desk
from pipelines.desk.people import Person
from pipelines.desk.permissions import Action, may
from pipelines.desk.previewing import compared_with
from pipelines.exceptions import StoreError
from pipelines.identifiers import SubmissionId
from pipelines.store import LedgerEntry, State
from pipelines.store.states import LIVE, WAITING

MOST = 2_000
"""Characters of a reason."""


class Move(StrEnum):
    """CORRECT: a corrected file is announced; it replaces what is published when it is accepted."""

    APPROVE = "approve"
    SEND_BACK = "send-back"
    ASK_AGAIN = "ask-again"
    TAKE_BACK = "take-back"
    WITHDRAW = "withdraw"
    CORRECT = "correct"


NEEDS = {
    Move.APPROVE: Action.APPROVE, Move.SEND_BACK: Action.APPROVE, Move.ASK_AGAIN: Action.APPROVE,
    Move.TAKE_BACK: Action.SUBMIT, Move.WITHDRAW: Action.WITHDRAW, Move.CORRECT: Action.SUBMIT,
}  # fmt: skip
"""What somebody has to be allowed for each."""


class ReasonError(StoreError):
    """This is not done without a reason."""


class OutdatedError(StoreError):
    """The yes was said to a preview that is not what would change now."""


class DayError(StoreError):
    """A day that cannot be read."""


def moves(person: Person, entry: LedgerEntry, scopes: Collection[str] | None = None) -> tuple[Move, ...]:
    """What a person can do with a submission as it stands. scopes: of the token that speaks for her."""
    if entry.is_unfinished_yes:
        return ()
    fits: list[Move] = []
    if entry.state in WAITING:
        fits = [Move.APPROVE, Move.SEND_BACK, Move.TAKE_BACK]
        if entry.asked_by or entry.approved_by:
            fits.append(Move.ASK_AGAIN)
    elif entry.state is State.NEEDS_WORK:
        fits = [Move.TAKE_BACK]
    elif entry.state in LIVE:
        fits = [Move.CORRECT, Move.WITHDRAW]
    return tuple(each for each in fits if may(person, NEEDS[each], entry.member, scopes))


def reason_of(text: str) -> str:
    """What was written, on one line; empty when nothing was."""
    return " ".join(text.split())[:MOST]


def decide(desk: Desk, person: Person, entry: LedgerEntry, move: Move, reason: str) -> None:
    """Every move but a yes. `ReasonError` without a reason, `review.DecidedError` where somebody was quicker, StoreError where
    the submission stands elsewhere. Who may is asked before.
    """
    reason, own, by = reason_of(reason), entry.submission_id, person.actor
    if not reason:
        raise ReasonError(str(own))
    if entry.is_unfinished_yes:
        raise review.DecidedError(str(own))
    if move not in moves(person, entry):
        raise StoreError(f"{own} is {entry.state}")
    if move is Move.SEND_BACK:
        review.send_back(desk.site, own, by=by, reason=reason)
    elif move is Move.ASK_AGAIN:
        review.ask_again(desk.site, own, by=by, reason=reason)
    elif move is Move.TAKE_BACK:
        review.take_back(desk.site, own, by=by, reason=reason)
    elif move is Move.WITHDRAW:
        # The rows of this submission leave the next release.
        workflow.withdraw(
            desk.site, entry.member, entry.package_type, period=entry.period, reason=reason, by=by
        )
    elif move is Move.CORRECT:
        desk.site.ledger.record(own, actor=by, reason=reason, detail={"correction": True})


def approve(
    desk: Desk, person: Person, entry: LedgerEntry, *, seen: str, agrees: bool = False, day: str = "", again: bool = False
) -> None:  # fmt: skip
    """Say yes to what a preview has shown. seen: the id of that preview. day: not public before, year-month-day; empty: at once.

    agrees: also to the loss of earlier rows. again: a yes of the one who has asked already is refused with
    `review.SecondPersonError`; otherwise it is her second click, which changes nothing. `OutdatedError`, `DayError`, and what
    `review.say_yes` raises.
    """
    own = str(entry.submission_id)
    if entry.state in LIVE or entry.is_unfinished_yes:
        if entry.approved_by == person.actor:
            return  # her second click, or the back button: what she said has been heard
        raise review.DecidedError(own)
    if entry.asked_by == person.actor and not again:
        return
    work = desk.made.find(own, seen)
    if entry.state in WAITING and (
        work is None or work.result is None or work.result["parent"] != compared_with(desk, own)
    ):
        raise OutdatedError(own)
    publish_at = None
    if day:
        try:
            publish_at = datetime.combine(datetime.fromisoformat(day).date(), time(), UTC)
        except ValueError as error:
            raise DayError(day) from error
    review.say_yes(
        desk.site,
        SubmissionId(own),
        by=person.actor,
        needs_second=desk.policies.get(entry.member).two_persons,
        agrees_to_loss=agrees,
        loses=bool(work.result["loses"]) if work and work.result else None,
        publish_at=publish_at,
    )
