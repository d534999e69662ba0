"""``/arrivals/<id>/reading/<number>``: how one file or sheet was read, to be corrected; the files are then read anew, and the next like them as well."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from datasette import Request, Response, hookimpl

from pipelines import review
from pipelines.catalogue import Catalogue
from pipelines.desk import Action, Person, may
from pipelines.desk.arrivals import Arrival, ArrivalState
from pipelines.desk.reading import (
    DATE_ORDERS,
    DECIMALS,
    DELIMITERS,
    ENCODINGS,
    Correction,
    MisreadError,
    SourceRead,
    corrected,
    shortened,
    sources_read,
)
from pipelines.desk.staging import headings_as_told
from pipelines.exceptions import PipelineError
from pipelines.identifiers import SubmissionId
from pipelines.records import StagedPackage
from pipelines.reporting.sentences import Sentences
from pipelines.reporting.understood import separator_name

EMPTY = 3
"""Lines offered for further fields, beside those that are told already."""
MOST = 100


async def reading(datasette: Any, request: Request) -> Response:
    """The form, and what was said in it: a new arrival of the same files."""
    opened = await _open(datasette, request)
    if isinstance(opened, Response):
        return opened
    person, arrival, staged, sources = opened
    number = int(request.url_vars["number"])
    if number >= len(sources):
        return await datasette.journey.error(request, 404)
    source = sources[number]
    if request.method != "POST":
        return await _page(datasette, request, arrival, staged, source)
    body = (await request.post_body()).decode("utf-8", "replace")
    told = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=2_000))
    try:
        correction = _correction(told, len(source.columns))
        instructions = corrected(
            source, correction, datasette.desk.site.catalogue, staged.understood["instructions"]
        )
    except MisreadError as error:
        return await _page(datasette, request, arrival, staged, source, told, error)
    if told.get("remember"):
        entry = instructions["tables"][0]
        await asyncio.to_thread(_remember, datasette.desk, arrival, source, correction, entry, person.actor)
    return await _again(datasette, request, person, arrival, instructions)


def _remember(
    desk: Any,
    arrival: Arrival,
    source: SourceRead,
    correction: Correction,
    entry: Mapping[str, Any],
    actor: str,
) -> None:
    """The next file is known by the headings that the corrected one has, not by those that were taken for them."""
    if source.is_cut_otherwise(correction):
        labels = headings_as_told(desk, arrival, source.head.file, entry)
    else:
        labels = source.labels(correction)
    if labels:
        desk.readings.remember(arrival.member, labels, entry, actor)


async def forget(datasette: Any, request: Request) -> Response:
    """What was remembered is forgotten, and the files are read anew without it."""
    opened = await _open(datasette, request)
    if isinstance(opened, Response):
        return opened
    person, arrival, _staged, _sources = opened
    readings = datasette.desk.readings
    used = await asyncio.to_thread(readings.of_arrival, arrival.id)
    if request.method != "POST" or not used:
        return Response.redirect(f"/arrivals/{arrival.id}")
    await asyncio.to_thread(readings.forget, arrival.member, used)
    return await _again(datasette, request, person, arrival, {"tables": []})


async def _open(
    datasette: Any, request: Request
) -> tuple[Person, Arrival, StagedPackage, tuple[SourceRead, ...]] | Response:
    """Who asks, and the arrival as it was read; or the answer for whoever may not, or comes too early."""
    journey, desk = datasette.journey, datasette.desk
    person = await asyncio.to_thread(journey.person, request)
    if person is None:
        return journey.to_sign_in(request)  # type: ignore[no-any-return]
    arrival = await asyncio.to_thread(desk.arrivals.find, request.url_vars["id"])
    if arrival is None or not may(person, Action.SEE, arrival.member):
        return await journey.error(request, 404)  # type: ignore[no-any-return]
    if not may(person, Action.SUBMIT, arrival.member):
        return await journey.error(request, 403)  # type: ignore[no-any-return]
    if arrival.state is not ArrivalState.STAGED or not arrival.submission_id:
        return Response.redirect(f"/arrivals/{arrival.id}")
    staged, sources = await asyncio.to_thread(sources_read, desk.site, arrival.submission_id)
    return person, arrival, staged, sources


async def _again(
    datasette: Any, request: Request, person: Person, arrival: Arrival, instructions: Mapping[str, Any]
) -> Response:
    """The same files arrive again with these instructions; what was read otherwise is taken back before anybody approves it."""
    desk = datasette.desk
    reason = datasette.words_of(request).gettext("Its files are read in another way.")

    def send() -> str:
        identifier, folder = desk.arrivals.new_folder()
        shutil.copytree(desk.arrivals.folder(arrival.id), folder, copy_function=_link, dirs_exist_ok=True)
        desk.arrivals.add(
            identifier, arrival.member, person.actor, period=arrival.period, policy=arrival.policy,
            instructions=instructions,
        )  # fmt: skip
        # What is decided already, or was taken back before, stays as it is.
        with contextlib.suppress(PipelineError):
            review.take_back(
                desk.site, SubmissionId(arrival.submission_id or ""), by=person.actor, reason=reason
            )
        return str(identifier)

    return Response.redirect(f"/arrivals/{await asyncio.to_thread(send)}")


def _link(source: str, target: str) -> None:
    """Files that arrived never change: a second name costs no room."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _correction(told: Mapping[str, str], width: int) -> Correction:
    """What was typed of a source with so many columns; raises `MisreadError`."""
    row = told.get("heading_row", "").strip()
    if row and not (row.isascii() and row.isdecimal() and 0 < int(row[:9]) <= 1_048_576):
        raise MisreadError("heading-row", row[:40])
    columns = {
        int(name[1:]): text[:400]
        for name, text in told.items()
        if name[:1] == "c" and name[1:].isascii() and name[1:].isdecimal() and len(name) < 6
    }
    further: dict[str, str | int] = {}
    for at in range(MOST):
        name, value, column = (
            told.get(f"{part}{at}", "").strip()[:400] for part in ("field", "value", "from")
        )
        if name and (value or column):
            further[name] = int(column) if column.isascii() and column.isdecimal() and not value else value
    if any(isinstance(each, int) and each >= width for each in further.values()):
        raise MisreadError("field-unknown", "")
    return Correction(
        told.get("table", ""),
        int(row or 0),
        columns,
        further,
        _one_of(told.get("encoding", ""), ENCODINGS),
        _one_of(told.get("delimiter", ""), DELIMITERS),
        _one_of(told.get("date_order", ""), DATE_ORDERS),
        _one_of(told.get("decimal", ""), DECIMALS),
        bool(told.get("skip")),
    )


