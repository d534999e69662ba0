"""Files of a submission, its receipt and its history: for its member and the Secretariat only."""

import asyncio
import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from babel.dates import format_date
from datasette import Request, Response, hookimpl

from pipelines.desk import Person
from pipelines.desk.made import Work
from pipelines.desk.mending import read_fixes
from pipelines.desk.receipts import receipt
from pipelines.fixing.rendering import FixWords
from pipelines.intake import read_staged
from pipelines.reporting.comparison import read_comparison
from pipelines.reporting.document import build_document
from pipelines.reporting.findings_file import findings_lines, guarded
from pipelines.reporting.html import render_html
from pipelines.store import LedgerEntry, LedgerEvent, State
from pipelines.validation import read_report
from pipelines.validation.report import FINDINGS, read_details

TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".csv": "text/csv; charset=utf-8",
    ".json": "application/json", ".zip": "application/zip", ".html": "text/html; charset=utf-8",
}  # fmt: skip
CHUNK = 2**18


class Download:
    """Bytes that a browser keeps as a file and never shows or guesses at, however they are called and whatever is in them."""

    def __init__(self, name: str, chunks: Iterable[bytes]) -> None:
        self.name, self.chunks = name, chunks

    async def asgi_send(self, send: Callable[[dict[str, Any]], Any]) -> None:
        plain = re.sub(r"[^A-Za-z0-9._ -]", "_", self.name)[-120:]
        told = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(self.name.encode('utf-8', 'replace')[-180:], safe='')}"
        kind = TYPES.get(Path(self.name).suffix.lower(), "application/octet-stream")
        headers = {
            "content-type": kind, "content-disposition": told, "x-content-type-options": "nosniff", "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; sandbox",
        }  # fmt: skip
        listed = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": listed})
        chunks = iter(self.chunks)
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


async def file_of(datasette: Any, request: Request) -> Any:
    """One of the files: original, marked, report.html, report.json, findings.csv."""
    journey = datasette.journey
    opened = await journey.open(request)
    if isinstance(opened, Response):
        return opened
    person, entry = opened
    name = request.url_vars["name"]
    if name in ("original", "marked"):
        return await _made_file(datasette, request, person, entry, name)
    folder = datasette.desk.site.zones.report_folder(entry.submission_id)
    if not (folder / "report.json").exists():
        return await journey.error(request, 404)
    language, site = datasette.language_of(request), datasette.desk.site
    own = f"{entry.member}-{entry.period}-{str(entry.submission_id)[:12]}"
    if name == "report.json":
        return Download(f"{own}-report.json", _chunks(folder / "report.json"))
    if name == "findings.csv":
        lines = findings_lines(folder / FINDINGS, site.catalogue, entry.package_type, language, excel=True)
        return Download(f"{own}-findings.csv", lines)
    document = await asyncio.to_thread(
        lambda: build_document(
            read_report(folder), site.catalogue, language, details=read_details(folder), comparison=read_comparison(folder)
        )
    )  # fmt: skip
    return Download(f"{own}-report.html", [render_html(document).encode("utf-8", "backslashreplace")])


async def _made_file(datasette: Any, request: Request, person: Person, entry: LedgerEntry, name: str) -> Any:
    """A file that the worker has to make first: the page waits for it."""
    journey, site = datasette.journey, datasette.desk.site
    own = str(entry.submission_id)
    if name == "original":
        root = Path(read_staged(site.zones.staged_folder(entry.submission_id)).folder) / "original"
        files = [path for path in sorted(root.rglob("*")) if path.is_file()]
        if len(files) == 1:
            return Download(files[0].name, _chunks(files[0]))
        work: Work = await asyncio.to_thread(lambda: datasette.desk.made.ask(own, "original", person.actor))
    else:
        report = site.zones.report_folder(entry.submission_id)
        if not (report / "report.json").exists():
            return await journey.error(request, 404)
        judged = read_report(report).validated_at.isoformat()
        language = datasette.language_of(request)
        work = await asyncio.to_thread(
            lambda: datasette.desk.made.ask(own, "marked", person.actor, language=language, report=judged)
        )
    if work.is_done and not work.trouble:
        path = datasette.desk.made.folder(work) / work.result[0]
        return Download(path.name, _chunks(path))
    values = {"named": journey.named(entry, request), "work": work, "refresh": None if work.is_done else 2}
    return await journey.render(request, "submission_being_made.html", values)


async def fixes_file(datasette: Any, request: Request) -> Any:
    """Every change that is offered for one file, as CSV."""
    journey = datasette.journey
    opened = await journey.open(request)
    if isinstance(opened, Response):
        return opened
    _person, entry = opened
    work = await asyncio.to_thread(
        datasette.desk.made.find, str(entry.submission_id), request.url_vars["work"]
    )
    if work is None or work.kind != "fixes":
        return await journey.error(request, 404)
    path = datasette.desk.made.folder(work) / f"{int(request.url_vars['number'])}.parquet"
    if not path.exists():
        return await journey.error(request, 404)
    catalogue = datasette.desk.site.catalogue
    words = FixWords(catalogue, catalogue.package_type(entry.package_type), datasette.language_of(request))
    return Download(
        f"{entry.member}-{entry.period}-changes.csv",
        _fix_lines(path, words, datasette.words_of(request).gettext),
    )


