"""Around every answer: headers for browsers, methods, how often one network may knock at the doors, and no secret in the log of addresses."""

import logging
import re
from collections.abc import Callable
from typing import Any

from datasette import Request, Response, hookimpl
from limits import parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from pipelines.desk.accounts.attempts import network_of

DOORS = ("/sign-in", "/reset", "/password/")
"""What strangers may post to, and what asks an identity provider."""
KNOCKS = "30/minute;300/hour"
"""Of one network. There is one web process, so that its memory is enough; what must outlive it is counted in the database."""
KEPT = ("/-/static/", "/assets/")
"""What browsers may keep."""
METHODS = ("GET", "HEAD", "POST")
OF_PROGRAMS = ("/api/", "/uploads")
"""Where programs speak, with methods of their own."""
SECRETS = re.compile(r"(?<=/password/)[^/?#\s]+|(?<=/back\?).*")
"""Of addresses: links that set a password, and what an identity provider sends a browser back with."""

HEADERS = {
    b"content-security-policy": b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


@hookimpl
def startup(datasette: Any) -> None:
    """``datasette.knocks``: how often each network knocked."""
    datasette.knocks = MovingWindowRateLimiter(MemoryStorage())
    access = logging.getLogger("uvicorn.access")
    if _without_secrets not in access.filters:
        access.addFilter(_without_secrets)


def _without_secrets(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(SECRETS.sub("-", each) if isinstance(each, str) else each for each in record.args)
    return True


@hookimpl(trylast=True)
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    knocks = parse_many(KNOCKS)

    def too_often(scope: dict[str, Any]) -> bool:
        knocking = scope["path"].startswith(DOORS) and (
            scope["method"] not in ("GET", "HEAD") or scope["path"].startswith("/sign-in/with/")
        )
        client = scope.get("client")
        network = network_of(client[0]) if client else ""
        return knocking and not all(datasette.knocks.hit(each, network) for each in knocks)

    def wrap(within: Any) -> Any:
        async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await within(scope, receive, send)
                return

            async def tell(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    own = dict(HEADERS)
                    if not scope["path"].startswith(KEPT):
                        own[b"cache-control"] = b"no-store"
                    if datasette.door.is_secure:
                        own[b"strict-transport-security"] = b"max-age=31536000"
                    headers = [(key.lower(), value) for key, value in message.get("headers", [])]
                    kept = {key for key, _value in headers}
                    message = {
                        **message,
                        "headers": [
                            *headers,
                            *((key, value) for key, value in own.items() if key not in kept),
                        ],
                    }
                await send(message)

            if scope["method"] not in METHODS and not scope["path"].startswith(OF_PROGRAMS):
                await Response.text("", status=405, headers={"allow": ", ".join(METHODS)}).asgi_send(tell)
                return
            if too_often(scope):
                answer = await datasette.door.page(Request(scope, receive), "error.html", 429)
                answer.headers["retry-after"] = "60"
                await answer.asgi_send(tell)
                return
            await within(scope, receive, tell)

        return guarded

    return wrap
