"""One question asked of two releases, and what happens at the limits."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.serving.differences import LIMITS, AnswerDifference, Answers, Question
from pipelines.serving.workers import SqlRefusedError

ALL = "SELECT * FROM t"
ENDLESS = "SELECT count(*) FROM range(1000000000000) a, range(1000) b"


def release(folder: Path, values: list[int]) -> Path:
    folder.mkdir()
    with duckdb.connect(str(folder / "ingp.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT unnest(?::INT[]) AS n", [values])
    con = sqlite3.connect(folder / "ingp.db")
    con.execute("CREATE TABLE t (n INTEGER)")
    con.executemany("INSERT INTO t VALUES (?)", [(each,) for each in values])
    con.commit()
    con.close()
    return folder


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
async def test_rows_are_compared_as_often_as_they_come(tmp_path: Path, engine: str) -> None:
    older, newer = release(tmp_path / "a", [3, 1, 1, 2]), release(tmp_path / "b", [1, 2, 3, 3, 4])
    answers = Answers()
    found = await answers.compare(older, newer, Question(ALL, engine))
    assert found == AnswerDifference(before=4, after=5, added=2, removed=1)
    assert await answers.compare(older, older, Question(ALL, engine)) == AnswerDifference(4, 4, 0, 0)
    none = Question("SELECT n FROM t WHERE n > 99", engine)
    assert await answers.compare(older, newer, none) == AnswerDifference(0, 0, 0, 0)


async def test_limits_are_told_and_remembered(tmp_path: Path) -> None:
    folder = release(tmp_path / "a", [1])
    answers = Answers(replace(LIMITS, seconds=0.3))
    for _time in range(2):
        with pytest.raises(SqlRefusedError, match="too_slow"):
            await answers.rows(folder, Question(ENDLESS, "duckdb"))
    small = Answers(replace(LIMITS, spool_bytes=1000))
    with pytest.raises(SqlRefusedError, match="too_many_bytes"):
        await small.rows(folder, Question("SELECT range AS n FROM range(100000)", "duckdb"))


async def test_who_would_wait_too_long_is_refused(tmp_path: Path) -> None:
    folder = release(tmp_path / "a", [1])
    answers = Answers(waiting=1)
    asked = [answers.rows(folder, Question(f"SELECT {number} AS n", "duckdb")) for number in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(each, "kind", None) for each in found] == [None, "busy", "busy"]
    assert len(await answers.rows(folder, Question("SELECT 1 AS n", "duckdb"))) == 1
