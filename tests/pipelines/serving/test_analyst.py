"""An export is a process whose memory does not grow with the rows that it sends."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.engine import connect
from pipelines.serving.workers import ANALYST

ROWS = 400_000
TEXT = "repeat(chr(65 + (i % 26)::INTEGER), 800)"
HEADING = b"n,text\r\n"
SETTINGS = {
    "mode": "stream", "memory_limit": "160MB", "threads": 1, "process_bytes": 1_500_000_000, "spool_bytes": 10**12,
    "spool": "/dev/stdout", "bytes": None, "temp": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbered rows, and their CSV file in the opposite order with the places of its lines: 320 MB of text."""
    folder = tmp_path_factory.mktemp("wide")
    with connect("1GB", 2, folder / "spill") as con:
        con.execute(f"ATTACH '{folder / 'pages.duckdb'}' AS pages")
        con.execute("SET preserve_insertion_order = true")
        con.execute(
            f'CREATE TABLE pages.t AS SELECT i AS n, {TEXT} AS text, {ROWS} - 1 - i AS "_line~" FROM range({ROWS}) r(i)'
        )
    places = [len(HEADING)]
    with (folder / "t.csv").open("wb") as file:
        file.write(HEADING)
        for number in reversed(range(ROWS)):
            line = b"%d,%s\r\n" % (number, bytes([65 + number % 26]) * 800)
            places.append(places[-1] + file.write(line))
    np.array(places, dtype="<i8").tofile(folder / "lines")
    return folder


def export(folder: Path, **own: Any) -> tuple[bytes, int, int, dict[str, Any]]:
    """(first bytes, number of bytes, peak resident megabytes, what the process said) of an export."""
    settings = SETTINGS | {"database": str(folder / "pages.duckdb"), **own}
    process = subprocess.Popen(
        [sys.executable, "-I", str(ANALYST)], env={},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    with process.stdin, process.stdout, process.stderr:
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.close()
        start, size, peak = b"", 0, 0
        while block := process.stdout.read(2**20):
            start = start or block[:10_000]
            size += len(block)
            peak = max(peak, resident(process.pid))
        said = process.stderr.read()
        assert process.wait() == 0, said
    return start, size, peak, json.loads(said.splitlines()[-1])


def resident(pid: int) -> int:
    """Peak megabytes of a process that still runs (what it had before it became Python does not count), else 0."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0) // 1024


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_written_rows_do_not_gather_in_memory(folder: Path, form: str) -> None:
    start, size, peak, said = export(folder, sql="SELECT n, text FROM t", format=form)
    assert said == {"rows": ROWS} and size > ROWS * 800 and peak < 300
    assert form == "jsonl" or start.startswith(HEADING + b"0," + b"A" * 800 + b"\r\n1,")


def test_copied_rows_do_not_gather_in_memory(folder: Path) -> None:
    own = {"format": "copied", "csv": str(folder / "t.csv"), "places": str(folder / "lines")}
    start, size, peak, said = export(folder, sql='SELECT "_line~" FROM t', **own)
    assert said == {"rows": ROWS} and peak < 300
    # In the order that was asked for, which is not that of the file, but exactly its lines.
    assert start.startswith(HEADING + b"0," + b"A" * 800 + b"\r\n1," + b"B" * 800)
    assert size == (folder / "t.csv").stat().st_size
    few = 'SELECT "_line~" FROM t WHERE n IN (5, 6, 9) ORDER BY n DESC'
    start, _size, _peak, said = export(folder, sql=few, **own)
    assert said == {"rows": 3}
    assert [line.partition(b",")[0] for line in start.split()] == [b"n", b"9", b"6", b"5"]
    start, _size, _peak, said = export(folder, sql='SELECT "_line~" FROM t WHERE n < 0', **own)
    assert start == HEADING and said == {"rows": 0}
