"""Command ``python -m flows.watch_inbox``: receives and publishes as files arrive, without a server."""

import argparse
import signal
import threading
import time

from watchfiles import watch

from flows.history import finish
from flows.inbox import complete_packages, find_packages
from flows.publish_release import publish_release
from flows.receive_submissions import receive_submissions
from pipelines.cli.show import err
from pipelines.cli.words import _
from pipelines.workflow import Installation

LOOK_EVERY_SECONDS = 5.0
"""Network drives do not tell of changes: the inboxes are looked at even when no change was told."""

REST_SECONDS = 60.0
"""After a failure of the machine."""


def receive_and_publish(policy: str, settle_seconds: float, resume_after_minutes: float = 60.0) -> bool:
    """One round; False when the machine failed."""
    received = receive_submissions(
        policy=policy,
        settle_seconds=settle_seconds,
        resume_after_minutes=resume_after_minutes,
        return_state=True,
    )
    err.print(f"{received.name}: {received.message or '-'}", markup=False)
    published = publish_release(return_state=True)
    err.print(f"{published.name}: {published.message or '-'}", markup=False)
    return received.is_completed() and published.is_completed()


def watch_inbox(
    stop: threading.Event,
    *,
    policy: str = "whole",
    settle_seconds: float = 5.0,
    look_every_seconds: float = LOOK_EVERY_SECONDS,
    rest_seconds: float = REST_SECONDS,
) -> None:
    """Finish what was interrupted, then receive and publish what is complete, until `stop` is set."""
    site = Installation.open()
    # Whatever is unfinished now was left by somebody who is gone.
    well = receive_and_publish(policy, settle_seconds, resume_after_minutes=0)
    next_round = time.monotonic() + (0 if well else rest_seconds)
    changes = watch(
        site.zones.inbox,
        watch_filter=None,
        stop_event=stop,
        rust_timeout=int(look_every_seconds * 1000),
        yield_on_timeout=True,
        raise_interrupt=False,
    )
    for _change in changes:
        if time.monotonic() < next_round:
            continue
        # Looked at here first: a file that takes an hour to arrive does not start a run every five seconds.
        if complete_packages(find_packages(site.zones.inbox, site.catalogue.members), settle_seconds):
            well = receive_and_publish(policy, settle_seconds)
            next_round = time.monotonic() + (0 if well else rest_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m flows.watch_inbox",
        description=_("Receives and publishes what arrives in the inboxes."),
    )
    parser.add_argument(
        "--rows", action="store_true", help=_("Set rows with errors aside instead of refusing everything.")
    )
    parser.add_argument(
        "--settle",
        type=float,
        default=5.0,
        help=_("Seconds without a change after which a file is complete."),
    )
    parser.add_argument("--lang", help=_("Language: es, en, pt, fr."))
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_ignored: stop.set())
    err.print(_("Watching {folder}. Ctrl-C stops.").format(folder=Installation.open().zones.inbox))
    watch_inbox(stop, policy="rows" if options.rows else "whole", settle_seconds=options.settle)
    finish()


if __name__ == "__main__":
    main()
