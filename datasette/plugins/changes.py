"""Between any two releases: ``/v/<newer>/changes/<older>`` as a page, JSON and Parquet; ``/as-of/<day>/…``.

What changed between two releases never changes. It is worked out once, by a process of its own, and kept.
"""

import asyncio
import json
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from datasette import NotFound, Request, Response, hookimpl
from datasette.utils.asgi import BadRequest

from pipelines.publication.compare import SUMMARY, release_as_of
from pipelines.publication.files import PublishedFile

WAIT_SECONDS = 15
SHOWN = 200
FOREVER = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=60"
PARQUET = "application/vnd.apache.parquet"


class Changes:
    """The comparisons that are worked out, and the one that is being worked out."""

    def __init__(self, releases: Any) -> None:
        self.releases = releases
        self.folder = releases.folder.parent / "tmp" / "changes"
        self._running: dict[Path, asyncio.Task[Path]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def between(self, older: str, newer: str, wait: float = WAIT_SECONDS) -> Path | None:
        """Folder of the comparison; None while it is being worked out, after `wait` seconds.

        Raises NotFound for releases not on disk.
        """
        pair = self.releases.get(older), self.releases.get(newer)
        if not all(pair) or older == newer:
            raise NotFound("One of these releases does not exist")
        target = self.folder / newer / older
        if (target / SUMMARY).exists():
            return target
        if target not in self._running:
            folders = [str(each.folder) for each in pair]
            self._running[target] = asyncio.create_task(self._work_out(*folders, target))
        done, _waiting = await asyncio.wait([self._running[target]], timeout=wait)
        return self._running.pop(target, next(iter(done))).result() if done else None

    async def _work_out(self, older: str, newer: str, target: Path) -> Path:
        async with self._one_at_a_time:
            target.parent.mkdir(parents=True, exist_ok=True)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "pipelines.publication.compare", older, newer, str(target),
                stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
            )  # fmt: skip
            _out, said = await process.communicate()
            if process.returncode:
                raise RuntimeError(f"comparison failed: {said.decode()[-2000:]}")
        return target


async def _compared(datasette: Any, request: Request) -> Path | None:
    return await datasette.changes.between(request.url_vars["older"], request.url_vars["newer"])


def _later(datasette: Any) -> Response:
    return Response.json(
        {"ok": False, "status": 202, "error": "The comparison is being worked out. Please ask again."},
        status=202,
        headers={"retry-after": "15", "access-control-allow-origin": "*"},
    )


def _hidden(datasette: Any, older: str, newer: str, table: str) -> bool:
    return any(datasette.withdrawals.of_table(release, table) for release in (older, newer))


async def changes(datasette: Any, request: Request) -> Response:
    """All tables: how many rows and cells changed, and what changed in the schema."""
    older, newer = request.url_vars["older"], request.url_vars["newer"]
    folder = await _compared(datasette, request)
    as_json = bool(request.url_vars.get("form"))
    if folder is None and as_json:
        return _later(datasette)
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8")) if folder else None
    if summary:
        for part in ("tables", "schema"):
            summary[part] = [
                each for each in summary[part] if not _hidden(datasette, older, newer, each["table"])
            ]
    if as_json:
        headers = {"access-control-allow-origin": "*", "cache-control": FOR_NOW}
        return Response.json({"ok": True, **summary}, headers=headers)
    context = {"older": older, "newer": newer, "summary": summary}
    status, headers = (200, {}) if summary else (202, {"refresh": "15"})
    html = await datasette.render_template("changes.html", context, request=request)
    return Response.html(html, status=status, headers=headers)


async def changes_of_table(datasette: Any, request: Request) -> Any:
    """One table: the changed rows and cells as Parquet, or the first of them as a page."""
    older, newer, table = (request.url_vars[name] for name in ("older", "newer", "table"))
    if _hidden(datasette, older, newer, table):
        raise NotFound(f"{table} was withdrawn")
    folder = await _compared(datasette, request)
    if folder is None:
        return _later(datasette)
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    counted = next((each for each in summary["tables"] if each["table"] == table), None)
    if counted is None:
        raise NotFound(f"{table} is not in both releases")
    form = request.url_vars.get("form") or ""
    if form:
        place = folder / f"{table}{form}"
        content = await asyncio.to_thread(place.read_bytes)
        rows = pq.read_metadata(place).num_rows
        file = PublishedFile(
            newer, place.name, place, len(content), sha256(content).hexdigest(), PARQUET, rows, table
        )
        return datasette.answer_file(request, file)
    # Only the page needs rows here: the files are written by another process and sent as they are.
    rows = next(pq.ParquetFile(folder / f"{table}.parquet").iter_batches(SHOWN), None)
    cells = next(pq.ParquetFile(folder / f"{table}.cells.parquet").iter_batches(SHOWN), None)
    key = list(datasette.releases.get(newer).key(table))
    context = {
        "older": older, "newer": newer, "table": table, "counted": counted, "key": key,
        "rows": rows.to_pylist() if rows else [], "cells": cells.to_pylist() if cells else [], "shown": SHOWN,
    }  # fmt: skip
    return Response.html(await datasette.render_template("table_changes.html", context, request=request))


async def as_of(datasette: Any, request: Request) -> Response:
    """The lasting address of what was published on a day."""
    try:
        day = date.fromisoformat(request.url_vars["day"])
    except ValueError as error:
        raise BadRequest("A day is written like 2026-11-22") from error
    release = release_as_of(datasette.releases, day)
    if release is None:
        raise NotFound("Nothing was published on that day")
    path = request.url_vars.get("path") or ""
    table, _dot, form = path.partition(".")
    if table in release.tables and form in release.tables[table]:
        path = release.tables[table][form].path
    headers = {"access-control-allow-origin": "*", "cache-control": FOR_NOW}
    return Response.redirect(datasette.urls.path(f"/v/{release.name}/{path}"), headers=headers)


@hookimpl(trylast=True)
def startup(datasette: Any) -> None:
    datasette.changes = Changes(datasette.releases)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    pair = r"/v/(?P<newer>[^/]+)/changes/(?P<older>[^/]+?)"
    return [
        (rf"^{pair}(?P<form>\.json)?/?$", changes),
        (rf"^{pair}/(?P<table>\w+)(?P<form>(\.cells)?\.parquet)?$", changes_of_table),
        (r"^/as-of/(?P<day>[^/]+)/?(?P<path>.*)$", as_of),
    ]
