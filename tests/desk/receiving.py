"""A member's program on the loopback address: it takes messages, refuses them, is silent, or speaks a byte at a time."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from standardwebhooks import Webhook

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """answer: what is said to a message, given what came before. got: (headers in small letters, body) of each."""

    url: str = ""
    answer: Callable[[int], Answer] = lambda _count: (204, {}, b"")
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _body in self.got]

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _headers, body in self.got]

    def verified(self, secret: str, number: int = -1) -> Any:
        """The JSON of a message, as the specification's own library believes it."""
        headers, body = self.got[number]
        return Webhook(secret).verify(body, headers)


@contextmanager
def receiving() -> Iterator[Receiver]:
    own = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            own.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, headers, said = own.answer(len(own.got) - 1)
            self.send_response(status)
            for name, value in {"content-length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_ignored: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    own.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield own
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def dripping(said: bytes = b"HTTP/1.1 200 OK\r\nx: " + b"a" * 10_000) -> Iterator[str]:
    """The address of a server whose answer comes a byte at a time, for ever. Whatever looks at quiet only waits with it."""
    done = Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def speak() -> None:
        while not done.is_set():
            try:
                connection, _peer = listener.accept()
            except TimeoutError:
                continue
            with connection:
                for byte in said:
                    if done.wait(0.02):
                        return
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        break

    thread = Thread(target=speak)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        done.set()
        thread.join()
        listener.close()


def within(seconds: float) -> Callable[[], bool]:
    """Whether less time than that has gone by."""
    begun = time.monotonic()
    return lambda: time.monotonic() - begun < seconds
