"""The worker of the desk: what has been written down is done, whoever died before."""

import shutil
import threading
from pathlib import Path

import pytest

from flows.desk import work
from pipelines import review
from pipelines.desk import Desk
from pipelines.desk.arrivals import ArrivalState
from pipelines.desk.fetched import ask_for
from pipelines.desk.staging import read_progress
from pipelines.store import State
from tests.pipelines.test_workflow import BAD, ONE, TWO, flat

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def desk(data_dir: Path) -> Desk:
    """The desk that the worker finds through the environment."""
    return Desk.open()


def arrive(desk: Desk, *rows: str, policy: str = "whole") -> str:
    identifier, folder = desk.arrivals.new_folder()
    flat(Path(folder) / "contratos.csv", *rows)
    desk.arrivals.add(identifier, "HND", "person:1", policy=policy)
    return identifier


def test_what_arrives_is_judged_waits_and_is_published(desk: Desk) -> None:
    site, stop = desk.site, threading.Event()
    arrive(desk, ONE, BAD)
    sound = arrive(desk, ONE)
    empty, _folder = desk.arrivals.new_folder()
    desk.arrivals.add(empty, "HND", "person:1")
    work(stop, once=True)
    assert desk.arrivals.get(empty).state is ArrivalState.REFUSED
    own = desk.arrivals.get(sound).submission_id
    assert own is not None
    states = {entry.submission_id: entry.state for entry in site.ledger.submissions()}
    assert states.pop(own) is State.READY  # type: ignore[call-overload]
    assert list(states.values()) == [State.SUPERSEDED]
    assert read_progress(site.zones.progress, own) == (1, 1)
    review.approve(site, site.ledger.submission(own).submission_id, by="person:2")
    work(stop, once=True)
    assert site.ledger.submission(own).state is State.PUBLISHED


def test_trouble_with_one_kind_of_work_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = arrive(desk, ONE)

    def broken(_desk: Desk) -> bool:
        raise OSError("no space left")

    monkeypatch.setattr("flows.desk.ROUNDS", (broken, *work.__globals__["ROUNDS"]))
    work(threading.Event(), once=True)
    assert desk.arrivals.get(identifier).state is ArrivalState.STAGED


def test_an_arrival_that_cannot_be_staged_or_fetched_holds_up_nobody(desk: Desk) -> None:
    gone, sound = arrive(desk, TWO), arrive(desk, ONE)
    shutil.rmtree(desk.arrivals.folder(gone))
    person = desk.people.add("ana@example.org", "Ana", "submitter", "HND", "es")
    asked = ask_for(desk, person, "http://localhost/contratos.csv", period="2024")
    work(threading.Event(), once=True)
    assert desk.arrivals.get(sound).state is ArrivalState.STAGED
    assert desk.arrivals.get(gone).state is ArrivalState.WAITING, "it is tried again later"
    assert desk.arrivals.get(asked.id).trouble == "fetch-private"
