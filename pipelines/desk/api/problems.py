"""What can go wrong, by code, and the HTTP status of each. Titles and sentences are words of the desk (`datasette/desk`)."""

from collections.abc import Sequence
from typing import Any

STATUS = {
    "sign-in": 401,
    "bad-token": 401,
    "not-allowed": 403,
    "token-scope": 403,
    "not-found": 404,
    "method": 405,
    "unreadable": 400,
    "too-large": 413,
    "media-type": 415,
    "values": 422,
    "nothing-sent": 422,
    "decided": 409,
    "second-person": 409,
    "not-now": 409,
    "preview-first": 409,
    "rows-lost": 409,
    "key-reused": 422,
    "key-running": 409,
    "failed": 500,
}


class ProblemError(Exception):
    """An answer that is a problem (RFC 9457). errors: of single values, {"detail", "pointer" or "parameter"}."""

    def __init__(self, code: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(code)
        self.code, self.errors = code, list(errors)

    @property
    def status(self) -> int:
        return STATUS[self.code]
