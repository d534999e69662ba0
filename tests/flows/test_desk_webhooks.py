"""The worker tells members' programs, and lets none of them hold it up."""

import threading
from functools import partial
from pathlib import Path

import pytest

from flows.desk import work
from pipelines.desk import Desk
from pipelines.desk.webhooks.messages import TOPICS
from pipelines.desk.webhooks.outbox import DELIVERED
from pipelines.desk.webhooks.sending import send_due
from pipelines.store import State
from tests.desk.receiving import dripping, receiving, within
from tests.flows.test_desk import arrive
from tests.pipelines.test_workflow import ONE

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_what_happens_is_told_while_a_slow_program_is_waited_for(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGP_WEBHOOK_HOSTS", "127.0.0.1")
    monkeypatch.setattr("flows.desk.send_due", partial(send_due, seconds=8.0))
    desk, stop, in_time = Desk.open(), threading.Event(), within(60)
    person = desk.people.add("ana@example.org", "Ana", "submitter", "HND", "es")
    with receiving() as receiver, dripping() as slow:
        dead = desk.hooks.add("HND", slow, TOPICS, person)
        fast = desk.hooks.add("HND", receiver.url, TOPICS, person)
        worker = threading.Thread(target=work, args=(stop,))
        worker.start()
        try:
            first = arrive(desk, ONE)
            while len(receiver.got) < 3:
                assert in_time()
            # The slow one is in the middle of its first message, and everything else goes on.
            assert not any(each.tried_at for each in desk.outbox.of_hook(dead.id))
        finally:
            stop.set()
            worker.join()
        own = desk.arrivals.get(first).submission_id
        assert own and desk.site.ledger.submission(own).state is State.READY
        assert {each.state for each in desk.outbox.of_hook(fast.id)} == {DELIVERED}
        assert receiver.verified(fast.secret)["data"]["submission"] == own
        count = len(receiver.got)
        desk.hooks.pause(dead.id)
        work(threading.Event(), once=True)
        assert len(receiver.got) == count, "a worker that begins again tells nothing twice"
