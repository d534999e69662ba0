"""Messages to programs as OpenAPI 3.1 describes them (``webhooks``). Nothing of ``/api/v1`` sets them up: no token may."""

import json
from datetime import UTC, datetime
from typing import Any

from pipelines.desk.api.declared import PREFIX
from pipelines.desk.api.schemas import ref
from pipelines.desk.webhooks.messages import (
    COMMENTED,
    MOVED,
    PUBLISHED,
    RELEASED,
    TEST,
    WITHDRAWN,
    empty,
    message,
)

_SUMMARIES = {
    MOVED: "A submission has moved on, to a state that has no message of its own.",
    PUBLISHED: "A submission is in a release.",
    WITHDRAWN: "A submission was taken back.",
    COMMENTED: "Somebody wrote below a submission; what, is at its page.",
    RELEASED: "There is a new release of all members.",
    TEST: "Somebody tries the address.",
}
_HEADERS = {
    "webhook-id": "Name of the message: the same at every try. What has been had under it need not be done again.",
    "webhook-timestamp": "Seconds since 1970 when this try was made. What is older than five minutes is to be refused.",
    "webhook-signature": "`v1,` and base64 of HMAC-SHA256 of `id.timestamp.body`; several with blanks between while a secret changes.",
}


def webhooks() -> dict[str, Any]:
    """The part ``webhooks`` of the description, by type of message."""
    return {topic: {"post": _operation(topic, words)} for topic, words in _SUMMARIES.items()}


def _operation(topic: str, words: str) -> dict[str, Any]:
    return {
        "operationId": topic, "summary": words, "security": [],
        "description": "Signed as Standard Webhooks says (https://www.standardwebhooks.com).",
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": told, "schema": {"type": "string"}}
            for name, told in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Message")}}},
        "responses": {
            "2XX": {"description": "Taken. Anything else is tried again."},
            "410": {"description": "No more, please: the address is switched off."},
        },
    }  # fmt: skip


def example(home: str) -> Any:
    """A message as it could come. home: address of the desk."""
    own, at = "HND-procurement-0123456789ab", datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
    told = empty() | {
        "submission": own, "member": "HND", "package_type": "procurement", "state": "published",
        "page": f"{home}/submissions/{own}", "api": f"{home}{PREFIX}/submissions/{own}", "release": "2026.11.1",
    }  # fmt: skip
    return json.loads(message(home, "example", PUBLISHED, at, told).body)
