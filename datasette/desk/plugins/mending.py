"""``/submissions/<id>/fixes`` and ``/submissions/<id>/cells``: mend in the page; what comes of it is sent again as a new file."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from datasette import Request, Response, hookimpl

from pipelines.desk import Action, Person
from pipelines.desk.made import Work
from pipelines.desk.mending import Cell, bad_cells, cells_of, count_bad_cells
from pipelines.fixing import KINDS, FixGroup
from pipelines.fixing.reading import UnfixableError
from pipelines.fixing.rendering import FixWords, refusal
from pipelines.records import Finding
from pipelines.reporting import Sentences
from pipelines.reporting.places import place
from pipelines.reporting.visible import visible
from pipelines.store import LedgerEntry
from pipelines.validation import read_report

CELLS = 50
"""On a page."""
LONGEST = 2_000
"""Characters of what is typed into a cell."""


async def fixes_page(datasette: Any, request: Request) -> Response:
    """What can be mended with certainty, kind by kind; nothing is changed before she says so."""
    journey = datasette.journey
    opened = await journey.open(request, Action.SUBMIT)
    if isinstance(opened, Response):
        return opened
    person, entry = opened
    if not await asyncio.to_thread(_has_report, datasette, entry):
        return Response.redirect(journey.named(entry, request)["path"])
    judged = await asyncio.to_thread(_judged, datasette, entry)
    work: Work = await asyncio.to_thread(
        lambda: datasette.desk.made.ask(str(entry.submission_id), "fixes", person.actor, report=judged)
    )
    if request.method == "POST":
        told = parse_qsl((await request.post_body()).decode("utf-8", "replace"))
        chosen = [value for name, value in told if name == "kind" and value in KINDS]
        if chosen:
            return await _ask(datasette, request, person, entry, "mend", kinds=sorted(set(chosen)))
    values = {
        "named": journey.named(entry, request),
        "entry": entry,
        "work": work,
        "refresh": None if work.is_done else 2,
        "kinds": _kinds(datasette, request, entry, work.result or []),
        "files": _files(datasette, request, entry, work.result or []),
        "unchosen": request.method == "POST",
    }
    return await journey.render(request, "submission_fixes.html", values)


def _has_report(datasette: Any, entry: LedgerEntry) -> bool:
    return (datasette.desk.site.zones.report_folder(entry.submission_id) / "report.json").exists()


def _judged(datasette: Any, entry: LedgerEntry) -> str:
    """The report that a page speaks of: made anew, its findings have other numbers."""
    report = read_report(datasette.desk.site.zones.report_folder(entry.submission_id))
    return report.validated_at.isoformat()


def _fix_words(datasette: Any, request: Request, entry: LedgerEntry) -> FixWords:
    catalogue = datasette.desk.site.catalogue
    return FixWords(catalogue, catalogue.package_type(entry.package_type), datasette.language_of(request))


def _kinds(
    datasette: Any, request: Request, entry: LedgerEntry, offered: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    words = _fix_words(datasette, request, entry)
    found = []
    for kind in KINDS:
        groups = [
            {
                "title": words.group_title(FixGroup(kind, group["sheet"], group["column"], group["table"], group["field"], group["count"], ())),
                "file": visible(file["file"], 120) if len(offered) > 1 else "", "count": group["count"],
                "first": [[cell, visible(before, 60), visible(after, 60)] for cell, before, after in group["first"]],
            }
            for file in offered
            for group in file["groups"]
            if group["kind"] == kind
        ]  # fmt: skip
        if groups:
            count = sum(group["count"] for group in groups)
            found.append({"kind": kind, "title": words.kind(kind), "count": count, "groups": groups})
    return found


def _files(
    datasette: Any, request: Request, entry: LedgerEntry, offered: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Files with a list of all changes, or with the reason why there is none."""
    language, catalogue = datasette.language_of(request), datasette.desk.site.catalogue
    found = []
    for file in offered:
        trouble, name = file["trouble"], visible(file["file"], 120)
        if trouble:
            trouble = refusal(UnfixableError(trouble), catalogue, language).format(file=name)
        found.append(
            {"name": name, "number": file["number"], "trouble": trouble, "has": bool(file["groups"])}
        )
    return found


