"""Several processes at one store, and processes that are killed: see processes.py, which each test runs."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "processes.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


def run(scenario: str, folder: Path) -> dict:
    done = subprocess.run(
        [sys.executable, SCRIPT, scenario, folder], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    seen = run("race", tmp_path)
    assert seen["numbers"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert seen["parents"] == [None, 1, 2, 3, 4, 5, 6, 7]
    assert seen["submissions"] == 8
    assert seen["periods"] == ["2019", "2020", "2021", "2022", "2023", "2024"]
    assert seen["increasing"]


def test_one_submission_accepted_by_three_processes_is_one_version(tmp_path: Path) -> None:
    assert run("same", tmp_path)["numbers"] == [1]


def test_four_members_at_once(tmp_path: Path) -> None:
    seen = run("members", tmp_path)
    assert seen["versions"] == {"XAA": [1], "XBB": [1], "XCC": [1], "XDD": [1]}
    assert seen["accepted"] == ["XAA", "XBB", "XCC", "XDD"]


def test_acceptance_killed_at_every_step(tmp_path: Path) -> None:
    kinds = Counter(step.split(" ")[0] for step in run("killed_accept", tmp_path)["steps"])
    # Three files, one manifest, and the ledger before and after them: each kind of step must have been tried.
    assert kinds["os.rename"] == 3
    assert kinds["os.link"] == 1
    assert kinds["commit"] >= 4
    assert kinds["sqlite3.connect"] >= 4
    assert kinds["open"] == kinds["opened"] == 4
    assert kinds["head"] == 3


def test_withdrawal_killed_at_every_step(tmp_path: Path) -> None:
    kinds = Counter(step.split(" ")[0] for step in run("killed_withdrawal", tmp_path)["steps"])
    assert kinds["os.link"] == 1
    assert kinds["commit"] >= 2
