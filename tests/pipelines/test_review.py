"""A person decides: yes, a second person's yes, a day, a loss, sent back, taken back; and what a stop in between leaves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from pipelines import review, workflow
from pipelines.exceptions import StoreError
from pipelines.identifiers import SubmissionId
from pipelines.review import LossError, SecondPersonError
from pipelines.store import State, ledger_schema, newest_versions
from pipelines.workflow import Installation
from tests.pipelines.test_workflow import BAD, ONE, TWO, flat

ANA, LUIS = "person:1", "person:2"


def sent(site: Installation, path: Path, actor: str = ANA) -> SubmissionId:
    """Received at the desk and judged."""
    staged = workflow.receive(site, [path], "HND", actor=actor, held=True)
    workflow.process(site, staged.submission.submission_id)
    return staged.submission.submission_id


def state(site: Installation, submission_id: SubmissionId) -> State:
    return site.ledger.submission(submission_id).state


def test_a_sound_submission_waits_and_a_yes_accepts_it(site: Installation, tmp_path: Path) -> None:
    own = sent(site, flat(tmp_path / "a.csv", ONE, TWO))
    assert (state(site, own), newest_versions(site.lake)) == (State.READY, ())
    seen = review.preview(site, own)
    assert seen.parent is None and not seen.loses
    assert {each.table: each.added for each in seen.changes.tables}["contracts_flat"] == 2
    outcome = review.approve(site, own, by=ANA)
    assert isinstance(outcome, workflow.Outcome) and outcome.version is not None
    assert state(site, own) is State.ACCEPTED
    events = site.ledger.events(own)
    assert [event.to_state for event in events] == [
        State.RECEIVED,
        State.CHECKING,
        State.READY,
        State.READY,
        State.ACCEPTED,
    ]
    assert {event.actor for event in events if event.to_state in (State.RECEIVED, State.ACCEPTED)} == {ANA}


def test_what_was_staged_by_a_server_that_died_waits_all_the_same(
    site: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(workflow, "_enter", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            workflow.receive(site, [flat(tmp_path / "a.csv", ONE)], "HND", actor=ANA, held=True)
    (own,) = workflow.unfinished(site)
    assert workflow.process(site, own).state == State.READY
    entry = site.ledger.submission(own)
    assert (entry.held, entry.state, site.ledger.events(own)[0].actor) == (True, State.READY, ANA)


def test_two_persons_are_two(site: Installation, tmp_path: Path) -> None:
    own = sent(site, flat(tmp_path / "a.csv", ONE))
    review.approve(site, own, by=ANA, needs_second=True)
    assert (state(site, own), site.ledger.submission(own).asked_by) == (State.IN_REVIEW, ANA)
    with pytest.raises(SecondPersonError):
        review.approve(site, own, by=ANA, needs_second=True)
    workflow.process(site, own)
    assert newest_versions(site.lake) == ()
    review.approve(site, own, by=LUIS, needs_second=True)
    assert state(site, own) is State.ACCEPTED


def test_a_day_is_waited_for(site: Installation, tmp_path: Path) -> None:
    own = sent(site, flat(tmp_path / "a.csv", ONE))
    review.approve(site, own, by=ANA, publish_at=datetime.now(UTC) + timedelta(days=2))
    assert state(site, own) is State.IN_REVIEW
    assert workflow.unfinished(site) == [] and newest_versions(site.lake) == ()
    with site.ledger.database.write() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(update(ledger_schema.submissions).values(publish_at=past))
    assert workflow.unfinished(site) == [own]
    assert workflow.process(site, own).state == State.ACCEPTED


def test_who_died_after_saying_yes_has_said_it(
    site: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = sent(site, flat(tmp_path / "a.csv", ONE))
    with monkeypatch.context() as killed:
        killed.setattr(review, "process", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            review.approve(site, own, by=ANA)
    assert workflow.unfinished(site) == [own]
    assert workflow.process(site, own).state == State.ACCEPTED


def test_a_loss_is_agreed_to_or_not_done(site: Installation, tmp_path: Path) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE, TWO)], "HND")
    own = sent(site, flat(tmp_path / "b.csv", ONE))
    assert review.preview(site, own).loses
    with pytest.raises(LossError):
        review.approve(site, own, by=ANA)
    assert state(site, own) is State.READY
    review.approve(site, own, by=ANA, agrees_to_loss=True)
    assert state(site, own) is State.ACCEPTED


def test_sent_back_and_taken_back(site: Installation, tmp_path: Path) -> None:
    own = sent(site, flat(tmp_path / "a.csv", ONE))
    review.approve(site, own, by=ANA, needs_second=True)
    assert review.ask_again(site, own, by=ANA).asked_by is None
    review.send_back(site, own, by=LUIS, reason="Falta diciembre")
    entry = site.ledger.submission(own)
    assert (entry.state, entry.asked_by, site.ledger.events(own)[-1].reason) == (
        State.NEEDS_WORK,
        None,
        "Falta diciembre",
    )
    with pytest.raises(StoreError, match="nothing waits"):
        review.approve(site, own, by=LUIS)
    review.take_back(site, own, by=ANA, reason="Era una prueba")
    assert state(site, own) is State.WITHDRAWN
    again = sent(site, flat(tmp_path / "a.csv", ONE))
    assert (again, state(site, own)) == (own, State.READY)
    review.approve(site, own, by=ANA)
    with pytest.raises(StoreError, match="withdraw its rows"):
        review.take_back(site, own, by=ANA, reason="tarde")


def test_what_is_sent_again_ends_what_waited(site: Installation, tmp_path: Path) -> None:
    refused = sent(site, flat(tmp_path / "a.csv", ONE, BAD))
    assert state(site, refused) is State.NEEDS_WORK
    first = sent(site, flat(tmp_path / "b.csv", ONE))
    assert (state(site, refused), state(site, first)) == (State.SUPERSEDED, State.READY)
    second = sent(site, flat(tmp_path / "c.csv", ONE, TWO))
    assert (state(site, first), state(site, second)) == (State.SUPERSEDED, State.READY)
    with pytest.raises(StoreError):
        review.approve(site, first, by=ANA)