def _one_of(text: str, known: tuple[str, ...]) -> str:
    return text if text in known else ""


async def _page(
    datasette: Any, request: Request, arrival: Arrival, staged: StagedPackage, source: SourceRead,
    told: Mapping[str, str] | None = None, trouble: MisreadError | None = None,
) -> Response:  # fmt: skip
    catalogue: Catalogue = datasette.desk.site.catalogue
    language = datasette.language_of(request)
    sentences = Sentences(catalogue, catalogue.package_type(staged.submission.package_type), language)
    typed = told or {}

    def title(name: str | None) -> str:
        return sentences.field_title(source.table, name) if name else ""

    fields = (
        catalogue.package_type(staged.submission.package_type).table(source.table).fields
        if source.table
        else []
    )
    taken = {column.field for column in source.columns} | set(source.further)
    further = [
        (title(name), "", str(told)) if isinstance(told, int) else (title(name), told, "")
        for name, told in source.further.items()
    ]
    values = {
        "arrival": arrival,
        "source": source,
        "shown": sorted(source.head.rows.items()),
        "columns": [(at, each, typed.get(f"c{at}", title(each.field))) for at, each in enumerate(source.columns)],
        "further": [
            tuple(typed.get(f"{part}{at}", text) for part, text in zip(("field", "value", "from"), line, strict=True))
            for at, line in enumerate([*further, *[("", "", "")] * EMPTY])
        ],
        "fields": [title(field.name) for field in fields],
        "needed": [
            title(field.name)
            for field in fields
            if field.name not in taken and field.descriptor.get("constraints", {}).get("required")
        ],
        "tables": _tables(catalogue, language, datasette.words_of(request).gettext),
        "told": {**source.told, **typed},
        "encodings": ENCODINGS,
        "delimiters": [(sign, separator_name(sign, language)) for sign in DELIMITERS],
        "orders": [(each, sentences.reading_name(each)) for each in DATE_ORDERS],
        "decimals": [(each, sentences.reading_name(each)) for each in DECIMALS],
        "trouble": trouble,
        "trouble_field": title(trouble.value) if trouble and trouble.code == "field-twice" else "",
        "short": shortened,
    }  # fmt: skip
    answer: Response = await datasette.journey.render(
        request, "reading.html", values, 400 if trouble else 200
    )
    return answer


def _tables(catalogue: Catalogue, language: str, _: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """(kind of data, its tables as (name, title)): all that a file may hold."""
    titles = {"procurement": _("Public procurement"), "activity": _("Activity of the network")}
    return [
        (
            titles[each.name],
            [
                (table.name, catalogue.texts.table(language, each.name, table.name).title)
                for table in each.tables
            ],
        )
        for each in catalogue.package_types.values()
    ]


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/arrivals/(?P<id>[0-9a-f]{32})/reading/(?P<number>[0-9]{1,4})$", reading),
        (r"^/arrivals/(?P<id>[0-9a-f]{32})/forget$", forget),
    ]
