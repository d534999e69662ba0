"""Many members send many files at once while the worker is at work: each ends in a state, none is lost, none is there twice.

``INGP_MANY=32x8 python -m pytest tests/flows/test_many.py -s`` is the whole network at the end of a quarter.
"""

import io
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.desk import work
from pipelines import review
from pipelines.desk import Desk, Person
from pipelines.desk.arrivals import ArrivalState
from pipelines.desk.board import lines
from pipelines.desk.receiving import keep_files
from pipelines.store import State
from pipelines.store.audit import check
from tests.pipelines.test_workflow import HEADING

pytestmark = pytest.mark.usefixtures("prefect_server")
MEMBERS, FILES = (int(each) for each in os.environ.get("INGP_MANY", "3x2").split("x"))


def table(member: str, number: int) -> bytes:
    """Sound, or with a day that never was; every third file is the bytes of the one before it."""
    number -= number % 3 == 2
    day = "32/01" if number % 4 == 1 else "15/01"
    row = f"{member}-{number};L{number};Obras;Puente;Uno;{day}/20{10 + number};{number},50;USD"
    return f"{HEADING}{row}\n".encode()


def test_everybody_at_once(data_dir: Path) -> None:
    desk, stop = Desk.open(), threading.Event()
    codes = [each.code for each in desk.site.catalogue.members.values() if each.kind == "member"][:MEMBERS]
    assert len(codes) == MEMBERS
    people = {code: desk.people.add(f"{code}@example.org", code, "approver", code, "es") for code in codes}
    worker = threading.Thread(target=work, args=(stop,))
    worker.start()

    def send(person: Person, number: int) -> str:
        data = table(str(person.member), number)
        kept = keep_files(desk, person, [("contratos.csv", io.BytesIO(data))], period=f"20{10 + number}")
        return kept.id

    began = time.monotonic()
    try:
        with ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(send, people[code], number) for number in range(FILES) for code in codes]
            arrivals = [each.result() for each in asked]
        for _try in range(3_600):
            busy = desk.arrivals.waiting() or desk.site.ledger.submissions(state=State.RECEIVED)
            if not (busy or desk.site.ledger.submissions(state=State.CHECKING)):
                break
            time.sleep(0.5)
    finally:
        stop.set()
        worker.join(120)
    taken = time.monotonic() - began

    found = [desk.arrivals.get(each) for each in arrivals]
    assert Counter(each.state for each in found) == {ArrivalState.STAGED: MEMBERS * FILES}
    entries = desk.site.ledger.submissions()
    assert {each.submission_id for each in entries} == {each.submission_id for each in found}
    # The same bytes for another period are another submission: nothing was taken for its neighbour's.
    assert len(entries) == MEMBERS * FILES
    states = Counter(each.state for each in entries)
    assert set(states) <= {State.READY, State.NEEDS_WORK} and states[State.READY] == MEMBERS * sum(
        (number - (number % 3 == 2)) % 4 != 1 for number in range(FILES)
    )
    print(f"{MEMBERS} members x {FILES} files: {taken:.0f} s, {dict(states)}")

    first = next(each for each in entries if each.state is State.READY)
    review.approve(desk.site, first.submission_id, by=people[str(first.member)].actor)
    work(threading.Event(), once=True)
    board = {line.member: line for line in lines(desk, datetime.now(UTC), "es")}
    assert desk.site.ledger.submission(first.submission_id).state is State.PUBLISHED
    for code in codes:
        newest = board[code].newest
        assert newest is not None and newest.member == code
    assert check(desk.database).broken is None, "the chain of the audit log is whole"
