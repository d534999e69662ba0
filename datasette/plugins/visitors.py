"""What browsers may do here, and which pages of Datasette are not part of this site."""

from collections.abc import Callable
from typing import Any

from datasette import NotFound, Request, hookimpl

HEADERS = {
    b"content-security-policy": (
        b"default-src 'none'; style-src 'self'; img-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    b"referrer-policy": b"strict-origin-when-cross-origin",
    b"x-content-type-options": b"nosniff",
}

FRAMED = b"x-may-be-framed"
"""Header by which a page that is made to be shown on other sites (`embeds`) tells it to the guard; it goes no further."""

TOOLS = (
    "api|patterns|queries|messages|allow-debug|allowed|rules|check|debug/autocomplete"
    "|logout|create-token|auth-token"
)
"""Pages of Datasette for its developers and for accounts: English only, with scripts, and of no use here."""


async def absent(request: Request) -> None:
    raise NotFound(f"{request.path} is not part of this site")


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (rf"^/-/({TOOLS})(\.\w+)?$", absent),
        (r"^/[^/]+/-/(queries|queries/store|create|execute-write)(\.\w+)?$", absent),
    ]


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Security headers on every answer."""

    def wrap(app: Any) -> Any:
        async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return

            async def tell(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    told = message.get("headers", [])
                    kept = [(key, value) for key, value in told if key.lower() not in (*HEADERS, FRAMED)]
                    ours = dict(HEADERS)
                    if any(key.lower() == FRAMED for key, _value in told):
                        policy = ours[b"content-security-policy"]
                        ours[b"content-security-policy"] = policy.replace(
                            b"frame-ancestors 'self'", b"frame-ancestors *"
                        )
                    if scope["path"].startswith("/ingp"):
                        kept += _limits(datasette, {key.lower() for key, _value in kept})
                    message = {**message, "headers": [*kept, *ours.items()]}
                await send(message)

            await app(scope, receive, tell)

        return guarded

    return wrap


def _limits(datasette: Any, told: set[bytes]) -> list[tuple[bytes, bytes]]:
    """Limits of Datasette's own pages; what has others says so itself."""
    if b"x-limit-seconds" in told:
        return []
    return [
        (b"x-limit-seconds", f"{datasette.setting('sql_time_limit_ms') / 1000:g}".encode()),
        (b"x-limit-rows", str(datasette.setting("max_returned_rows")).encode()),
        (b"access-control-expose-headers", b"X-Limit-Seconds, X-Limit-Rows"),
    ]


@hookimpl
def extra_template_vars(datasette: Any) -> dict[str, Any]:
    """``limits``: how many rows a query may return, and how many seconds it may take."""
    return {
        "limits": {
            "rows": datasette.setting("max_returned_rows"),
            "seconds": datasette.setting("sql_time_limit_ms") / 1000,
        }
    }
