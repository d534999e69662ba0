"""Kill a process at every step it takes, one step after the other, and look at what it leaves.

A step is whatever may leave a trace outside the process: a file opened for writing (before, when nothing is
there, and after, when it is there and empty), a rename, a link, a removal, a new folder, an SQLite
connection, a commit of SQLAlchemy, and the functions named by the caller (such as those of `obstore`, which
write without Python noticing). The process dies before the step, by SIGKILL, so no handler runs and nothing
is flushed: what stays is what a power cut of the process leaves.

    kills = kill_at_every_step(prepare, work, check, wrap=[(obstore, "put")])

For N = 1, 2, …: `prepare(N)`, in the parent, makes fresh surroundings and returns them; a child runs
`work(surroundings)` and dies at its N-th step; another child runs `check(surroundings, N)`, which does the
reading and the rerun and asserts. It ends with the first N that `work` outlives. Returns the steps at which
it was killed, in order.

Use it from a script of its own, not from a test function: children are forked, and a process in which DuckDB,
obstore or pyarrow have already started threads cannot be forked safely. Import what is heavy at the top of
the script, so that each child has it already, and use none of it in the parent.
"""

import builtins
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Engine

Surroundings = TypeVar("Surroundings")

_PLAIN_STEPS = {
    "os.rename",
    "os.link",
    "os.symlink",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "sqlite3.connect",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _opens_for_writing(arguments: Sequence[Any]) -> bool:
    path, mode, flags = arguments
    if isinstance(path, int) or str(path).startswith(("/dev/", "/proc/")) or "__pycache__" in str(path):
        return False
    return bool(set(mode or "") & set("wax+")) or bool((flags or 0) & _WRITING)


class _Killer:
    """Counts steps and ends the process before the one it was told."""

    def __init__(self, last: int, tell: Callable[[str], object]) -> None:
        self.last = last
        self.count = 0
        self.tell = tell

    def step(self, name: str) -> None:
        self.count += 1
        if self.count == self.last:
            self.tell(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self, wrap: Iterable[tuple[Any, str]]) -> None:
        for owner, name in wrap:
            setattr(owner, name, self._wrapped(name, getattr(owner, name)))
        io.open = builtins.open = self._opened(io.open)
        event.listen(Engine, "commit", lambda _connection: self.step("commit"))
        sys.addaudithook(self._heard)

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.step(name)
            return function(*arguments, **named)

        return call

    def _opened(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A second step once a file is open for writing: then it is there, cut off at its first byte."""

        def call(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            opened = function(file, mode, *arguments, **named)
            if _opens_for_writing((file, mode, 0)):
                self.step(f"opened {file}")
            return opened

        return call

    def _heard(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in _PLAIN_STEPS or (name == "open" and _opens_for_writing(arguments)):
            self.step(f"{name} {arguments[0] if arguments else ''}")


def in_child(function: Callable[..., object], *arguments: Any) -> int:
    """Start a forked child that runs a function; returns its process id. Troubles are printed there."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        function(*arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def outcome(child: int) -> int:
    """Wait for a child: 0 for success, the number of the signal that killed it, 1 for an exception."""
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def kill_at_every_step(
    prepare: Callable[[int], Surroundings],
    work: Callable[[Surroundings], object],
    check: Callable[[Surroundings, int], object],
    *,
    wrap: Iterable[tuple[Any, str]] = (),
    lanes: int = 3,
    most: int = 2_000,
) -> list[str]:
    """See the module. wrap: (module or class, name of a function that writes). lanes: steps tried side by
    side, each in surroundings of its own. AssertionError on any trouble.
    """
    kills: list[str] = []
    wrap = list(wrap)
    for first in range(1, most + 1, lanes):
        tries = [_Try(number, prepare(number)) for number in range(first, first + lanes)]
        for each in tries:
            each.start(work, wrap)
        for each in tries:
            each.finish()
        checks = [(each, in_child(check, each.surroundings, each.number)) for each in tries]
        for each, child in checks:
            if outcome(child):
                raise AssertionError(
                    f"killed at step {each.number} ({each.step or 'not killed'}): the check failed"
                )
        kills += [each.step for each in tries if each.was_killed]
        if not all(each.was_killed for each in tries):
            return kills
    raise AssertionError(f"still not finished after {most} steps")


class _Try(Generic[Surroundings]):
    """One run of the work that is to die at a step."""

    def __init__(self, number: int, surroundings: Surroundings) -> None:
        self.number = number
        self.surroundings = surroundings
        self.step = ""
        self.was_killed = False

    def start(self, work: Callable[[Surroundings], object], wrap: Iterable[tuple[Any, str]]) -> None:
        self._reader, writer = os.pipe()

        def doomed() -> None:
            _Killer(self.number, lambda name: os.write(writer, name.encode())).install(wrap)
            work(self.surroundings)

        self._child = in_child(doomed)
        os.close(writer)

    def finish(self) -> None:
        ended = outcome(self._child)
        with os.fdopen(self._reader) as pipe:
            self.step = pipe.read()
        if ended not in (0, signal.SIGKILL):
            raise AssertionError(f"step {self.number}: the work failed by itself")
        self.was_killed = ended == signal.SIGKILL
