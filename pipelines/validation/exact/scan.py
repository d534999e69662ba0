"""One pass of DuckDB over a table: which rows are suspect, and which keys may occur twice."""

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.validation.exact.arrays import Growing, bits, numbers
from pipelines.validation.exact.judge import Judge
from pipelines.validation.exact.keys import Key, canonical_text, compose, hash_texts, repeated
from pipelines.validation.exact.plan import Plan
from pipelines.validation.exact.probe import Probe
from pipelines.validation.exact.source import MisreadError, Source
from pipelines.validation.exact.typed import TypedWriter, reads_by_value

BATCH_ROWS = 100_000
"""Rows between two looks at the clock, the error limit and the share of suspects."""

ODD_SHARE = 0.01
"""Share of suspects above which columns are read by their distinct values instead."""


Batches = Generator[tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], list[tuple[Any, Any]]], None, None]
Answers = Generator[tuple[int, int, list[pa.RecordBatch]], None, None]


@dataclass(slots=True)
class Settings:
    """How to run. See `validate` for the meaning of each."""

    limit_errors: int = 1000
    limit_rows: int | None = None
    progress: Callable[[int, int], None] | None = None
    cancelled: Callable[[], bool] | None = None
    deadline: float | None = None
    memory_limit: str = "1GB"
    threads: int = 0
    temp: Path | None = None
    typed: Path | None = None

    def stopping(self) -> bool:
        if self.cancelled is not None and self.cancelled():
            return True
        return self.deadline is not None and time.monotonic() > self.deadline


@dataclass(slots=True)
class Screened:
    """What the screen gave: suspects by place, and per key the hash of every record and whether it has one."""

    suspects: list[npt.NDArray[np.int64]] = field(default_factory=list)
    hashes: list[Growing] = field(default_factory=list)
    present: list[Growing] = field(default_factory=list)
    reached: int = 0
    stopped: bool = False
    writer: TypedWriter | None = None


def keep_order(con: duckdb.DuckDBPyConnection) -> None:
    """Rows in the order of the file. A list of constants would become a join, and joins lose it."""
    con.execute("SET preserve_insertion_order = true")
    con.execute("SET disabled_optimizers = 'in_clause'")


def screen_rows(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    source: Source,
    judge: Judge,
    settings: Settings,
    first: int,
    folder: Path,
) -> Screened:
    """One pass over the file; begun again when a column turns out to be full of odd spellings."""
    while True:
        screened = Screened(
            hashes=[Growing(np.uint64) for _ in plan.hashes], present=[Growing(np.bool_) for _ in plan.hashes]
        )
        if settings.typed is not None:
            screened.writer = _typed_writer(plan, settings.typed)
        readers = settings.threads or os.cpu_count() or 1
        # Closed whatever happens: what is being read must have ended before its connection does.
        with closing(_batches(con, plan, source, screened.writer, readers, folder)) as batches:
            if _take(con, plan, source, judge, settings, first, screened, batches):
                return screened
        if screened.writer is not None:
            screened.writer.discard()


def _take(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    source: Source,
    judge: Judge,
    settings: Settings,
    first: int,
    screened: Screened,
    batches: Batches,
) -> bool:
    """Collect the batches of a pass; False when it has to be begun again, by another plan."""
    counted = odd = errors = 0
    most = _most_errors(plan.probe)
    for places, flags, hashes in batches:
        suspects = places[flags]
        screened.suspects.append(suspects)
        for own, given, (values, present) in zip(screened.hashes, screened.present, hashes, strict=True):
            own.put(places, values)
            given.put(places, present)
        # Blank and ragged records behind the last one that DuckDB gave are not reached yet.
        screened.reached = int(places[-1]) + 1
        odd += len(suspects)
        if settings.progress:
            settings.progress(max(screened.reached - first, 0), max(source.expected() - first, 0))
        if settings.stopping():
            screened.stopped = True
            return True
        if not plan.adapted and odd > ODD_SHARE * screened.reached and plan.adapt(con):
            return False
        if settings.limit_errors and _may_reach(
            settings.limit_errors - errors, source, screened, counted, most
        ):
            fresh = np.concatenate(screened.suspects)
            errors += _count_errors(
                judge, source, screened, counted, fresh[fresh >= counted], settings.limit_errors - errors
            )
            counted = screened.reached
            if errors >= settings.limit_errors:
                return True
    screened.reached = len(source)
    return True


def _most_errors(probe: Probe) -> int:
    """Errors that a row of the right width can have by itself: the type of every cell, or all its constraints."""
    return 2 + sum(1 + len(described.constraints) for described in probe.fields)


def _may_reach(wanted: int, source: Source, screened: Screened, since: int, most: int) -> bool:
    """Whether the rows that nobody has judged yet may have so many errors; judging them costs a millisecond each."""
    fresh = sum(int((places >= since).sum()) for places in screened.suspects)
    odd = source.irregular.between(since, screened.reached)
    # A row of another width has no more cells than bytes, and a missing cell is one error.
    bytes_of_odd = int((source.starts[odd + 1] - source.starts[odd]).sum()) if len(odd) else 0
    return fresh * most + bytes_of_odd + len(odd) * most >= wanted


def _count_errors(
    judge: Judge,
    source: Source,
    screened: Screened,
    since: int,
    suspects: npt.NDArray[np.int64],
    wanted: int,
) -> int:
    """Errors that the suspects of a batch have by themselves, counted up to `wanted`."""
    places = np.union1d(source.irregular.between(since, screened.reached), suspects)
    count = 0
    for place, cells in source.cells(places[places >= judge.first - 1]):
        count += judge.own_errors(place + 1, cells)
        if count >= wanted:
            break
    return count


