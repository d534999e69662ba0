"""How far a validation is, and whether it may go on."""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Self

import duckdb

from pipelines.exceptions import StoppedError

Progress = Callable[[str, int, int], None]
"""Called with (table whose rows are being checked, or ``rules``; rows checked; rows in all)."""

_POLL_SECONDS = 0.1


class Watch:
    """Counts the rows that are checked, and stops the engine in the middle of a query when told to.

    cancelled: asked ten times a second from a thread of its own. budget_seconds: time after which it stops; None
    for as long as it takes. Use as a context manager: a query that was interrupted for this becomes `StoppedError`.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        total: int,
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
        budget_seconds: float | None,
    ) -> None:
        self.con = con
        self.total = total
        self.checked = 0
        self._progress = progress or (lambda *_: None)
        self._cancelled = cancelled
        self._until = time.monotonic() + budget_seconds if budget_seconds else None
        self._reason: str | None = None
        self._over = Event()
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        if self._cancelled or self._until:
            self._thread = Thread(target=self._look, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()
        if kind is not None and issubclass(kind, duckdb.InterruptException):
            self._stop_if_told()

    def begin(self, what: str) -> None:
        """Say what comes next; StoppedError when it may not come."""
        self._stop_if_told()
        self._progress(what, self.checked, self.total)

    def done(self, rows: int) -> None:
        """Count rows whose every cell has been judged."""
        self.checked += rows

    def _stop_if_told(self) -> None:
        if self._reason:
            raise StoppedError(self._reason, self.checked, self.total)

    def _look(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            if self._cancelled and self._cancelled():
                self._reason = "cancelled"
            elif self._until and time.monotonic() > self._until:
                self._reason = "budget"
            if self._reason:
                # Again and again: a query may begin between two looks.
                with suppress(duckdb.Error):
                    self.con.interrupt()
