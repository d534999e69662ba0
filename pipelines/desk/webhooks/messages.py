"""What happened, as a message: thin, without personal data, with a name that stays the same however often it is made.

A message says where to look, not what is there: whoever gets it asks ``/api/v1`` with a token of its own. Nobody's name, no file's name,
no text of a comment is in it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

MOVED = "submission.moved"
PUBLISHED = "submission.published"
WITHDRAWN = "submission.withdrawn"
COMMENTED = "submission.commented"
RELEASED = "release.published"
TOPICS = (MOVED, PUBLISHED, WITHDRAWN, COMMENTED, RELEASED)
"""What an address can be told. A move to published or withdrawn is of its own type, and not of ``submission.moved`` as well."""

TEST = "webhook.test"
"""Comes when somebody asks for it."""

KEPT = timedelta(days=30)
"""How long messages are kept, and how far back they can be sent again."""


@dataclass(frozen=True, slots=True)
class Message:
    """id: ``webhook-id``. topic: one of `TOPICS`, or `TEST`. body: the JSON that is signed, byte for byte the same at every try."""

    id: str
    topic: str
    at: datetime
    body: str


def a_test(home: str, member: str, name: str, now: datetime) -> Message:
    """What somebody asks for to see whether her program listens. name: used for one message only."""
    return message(home, f"test {name}", TEST, now, empty() | {"member": member})


def empty() -> dict[str, Any]:
    """The data of a message, with nothing said."""
    return dict.fromkeys(("submission", "member", "package_type", "state", "page", "api", "release"))


def message(home: str, name: str, topic: str, at: datetime, told: dict[str, Any]) -> Message:
    """home: address of the desk; name: of what happened, among all that can happen at this desk. Both make the message's own name."""
    number = hashlib.sha256(f"{home} {name}".encode()).hexdigest()[:32]
    instant = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = {"type": topic, "timestamp": instant, "data": told}
    return Message(f"msg_{number}", topic, at, json.dumps(body, separators=(",", ":"), ensure_ascii=True))
