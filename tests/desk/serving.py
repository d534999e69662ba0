"""An agency's server on the loopback address: harvests are tried over real HTTP."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Agency:
    """answers: by path and query; a list is answered one after the other, its last one for ever. asked: (path, If-None-Match)."""

    url: str = ""
    answers: dict[str, Answer | list[Answer] | Callable[[], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def answer(self, path: str) -> Answer:
        found = self.answers.get(path, (404, {}, b""))
        if callable(found):
            return found()
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    def page(self, path: str, items: list[dict[str, Any]], following: str | None = None, **head: Any) -> None:
        """A release package at a path."""
        links = {"links": {"next": following}} if following else {}
        told = {"uri": path, "version": "1.1", **head, "releases": items, **links}
        self.answers[path] = (200, {}, json.dumps(told).encode())


@contextmanager
def serve() -> Iterator[Agency]:
    agency = Agency()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("if-none-match")
            agency.asked.append((self.path, asked))
            status, headers, body = agency.answer(self.path)
            if asked and headers.get("etag") == asked:
                status, body = 304, b""
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_ignored: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    agency.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield agency
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
