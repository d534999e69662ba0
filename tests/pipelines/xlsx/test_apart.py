"""Rows that another process reads: the same, in the same order, with the same types; and what happens when it cannot."""

import datetime
import io
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from frictionless import Resource, Schema

from pipelines.validation.exact import explain, workbook
from pipelines.xlsx import apart
from pipelines.xlsx.parts import Unproved
from pipelines.xlsx.sheet import open_sheet
from tests.fuzz.compare import first_difference, plain

ROWS = 5 * apart.BLOCK + 7


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sheets; the second has rows enough for several blocks, of every type that a cell can have."""
    path = tmp_path_factory.mktemp("apart") / "libro de año.xlsx"
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as made:
        made.add_worksheet("Notas").write(0, 0, "nada")
        sheet = made.add_worksheet("Año 2024")
        sheet.write_row(0, 0, ["number", "title", "amount", "signed", "open"])
        for row in range(1, ROWS):
            sheet.write_row(row, 0, [row, f"título {row % 50}", row / 3])
            sheet.write_datetime(row, 3, datetime.datetime(2024, 1, 1 + row % 28))
            sheet.write_boolean(row, 4, row % 2 == 0)
    return path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that a test starts."""
    kept: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def remember(*given: Any, **told: Any) -> subprocess.Popen[bytes]:
        kept.append(start(*given, **told))
        return kept[-1]

    monkeypatch.setattr(apart.subprocess, "Popen", remember)
    return kept


def told(rows: Iterator[list[Any]]) -> list[list[tuple[type, Any]]]:
    return [[(type(cell), cell) for cell in row] for row in rows]


@pytest.mark.parametrize("sheet", [1, 2, "Año 2024"])
def test_rows_are_those_of_the_sheet(book: Path, sheet: str | int) -> None:
    apart_rows = told(apart.rows_apart(book, sheet))
    assert apart_rows == told(open_sheet(io.BytesIO(book.read_bytes()), sheet).rows())
    assert len(apart_rows) == (1 if sheet == 1 else ROWS)


def test_what_the_reader_leaves_to_others_is_handed_on(book: Path) -> None:
    with pytest.raises(Unproved, match="99"):
        list(apart.rows_apart(book, "99"))


def test_a_reader_that_dies_is_no_end_of_the_rows(
    book: Path, monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    # It waits for room before it comes to the end of the sheet.
    monkeypatch.setattr(apart, "AHEAD", 1)
    rows = apart.rows_apart(book, 2)
    next(rows)
    started[0].kill()
    # What it had written may still come; the end of the sheet may not.
    with pytest.raises(Unproved, match="died"):
        list(rows)


def test_who_wants_no_more_rows_leaves_no_process(book: Path, started: list[subprocess.Popen[bytes]]) -> None:
    rows = apart.rows_apart(book, 2)
    assert len(list(islice(rows, 3))) == 3
    rows.close()
    assert [each.poll() is None for each in started] == [False]


def test_the_report_is_that_of_frictionless(
    book: Path, monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(workbook, "LARGE_BYTES", 1)
    fields = [
        {"name": "number", "type": "integer", "constraints": {"unique": True, "maximum": ROWS - 5}},
        {"name": "title", "type": "string"},
        {"name": "amount", "type": "number"},
        {"name": "signed", "type": "datetime"},
        {"name": "open", "type": "boolean"},
    ]

    def make() -> Resource:
        return Resource.from_descriptor(
            {
                "name": "table",
                "path": book.name,
                "dialect": {"excel": {"sheet": "Año 2024"}},
                "schema": Schema.from_descriptor({"fields": fields}).to_descriptor(),
            },
            basepath=str(book.parent),
        )

    limits: list[dict[str, Any]] = [{}, {"limit_errors": 2}, {"limit_rows": 30}]
    for options in limits:
        outcome = explain(make(), small_bytes=0, **options)
        assert first_difference(plain(outcome.report), plain(make().validate(**options))) is None
        assert [route.path for route in outcome.routes] == ["workbook"]
    assert started and all(each.poll() is not None for each in started)
