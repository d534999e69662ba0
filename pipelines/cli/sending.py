"""``ingp submit --to``: files sent to a members' desk over its interface, and the verdict printed as if it had been made here."""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import typer

from pipelines.catalogue import load_catalogue
from pipelines.cli.show import Exit, err, labelled, out, print_json, print_report
from pipelines.cli.words import LANGUAGE, _
from pipelines.settings import Settings
from pipelines.validation import read_report
from pipelines.validation.report import read_details

TRIES = 5
BETWEEN_SECONDS = 1.0
"""Between two questions; each waits a little longer than the one before, `LONGEST_SECONDS` at most."""
LONGEST_SECONDS = 10.0
PATIENCE_SECONDS = 6 * 60 * 60.0


class RefusedError(Exception):
    """The desk has answered with a problem: what it said, and what it said to do."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(" ".join(str(problem.get(name, "")) for name in ("title", "detail")).strip())
        self.problem = problem


def send_to(
    address: str,
    files: Sequence[Path],
    *,
    period: str | None = None,
    package_type: str | None = None,
    rows: bool = False,
    token_file: Path | None = None,
    as_json: bool = False,
) -> Exit:
    """Send, wait for the verdict, print it. OK: nothing has to be corrected. DATA: something has. MACHINE: the desk cannot be reached."""
    parts = urlsplit(address)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in (
        ("http", "127.0.0.1"),
        ("http", "localhost"),
    ):
        raise typer.BadParameter(
            _("The address has to begin with https: the token would be readable on the way.")
        )
    if any(path.is_dir() for path in files):
        raise typer.BadParameter(_("A folder cannot be sent. Pack it as a ZIP and send that."))
    fields = {
        "period": period,
        "package_type": package_type,
        "policy": "rows" if rows else None,
    }
    headers = {
        "authorization": f"Bearer {_token(token_file)}",
        "accept-language": LANGUAGE,
    }
    try:
        with httpx.Client(base_url=f"{address.rstrip('/')}/api/v1", headers=headers, timeout=60) as client:
            arrived = _sent(client, files, {name: value for name, value in fields.items() if value})
            found = _followed(client, arrived["id"])
            report = _asked(client, f"/submissions/{found['id']}/report") if found else None
    except RefusedError as error:
        if as_json:
            print_json({"problem": error.problem})
        else:
            err.print(str(error), markup=False)
            for each in error.problem.get("errors", ()):
                where = each.get("pointer") or each.get("parameter") or ""
                err.print(f"  {where} {each['detail']}", markup=False)
        return Exit.USAGE if error.problem.get("status") in (400, 401, 403, 404, 415, 422) else Exit.MACHINE
    except httpx.HTTPError as error:
        err.print(
            _("The desk does not answer ({why}). Nothing is lost: please run the same command again.").format(
                why=type(error).__name__
            )
        )
        return Exit.MACHINE
    if found is None:
        err.print(_("The files could not be read at all. Please check that they open on your computer."))
        return Exit.DATA
    _print(found, report, as_json=as_json)
    return Exit.DATA if found["state"] in ("needs_work", "withdrawn") else Exit.OK


def _token(file: Path | None) -> str:
    """From a file or the environment: a command line is seen by everybody on the computer."""
    try:
        token = file.read_text(encoding="utf-8").strip() if file else os.environ.get("INGP_TOKEN", "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(_("The file with the token cannot be read.")) from error
    if not token or not token.isascii() or not token.isprintable():
        raise typer.BadParameter(
            _(
                "Put the token into INGP_TOKEN or into a file for --token-file; you make one at the desk, at /account."
            )
        )
    return token


def _key(files: Sequence[Path], fields: dict[str, str]) -> str:
    """An Idempotency-Key of what is sent: the same command again is the same arrival, whatever became of the answer."""
    own = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    for path in files:
        with path.open("rb") as file:
            own.update(f"\0{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}".encode())
    return own.hexdigest()[:32]


def _sent(client: httpx.Client, files: Sequence[Path], fields: dict[str, str]) -> Any:
    """The arrival."""
    key = {"idempotency-key": _key(files, fields)}

    def send() -> httpx.Response:
        with ExitStack() as stack:
            parts = [
                ("files", (path.name, stack.enter_context(path.open("rb")), "application/octet-stream"))
                for path in files
            ]
            return client.post("/submissions", data=fields, files=parts, headers=key)

    return _tried(send)


def _asked(client: httpx.Client, path: str) -> Any:
    return _tried(lambda: client.get(path))


def _tried(ask: Callable[[], httpx.Response]) -> Any:
    """What is answered, asked again as long as the trouble is one that passes. RefusedError, or httpx's where nobody answers."""
    for turn in range(TRIES):
        is_last = turn == TRIES - 1
        try:
            answer = ask()
        except httpx.TransportError:
            if is_last:
                raise
        else:
            if is_last or not _passes(answer):
                return _read(answer)
        time.sleep(BETWEEN_SECONDS * 2**turn)
    raise AssertionError("the last try returns or raises")


def _passes(answer: httpx.Response) -> bool:
    """Whether the trouble is one that passes."""
    if answer.status_code in (429, 500, 502, 503, 504):
        return True
    return answer.status_code == 409 and "key-running" in answer.text


def _read(answer: httpx.Response) -> Any:
    try:
        told = answer.json()
    except ValueError:
        told = {}
    if answer.is_success and isinstance(told, dict) and told:
        return told
    is_problem = isinstance(told, dict) and "detail" in told
    raise RefusedError(
        told
        if is_problem
        else {
            "status": answer.status_code,
            "title": _("This is no answer of a members' desk. Is the address right?"),
            "detail": str(answer.status_code),
        }
    )


def _followed(client: httpx.Client, arrival: str) -> Any:
    """The submission once it is judged; None: the files could not be read at all."""
    wait, until = BETWEEN_SECONDS, time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        told = _asked(client, f"/arrivals/{arrival}")
        if told["state"] == "refused":
            return None
        if told["submission"]:
            found = _asked(client, f"/submissions/{told['submission']}")
            if found["state"] not in ("received", "checking"):
                return found
        time.sleep(wait)
        wait = min(wait * 1.2, LONGEST_SECONDS)
    raise httpx.ReadTimeout("no verdict")


def _print(found: Any, report: Any, *, as_json: bool) -> None:
    from pipelines.cli.submitting import state_title

    if as_json:
        print_json(
            {
                "submission_id": found["id"], "state": found["state"], "version": found["version"],
                "page": found["links"]["page"], "report": report,
            }
        )  # fmt: skip
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "report.json").write_text(json.dumps(report), encoding="utf-8")
        settings = Settings()
        catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
        print_report(read_report(Path(folder)), catalogue, details=read_details(Path(folder)), notices=False)
    out.print()
    named = labelled(_("Submission"), f"[bold]{found['id']}[/]")
    state = state_title(found["state"])
    out.print(f"{named}  {labelled(_('State'), f'[bold]{state}[/]')}")
    out.print(found["links"]["page"], markup=False)
