"""Addresses that a member gives: what may be asked, and what never becomes a file."""

import gzip
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.desk import Desk, Person
from pipelines.desk.arrivals import ArrivalState
from pipelines.desk.fetched import ask_for, fetch_arrival
from pipelines.desk.fetching import Limits, NotFetchedError, check_address, fetch, is_public
from pipelines.workflow import Installation
from tests.desk.conftest import as_actor

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::",
        "2001:0:7f00:1::", "2001:db8::1", "nonsense", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(NotFetchedError, match="private"):
        check_address("https://data.example/x", resolved=lambda _host, _port: [PUBLIC, address])


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "::ffff:93.184.216.34"])
def test_addresses_that_are_public(address: str) -> None:
    found = check_address("https://data.example/x?a=1", resolved=lambda _host, _port: [address])
    assert (found.host, found.port, found.path, found.addresses) == (
        "data.example",
        443,
        "/x?a=1",
        (address,),
    )


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://data.example/x", "gopher://data.example", "//data.example/x", "https://", "data.example", "",
        "https://user:secret@data.example/", "https://data.example:22/", "https://data.example:6379/", "http://data.example:99999/",
        "https://data.example/\r\nHost: evil", "https://data.example/ x", "https://data.example\\@10.0.0.1/", "https://[::1", "https://" + "a" * 3_000,
        "javascript:alert(1)", "https://@data.example/",
    ],
)  # fmt: skip
def test_what_is_no_address_to_ask(url: str) -> None:
    with pytest.raises(NotFetchedError, match="address"):
        check_address(url, resolved=lambda _host, _port: [PUBLIC])


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
def test_ways_to_write_this_machine(host: str) -> None:
    with pytest.raises(NotFetchedError, match=r"private|no-answer|address"):
        check_address(f"http://{host}/latest/meta-data")


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_told: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        name, _mark, query = self.path.partition("?")
        headers, body, status = {}, b"a,b\n1,2\n", 200
        length: int | None = None
        match name:
            case "/named":
                headers["content-disposition"] = 'attachment; filename="../../año.csv"'
            case "/typed":
                headers["content-type"] = "application/json; charset=utf-8"
            case "/cut":
                length = len(body) + 100
            case "/slow":
                length = 10_000
            case "/to":
                status, headers["location"] = 302, query
            case "/loop":
                status, headers["location"] = 302, "/loop"
            case "/bomb":
                body = gzip.compress(b"0" * 5_000_000)
                headers["content-encoding"] = "gzip"
            case "/missing":
                status, headers["retry-after"] = 404, "7"
            case "/same.csv":
                headers["etag"] = '"1"'
                if self.headers.get("if-none-match") == '"1"':
                    status, body = 304, b""
        self.send_response(status)
        for key, value in {"content-length": str(len(body) if length is None else length), **headers}.items():
            self.send_header(key, value.encode().decode("latin-1"))
        self.end_headers()
        self.wfile.write(body)
        if name == "/slow":
            threading.Event().wait(1.5)
        self.close_connection = True


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def own(port: int, **more: float) -> Limits:
    return Limits(bytes=1_000_000, allowed=frozenset({"members.example"}), quiet=more.get("quiet", 5.0))


def test_a_file_is_taken_whole(port: int, tmp_path: Path) -> None:
    def take(path: str, **more: str) -> tuple[str, bool]:
        found = fetch(
            f"http://members.example:{port}{path}",
            tmp_path,
            limits=own(port),
            resolved=lambda _host, _port: ["127.0.0.1"],
            **more,
        )
        assert found.unchanged or (
            found.path and found.path.read_bytes() == b"a,b\n1,2\n" and found.size == 8
        )
        return found.name, found.unchanged

    assert take("/data.csv") == ("data.csv", False)
    assert take("/named")[0].endswith(".csv") and ".." not in take("/named")[0]
    assert take("/typed") == ("typed.json", False)
    assert take("/same.csv", etag='"1"') == ("same.csv", True)
    assert take("/to?/data.csv")[1] is False
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/cut", "cut-off"),
        ("/slow", "too-slow"),
        ("/loop", "redirects"),
        ("/bomb", "too-large"),
        ("/missing", "status 404"),
        ("/to?http://127.0.0.1/", "private"),
        ("/to?http://169.254.169.254/latest/meta-data/", "private"),
        ("/to?file:///etc/passwd", "address"),
        ("/to?http://user:pw@members.example/", "address"),
    ],
)
def test_what_never_becomes_a_file(port: int, tmp_path: Path, path: str, code: str) -> None:
    def resolved(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"] if host == "members.example" else [host]

    with pytest.raises(NotFetchedError, match=code):
        fetch(
            f"http://members.example:{port}{path}", tmp_path, limits=own(port, quiet=0.5), resolved=resolved
        )
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(port: int, tmp_path: Path) -> None:
    """The connection goes to the address that was looked at: here one where nobody answers, and never the one of the second answer."""
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) > 1 else [PUBLIC]

    limits = Limits(ports=frozenset({port}), quiet=0.2)
    real = socket.socket.connect
    gone: list[object] = []

    def connect(self: socket.socket, address: object) -> None:
        gone.append(address)
        raise OSError("no way out of here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        with pytest.raises(NotFetchedError, match="no-answer"):
            fetch(f"http://rebinding.example:{port}/data.csv", tmp_path, limits=limits, resolved=rebinding)
    assert socket.socket.connect is real
    assert asked == ["rebinding.example"] and gone == [(PUBLIC, port)]


async def test_an_address_instead_of_a_file(
    pages: Any, desk: Desk, people: Mapping[str, Person], port: int
) -> None:
    actor = as_actor(people["submitter"])

    async def ask(address: str) -> Any:
        return await pages.post(
            "/send", data={"address": address, "period": "2024"}, files=[("x", b"")], actor=actor
        )

    for wrong in ("file:///etc/passwd", "https://user:pw@data.example/", "ftp://data.example/x"):
        answer = await ask(wrong)
        assert answer.status_code == 400 and 'role="alert"' in answer.text
    assert desk.arrivals.fetching() == ()
    assert (await ask("http://localhost/data.csv")).status_code == 302
    (first,) = desk.arrivals.fetching()
    assert first.period == "2024" and desk.arrivals.waiting() == ()
    waits = await pages.get(f"/arrivals/{first.id}", actor=actor)
    assert 'http-equiv="refresh"' in waits.text
    fetch_arrival(desk, first)
    refused = desk.arrivals.get(first.id)
    assert (refused.state, refused.trouble) == (ArrivalState.REFUSED, "fetch-private")
    assert 'role="alert"' in (await pages.get(f"/arrivals/{first.id}", actor=actor)).text

    trusting = Desk.of(
        Installation.open(desk.site.settings.model_copy(update={"fetch_hosts": "localhost other"}))
    )
    taken, missing = (
        ask_for(trusting, people["submitter"], f"http://localhost:{port}{path}", period="2024")
        for path in ("/data.csv", "/missing")
    )
    left = desk.arrivals.folder(taken.id) / "half.csv"
    left.parent.mkdir(parents=True)
    left.write_text("of a worker that was killed")
    for each in desk.arrivals.fetching():
        fetch_arrival(trusting, each)
    (waiting,) = desk.arrivals.waiting()
    kept = {path.name: path.read_bytes() for path in desk.arrivals.folder(waiting.id).iterdir()}
    assert waiting.id == taken.id and kept == {"data.csv": b"a,b\n1,2\n"}
    assert desk.arrivals.get(missing.id).trouble == "fetch-status"
