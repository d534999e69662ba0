"""Command ``python -m flows.desk``: does what the members' desk asks for. One runs per installation; a second one waits its turn.

The desk's pages only write down what is to be done. Here it is done: arrivals are staged, submissions judged by the flow
``process-submission``, what is accepted is published by ``publish-release``, letters and messages to programs are sent. Whatever a killed
worker left is found in the ledger at the next start, and gone on with.
"""

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path

from prefect.logging import get_logger

from flows.history import finish
from flows.process_submission import process_submission
from flows.publish_release import publish_release
from pipelines import workflow
from pipelines.cli.show import err
from pipelines.cli.words import _
from pipelines.desk import Desk
from pipelines.desk.events import follow
from pipelines.desk.fetched import fetch_arrival, limits_of
from pipelines.desk.harvesting.asking import Guarded
from pipelines.desk.harvesting.rounds import harvest_due
from pipelines.desk.letters import tell as tell_people
from pipelines.desk.mail import sender
from pipelines.desk.making import make_waiting
from pipelines.desk.reminders import remind as write_reminders
from pipelines.desk.staging import stage_arrival
from pipelines.desk.webhooks.happening import write_down
from pipelines.desk.webhooks.sending import send_due
from pipelines.publication.alone import alone
from pipelines.store import LedgerEvent, State
from pipelines.store.states import LIVE

LOOK_EVERY_SECONDS = 0.5
REST_SECONDS = 30.0
"""After a failure of the machine."""

_fetchers = ThreadPoolExecutor(4, "fetch")
_fetching: dict[str, Future[None]] = {}
"""By arrival, what is being fetched by this process."""

_harvesting: list[Future[bool]] = []
"""The harvest that is being done by this process, if one is."""
_put_off: dict[str, float] = {}
"""By arrival, when it is tried again."""

_caller = ThreadPoolExecutor(1, "call")
_calling: list[Future[int]] = []
"""The round of webhooks that is being done by this process, if one is: a slow receiver holds up nothing here."""

log = get_logger("desk")


def stage(desk: Desk) -> bool:
    """Arrivals become submissions. True when there was something to do, as of all rounds."""
    now = time.monotonic()
    waiting = [each for each in desk.arrivals.waiting() if _put_off.get(each.id, 0) <= now]
    for arrival in waiting:
        try:
            stage_arrival(desk, arrival)
        except Exception:  # the machine, with this one: whoever comes after it does not wait for it
            log.exception("stage %s", arrival.id)
            _put_off[arrival.id] = now + REST_SECONDS
    return bool(waiting)


def fetch(desk: Desk) -> bool:
    """Files come from the addresses that members gave, some at a time; a slow server holds up nobody else."""
    for arrival in desk.arrivals.fetching():
        if arrival.id not in _fetching:
            _fetching[arrival.id] = _fetchers.submit(fetch_arrival, desk, arrival)
    if not _fetching:
        return False
    wait(_fetching.values(), LOOK_EVERY_SECONDS, FIRST_COMPLETED)
    for own in [each for each, work in _fetching.items() if work.done()]:
        _fetching.pop(own).result()
    return True


def harvest(desk: Desk) -> bool:
    """Addresses that are due are fetched, one after the other, beside everything else."""
    if not _harvesting:
        _harvesting.append(_fetchers.submit(harvest_due, desk, Guarded(limits_of(desk))))
    wait(_harvesting, LOOK_EVERY_SECONDS)
    return not _harvesting[0].done() or _harvesting.pop().result()


def judge(desk: Desk) -> bool:
    """Everything unfinished is judged, or accepted when its day has come."""
    unfinished = workflow.unfinished(desk.site)
    for submission_id in unfinished:
        process_submission(str(submission_id), None, return_state=True)
    return bool(unfinished)


def publish(desk: Desk) -> bool:
    """What is accepted becomes a release, and what a member has taken back is in none any more."""
    follow(desk.database, desk.site.ledger, "publication", _without_withdrawn)
    if not desk.site.ledger.submissions(state=State.ACCEPTED):
        return False
    publish_release(return_state=True)
    return True


def _without_withdrawn(event: LedgerEvent) -> None:
    if event.to_state is State.WITHDRAWN and event.from_state in LIVE:
        publish_release(return_state=True)


def make(desk: Desk) -> bool:
    """What pages have asked for: offers of fixes, marked workbooks, previews."""
    return make_waiting(desk)


def tell(desk: Desk) -> bool:
    """What happened becomes letters."""
    return tell_people(desk) > 0


def call(desk: Desk) -> bool:
    """What happened becomes messages to members' programs, which leave beside everything else. Old ones are forgotten once an hour."""
    busy = write_down(desk, datetime.now(UTC)) > 0
    hour = int(time.monotonic() // 3600)
    if _trimmed.get(desk.site.zones.root) != hour:
        desk.outbox.trim()
        _trimmed[desk.site.zones.root] = hour
    if not _calling:
        _calling.append(_caller.submit(send_due, desk))
    wait(_calling, LOOK_EVERY_SECONDS / 10)  # what has nothing to send is over at once
    return (_calling[0].done() and _calling.pop().result() > 0) or busy


_trimmed: dict[Path, int] = {}
"""Installation -> the hour in which its old messages were last forgotten, since this worker began."""


def remind(desk: Desk) -> bool:
    """Once an hour is often enough for what changes with the day."""
    hour = int(time.monotonic() // 3600)
    if _reminded.get(desk.site.zones.root) == hour:
        return False
    count = write_reminders(desk, datetime.now(UTC))
    _reminded[desk.site.zones.root] = hour
    return count > 0


_reminded: dict[Path, int] = {}
"""Installation -> the hour in which its reminders were last written, since this worker began."""


def post(desk: Desk) -> bool:
    """Letters leave."""
    own = desk.site.settings
    return desk.mail.deliver(sender(own.smtp_url, own.mail_from, desk.site.zones.outbox)) > 0


ROUNDS: tuple[Callable[[Desk], bool], ...] = (
    fetch,
    harvest,
    stage,
    make,
    judge,
    publish,
    tell,
    call,
    remind,
    post,
)
"""What the worker does, in this order, again and again."""


def work(stop: threading.Event, *, once: bool = False) -> None:
    """Do what is to be done until `stop` is set; once: until nothing is left. Trouble with one kind of work stops no other."""
    desk = Desk.open()
    resting: dict[str, float] = {}
    with alone(desk.site.zones.tmp / "desk-worker.lock"):
        while not stop.is_set():
            busy = False
            for each in ROUNDS:
                if resting.get(each.__name__, 0) > time.monotonic():
                    continue
                try:
                    busy = each(desk) or busy
                except Exception:  # the machine: the others go on, this one is tried again
                    log.exception("%s", each.__name__)
                    resting[each.__name__] = time.monotonic() + REST_SECONDS
            if once and not busy and not _calling:
                return
            if not busy:
                stop.wait(LOOK_EVERY_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m flows.desk", description=_("Does what the members' desk asks for.")
    )
    parser.add_argument("--once", action="store_true", help=_("Do what is to be done now, then end."))
    parser.add_argument("--lang", help=_("Language: es, en, pt, fr."))
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_ignored: stop.set())
    err.print(_("The desk is being worked for. Ctrl-C stops."))
    work(stop, once=options.once)
    finish()
    if _fetching or _harvesting or _calling:
        # What a slow server still owes us is asked for again at the next start; nobody waits for its threads.
        os._exit(0)


if __name__ == "__main__":
    main()
