"""Every format of every part of a release by a plain link: whole, by member, by member and year.

What a release does not hold as a file is made when it is first asked for (`pipelines.publication.made`), small ones
in a thread, large ones in a process of their own. Whoever asks for a large one while it is being made gets 202 and
is told to come back; nobody makes it twice.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from datasette import NotFound, Request, Response, hookimpl

import pipelines
from pipelines.catalogue import LANGUAGES
from pipelines.exceptions import PipelineError
from pipelines.publication.files import PublishedFile, ReleaseFolder
from pipelines.publication.formats.ocds import count_ocds
from pipelines.publication.made import SUMS, Wanted, kept, make, wanted, workbooks
from pipelines.publication.metadata.documents import DOCUMENTS
from pipelines.settings import Settings

SMALL = 2_000
"""Rows up to which a file is made in a thread of the site."""

AT_ONCE = 2
PATIENCE = 20
"""Seconds after which a reader is told to come back."""

COMMAND = "pipelines.publication.made"


class Makers:
    """Makes files, each once, few at a time."""

    def __init__(self, catalogue: Any, small: int = SMALL, patience: float = PATIENCE) -> None:
        self.catalogue, self.small, self.patience = catalogue, small, patience
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def file(self, release: ReleaseFolder, want: Wanted) -> PublishedFile | None:
        """The file; None when it is still being made. Raises PipelineError when it could not be."""
        found = await asyncio.to_thread(kept, release, want)
        if found:
            return found
        if want.rows is None or want.rows <= self.small:
            return await asyncio.to_thread(make, release, self.catalogue, want)
        key = (release.name, want.path)
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._make(release, want))
            self._running[key].add_done_callback(lambda _task: self._running.pop(key, None))
        task = self._running[key]
        try:
            # The making goes on when this reader gives up waiting.
            await asyncio.wait_for(asyncio.shield(task), self.patience)
        except TimeoutError:
            return None
        return await asyncio.to_thread(kept, release, want)

    async def _make(self, release: ReleaseFolder, want: Wanted) -> None:
        settings = Settings()
        folders = (release.folder, want.path, settings.schemas_dir, settings.datapackages_dir)
        root = Path(pipelines.__file__).parents[1]
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", COMMAND, *(str(each) for each in folders),
                stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(root)},
            )  # fmt: skip
            try:
                _out, said = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            raise PipelineError(f"{want.path} was not made: {said.decode(errors='replace')[-500:]}")


async def made_file(datasette: Any, request: Request, release: ReleaseFolder, path: str) -> Any:
    """The answer for a file that is made on demand; None when the path names none."""
    want = await asyncio.to_thread(wanted, release, datasette.published.catalogue, path)
    if want is None:
        return None
    if want.holds_tables or want.table:
        withdrawn = datasette.withdrawals.of_file(release.name, want.table)
        if withdrawn:
            return await datasette.gone(datasette, request, withdrawn)
    if request.method in ("HEAD", "OPTIONS") and want.rows and want.rows > datasette.makers.small:
        # Asking about a large file does not make it; its size and hash are known once somebody took it.
        file = await asyncio.to_thread(kept, release, want)
        if file is None:
            headers = datasette.open_headers | {
                "content-type": want.media_type,
                "x-row-count": str(want.rows),
            }
            return Response("", headers=headers, content_type=want.media_type)
    else:
        file = await datasette.makers.file(release, want)
    if file is None:
        return await _come_back(datasette, request, want)
    answer = datasette.answer_file(request, file)
    name = _file_name(release, want)
    answer.headers["content-disposition"] = (
        f'attachment; filename="{name}"' if want.holds_tables else "inline"
    )
    if path == SUMS or want.form == "metadata":
        answer.headers["link"] = f'<{datasette.urls.path(f"/v/{release.name}/")}>; rel="describes"'
    return answer


def _file_name(release: ReleaseFolder, want: Wanted) -> str:
    """A name that still says what the file is when it lies in a folder of downloads."""
    name = Path(want.path).name
    if not want.holds_tables:
        return name
    stem, extension = name.rsplit(".", 1)
    language = want.language if want.form in ("excel", "xlsx") else None
    return (
        "-".join(part for part in (stem, want.member, want.year, release.name, language) if part)
        + f".{extension}"
    )


async def _come_back(datasette: Any, request: Request, want: Wanted) -> Response:
    headers = datasette.open_headers | {"retry-after": "20", "cache-control": "no-store"}
    if "text/html" not in (request.headers.get("accept") or ""):
        return Response.json(
            {"status": 202, "path": want.path, "rows": want.rows}, status=202, headers=headers
        )
    html = await datasette.render_template("being_made.html", {"want": want}, request=request)
    return Response.html(html, status=202, headers=headers | {"refresh": "20"})


# Pages of links


def links(
    release: ReleaseFolder, language: str, table: str, member: str = "", year: str = ""
) -> list[dict[str, Any]]:
    """Every format of one part of a table: words, path, size where the file exists, rows."""
    part = "/".join(each for each in (member, year, table) if each)
    parquet = release.files[f"parquet/{part}.parquet"]
    rows = parquet.rows or 0
    books = workbooks(rows)
    offered = [("CSV", f"csv/{part}.csv"), ("excel", f"excel/{language}/{part}.csv")]
    offered += [
        ("XLSX", f"xlsx/{language}/{part}{f'-{number}' if books > 1 else ''}.xlsx")
        for number in range(1, books + 1)
    ]
    offered += [("Parquet", parquet.path), ("JSON Lines", f"jsonl/{part}.jsonl")]
    found = []
    for words, path in offered:
        file = release.files.get(path)
        found.append({"words": words, "path": path, "bytes": file.bytes if file else None, "rows": rows})
    return found


def _parts(release: ReleaseFolder, language: str, table: str, member: str) -> list[dict[str, Any]]:
    """Rows of the page: the whole table and its members, or one member and its years."""
    found: list[dict[str, Any]] = []
    for file in release.files.values():
        pieces = file.path.removesuffix(".parquet").split("/")
        if pieces[0] != "parquet" or file.table != table:
            continue
        own, year = (pieces[1] if len(pieces) > 2 else ""), (pieces[2] if len(pieces) > 3 else "")
        if (own == member) if year else (not member or own == member):
            found.append(
                {
                    "member": own,
                    "year": year,
                    "rows": file.rows,
                    "links": links(release, language, table, own, year),
                }
            )
    return sorted(found, key=lambda each: (each["member"], each["year"]))


def _release(datasette: Any, request: Request) -> ReleaseFolder:
    release = datasette.releases.get(request.url_vars["release"])
    if release is None:
        raise NotFound("There is no such release")
    return release


async def table_page(datasette: Any, request: Request) -> Response:
    release, table = _release(datasette, request), request.url_vars["table"]
    member = request.url_vars.get("member") or ""
    if f"parquet/{member + '/' if member else ''}{table}.parquet" not in release.files:
        raise NotFound("This release has no such table")
    withdrawn = datasette.withdrawals.of_file(release.name, table)
    if withdrawn:
        return await datasette.gone(datasette, request, withdrawn)
    part = f"{member + '/' if member else ''}{table}/"
    context = {
        "of": release, "table": table, "member": member, "languages_of_files": LANGUAGES,
        "parts": _parts(release, request.scope["language"], table, member), "documents": _documents(part),
    }  # fmt: skip
    return Response.html(await datasette.render_template("downloads.html", context, request=request))


async def member_page(datasette: Any, request: Request) -> Response:
    """What a release holds of a member: each table in each format, OCDS, descriptions."""
    release, member = _release(datasette, request), request.url_vars["member"]
    tables = [file for file in release.files.values() if file.member == member and file.path.count("/") == 2]
    if not tables:
        raise NotFound("This release has nothing of this member")
    language = request.scope["language"]
    shown = [file for file in tables if not datasette.withdrawals.of_table(release.name, str(file.table))]
    context = {
        "of": release, "member": member,
        "parts": [
            {"table": file.table, "rows": file.rows, "links": links(release, language, str(file.table), member)}
            for file in shown
        ],
        "ocds": await asyncio.to_thread(count_ocds, release.folder, datasette.published.catalogue, member),
        "documents": _documents(f"{member}/"),
    }  # fmt: skip
    return Response.html(await datasette.render_template("member_downloads.html", context, request=request))


def _documents(part: str) -> list[dict[str, str]]:
    """Addresses below the release of the descriptions of a part."""
    return [
        {"words": words, "path": f"metadata/{part}{name}", "type": media_type}
        for name, (words, media_type) in DOCUMENTS.items()
    ]


async def made_listing(datasette: Any, request: Request) -> Response:
    """All parts of a table with the addresses of all formats, for programs."""
    release, table = _release(datasette, request), request.url_vars["table"]
    parts = [
        each for each in release.files.values() if each.table == table and each.path.startswith("parquet/")
    ]
    if not parts:
        raise NotFound("This release has no such table")
    listed = []
    for file in parts:
        member, year = ([*file.path.split("/")[1:-1], "", ""])[:2]
        for language in LANGUAGES:
            for each in links(release, language, table, member, year):
                if language == "en" or language in each["path"].split("/"):
                    entry = {key: value for key, value in each.items() if key != "words"}
                    listed.append(
                        {
                            **entry,
                            "member": member or None,
                            "year": year or None,
                            "url": datasette.urls.path(f"/v/{release.name}/{each['path']}"),
                        }
                    )
    return Response.json(
        {"release": release.name, "table": table, "files": listed}, headers=datasette.open_headers
    )


@hookimpl
def extra_template_vars(datasette: Any) -> dict[str, Any]:
    return {"documents_of": _documents}


@hookimpl
def startup(datasette: Any) -> None:
    datasette.makers = Makers(datasette.published.catalogue)
    datasette.made_file = made_file


@hookimpl(tryfirst=True)
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/v/(?P<release>[^/]+)/downloads/(?P<table>\w+)\.json$", made_listing),
        (r"^/v/(?P<release>[^/]+)/downloads/(?P<table>[a-z]\w+)$", table_page),
        (r"^/v/(?P<release>[^/]+)/downloads/(?P<member>[A-Z][A-Z0-9]+)/(?P<table>[a-z]\w+)$", table_page),
        (r"^/v/(?P<release>[^/]+)/downloads/(?P<member>[A-Z][A-Z0-9]+)$", member_page),
    ]
