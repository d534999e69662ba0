"""Answers for what went wrong. In the log stands where and why, never what somebody sent: forms hold passwords, headers hold sessions."""

import logging
import traceback
from typing import Any

from datasette import Forbidden, NotFound, Request, Response, hookimpl
from datasette.utils.asgi import Base400
from datasette.views.base import DatasetteError

from pipelines.desk.api import ProblemError

CODES = {400: "unreadable", 403: "not-allowed", 404: "not-found"}
log = logging.getLogger("ingp.desk")


def status_of(exception: Exception) -> int:
    if isinstance(exception, NotFound):
        return 404
    if isinstance(exception, Forbidden):
        return 403
    if isinstance(exception, Base400 | DatasetteError):
        return int(exception.status)
    if isinstance(exception, UnicodeDecodeError):
        return 400  # a form that is no UTF-8
    return 500


async def answer(datasette: Any, request: Request, exception: Exception) -> Response:
    """A page in the reader's language; problem+json (RFC 9457) for programs."""
    status = status_of(exception)
    if status >= 500:
        # The messages of databases quote what was asked with: the kind and the places are enough.
        places = "".join(traceback.format_tb(exception.__traceback__))
        log.error("failed to answer %r: %s\n%s", request.path, type(exception).__name__, places)
    if request.path.startswith("/api/"):
        return datasette.problem(request, ProblemError(CODES.get(status, "failed")))
    page = await datasette.render_template("error.html", {"status": status}, request=request)
    return Response.html(page, status=status)


@hookimpl(wrapper=True)
def handle_exception(datasette: Any, request: Request, exception: Exception) -> Any:
    """In place of Datasette's own, which draws every local variable into the log, and takes seconds for it."""
    yield
    return [answer(datasette, request, exception)]


@hookimpl
def forbidden(datasette: Any, request: Request) -> Any:
    return answer(datasette, request, Forbidden("not for this person"))
