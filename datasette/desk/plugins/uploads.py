"""``/uploads``: files in pieces, by the tus protocol 1.0.0 with creation, termination and expiration.

Who sends is asked as on every other page: a session, or a token that may submit. What has come whole is sent by ``/send`` or
``POST /api/v1/submissions``, which name the uploads.
"""

import asyncio
import binascii
import errno
import os
from base64 import b64decode
from email.utils import formatdate
from typing import Any, BinaryIO

from datasette import Request, Response, hookimpl

from pipelines.desk import Action, Person, may
from pipelines.desk.api import ProblemError
from pipelines.desk.uploads import KEPT_SECONDS, NotTakenError, Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,expiration"
BLOCK = 1 << 20
"""Bytes that are gathered before they are written: all that the server ever holds of a file."""
PIECE = "application/offset+octet-stream"
PATIENCE = 10
"""Seconds that a request waits for the one before it, of the same upload, to see that its connection is gone."""


@hookimpl
def startup(datasette: Any) -> None:
    """``datasette.uploading``: by upload, what ends the request that writes to it."""
    datasette.uploading = {}


async def uploads(datasette: Any, request: Request) -> Response:
    """``OPTIONS``: what is understood, and the largest file. ``POST``: a new upload."""
    largest = datasette.desk.site.settings.max_file_bytes
    if request.method == "OPTIONS":
        told = {"tus-version": VERSION, "tus-extension": EXTENSIONS, "tus-max-size": str(largest)}
        return _answer(204, **told)
    if request.method != "POST":
        return _problem(datasette, request, "method", allow="OPTIONS, POST")
    person = await _sender(datasette, request)
    if isinstance(person, Response):
        return person
    length = _number(request.headers.get("upload-length"))
    if length is None:
        return _problem(datasette, request, "upload-length")
    name = _metadata(request.headers.get("upload-metadata", "")).get("filename", "file")
    own = datasette.desk.uploads
    try:
        upload = await asyncio.to_thread(own.create, person, name, length, largest)
    except NotTakenError as error:
        return _problem(datasette, request, error.code, **{"tus-max-size": str(largest)})
    return _answer(201, upload, location=f"/uploads/{upload.id}", **{"upload-offset": "0"})


async def one_upload(datasette: Any, request: Request, receive: Any) -> Response:
    """``HEAD``: how far it is. ``PATCH``: the next piece. ``DELETE``: away with it."""
    if request.method == "OPTIONS":
        return await uploads(datasette, request)
    if request.method not in ("HEAD", "PATCH", "DELETE"):
        return _problem(datasette, request, "method", allow="OPTIONS, HEAD, PATCH, DELETE")
    person = await _sender(datasette, request)
    if isinstance(person, Response):
        return person
    own = datasette.desk.uploads
    upload = await asyncio.to_thread(own.find, request.url_vars["id"], person)
    if upload is None:
        return _problem(datasette, request, "not-found")
    if request.method == "HEAD":
        offset = await asyncio.to_thread(own.offset, upload)
        length = {"upload-offset": str(offset), "upload-length": str(upload.length)}
        return _answer(200, upload, **length)
    await _end_the_one_before(datasette, upload)
    if request.method == "DELETE":
        await asyncio.to_thread(own.remove, upload)
        return _answer(204)
    if request.headers.get("content-type") != PIECE:
        return _problem(datasette, request, "media-type")
    offset = _number(request.headers.get("upload-offset"))
    if offset is None:
        return _problem(datasette, request, "upload-offset")
    try:
        return await _piece(datasette, request, receive, upload, offset)
    except FileNotFoundError:
        return _problem(datasette, request, "not-found")  # removed, or taken, meanwhile


async def _piece(datasette: Any, request: Request, receive: Any, upload: Upload, offset: int) -> Response:
    """Write what comes, block by block, until it ends, breaks off, is too much, or another request takes over."""
    own, mine = datasette.desk.uploads, asyncio.Event()
    with own.open(upload) as file:
        if file is None:
            return _problem(datasette, request, "upload-busy")
        here = file.tell()
        if here != offset:
            return _problem(datasette, request, "upload-offset", **{"upload-offset": str(here)})
        done = asyncio.Event()
        datasette.uploading[upload.id] = (mine, done)
        try:
            held = bytearray()
            async for block in _blocks(receive, mine):
                if here + len(held) + len(block) > upload.length:
                    return _problem(datasette, request, "too-large")
                held += block
                if len(held) >= BLOCK:
                    await asyncio.to_thread(file.write, bytes(held))
                    here += len(held)
                    held.clear()
            await asyncio.to_thread(file.write, bytes(held))
            here += len(held)
            await asyncio.to_thread(_onto_the_disk, file, here == upload.length)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return _problem(datasette, request, "disk-full")
        finally:
            if datasette.uploading.get(upload.id) == (mine, done):
                del datasette.uploading[upload.id]
            done.set()
    return _answer(204, upload, **{"upload-offset": str(here)})


def _onto_the_disk(file: BinaryIO, whole: bool) -> None:
    """whole: nothing is missing any more, and what is told to be here has to outlive the machine."""
    file.flush()
    if whole:
        os.fsync(file.fileno())


async def _blocks(receive: Any, ended: asyncio.Event) -> Any:
    """The body, piece by piece; ends as well where the connection does, or when `ended` is set."""
    waits = asyncio.create_task(ended.wait())
    try:
        while True:
            comes = asyncio.ensure_future(receive())
            await asyncio.wait({comes, waits}, return_when=asyncio.FIRST_COMPLETED)
            if not comes.done():
                comes.cancel()
                return
            message = comes.result()
            if message["type"] == "http.disconnect":
                return
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return
    finally:
        waits.cancel()


async def _end_the_one_before(datasette: Any, upload: Upload) -> None:
    """A sender who comes again has lost the connection of before, even where the server has not seen it yet."""
    before = datasette.uploading.get(upload.id)
    if before is not None:
        before[0].set()
        try:
            await asyncio.wait_for(before[1].wait(), PATIENCE)
        except TimeoutError:
            return  # the file is locked still, and says so


async def _sender(datasette: Any, request: Request) -> Person | Response:
    """Who may send, or the answer for whoever may not. The header of the protocol is asked for: no form of another site can send it."""
    if request.headers.get("tus-resumable") != VERSION:
        return _problem(datasette, request, "tus-version", **{"tus-version": VERSION})
    person, scopes = await asyncio.to_thread(datasette.journey.speaker, request)
    if person is None:
        return _problem(datasette, request, "sign-in")
    if not may(person, Action.SUBMIT, person.member, scopes=scopes):
        return _problem(datasette, request, "token-scope" if scopes is not None else "not-allowed")
    return person  # type: ignore[no-any-return]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def _metadata(text: str) -> dict[str, str]:
    """``filename d29ybGQ=,is_secret`` -> names and texts; what cannot be read is left out."""
    found = {}
    for pair in text.split(","):
        name, _space, value = pair.strip().partition(" ")
        try:
            found[name] = b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found


def _answer(status: int, upload: Upload | None = None, **headers: str) -> Response:
    told = {"tus-resumable": VERSION, **headers}
    if upload is not None:
        told["upload-expires"] = formatdate(upload.at + KEPT_SECONDS, usegmt=True)
    return Response("", status=status, headers=told)


def _problem(datasette: Any, request: Request, code: str, **headers: str) -> Response:
    answer: Response = datasette.problem(request, ProblemError(code))
    answer.headers.update({"tus-resumable": VERSION, **headers})
    return answer


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/uploads/?$", uploads), (r"^/uploads/(?P<id>[0-9a-f]{32})$", one_upload)]
