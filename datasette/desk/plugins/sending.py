"""``/send``: files from a form, streamed to disk; ``/arrivals/<id>``: how far the reading of them is, and what was understood."""

import asyncio
from typing import Any

from datasette import Request, Response, hookimpl
from datasette.utils.asgi import BadRequest

from pipelines.desk import Action, may
from pipelines.desk.arrivals import ArrivalState
from pipelines.desk.fetched import PREFIX, ask_for, check_form
from pipelines.desk.fetching import NotFetchedError
from pipelines.desk.reading import SourceRead, sources_read
from pipelines.desk.receiving import OVERHEAD, keep_files
from pipelines.exceptions import UnknownError
from pipelines.identifiers import parse_period
from pipelines.reporting.sentences import Sentences
from pipelines.reporting.understood import describe_sources


async def send(datasette: Any, request: Request) -> Response:
    """The form, and its files. Who asks is looked at before a byte of them is read."""
    journey, desk = datasette.journey, datasette.desk
    person = await asyncio.to_thread(journey.person, request)
    if person is None:
        return journey.to_sign_in(request)
    if person.member is None or not may(person, Action.SUBMIT, person.member):
        return await journey.error(request, 403)
    own = desk.site.settings
    if request.method != "POST":
        return await _form(datasette, request, period=request.args.get("period") or "")
    try:
        form = await request.form(
            files=True,
            max_file_size=own.max_file_bytes,
            max_request_size=own.max_total_bytes + OVERHEAD,
            max_files=own.max_files,
        )
    except BadRequest as error:
        problem = "large" if "too " in str(error).lower() else "broken"
        return await _form(datasette, request, 413 if problem == "large" else 400, problem=problem)
    try:
        files = [each for each in form.getlist("files") if getattr(each, "filename", "") and each.size]
        told = str(form.get("period") or "").strip()
        try:
            period = parse_period(told or None)
        except ValueError:
            return await _form(datasette, request, 400, problem="period", period=told)
        policy = "rows" if form.get("rows") else "whole"
        if uploads := [str(each) for each in form.getlist("upload")]:
            taken = await asyncio.to_thread(
                desk.uploads.take, desk.arrivals, person, uploads, period=period, policy=policy
            )
            if taken is None:
                return await _form(datasette, request, 400, problem="missing", period=told)
            return Response.redirect(f"/arrivals/{taken.id}")
        if address := str(form.get("address") or "").strip():
            try:
                check_form(desk, address)
            except NotFetchedError:
                return await _form(datasette, request, 400, problem="address", period=told, address=address)
            asked = await asyncio.to_thread(ask_for, desk, person, address, period=period, policy=policy)
            return Response.redirect(f"/arrivals/{asked.id}")
        if not files:
            return await _form(datasette, request, 400, problem="nothing", period=told)
        kept = await asyncio.to_thread(
            lambda: keep_files(
                desk,
                person,
                [(each.filename, each._file) for each in files],
                period=period,
                policy=policy,
            )
        )
    finally:
        await form.aclose()
    return Response.redirect(f"/arrivals/{kept.id}")


async def _form(datasette: Any, request: Request, status: int = 200, **values: Any) -> Response:
    own = datasette.desk.site.settings
    values = {
        "problem": "",
        "period": "",
        "address": "",
        "largest": own.max_file_bytes,
        "whole": own.max_total_bytes,
        **values,
    }
    return Response.html(await datasette.render_template("send.html", values, request=request), status=status)


async def arrival(datasette: Any, request: Request) -> Response:
    """Renews itself until the files are read; then what was understood of them, and the way on."""
    journey, desk = datasette.journey, datasette.desk
    person = await asyncio.to_thread(journey.person, request)
    if person is None:
        return journey.to_sign_in(request)
    try:
        found = await asyncio.to_thread(desk.arrivals.get, request.url_vars["id"])
    except UnknownError:
        return await journey.error(request, 404)
    if not may(person, Action.SEE, found.member):
        return await journey.error(request, 404)
    sources: list[Any] = []
    read: tuple[SourceRead, ...] = ()
    correctable: dict[tuple[str, str | None], int] = {}
    remembered = False
    if found.state is ArrivalState.STAGED and found.submission_id:
        language = datasette.language_of(request)

        def describe() -> tuple[list[Any], tuple[SourceRead, ...]]:
            staged, read = sources_read(desk.site, found.submission_id or "")
            package_type = desk.site.catalogue.package_type(staged.submission.package_type)
            words = Sentences(desk.site.catalogue, package_type, language)
            return list(describe_sources(staged.understood, words)), read

        sources, read = await asyncio.to_thread(describe)
        if may(person, Action.SUBMIT, found.member):
            correctable = {(each.head.file, each.head.sheet): each.number for each in read}
        remembered = bool(await asyncio.to_thread(desk.readings.of_arrival, found.id))
    page = await datasette.render_template(
        "arrival.html",
        {
            "arrival": found,
            "fetched": (found.trouble or "").removeprefix(PREFIX)
            if (found.trouble or "").startswith(PREFIX)
            else "",
            "sources": sources,
            "state": found.state.value,
            "correctable": correctable,
            "unplaced": [(each.head.file, each.head.sheet) for each in read if not each.tables],
            "left_out": [each for each in read if each.skipped],
            "remembered": remembered,
        },
        request=request,
    )
    return Response.html(page)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/send$", send), (r"^/arrivals/(?P<id>[0-9a-f]{32})$", arrival)]
