"""States of a submission, and the one table of moves between them."""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum

from pipelines.exceptions import StoreError


class State(StrEnum):
    """Where a submission is.

    RECEIVED: its bytes are kept. CHECKING: being read and validated. NEEDS_WORK: the report, or a person, says what to mend.
    READY: sound; who sent it looks at what will change and says yes. IN_REVIEW: waits for a second person, for the day of
    its embargo, or for a yes to the loss of more than the agreed share of earlier rows. ACCEPTED: its rows are in the newest
    version. PUBLISHED: they are in a release. SUPERSEDED: a later submission replaced them. WITHDRAWN: the member took
    them back, or took the submission back before it was accepted.
    """

    RECEIVED = "received"
    CHECKING = "checking"
    NEEDS_WORK = "needs_work"
    READY = "ready"
    IN_REVIEW = "in_review"
    ACCEPTED = "accepted"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"

    @classmethod
    def _missing_(cls, value: object) -> "State | None":
        """Names in the events of ledgers of before the desk: what has been written down is not changed."""
        return {"rejected": cls.NEEDS_WORK, "needs_confirmation": cls.IN_REVIEW}.get(str(value))


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.CHECKING, State.WITHDRAWN}),
    State.CHECKING: frozenset({State.NEEDS_WORK, State.READY, State.WITHDRAWN}),
    State.READY: frozenset(
        {State.CHECKING, State.NEEDS_WORK, State.IN_REVIEW, State.ACCEPTED, State.SUPERSEDED, State.WITHDRAWN}
    ),
    State.IN_REVIEW: frozenset(
        {State.CHECKING, State.NEEDS_WORK, State.READY, State.ACCEPTED, State.SUPERSEDED, State.WITHDRAWN}
    ),
    State.ACCEPTED: frozenset({State.PUBLISHED, State.SUPERSEDED, State.WITHDRAWN}),
    State.PUBLISHED: frozenset({State.SUPERSEDED, State.WITHDRAWN}),
    # The same bytes may be sent, or judged by newer rules, again; what a later submission mends is done with.
    State.NEEDS_WORK: frozenset({State.CHECKING, State.SUPERSEDED, State.WITHDRAWN}),
    State.SUPERSEDED: frozenset({State.CHECKING}),
    State.WITHDRAWN: frozenset({State.CHECKING}),
}

LIVE = frozenset({State.ACCEPTED, State.PUBLISHED})
"""States of a submission whose rows are in the newest version."""

WAITING = frozenset({State.READY, State.IN_REVIEW})
"""States of a sound submission that waits for a person, or for its day."""

SETTLED = LIVE | {State.SUPERSEDED, State.WITHDRAWN}
"""States of a submission that belongs to a version."""

UNFINISHED = frozenset({State.RECEIVED, State.CHECKING})
"""States that a rerun has to take further; nothing waits for a person."""


def check_move(submission_id: str, before: State, after: State) -> None:
    """StoreError unless the table allows the move."""
    if after not in TRANSITIONS[before]:
        raise StoreError(f"{submission_id} cannot move from {before} to {after}")


def route(before: State, after: State) -> tuple[State, ...]:
    """The shortest allowed way to a state, without `before`; empty when already there."""
    ways: deque[tuple[State, tuple[State, ...]]] = deque([(before, ())])
    seen = {before}
    while ways:
        state, way = ways.popleft()
        if state is after:
            return way
        for step in sorted(TRANSITIONS[state] - seen):
            seen.add(step)
            ways.append((step, (*way, step)))
    raise StoreError(f"no way from {before} to {after}")