async def cells_page(datasette: Any, request: Request) -> Response:
    """Bad cells, an input beside each; what is typed becomes a new file."""
    journey = datasette.journey
    opened = await journey.open(request, Action.SUBMIT)
    if isinstance(opened, Response):
        return opened
    person, entry = opened
    if not await asyncio.to_thread(_has_report, datasette, entry):
        return Response.redirect(journey.named(entry, request)["path"])
    judged = await asyncio.to_thread(_judged, datasette, entry)
    typed: dict[str, str] = {}
    problem = ""
    _ = datasette.words_of(request).gettext
    if request.method == "POST":
        form = await request.post_vars()
        typed = {
            name[5:]: value.strip()[:LONGEST]
            for name, value in form.items()
            if re.fullmatch(r"cell-\d{1,12}", name)
        }
        if form.get("report") != judged:
            problem = _("The file has been checked anew meanwhile. Please type again.")
            typed = {}
        else:
            problem, answer = await _typed(datasette, request, person, entry, judged, typed)
            if answer is not None:
                return answer
    text = request.args.get("after") or "-1"
    after = int(text) if re.fullmatch(r"\d{1,12}", text) else -1
    own = str(entry.submission_id)
    count = await asyncio.to_thread(count_bad_cells, datasette.desk, own)
    found = await asyncio.to_thread(lambda: bad_cells(datasette.desk, own, after=after, limit=CELLS + 1))
    values = {
        "named": journey.named(entry, request),
        "entry": entry,
        "count": count,
        "judged": judged,
        "problem": problem,
        "cells": list(_in_words(datasette, request, entry, found[:CELLS], typed)),
        "next_after": found[CELLS - 1].number if len(found) > CELLS else None,
        "after": after,
    }
    return await journey.render(request, "submission_cells.html", values, 400 if problem else 200)


async def _typed(
    datasette: Any, request: Request, person: Person, entry: LedgerEntry, judged: str, typed: dict[str, str]
) -> tuple[str, Response | None]:
    """Cells that differ from what stands there are sent to be written."""
    _ = datasette.words_of(request).gettext
    known = await asyncio.to_thread(
        lambda: cells_of(datasette.desk, str(entry.submission_id), [int(number) for number in typed])
    )
    changed = {
        str(cell.number): typed[str(cell.number)]
        for cell in known
        if typed[str(cell.number)] != cell.value.strip()
    }
    if not changed:
        return _("Nothing was typed yet that differs from your file."), None
    if any(re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text) for text in changed.values()):
        return _("There are signs in what you typed that no file can hold. Please type it again."), None
    return "", await _ask(datasette, request, person, entry, "edit", report=judged, cells=changed)


def _in_words(
    datasette: Any, request: Request, entry: LedgerEntry, cells: tuple[Cell, ...], typed: dict[str, str]
) -> Iterator[dict[str, Any]]:
    catalogue, language = datasette.desk.site.catalogue, datasette.language_of(request)
    sentences = Sentences(catalogue, catalogue.package_type(entry.package_type), language)
    for cell in cells:
        finding = Finding(
            cell.code, cell.table, cell.field, cell.file, cell.sheet, cell.row, cell.letter, cell.value,
            json.loads(cell.parameters),
        )  # fmt: skip
        text = sentences.finding(finding)
        yield {
            "number": cell.number,
            "severity": cell.severity,
            "place": place(finding, language),
            "field": sentences.field_title(cell.table, cell.field),
            "value": cell.value,
            "typed": typed.get(str(cell.number), cell.value),
            "what": text.what,
            "fix": text.fix,
            "suggestion": sentences.suggestion(finding) or "",
        }


async def _ask(
    datasette: Any, request: Request, person: Person, entry: LedgerEntry, kind: str, **arguments: Any
) -> Response:
    """The worker writes the new file; her page says how far it is."""
    work = await asyncio.to_thread(
        lambda: datasette.desk.made.ask(str(entry.submission_id), kind, person.actor, **arguments)
    )
    path = datasette.journey.named(entry, request)["path"]
    return Response.redirect(f"{path}/mended/{work.id}", status=303)


async def mended_page(datasette: Any, request: Request) -> Response:
    """The new file is being written, has been sent again, or cannot be written."""
    journey = datasette.journey
    opened = await journey.open(request, Action.SUBMIT)
    if isinstance(opened, Response):
        return opened
    _person, entry = opened
    work = await asyncio.to_thread(
        datasette.desk.made.find, str(entry.submission_id), request.url_vars["work"]
    )
    if work is None or work.kind not in ("mend", "edit"):
        return await journey.error(request, 404)
    if work.is_done and not work.trouble:
        return Response.redirect(f"/arrivals/{work.result['arrival']}")
    values = {
        "named": journey.named(entry, request), "work": work, "refresh": None if work.is_done else 2,
        "cells": [visible(str(each), 60) for each in (work.result or [])[:CELLS]],
    }  # fmt: skip
    return await journey.render(request, "submission_mended.html", values)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    below = r"^/submissions/(?P<id>[^/]+)/"
    return [
        (below + "fixes$", fixes_page),
        (below + "cells$", cells_page),
        (below + "mended/(?P<work>[0-9a-f]{32})$", mended_page),
    ]
