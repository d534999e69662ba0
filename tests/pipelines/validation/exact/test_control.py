"""Progress, cancelling, the time allowed, and the typed rows."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.validation.exact import explain
from pipelines.validation.exact.typed import ROW_NUMBER

FIELDS = [
    {"name": "id", "type": "string"},
    {"name": "n", "type": "integer"},
    {"name": "v", "type": "number", "constraints": {"minimum": 0}},
    {"name": "d", "type": "date"},
    {"name": "e", "type": "date", "format": "%d/%m/%Y"},
    {"name": "b", "type": "boolean"},
    {"name": "t", "type": "datetime"},
]
GOOD = "x{k},{k},{k}.5,2020-01-05,31/12/2020,true,2020-01-05T10:00:00Z\n"


def write(folder: Path, lines: list[str], **schema: object) -> Path:
    (folder / "t.csv").write_text("id,n,v,d,e,b,t\n" + "".join(lines))
    described = {"name": "t", "path": "t.csv", "type": "table", "encoding": "utf-8",
                 "dialect": {"csv": {"delimiter": ","}}, "schema": {"fields": FIELDS, "primaryKey": ["id"], **schema}}  # fmt: skip
    path = folder / "datapackage.json"
    path.write_text(json.dumps({"name": "p", "resources": [described]}))
    return path


def test_typed_rows(tmp_path: Path) -> None:
    lines = [GOOD.format(k=k) for k in range(100)]
    lines[10] = lines[10].replace("2020-01-05,", "2020-1-5,")  # odd and valid
    lines[20] = lines[20].replace("true", "perhaps")  # an error
    lines[30] = lines[29]  # a duplicate key, known at the end only
    lines[40] = lines[40].replace(",40,", ", 4_0,").replace("40.5", " 1_000.25 ")
    lines[50] = lines[50].replace("50.5", "9" * 30)  # sound, and too large for the column
    lines[60] = ",".join([lines[60].split(",")[0], "", "", "", "", "", ""]) + "\n"
    lines[70] = "\n"
    outcome = explain(write(tmp_path, lines), typed=tmp_path / "typed")
    (route,) = outcome.routes
    assert route.path == "fast" and route.typed is not None
    assert route.typed.left_out == (22, 32, 72)
    assert route.typed.unfit == (52,)
    table = pq.read_table(route.typed.path).sort_by(ROW_NUMBER).to_pylist()
    assert len(table) == route.typed.rows == 96
    assert {row[ROW_NUMBER] for row in table} == set(range(2, 102)) - {22, 32, 72, 52}
    rows = {row[ROW_NUMBER]: row for row in table}
    assert [str(rows[2][name]) for name in ("id", "n", "d", "e", "b")] == [
        "x0",
        "0",
        "2020-01-05",
        "2020-12-31",
        "True",
    ]
    assert rows[2]["t"].isoformat() == "2020-01-05T10:00:00+00:00"
    assert str(rows[12]["d"]) == "2020-01-05"
    assert rows[42]["n"] == 40 and rows[42]["v"] == 1000.25
    assert all(rows[62][name] is None for name in ("n", "v", "d", "e", "b", "t"))


def test_no_typed_rows_of_a_run_that_a_limit_ended(tmp_path: Path) -> None:
    lines = [GOOD.format(k=k).replace("true", "perhaps") for k in range(100)]
    outcome = explain(write(tmp_path, lines), typed=tmp_path / "typed", limit_errors=5)
    assert outcome.routes[0].typed is None
    assert not list((tmp_path / "typed").iterdir())


def test_progress_ends_with_every_row(tmp_path: Path) -> None:
    path = write(tmp_path, [GOOD.format(k=k) for k in range(1000)])
    told: list[tuple[int, int]] = []
    explain(path, small_bytes=0, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (1000, 1000)
    assert told == sorted(told)


@pytest.mark.parametrize("small_bytes", [0, 1 << 30], ids=["engine", "frictionless"])
def test_out_of_time_says_so(tmp_path: Path, small_bytes: int) -> None:
    path = write(tmp_path, [GOOD.format(k=k) for k in range(1000)])
    outcome = explain(path, small_bytes=small_bytes, budget_seconds=0)
    (route,) = outcome.routes
    assert route.stopped and route.rows_checked < 1000
    assert any("checked" in warning for warning in outcome.report.tasks[0].warnings)


def test_cancelled_while_judging_reports_what_was_found(tmp_path: Path) -> None:
    path = write(tmp_path, [GOOD.format(k=k).replace("true", "perhaps") for k in range(1000)])
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    outcome = explain(path, small_bytes=0, limit_errors=0, cancelled=cancelled)
    (route,) = outcome.routes
    (task,) = outcome.report.tasks
    assert route.stopped and 0 < route.rows_checked < 1000 and route.rows_total == 1000
    assert len(task.errors) == route.rows_checked == task.stats["rows"]
    assert f"stopped: checked {route.rows_checked} of 1000 rows" in task.warnings


def test_cancelled_before_the_first_row(tmp_path: Path) -> None:
    path = write(tmp_path, [GOOD.format(k=k) for k in range(1000)])
    (route,) = explain(path, small_bytes=0, cancelled=lambda: True).routes
    assert route.stopped and route.rows_checked == 0


def test_clean_rows_are_not_judged(tmp_path: Path) -> None:
    """Canonical cells and empty ones are proved; only the first row is always judged."""
    lines = [GOOD.format(k=k) if k % 3 else f"x{k},,,,,,\n" for k in range(500)]
    (route,) = explain(write(tmp_path, lines), small_bytes=0).routes
    assert (route.path, route.rows_checked, route.rows_judged) == ("fast", 500, 1)