def _fix_lines(path: Path, words: FixWords, _: Callable[[str], str]) -> Iterable[bytes]:
    yield b"\xef\xbb\xbf"
    yield _line([_("Kind"), _("Sheet"), _("Cell"), _("Now"), _("Then")])
    for fix in read_fixes(path):
        yield _line([words.kind(fix.kind), fix.sheet or "", fix.cell, fix.before, fix.after])


def _line(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([guarded(cell) for cell in cells])
    return buffer.getvalue().encode("utf-8", "backslashreplace")


async def receipt_page(datasette: Any, request: Request) -> Any:
    """The receipt, to print or as JSON."""
    journey = datasette.journey
    opened = await journey.open(request)
    if isinstance(opened, Response):
        return opened
    _person, entry = opened
    told = await asyncio.to_thread(receipt, datasette.desk, str(entry.submission_id), journey.public())
    if request.path.endswith(".json"):
        return Response.json(told, headers={"cache-control": "no-store", "x-content-type-options": "nosniff"})
    values = {
        "named": journey.named(entry, request),
        "receipt": told,
        "state": journey.state_words(entry, request),
        "who": lambda actor: journey.who(actor, request),
    }
    return await journey.render(request, "submission_receipt.html", values)


async def history_page(datasette: Any, request: Request) -> Response:
    """Everything that ever happened to a submission, in words, from the audit log."""
    journey = datasette.journey
    opened = await journey.open(request)
    if isinstance(opened, Response):
        return opened
    _person, entry = opened
    events = await asyncio.to_thread(datasette.desk.site.ledger.events, str(entry.submission_id))
    _, language = datasette.words_of(request).gettext, datasette.language_of(request)
    values = {
        "named": journey.named(entry, request),
        "events": [
            {
                "at": event.at, "what": event_words(event, _, language), "who": journey.who(event.actor, request),
                "reason": event.reason or "", "hash": event.hash or "", "number": event.id,
            }
            for event in events
        ],
    }  # fmt: skip
    return await journey.render(request, "submission_history.html", values)


def event_words(event: LedgerEvent, _: Callable[[str], str], language: str) -> str:
    """What happened, in a sentence."""
    if event.from_state is event.to_state:
        if event.detail.get("correction"):
            return _("A corrected file was announced.")
        return _in_time(event.detail, _, language) or _("Approved: it is going to be accepted.")
    if event.from_state is None:
        return _("Received.")
    if event.to_state is State.IN_REVIEW:
        if "loss_share" in event.detail:
            return _("Waits for a decision, because earlier rows would be lost.")
        return _in_time(event.detail, _, language) or _("Approved by one person; a second one was asked.")
    if event.to_state is State.READY and event.from_state is State.IN_REVIEW:
        return _("The approval was taken back.")
    if event.to_state is State.NEEDS_WORK and event.from_state in (State.READY, State.IN_REVIEW):
        return _("Sent back.")
    if event.to_state is State.WITHDRAWN and event.from_state in (State.ACCEPTED, State.PUBLISHED):
        return _("Withdrawn: its rows leave the public site.")
    version = str(event.detail.get("version", ""))
    return {
        State.RECEIVED: _("Received."),
        State.CHECKING: _("The check began."),
        State.NEEDS_WORK: _("Checked: something has to be corrected."),
        State.READY: _("Checked: nothing stands in the way of publication."),
        State.IN_REVIEW: _("Waits for a decision."),
        State.ACCEPTED: _("Accepted as version %(version)s.") % {"version": version},
        State.PUBLISHED: _("Published in release %(release)s.")
        % {"release": event.detail.get("release", "")},
        State.SUPERSEDED: _("Replaced by a later submission."),
        State.WITHDRAWN: _("Taken back before it was accepted."),
    }[event.to_state or State.RECEIVED]


def _in_time(detail: Mapping[str, Any], _: Callable[[str], str], language: str) -> str:
    if "publish_at" not in detail:
        return ""
    day = format_date(datetime.fromisoformat(detail["publish_at"]), format="long", locale=language)
    return _("Approved, to be public from %(day)s.") % {"day": day}


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    below = r"^/submissions/(?P<id>[^/]+)/"
    names = r"original|marked|report\.html|report\.json|findings\.csv"
    return [
        (below + rf"files/(?P<name>{names})$", file_of),
        (below + r"fixes/(?P<work>[0-9a-f]{32})/(?P<number>\d{1,6})\.csv$", fixes_file),
        (below + r"receipt(\.json)?$", receipt_page),
        (below + r"history$", history_page),
    ]
