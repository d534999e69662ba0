import pytest

from pipelines.exceptions import StoreError
from pipelines.store.states import TRANSITIONS, State, check_move, route


def test_every_state_has_a_way_out_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    reached = set().union(*TRANSITIONS.values())
    assert reached == set(State) - {State.RECEIVED}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.RECEIVED, State.ACCEPTED),
        (State.NEEDS_WORK, State.ACCEPTED),
        (State.CHECKING, State.ACCEPTED),
        (State.READY, State.PUBLISHED),
        (State.IN_REVIEW, State.PUBLISHED),
        (State.CHECKING, State.PUBLISHED),
        (State.SUPERSEDED, State.PUBLISHED),
        (State.PUBLISHED, State.ACCEPTED),
        (State.WITHDRAWN, State.ACCEPTED),
    ],
)
def test_no_short_cuts(before: State, after: State) -> None:
    with pytest.raises(StoreError, match=f"cannot move from {before} to {after}"):
        check_move("XAA-procurement-000000000000", before, after)


def test_route_goes_only_where_moves_go() -> None:
    assert route(State.RECEIVED, State.ACCEPTED) == (State.CHECKING, State.READY, State.ACCEPTED)
    assert route(State.SUPERSEDED, State.WITHDRAWN) == (State.CHECKING, State.WITHDRAWN)
    assert route(State.ACCEPTED, State.ACCEPTED) == ()
    with pytest.raises(StoreError):
        route(State.CHECKING, State.RECEIVED)
