"""``/api/v1/…``: routes made from the declared operations; who asks, what comes in, what goes out."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from datasette import Request, Response, hookimpl
from datasette.utils.asgi import BadRequest

from pipelines.desk import Action, Person, may
from pipelines.desk.api import OPERATIONS, PREFIX, Answer, Call, Operation, ProblemError, openapi
from pipelines.desk.idempotency import Kept, KeyReusedError, KeyRunningError
from pipelines.desk.receiving import BLOCK, OVERHEAD
from pipelines.exceptions import UnknownError

LARGEST = 1 << 20
"""Bytes of a JSON body."""
KEY = re.compile(r"[!-~]{1,255}")


def _view(operations: Mapping[str, Operation]) -> Any:
    """What answers a path. Datasette takes functions only."""

    async def answered(datasette: Any, request: Request) -> Response:
        try:
            return await _answer(datasette, request, operations)
        except ProblemError as error:
            answer: Response = datasette.problem(request, error)
            if error.code == "method":
                answer.headers["allow"] = ", ".join(sorted(operations))
            return answer

    return answered


async def _answer(datasette: Any, request: Request, operations: Mapping[str, Operation]) -> Response:
    own = operations.get("GET" if request.method == "HEAD" else request.method)
    if own is None:
        raise ProblemError("method")
    person, scopes = await asyncio.to_thread(_who, datasette, request)
    place = {name: value for name, value in request.url_vars.items() if value is not None}
    entry = await asyncio.to_thread(_entry, datasette, place["id"]) if own.of_submission else None
    if own.of_submission and (entry is None or not may(person, Action.SEE, entry.member)):
        raise ProblemError("not-found")
    member = entry.member if entry else person.member
    if not may(person, own.action, member):
        raise ProblemError("not-allowed")
    if not may(person, own.action, member, scopes):
        raise ProblemError("token-scope")
    query = own.read_query({name: request.args[name] for name in request.args})
    form: Any = None
    try:
        body, files, told = {}, [], b""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if own.form is not None and kind == "multipart/form-data":
            form = await _form(datasette, request)
            body, files = _parts(form)
            told = await asyncio.to_thread(_digest, body, files)
            own.check_body(body | {"files": [name for name, _file in files]}, is_form=True)
        elif own.body is not None:
            told = await _body(request)
            if kind != "application/json":
                raise ProblemError("media-type")
            body = _json(told)
            own.check_body(body)
        elif own.form is not None:
            raise ProblemError("media-type")
        settings = datasette.desk.site.settings
        call = Call(
            datasette.desk, person, scopes, settings.desk_url, datasette.journey.public(), place, query, body, files, entry
        )  # fmt: skip
        return await _done(datasette, request, own, call, told)
    finally:
        if form is not None:
            await form.aclose()


async def _done(datasette: Any, request: Request, own: Operation, call: Call, told: bytes) -> Response:
    key = request.headers.get("idempotency-key")
    if key is None or not own.changes:
        return _sent(await asyncio.to_thread(own.handler, call))
    if not KEY.fullmatch(key):
        raise ProblemError(
            "values", [{"detail": "1 to 255 printable characters", "parameter": "Idempotency-Key"}]
        )
    token = (request.actor or {}).get("token")
    owner = f"{call.person.actor} {token['id'] if token else 'session'}"
    asked = f"{request.method} {request.path}?{request.query_string}\n".encode()
    fingerprint = hashlib.sha256(asked + told).hexdigest()
    kept = datasette.desk.idempotency

    def once() -> Answer | Kept:
        try:
            known: Kept | None = kept.begin(owner, key, fingerprint)
        except KeyReusedError as error:
            raise ProblemError("key-reused") from error
        except KeyRunningError as error:
            raise ProblemError("key-running") from error
        if known is not None:
            return known
        try:
            answer = own.handler(call)
        except BaseException:
            # What was refused has changed nothing: the same key may try again.
            kept.forget(owner, key)
            raise
        kept.end(owner, key, Kept(answer.status, dict(answer.headers), answer.body))
        return answer

    return _sent(await asyncio.to_thread(once))


def _sent(answer: Answer | Kept) -> Response:
    headers = {"cache-control": "no-store", **answer.headers}
    if isinstance(answer, Kept):
        headers["idempotency-replayed"] = "true"
    elif answer.file is not None:
        text = answer.file.read_text(encoding="utf-8")
        return Response(text, headers=headers, content_type="application/json")
    if answer.status == 204:
        return Response("", status=204, headers=headers)
    return Response.json(answer.body, status=answer.status, headers=headers)


def _who(datasette: Any, request: Request) -> tuple[Person, tuple[str, ...] | None]:
    """The person, and the scopes of the token that speaks for her."""
    person, scopes = datasette.journey.speaker(request)
    if person is None:
        told = request.headers.get("authorization", "")
        is_token = not request.actor and told.lower().startswith("bearer")
        raise ProblemError("bad-token" if is_token else "sign-in")
    return person, scopes


def _entry(datasette: Any, identifier: str) -> Any:
    try:
        return datasette.desk.site.ledger.submission(identifier)
    except UnknownError:
        return None


async def _body(request: Request) -> bytes:
    """The body; no more of it is kept in memory than is taken."""
    found, more = b"", True
    while more:
        message = await request.receive()
        found += message.get("body", b"")
        more = message.get("more_body", False)
        if len(found) > LARGEST:
            raise ProblemError("too-large")
    return found


def _json(told: bytes) -> Any:
    def refuse(_text: str) -> None:
        raise ValueError("no number of JSON")

    try:
        return json.loads(told.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ProblemError("unreadable") from error


async def _form(datasette: Any, request: Request) -> Any:
    own = datasette.desk.site.settings
    try:
        return await request.form(
            files=True,
            max_file_size=own.max_file_bytes,
            max_request_size=own.max_total_bytes + OVERHEAD,
            max_files=own.max_files,
        )
    except BadRequest as error:
        raise ProblemError("too-large" if "too " in str(error).lower() else "unreadable") from error


def _parts(form: Any) -> tuple[dict[str, Any], list[tuple[str, BinaryIO]]]:
    files = [each for each in form.getlist("files") if getattr(each, "filename", "") and each.size]
    fields = {name: form.get(name) for name in form if name != "files" and isinstance(form.get(name), str)}
    return fields, [(each.filename, each._file) for each in files]


def _digest(fields: Mapping[str, Any], files: list[tuple[str, BinaryIO]]) -> bytes:
    """Of what a form holds: its boundaries are others each time."""
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    for name, source in files:
        digest.update(json.dumps(name).encode())
        source.seek(0)
        part = hashlib.sha256()
        while block := source.read(BLOCK):
            part.update(block)
        digest.update(part.digest())
    return digest.digest()


async def description(datasette: Any, request: Request) -> Response:
    if request.method not in ("GET", "HEAD"):
        answer = datasette.problem(request, ProblemError("method"))
        answer.headers["allow"] = "GET, HEAD"
        return answer
    told = openapi(datasette.desk.site.settings.desk_url)
    return Response.json(told, headers={"cache-control": "no-cache", "access-control-allow-origin": "*"})


async def nothing(datasette: Any, request: Request) -> Response:
    return datasette.problem(request, ProblemError("not-found"))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    paths: dict[str, dict[str, Operation]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = each
    routes: list[tuple[str, Any]] = [
        (f"^{PREFIX}{path.replace('{', '(?P<').replace('}', '>[^/]+)')}$", _view(methods))
        for path, methods in paths.items()
    ]
    return [*routes, (rf"^{PREFIX}/openapi\.json$", description), (r"^/api(/.*)?$", nothing)]
