"""Filtered rows and answers of queries as Excel workbook or CSV for Excel, finished before their first byte is sent."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from datasette import Request, hookimpl
from datasette.utils.asgi import BadRequest

import pipelines
from pipelines.catalogue import LANGUAGES
from pipelines.exceptions import PipelineError
from pipelines.publication.files import MEDIA_TYPES
from pipelines.publication.formats.answer import FORMS, MOST_ROWS, write_answer
from pipelines.serving.sending import Send, within_patience
from pipelines.settings import Settings

SMALL = 2_000
"""Rows up to which a file is written in a thread of the site."""

BLOCK = 2**18
AT_ONCE = 2
COMMAND = "pipelines.publication.formats.answer"


class Sent:
    """A file that is removed, with its folder, once it was sent. Datasette calls `asgi_send`."""

    def __init__(self, path: Path, headers: dict[str, str]) -> None:
        self.path = path
        self.headers = headers | {"content-length": str(path.stat().st_size)}

    async def asgi_send(self, send: Send) -> None:
        send = within_patience(send)
        try:
            headers = [(key.encode(), value.encode()) for key, value in self.headers.items()]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            with self.path.open("rb") as file:
                while block := await asyncio.to_thread(file.read, BLOCK):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            shutil.rmtree(self.path.parent, ignore_errors=True)


class Spreadsheets:
    """Writes answers as files, few at a time."""

    def __init__(self, datasette: Any, small: int = SMALL) -> None:
        self.datasette, self.small = datasette, small
        self._places = asyncio.Semaphore(AT_ONCE)

    def language(self, request: Request) -> str:
        """Language of the spreadsheet that is asked for: ``_excel``, else that of the page. Raises BadRequest."""
        language = request.args.get("_excel") or request.scope["language"]
        if language not in LANGUAGES:
            raise BadRequest(f"_excel must be one of {', '.join(LANGUAGES)}")
        return language

    def too_many(self, form: str, rows: int) -> bool:
        return form == "xlsx" and rows > MOST_ROWS

    async def answer(self, request: Request, fill: Callable[[Path], Awaitable[int]], form: str, name: str, place: str,
                     question: str, headers: dict[str, str]) -> Sent:  # fmt: skip
        """The answer with the rows that `fill` writes into a Parquet file, returning how many.

        place: lasting address of the page below the release; question: its filter or query in the reader's sight.
        """
        language = self.language(request)
        release = self.datasette.releases.get(self.datasette.releases.served)
        work = Path(tempfile.mkdtemp(prefix="ingp-sheet-"))
        try:
            target = work / f"{name}-{release.name}-{language}.{FORMS[form]}"
            async with self._places:
                rows = await fill(work / "rows.parquet")
                await self._write(
                    release, work / "rows.parquet", target, form, language, place, question, rows
                )
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        if not request.args.get("_excel"):
            headers |= {"content-language": language}
        return Sent(target, headers | {
            "content-type": MEDIA_TYPES[FORMS[form]], "x-row-count": str(rows), "x-release": release.name,
            "content-disposition": f'attachment; filename="{target.name}"', "cache-control": "public, max-age=60",
        })  # fmt: skip

    async def _write(self, release: Any, source: Path, target: Path, form: str, language: str, place: str, question: str,
                     rows: int) -> None:  # fmt: skip
        if rows <= self.small:
            catalogue = self.datasette.published.catalogue
            await asyncio.to_thread(
                write_answer, release, catalogue, source, target, form, language, place, question
            )
            return
        settings = Settings()
        parts = (
            release.folder,
            source,
            target,
            form,
            language,
            place,
            question,
            settings.schemas_dir,
            settings.datapackages_dir,
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", COMMAND, *(str(each) for each in parts), stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(Path(pipelines.__file__).parents[1])},
        )  # fmt: skip
        try:
            _out, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise PipelineError(f"{target.name} was not written: {said.decode(errors='replace')[-500:]}")


@hookimpl
def startup(datasette: Any) -> None:
    datasette.spreadsheets = Spreadsheets(datasette)
