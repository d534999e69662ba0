"""The pool of processes that answer strangers' SQL: who waits, who is refused, who is killed."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

ANALYST = Path(__file__).with_name("analyst.py")


@dataclass(frozen=True, slots=True)
class SqlLimits:
    """What one question may cost. rows: of JSON answers and pages; files have no limit of rows, only of bytes.

    text_length: characters of a text in SQLite; beyond, one of its functions can run for minutes.
    """

    seconds: float = 10.0
    memory: str = "600MB"
    process_bytes: int = 2_500_000_000
    spool_bytes: int = 2_000_000_000
    rows: int = 10_000
    text_length: int = 200_000
    workers: int = 2
    threads: int = 2
    waiting: int = 40
    of_one_reader: int = 4
    patience: float = 20.0


class SqlRefusedError(Exception):
    """A question that got no answer. kind names the reason; message is what the engine said."""

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """rows of the answer, its columns and their types, and the open file with all of it (already without a name)."""

    rows: int
    columns: tuple[str, ...]
    types: tuple[str, ...]
    file: BinaryIO
    bytes: int


@dataclass
class _Worker:
    process: asyncio.subprocess.Process
    spool: Path


@dataclass
class Workers:
    """Warm processes over the DuckDB file (and the SQLite file) of a release."""

    duckdb: Path
    sqlite: Path | None
    limits: SqlLimits = field(default_factory=SqlLimits)

    def __post_init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ingp-sql-"))
        # The last that answered answers next: it is warm, and a process that is not needed is never started.
        self._idle: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue()
        for _place in range(self.limits.workers):
            self._idle.put_nowait(None)
        self._started = 0
        self._readers: Counter[str] = Counter()
        self._all: set[asyncio.subprocess.Process] = set()

    async def ask(self, sql: str, form: str, reader: str, *, engine: str = "duckdb", limit: int = 0,
                  variables: Mapping[str, str] | None = None) -> SqlAnswer:  # fmt: skip
        """Answer one question as a file of `form` (csv, json, jsonl, parquet). limit: most rows, 0 for all.

        reader: whoever asks, for a fair share. Raises SqlRefusedError; at its limits a process is killed and replaced.
        """
        job = {
            "sql": sql, "format": form, "engine": engine, "limit": limit, "variables": dict(variables or {}),
            "seconds": self.limits.seconds,
        }  # fmt: skip
        async with self._worker(reader) as worker:
            said = await self._said(worker, job)
            if "error" in said:
                worker.spool.unlink(missing_ok=True)
                raise SqlRefusedError(said["error"], said["message"])
            file = worker.spool.open("rb")
            size = worker.spool.stat().st_size
            worker.spool.unlink()
        return SqlAnswer(said["rows"], tuple(said["columns"]), tuple(said["types"]), file, size)

    async def _said(self, worker: _Worker, job: dict[str, Any]) -> dict[str, Any]:
        process = worker.process
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            # The engine is asked to stop at its limit; whoever does not hear it is killed a second later.
            line = await asyncio.wait_for(process.stdout.readline(), self.limits.seconds + 1)
        except TimeoutError:
            await self._kill(worker)
            raise SqlRefusedError("too_slow", "killed") from None
        except BaseException:
            await self._kill(worker)
            raise
        if not line:
            await self._kill(worker)
            raise SqlRefusedError("too_much_memory", "the process ended")
        return json.loads(line)

    @asynccontextmanager
    async def _worker(self, reader: str) -> AsyncIterator[_Worker]:
        if self._readers[reader] >= self.limits.of_one_reader:
            raise SqlRefusedError("your_turn")
        if self._readers.total() >= self.limits.waiting + self.limits.workers:
            raise SqlRefusedError("busy")
        self._readers[reader] += 1
        try:
            try:
                worker = await asyncio.wait_for(self._idle.get(), self.limits.patience)
            except TimeoutError:
                raise SqlRefusedError("busy") from None
            try:
                if worker is None or worker.process.returncode is not None:
                    worker = None
                    worker = await self._start()
                yield worker
            finally:
                alive = worker is not None and worker.process.returncode is None
                self._idle.put_nowait(worker if alive else None)
        finally:
            self._readers[reader] -= 1
            if not self._readers[reader]:
                del self._readers[reader]

    async def _start(self) -> _Worker:
        self._started += 1
        spool = self._folder / f"{self._started}"
        settings = {
            "mode": "answer", "database": str(self.duckdb), "sqlite": str(self.sqlite) if self.sqlite else None,
            "spool": str(spool), "memory_limit": self.limits.memory, "threads": self.limits.threads,
            "process_bytes": self.limits.process_bytes, "spool_bytes": self.limits.spool_bytes,
            "text_length": self.limits.text_length,
        }  # fmt: skip
        process = await start_process(settings)
        self._all.add(process)
        assert process.stdout
        if not await process.stdout.readline():
            raise SqlRefusedError("busy", "the process did not start")
        return _Worker(process, spool)

    async def _kill(self, worker: _Worker) -> None:
        with suppress(ProcessLookupError):
            worker.process.kill()
        await worker.process.wait()
        self._all.discard(worker.process)
        worker.spool.unlink(missing_ok=True)

    def close(self) -> None:
        for process in self._all:
            with suppress(ProcessLookupError):
                process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


async def start_process(
    settings: Mapping[str, Any], found: bytes | None = None
) -> asyncio.subprocess.Process:
    """An analyst with an empty environment: nothing of the site is in its reach."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(ANALYST), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if settings["mode"] == "stream" else asyncio.subprocess.DEVNULL,
        env={}, limit=2**20, close_fds=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(
        json.dumps({**settings, "bytes": None if found is None else len(found)}).encode() + b"\n"
    )
    if found:
        process.stdin.write(found)
    await process.stdin.drain()
    if settings["mode"] == "stream":
        process.stdin.close()
    return process
