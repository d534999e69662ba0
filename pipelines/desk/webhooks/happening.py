"""From what has happened to messages.

A message is derived from what is written down already (the audit log, comments, releases), never announced by whoever makes it happen: a process that is
killed in between has lost nothing. Its name is derived in the same way, so that what is derived twice is one message.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pipelines.desk.api.declared import PREFIX
from pipelines.desk.desk import Desk
from pipelines.desk.events import follow
from pipelines.desk.webhooks.hooks import Hook
from pipelines.desk.webhooks.messages import (
    COMMENTED,
    KEPT,
    MOVED,
    PUBLISHED,
    RELEASED,
    WITHDRAWN,
    Message,
    empty,
    message,
)
from pipelines.exceptions import UnknownError
from pipelines.store import LedgerEvent, State

NEWS = KEPT - timedelta(days=1)
"""How old a comment or release may be that is still written down: what was trimmed must not come again."""

_OWN = {State.PUBLISHED: PUBLISHED, State.WITHDRAWN: WITHDRAWN}


def write_down(desk: Desk, now: datetime) -> int:
    """Write down what has happened since the last time; returns how many events were looked at."""
    outbox = desk.outbox
    # Asked for after the events have been read: an address that is older than an event is among them.
    told = cache(desk.hooks.on)

    def look(event: LedgerEvent) -> None:
        wanting = [each for each in told() if each.member == event.member and event.at >= each.since]
        message = of_event(desk, event) if wanting else None
        for hook in wanting:
            if message is not None and message.topic in hook.topics:
                outbox.add(hook, message, now)

    done = follow(desk.database, desk.site.ledger, "webhooks", look)
    # No place in a log is kept for these: which of them are there already is looked at.
    for hook in told():
        since = max(hook.since, now - NEWS)
        if COMMENTED in hook.topics:
            outbox.add_new(hook, of_comments(desk, hook.member, since), now)
        if RELEASED in hook.topics:
            outbox.add_new(hook, of_releases(desk, since), now)
    return done


def replay(desk: Desk, hook: Hook, since: datetime, now: datetime) -> int:
    """Send everything since an instant, `KEPT` back at most, once more; returns how many messages. Each keeps its name, so that a
    receiver that has it knows it again.
    """
    found = [
        each for each in happened(desk, hook.member, max(since, now - KEPT)) if each.topic in hook.topics
    ]
    desk.outbox.add_new(hook, found, now)
    return desk.outbox.again(hook.id, [each.id for each in found], now)


def of_event(desk: Desk, event: LedgerEvent) -> Message | None:
    """The message of an event of the audit log; None where no submission changed its state."""
    if event.submission_id is None or event.to_state is None or event.to_state is event.from_state:
        return None
    entry = desk.site.ledger.submission(event.submission_id)
    told = _submission(desk, str(entry.submission_id), str(entry.member), entry.package_type) | {
        "state": event.to_state.value,
        "release": event.detail.get("release") if event.to_state is State.PUBLISHED else None,
    }
    topic = _OWN.get(event.to_state, MOVED)
    return message(_home(desk), f"event {event.id} {event.hash}", topic, event.at, told)


def of_comments(desk: Desk, member: str, since: datetime) -> Iterator[Message]:
    """A message for each comment on submissions of a member since an instant."""
    for comment in desk.comments.written(member, since):
        try:
            entry = desk.site.ledger.submission(comment.submission_id)
        except UnknownError:
            continue
        told = _submission(desk, comment.submission_id, member, entry.package_type)
        told["page"] += f"#comment-{comment.id}"
        yield message(
            _home(desk), f"comment {comment.id} {comment.at.timestamp()}", COMMENTED, comment.at, told
        )


def of_releases(desk: Desk, since: datetime) -> Iterator[Message]:
    """A message for each release since an instant; the same for every member."""
    public = desk.site.settings.base_url.rstrip("/")
    for release in desk.site.ledger.releases():
        if release.released_at >= since:
            told = empty() | {"release": str(release.release_id), "page": f"{public}/v/{release.release_id}/"}
            yield message(_home(desk), f"release {release.release_id}", RELEASED, release.released_at, told)


def happened(desk: Desk, member: str, since: datetime) -> Iterator[Message]:
    """Everything that a member's addresses could have been told since an instant."""
    for event in desk.site.ledger.events(member=member):
        if event.at >= since and (found := of_event(desk, event)) is not None:
            yield found
    yield from of_comments(desk, member, since)
    yield from of_releases(desk, since)


def _submission(desk: Desk, submission: str, member: str, package_type: str | None) -> dict[str, Any]:
    home = _home(desk)
    return empty() | {
        "submission": submission, "member": member, "package_type": package_type,
        "page": f"{home}/submissions/{submission}", "api": f"{home}{PREFIX}/submissions/{submission}",
    }  # fmt: skip


def _home(desk: Desk) -> str:
    return desk.site.settings.desk_url.rstrip("/")
