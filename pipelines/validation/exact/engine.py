"""One table: prove its structure, screen its cells in DuckDB, propose its keys, and let Frictionless judge the rest."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
from frictionless import Checklist, FrictionlessException

from pipelines.engine import connect
from pipelines.structure import UnprovedError
from pipelines.validation.exact.judge import Judge, Verdict
from pipelines.validation.exact.keys import (
    Lookup,
    read_lookup,
)
from pipelines.validation.exact.plan import make_plan
from pipelines.validation.exact.probe import Probe
from pipelines.validation.exact.rewrite import rewrite
from pipelines.validation.exact.scan import Settings, gather, keep_order, propose, screen_rows
from pipelines.validation.exact.source import MisreadError, Source, StoppedError, begins_even
from pipelines.validation.exact.typed import TypedTable, TypedWriter

STOP_ROWS = 100
"""Rows judged between two looks at the clock."""


@dataclass(slots=True)
class Finished:
    """The run over one table. rows_total: content rows of the file, None when not known. stopped: not to its end."""

    verdict: Verdict
    route: str
    reason: str
    judged: int
    rows_total: int | None
    stopped: bool = False
    typed: TypedTable | None = None


def run(probe: Probe, checklist: Checklist, settings: Settings) -> Finished:
    """Validate one table. Fills in the stats of `probe.resource`. Raises `UnprovedError` or `MisreadError` when even the
    rewritten file is not plain, and `StoppedError` when it was stopped before any row was checked.
    """
    if settings.stopping():
        raise StoppedError
    with ThreadPoolExecutor(3) as side, TemporaryDirectory(dir=settings.temp) as folder:
        route, reason = "rewritten", probe.reason
        if probe.plain:
            halt = _Halt()
            hashes = [side.submit(_digest, kind, probe.path, halt) for kind in (md5, sha256)]
            try:
                plain = (probe.path, probe.config.delimiter, None)
                source, finished = _prove_and_examine(probe, *plain, checklist, settings, Path(folder), side)
                finished.route, finished.reason = "fast", ""
                _fill_stats(probe, source, finished, hashes)
                return finished
            except UnprovedError as doubt:
                reason = str(doubt)
            except (MisreadError, UnicodeDecodeError, duckdb.Error) as doubt:
                reason = str(doubt).splitlines()[0]
            finally:
                halt.now = True
        target = Path(folder) / "rewritten.csv"
        terminal = rewrite(probe, target, _checker(settings))
        stats = probe.resource.stats
        kept = (stats.md5, stats.sha256, stats.bytes)
        source, finished = _prove_and_examine(
            probe, target, ",", terminal, checklist, settings, Path(folder), side
        )
        finished.route, finished.reason = route, reason
        stats.md5, stats.sha256, stats.bytes = kept
        if finished.verdict.partial and not finished.stopped:
            _read_again(probe, finished.verdict.last)
        stats.rows = finished.verdict.rows
        return finished


def _prove_and_examine(
    probe: Probe,
    path: Path,
    delimiter: str,
    terminal: FrictionlessException | None,
    checklist: Checklist,
    settings: Settings,
    folder: Path,
    side: Executor,
) -> tuple[Source, Finished]:
    """First as if every record had as many cells as it should, for most files are so (unless the first of them show
    otherwise); then counting them.
    """
    lookups = _read_lookups(probe)
    width = len(probe.fields)
    ways = (False, True) if begins_even(path, delimiter, width) else (True,)
    for count_cells in ways:
        source = Source(path, delimiter, width, count_cells=count_cells, terminal=terminal)
        source.begin(side)
        try:
            return source, _examine(probe, source, lookups, checklist, settings, folder)
        except MisreadError:
            if count_cells:
                raise
        finally:
            source.halt()
    raise AssertionError("unreachable")


@dataclass(slots=True)
class _Halt:
    now: bool = False


def _digest(kind: Callable[[], Any], path: Path, halt: _Halt) -> str:
    digest, buffer = kind(), bytearray(1 << 20)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while not halt.now and (count := file.readinto(buffer)):
            digest.update(view[:count])
    return str(digest.hexdigest())


def _checker(settings: Settings) -> Callable[[int, int], None]:
    def check(done: int, total: int) -> None:
        if settings.stopping():
            raise StoppedError

    return check


def _fill_stats(probe: Probe, source: Source, finished: Finished, hashes: list[Future[str]]) -> None:
    """The stats that Frictionless would have: all of the file, or as much as it had read when a limit ended it."""
    stats, verdict = probe.resource.stats, finished.verdict
    size = probe.path.stat().st_size
    stats.rows = verdict.rows
    if verdict.partial:
        # It reads ahead in blocks of 8 KiB, and knows a hash only once it has met the end of the file.
        end = int(source.starts[min(verdict.last, len(source))])
        stats.bytes = max(probe.bytes_read, min(size, -(-end // 8192) * 8192))
        complete = verdict.last >= len(source) and not _ends_with_newline(probe.path)
        if not complete and not stats.md5:
            return
    stats.bytes = size if not verdict.partial else stats.bytes
    stats.md5, stats.sha256 = (each.result() for each in hashes)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _read_again(probe: Probe, last: int) -> None:
    """Let Frictionless read up to the row at which it would have ended: its stats are those of that moment."""
    stats = probe.resource.stats
    stats.md5 = stats.sha256 = stats.bytes = None
    with probe.resource as resource:
        for number, _ in enumerate(resource.cell_stream, start=1):
            if number >= last:
                break


def _examine(
    probe: Probe,
    source: Source,
    lookups: list[Lookup],
    checklist: Checklist,
    settings: Settings,
    folder: Path,
) -> Finished:
    judge = _make_judge(probe, checklist, settings, lookups)
    first = probe.first - 1
    source.wait(1)
    with connect(settings.memory_limit, settings.threads, folder / "spill") as con:
        keep_order(con)
        plan = make_plan(con, probe, source, lookups)
        screened = screen_rows(con, plan, source, judge, settings, first, folder / "parts")
        source.complete()
        total = max(len(source) - first, 0)
        if screened.reached < len(source) and not source.widths_hold(screened.reached):
            raise MisreadError("records of another width")
        suspects = gather(probe, screened, source)
        proposed = propose(con, probe, judge, source, screened, suspects)
    places = np.union1d(suspects, proposed)
    places = places[(places >= first) & (places < screened.reached)]
    judged = halted = 0

    def read() -> Iterator[tuple[int, list[str]]]:
        nonlocal judged
        for place, cells in source.cells(places):
            judged += 1
            yield place + 1, cells

    def stop(number: int) -> bool:
        nonlocal halted
        if judged % STOP_ROWS == 0 and settings.stopping():
            halted = number
        return bool(halted)

    whole = screened.reached == len(source)
    verdict = judge.run(
        read(),
        records=screened.reached,
        found=probe.start_errors,
        terminal=source.terminal if whole else None,
        stop=stop,
    )
    stopped = bool(halted) or (screened.stopped and not verdict.partial)
    if not (whole or stopped or verdict.partial):
        raise AssertionError("the screen ended at a limit that the judge did not reach")
    if stopped:
        verdict.partial, verdict.last = True, verdict.last or screened.reached
    if settings.progress:
        settings.progress(verdict.rows, total)
    typed = _finish_typed(screened.writer, source, judge, verdict, suspects) if screened.writer else None
    return Finished(verdict, "", "", judged, total, stopped, typed)


def _finish_typed(
    writer: TypedWriter, source: Source, judge: Judge, verdict: Verdict, suspects: npt.NDArray[np.int64]
) -> TypedTable | None:
    """The typed table; none of a run that did not come to its end, as it would be mistaken for all there is."""
    if verdict.partial:
        writer.discard()
        return None
    apart = np.union1d(suspects, np.asarray(writer.again, np.int64))
    apart = apart[apart >= judge.first - 1]
    judged = ((place + 1, cells) for place, cells in source.cells(apart) if judge.keep(place + 1, cells))
    return writer.finish(judged, set(verdict.bad) - {int(place) + 1 for place in apart}, verdict.bad)


def _read_lookups(probe: Probe) -> list[Lookup]:
    known: dict[tuple[str, tuple[str, ...]], Lookup] = {}
    lookups = []
    for key in probe.foreign:
        name = (key.source, key.source_key)
        if name not in known:
            known[name] = read_lookup(probe.resource, *name)
        lookups.append(known[name])
    for name in probe.unasked:
        if name not in known:
            known[name] = read_lookup(probe.resource, *name)
    return lookups


def _make_judge(probe: Probe, checklist: Checklist, settings: Settings, lookups: list[Lookup]) -> Judge:
    dialect = probe.resource.dialect
    return Judge(
        handlers=probe.handlers,
        unique=probe.unique,
        primary=probe.primary,
        foreign=[(key, lookup.keys) for key, lookup in zip(probe.foreign, lookups, strict=True)],
        scope=frozenset(checklist.scope),
        comment=dialect.create_comment_filter(),
        blank=dialect.create_blank_filter(),
        first=probe.first,
        limit_errors=settings.limit_errors,
        limit_rows=settings.limit_rows,
    )
