"""What somebody tries who may give an address: a way into our own network, a receiver that is another, answers that never end."""

import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update

from pipelines.desk import Desk, Person
from pipelines.desk.webhooks.hooks import Hook, hooks
from pipelines.desk.webhooks.messages import TOPICS
from pipelines.desk.webhooks.outbox import DELIVERED, WAITING, Delivery
from pipelines.desk.webhooks.posting import MOST_BYTES, SHOWN
from pipelines.desk.webhooks.sending import send_due
from tests.desk.receiving import receiving
from tests.desk.test_fetching import PUBLIC

INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "fd12::1",
    "0.0.0.0",
]


def put(desk: Desk, people: Mapping[str, Person], address: str) -> Hook:
    """An address that has come past the form."""
    hook = desk.hooks.add("HND", "https://data.example.org/", TOPICS, people["submitter"])
    with desk.database.write() as connection:
        connection.execute(update(hooks).where(hooks.c.id == hook.id).values(address=address))
    desk.outbox.test(hook, "https://desk", datetime.now(UTC))
    return desk.hooks.get(hook.id)


def message(desk: Desk, hook: Hook) -> Delivery:
    (found,) = desk.outbox.of_hook(hook.id)
    return found


@pytest.mark.parametrize("inside", INSIDE)
def test_no_message_goes_inside(desk: Desk, people: Mapping[str, Person], inside: str) -> None:
    with receiving() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        hook = put(desk, people, f"https://data.example.org:{port}/")
        assert send_due(desk, resolved=lambda _host, _port: [inside]) == 1
        assert message(desk, hook).trouble == "address", "nor to a port that is none of the web"
        named = put(desk, people, "https://data.example.org/")
        assert send_due(desk, resolved=lambda _host, _port: [PUBLIC, inside]) == 1
        told = message(desk, named)
        assert (told.trouble, told.status, told.answer, told.state) == ("private", None, "", WAITING)
        assert receiver.got == [] and inside not in str(told), "what is inside is not told outside"


def test_a_name_is_looked_up_once_and_that_place_is_asked(
    desk: Desk, people: Mapping[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers otherwise the second time gains nothing; nor does a proxy of the environment see a message."""
    monkeypatch.setattr(desk.hooks, "allowed", frozenset({"program.test"}))
    asked: list[str] = []

    def resolved(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [PUBLIC]

    with receiving() as receiver, receiving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        hook = put(desk, people, receiver.url.replace("127.0.0.1", "program.test"))
        send_due(desk, resolved=resolved)
        assert message(desk, hook).state == DELIVERED and asked == ["program.test"]
        assert receiver.got[0][0]["host"].startswith("program.test:") and proxy.got == []


def test_an_answer_without_end_is_cut(
    desk: Desk, people: Mapping[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.hooks, "allowed", frozenset({"127.0.0.1"}))
    written = 0

    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal written
            self.send_response(500)
            self.end_headers()
            try:
                while written < 1 << 30:
                    written += self.wfile.write(b"\xff<b>\x00\x1b[31m" * 1000)
            except OSError:
                pass

        def log_message(self, *_ignored: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        hook = put(desk, people, f"http://127.0.0.1:{server.server_port}/")
        send_due(desk)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    told = message(desk, hook)
    assert told.status == 500 and told.answer is not None and 0 < len(told.answer) <= SHOWN
    assert told.answer.isprintable() and written < 200 * MOST_BYTES, (
        "no more than what lay on the way already"
    )


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    own, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, private


@pytest.mark.parametrize(
    ("name", "is_trusted", "told"),
    [("program.test", True, DELIVERED), ("program.test", False, WAITING), ("another.test", True, WAITING)],
)
def test_a_receiver_proves_that_it_is_the_host(
    desk: Desk, people: Mapping[str, Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, is_trusted: bool, told: str,
) -> None:  # fmt: skip
    """The connection goes to an address that was looked at; the certificate has to be the name's all the same."""
    monkeypatch.setattr(desk.hooks, "allowed", frozenset({"program.test"}))
    certificate, key = certified(tmp_path, name)
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_ignored: Any) -> None: ...

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_ignored: Any) -> None: ...

    server = Quiet(("127.0.0.1", 0), Handler)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, key)
    server.socket = own.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        hook = put(desk, people, f"https://program.test:{server.server_port}/")
        trusted = ssl.create_default_context(cafile=str(certificate)) if is_trusted else None
        send_due(desk, resolved=lambda _host, _port: ["127.0.0.1"], trusted=trusted)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    found = message(desk, hook)
    assert (found.state, len(got)) == (told, int(told == DELIVERED))
    assert found.trouble == (None if told == DELIVERED else "no-answer")
