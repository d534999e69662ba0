"""The same question asked of two releases: which rows of the answer are new, and which are gone."""

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from pipelines.serving.workers import SqlLimits, SqlRefusedError, Workers

KEPT = 200
WAITING = 8
"""Questions that may wait for their turn; more are refused, and asked again by the feed reader."""

LIMITS = SqlLimits(seconds=5.0, spool_bytes=50_000_000, workers=1, waiting=0)
"""What one feed may cost in one release: less than a reader who waits for an answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """sql for an engine (``duckdb`` or ``sqlite``), with the values of its variables."""

    sql: str
    engine: str
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerDifference:
    """Rows of the answer before and after, and how many of them are only there."""

    before: int
    after: int
    added: int
    removed: int


class Answers:
    """Answers to questions in each release, as hashes of their rows; one is worked out at a time.

    A release never changes, so what is known stays right. A refusal is kept too: it would be the same again.
    """

    def __init__(self, limits: SqlLimits = LIMITS, waiting: int = WAITING) -> None:
        self.limits, self._most_waiting, self._waiting = limits, waiting, 0
        self._known: OrderedDict[tuple[Path, Question], np.ndarray | SqlRefusedError] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def compare(self, older: Path, newer: Path, question: Question) -> AnswerDifference:
        """Between two release folders. Raises SqlRefusedError where a release cannot answer within the limits."""
        before, after = await self.rows(older, question), await self.rows(newer, question)
        return await asyncio.to_thread(_difference, before, after)

    async def rows(self, release: Path, question: Question) -> np.ndarray:
        """Hash of each row of the answer, sorted: uint64, (rows,). Raises SqlRefusedError."""
        key = (release, question)
        known = self._known.get(key)
        if known is None:
            if self._waiting >= self._most_waiting:
                raise SqlRefusedError("busy")
            self._waiting += 1
            try:
                async with self._one_at_a_time:
                    known = await self._found(key)
            finally:
                self._waiting -= 1
        if isinstance(known, SqlRefusedError):
            raise known
        return known

    async def _found(self, key: tuple[Path, Question]) -> np.ndarray | SqlRefusedError:
        if key not in self._known:
            try:
                self._known[key] = await _ask(*key, self.limits)
            except SqlRefusedError as error:
                if error.kind == "busy":
                    raise
                self._known[key] = error
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return self._known[key]


async def _ask(release: Path, question: Question, limits: SqlLimits) -> np.ndarray:
    workers = Workers(release / "ingp.duckdb", release / "ingp.db", limits)
    try:
        answer = await workers.ask(
            question.sql, "jsonl", "feeds", engine=question.engine, variables=dict(question.variables)
        )
        with answer.file as file:
            return await asyncio.to_thread(_hashes, file)
    finally:
        workers.close()


def _hashes(lines: Iterable[bytes]) -> np.ndarray:
    found = array("Q", (int.from_bytes(blake2b(line, digest_size=8).digest(), "big") for line in lines))
    return np.sort(np.frombuffer(found, dtype=np.uint64)) if found else np.empty(0, np.uint64)


def _difference(before: np.ndarray, after: np.ndarray) -> AnswerDifference:
    """Rows count as often as they come: an answer may hold the same row twice."""
    values = np.unique(np.concatenate([before, after]))
    counts = [
        np.searchsorted(each, values, "right") - np.searchsorted(each, values, "left")
        for each in (before, after)
    ]
    more = counts[1] - counts[0]
    return AnswerDifference(len(before), len(after), int(more[more > 0].sum()), int(-more[more < 0].sum()))
