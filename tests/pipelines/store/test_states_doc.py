"""The drawing of the states is that of the code."""

from pipelines.store.states import TRANSITIONS, State
from pipelines.store.states_doc import PATH, meanings, render


def test_the_drawing_is_not_stale() -> None:
    told = PATH.read_text(encoding="utf-8")
    assert told == render(), "run python -m pipelines.store.states_doc"
    assert told.count(" --> ") == 1 + sum(map(len, TRANSITIONS.values()))


def test_every_state_says_what_it_means() -> None:
    assert meanings().keys() == set(State) and all(meanings().values())
