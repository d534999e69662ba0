"""States of a submission, and the one table of moves between them."""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum

from pipelines.exceptions import StoreError


class State(StrEnum):
    """Where a submission is.

    RECEIVED: its bytes are kept. CHECKING: being read and validated. REJECTED: the report says why.
    NEEDS_CONFIRMATION: valid, but it removes more than the agreed share of earlier rows; a person decides.
    ACCEPTED: its rows are in the newest version. PUBLISHED: they are in a release. SUPERSEDED: a later
    submission replaced them. WITHDRAWN: the member took them back.
    """

    RECEIVED = "received"
    CHECKING = "checking"
    REJECTED = "rejected"
    NEEDS_CONFIRMATION = "needs_confirmation"
    ACCEPTED = "accepted"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.CHECKING}),
    State.CHECKING: frozenset({State.REJECTED, State.NEEDS_CONFIRMATION, State.ACCEPTED}),
    State.NEEDS_CONFIRMATION: frozenset({State.CHECKING, State.REJECTED, State.ACCEPTED}),
    State.ACCEPTED: frozenset({State.PUBLISHED, State.SUPERSEDED, State.WITHDRAWN}),
    State.PUBLISHED: frozenset({State.SUPERSEDED, State.WITHDRAWN}),
    # The same bytes may be sent, or judged by newer rules, again.
    State.REJECTED: frozenset({State.CHECKING}),
    State.SUPERSEDED: frozenset({State.CHECKING}),
    State.WITHDRAWN: frozenset({State.CHECKING}),
}

LIVE = frozenset({State.ACCEPTED, State.PUBLISHED})
"""States of a submission whose rows are in the newest version."""

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
