"""What browsers and search engines may do here, and which pages of Datasette are not part of this site."""

from collections.abc import Callable
from typing import Any

from datasette import NotFound, Request, Response, hookimpl

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

# Every address with a question mark is a view of a page that is listed without one.
ROBOTS = """\
User-agent: *
Disallow: /*?
Disallow: /*/-/
Disallow: /-/
Allow: /*?_lang=
"""

TOOLS = (
    "api|patterns|queries|messages|allow-debug|allowed|rules|check|debug/autocomplete"
    "|logout|create-token|auth-token"
)
"""Pages of Datasette for its developers and for accounts: English only, with scripts, and of no use here."""


async def robots() -> Response:
    return Response.text(ROBOTS)


async def absent(request: Request) -> None:
    raise NotFound(f"{request.path} is not part of this site")


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/robots\.txt$", robots),
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
                    message = {**message, "headers": [*kept, *ours.items()]}
                await send(message)

            await app(scope, receive, tell)

        return guarded

    return wrap


@hookimpl
def extra_template_vars(datasette: Any) -> dict[str, Any]:
    """``limits``: how many rows a query may return, and how many seconds it may take."""
    return {
        "limits": {
            "rows": datasette.setting("max_returned_rows"),
            "seconds": datasette.setting("sql_time_limit_ms") / 1000,
        }
    }