def _typed_writer(plan: Plan, path: Path) -> TypedWriter:
    by_value = {
        place
        for place, described in enumerate(plan.probe.fields)
        if reads_by_value(described) or (place in plan.distinct and described.type != "string")
    }
    return TypedWriter(plan.probe, path, frozenset(by_value))


def _batches(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    source: Source,
    writer: TypedWriter | None,
    readers: int,
    folder: Path,
) -> Batches:
    """(places, suspect, hashes) of the records that DuckDB reads, in the order of the file, checked against the proof."""
    extra = writer.expressions() if writer is not None else ()
    folder.mkdir(exist_ok=True)
    with closing(_parts(con, plan, source, extra, readers, folder)) as answers:
        for first, last, batches in answers:
            expected = np.arange(first, last)
            if len(skipped := source.skipped.between(first, last)):
                expected = np.setdiff1d(expected, skipped, assume_unique=True)
            if len(expected) != sum(batch.num_rows for batch in batches):
                raise MisreadError(f"other rows than the {len(expected)} records from {first + 1} on")
            for batch in batches:
                places, expected = expected[: batch.num_rows], expected[batch.num_rows :]
                columns = batch.columns
                flags = numbers(columns[0], np.uint8).astype(bool)
                lengths = numbers(columns[1], np.int64)
                _check_alignment(source, places, lengths)
                hashes = []
                for column in columns[2 : 2 + len(plan.hashes)]:
                    present = bits(column.is_valid()) if column.null_count else np.ones(len(places), bool)
                    hashes.append((numbers(column, np.uint64), present))
                others = 2 + len(plan.hashes) + len(plan.references)
                for text, column in zip(plan.references, columns[2 + len(plan.hashes) : others], strict=True):
                    flags |= plan.strangers(text, column)
                if writer is not None:
                    flags |= np.isin(places, _always_judged(plan.probe))
                    writer.add(columns[others:], places, flags, plan.probe.first - 1)
                yield places, flags, hashes


def _parts(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    source: Source,
    extra: Sequence[str],
    readers: int,
    folder: Path,
) -> Answers:
    """(first record, one behind the last, answer) of the parts of the file, some of which are read at the same time."""

    def read(own: duckdb.DuckDBPyConnection, first: int, last: int) -> list[pa.RecordBatch]:
        part = folder / f"{first}.csv"
        source.copy(first, last, part)
        with own:
            keep_order(own)
            answer = list(own.sql(plan.query(part, extra)).to_arrow_reader(BATCH_ROWS))
        part.unlink()
        return answer

    waiting: deque[tuple[int, int, Future[list[pa.RecordBatch]]]] = deque()
    with ThreadPoolExecutor(readers) as pool:
        try:
            for first, last in source.parts():
                # A connection of its own, which is made here: the first one may be asked something meanwhile.
                waiting.append((first, last, pool.submit(read, con.cursor(), first, last)))
                if len(waiting) > readers:
                    begin, end, answer = waiting.popleft()
                    yield begin, end, answer.result()
            while waiting:
                begin, end, answer = waiting.popleft()
                yield begin, end, answer.result()
        finally:
            for _, _, answer in waiting:
                answer.cancel()


def _check_alignment(source: Source, places: npt.NDArray[np.int64], lengths: npt.NDArray[Any]) -> None:
    """DuckDB promises no order of rows, and may split otherwise than proved: the length of each row tells."""
    content, quotes = source.content[places], source.quotes[places]
    wrong = np.where(quotes == 0, lengths != content, (lengths > content - 2) | (lengths < content - quotes))
    if wrong.any():
        raise MisreadError(f"row {int(places[wrong][0]) + 1} is not where it was proved to be")


def _always_judged(probe: Probe) -> npt.NDArray[np.int64]:
    """Limits are asked for the first time after the first content row; rows named as comments are left out."""
    rows = [probe.first, *probe.resource.dialect.comment_rows]
    return np.asarray([row - 1 for row in rows if isinstance(row, int) and row > 0], np.int64)


def gather(probe: Probe, screened: Screened, source: Source) -> npt.NDArray[np.int64]:
    """Places to be judged whatever the keys say."""
    places = np.unique(np.concatenate([*screened.suspects, source.irregular.whole(), _always_judged(probe)]))
    return places[(places < screened.reached) & (places < len(source))]


def propose(
    con: duckdb.DuckDBPyConnection,
    probe: Probe,
    judge: Judge,
    source: Source,
    screened: Screened,
    suspects: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Places whose key may occur twice."""
    keys = [*probe.unique, *([probe.primary] if probe.primary else [])]
    if not keys or not screened.hashes:
        return np.empty(0, np.int64)
    texts: list[list[str | None]] = [[] for _ in keys]
    for _, cells in source.cells(suspects):
        for key, own in zip(keys, texts, strict=True):
            own.append(_key_text(probe, key, cells))
    found = []
    for key_texts, kept, given in zip(texts, screened.hashes, screened.present, strict=True):
        kept.reach(len(source))
        given.reach(len(source))
        hashes, present = kept.whole(), given.whole()
        # A suspect's own spelling says nothing; what Frictionless reads in it does.
        hashes[suspects] = hash_texts(con, key_texts)
        present[suspects] = [text is not None for text in key_texts]
        present[screened.reached :] = False
        found.append(repeated(hashes, present))
    return np.unique(np.concatenate(found))


def _key_text(probe: Probe, key: Key, cells: list[str]) -> str | None:
    texts: list[str | None] = []
    for position, kind in zip(key.positions, key.kinds, strict=True):
        name = probe.fields[position].name
        try:
            value = probe.handlers[name].reader(cells[position] if position < len(cells) else None)[0]
        except Exception:  # the judge stops at this row, if it comes so far
            return None
        texts.append(canonical_text(value, kind))
    return compose(texts)
