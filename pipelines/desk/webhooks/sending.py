"""The round of webhooks: what is due leaves, all addresses at once; what fails is tried again; who is silent for days is switched off.

Signed as Standard Webhooks says: ``webhook-id``, ``webhook-timestamp`` (of the try) and ``webhook-signature`` (``v1,`` and HMAC-SHA256 of
id, timestamp and body; one for each secret that holds). A receiver knows by the id what it has had, and by the timestamp what is too old.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from standardwebhooks import Webhook

from pipelines.desk.desk import Desk
from pipelines.desk.fetching import Limits, Resolve, resolve
from pipelines.desk.people import Person
from pipelines.desk.permissions import Action, may
from pipelines.desk.webhooks.hooks import FAILING, GONE, OWNER, Hook
from pipelines.desk.webhooks.outbox import DELIVERED, GIVEN_UP, WAITING, Delivery
from pipelines.desk.webhooks.posting import SECONDS, Answered, post

RESTS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Between two tries, as Standard Webhooks proposes; after the last one a message is given up."""

LONGEST_WAIT = timedelta(days=1)
"""Of what a receiver may ask for by Retry-After."""

OFF_AFTER = timedelta(days=3)
"""An address that has taken nothing for so long, though it was tried, is switched off. One message alone is given up after 75 hours."""

LOOK_EVERY = 0.5
LONGEST_ROUND = 60.0
"""Seconds for which a round goes on with what has become due meanwhile."""


def signed(hook: Hook, delivery: Delivery, now: datetime) -> dict[str, str]:
    """The headers of a message."""
    signatures = [
        Webhook(each).sign(delivery.message, now.astimezone(UTC), delivery.body) for each in hook.secrets(now)
    ]
    return {
        "webhook-id": delivery.message, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": " ".join(signatures),
    }  # fmt: skip


def send_due(
    desk: Desk,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    trusted: ssl.SSLContext | None = None,
    seconds: float = SECONDS,
    resolved: Resolve = resolve,
) -> int:
    """Send what is due, and what becomes due meanwhile; returns how many tries were made. now: the clock of retries."""
    return asyncio.run(_send_due(desk, now, trusted or _everybodys(), seconds, resolved))


@cache
def _everybodys() -> ssl.SSLContext:
    """Believes the certificates that this machine believes."""
    return ssl.create_default_context()


async def _send_due(
    desk: Desk, now: Callable[[], datetime], trusted: ssl.SSLContext, seconds: float, resolved: Resolve
) -> int:
    running: dict[int, asyncio.Task[None]] = {}
    ends, count = time.monotonic() + LONGEST_ROUND, 0
    limits = Limits(allowed=desk.hooks.allowed)

    async def one(delivery: Delivery, hook: Hook) -> None:
        headers = signed(hook, delivery, now())
        answer = await post(
            hook.address, delivery.body.encode(), headers,
            trusted=trusted, limits=limits, seconds=seconds, resolved=resolved,
        )  # fmt: skip
        await asyncio.to_thread(finish, desk, hook, delivery, answer, now())

    # The database is asked beside the loop: while it waits for another writer, no answer that has come grows too slow.
    while True:
        if time.monotonic() < ends:
            for delivery, hook in await asyncio.to_thread(_claim, desk, now(), list(running)):
                running[hook.id] = asyncio.create_task(one(delivery, hook))
                count += 1
        if not running:
            return count
        await asyncio.wait(running.values(), timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        for number in [number for number, task in running.items() if task.done()]:
            running.pop(number).result()


def _claim(desk: Desk, now: datetime, busy: list[int]) -> list[tuple[Delivery, Hook]]:
    """What is due, but of addresses that nobody answers for any more: they are switched off."""
    found = []
    for delivery, hook in desk.outbox.claim(now, busy):
        if _may(desk.people.get(hook.person), hook):
            found.append((delivery, hook))
        else:
            desk.outbox.finish(delivery, {})
            _switch_off(desk, hook, OWNER, now)
    return found


def finish(desk: Desk, hook: Hook, delivery: Delivery, answer: Answered, now: datetime) -> None:
    """Write down what a try came to, and what follows from it."""
    values: dict[str, Any] = {
        "tried_at": now, "status": answer.status, "trouble": answer.trouble, "answer": answer.text,
    }  # fmt: skip
    if answer.is_taken:
        desk.outbox.finish(delivery, {"failing_since": None}, state=DELIVERED, **values)
        return
    since, gone = hook.failing_since or now, answer.status == 410
    if gone or delivery.tries >= len(RESTS):
        values |= {"state": GIVEN_UP, "tries": delivery.tries + 1}
    else:
        wait = min(timedelta(seconds=answer.wait or 0), LONGEST_WAIT)
        rest = max(RESTS[delivery.tries], wait)
        values |= {"state": WAITING, "tries": delivery.tries + 1, "next_try": now + rest}
    desk.outbox.finish(delivery, {"failing_since": since}, **values)
    if gone:
        _switch_off(desk, hook, GONE, now)
    elif now - since >= OFF_AFTER:
        _switch_off(desk, hook, FAILING, now)


def _may(person: Person, hook: Hook) -> bool:
    return person.active and may(person, Action.WEBHOOKS, hook.member)


def _switch_off(desk: Desk, hook: Hook, why: str, now: datetime) -> None:
    """Send no more, and tell who answers for the address; where she may not any more, the member's approvers."""
    if not desk.hooks.switch_off(hook, why):
        return
    desk.site.ledger.note(
        hook.member, actor="webhooks", detail={"webhook": hook.id, "did": "off", "why": why}
    )
    owner = desk.people.get(hook.person)
    readers = (
        [owner]
        if _may(owner, hook)
        else [
            each
            for each in desk.people.of_member(hook.member)
            if each.active and may(each, Action.APPROVE, hook.member)
        ]
    )
    for person in readers:
        desk.mail.post(
            person.email, person.language, "webhook_off", once=f"webhook-{hook.id}-{now.isoformat()}-{person.id}",
            name=person.name, host=hook.host, why=why, url=f"{desk.site.settings.desk_url}/webhooks/{hook.id}",
        )  # fmt: skip
