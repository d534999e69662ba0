"""What several processes do to one store; run by test_processes.py as a script, one scenario per call.

python processes.py <scenario> <folder>       prints a JSON object about what happened
"""

import itertools
import json
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1]), str(HERE.parents[2])]

import duckdb  # noqa: E402, F401  imported before forking, so that no child has to
import obstore  # noqa: E402
import pandas  # noqa: E402, F401  pyarrow imports it at the first array
import pyarrow.compute  # noqa: E402, F401
from faults import in_child, kill_at_every_step, outcome  # noqa: E402
from store_samples import accept, candidates, numbered_rows, submission  # noqa: E402

from pipelines.store import (  # noqa: E402
    CandidateTable,
    Lake,
    Ledger,
    State,
    newest_manifest,
    newest_version,
    read_history,
    read_manifests,
    verify_version,
    withdraw_version,
)


def _open(folder: Path) -> tuple[Lake, Ledger]:
    return Lake(str(folder / "lake"), folder / "cache"), Ledger(folder / "ledger.sqlite")


def _inside(function, *arguments):
    """Run in a child and hand the answer over as JSON: the parent must stay without threads."""
    reader, writer = os.pipe()

    def answer() -> None:
        os.write(writer, json.dumps(function(*arguments)).encode())

    child = in_child(answer)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    assert outcome(child) == 0
    return json.loads(text)


def _together(jobs) -> None:
    """Start all jobs, let them go at the same moment, and wait; each job is (function, arguments…)."""
    gate, opener = os.pipe()

    def wait_and_run(function, *arguments) -> None:
        os.close(opener)
        os.read(gate, 1)
        function(*arguments)

    children = [in_child(wait_and_run, *job) for job in jobs]
    os.close(opener)
    os.close(gate)
    assert [outcome(child) for child in children] == [0] * len(children)


def _tables(folder: Path, name: str, count: int) -> list[CandidateTable]:
    rows = {"processes": numbered_rows(20, name), "contracts": numbered_rows(count, name)}
    return candidates(folder / "in" / name, **rows)


def _accept(folder: Path, name: str, member: str, period: str, tables: list[CandidateTable]) -> None:
    lake, ledger = _open(folder)
    accept(lake, ledger, submission(name, member, period), tables, loss_share=1)


def _commit(folder: Path, name: str, member: str, period: str, count: int) -> None:
    _accept(folder, name, member, period, _tables(folder, f"{member}-{name}", count))


def _commit_in_turn(folder: Path, name: str, periods: list[str]) -> None:
    for period in periods:
        _commit(folder, f"{name}{period}", "XAA", period, 30)


def _numbers(folder: Path) -> list[int]:
    lake, ledger = _open(folder)
    versions = read_history(lake, "XAA", "procurement")
    for version in versions:
        verify_version(lake, version)
    assert not ledger.unfinished()
    live = {entry.version_number for entry in ledger.submissions(state=State.ACCEPTED)}
    assert live == {source.number for source in newest_manifest(lake, "XAA", "procurement").sources.values()}
    return [int(version.number) for version in versions]


def race(folder: Path) -> dict:
    """Two processes, four commits each, to one (member, package type); half of them to the same period."""
    years = [["2019", "2020", "2021", "2022"], ["2020", "2021", "2023", "2024"]]
    _together([(_commit_in_turn, folder, name, each) for name, each in zip("ab", years, strict=True)])

    def read() -> dict:
        lake, _ = _open(folder)
        manifests = read_manifests(lake, "XAA", "procurement")
        return {
            "numbers": _numbers(folder),
            "submissions": len({m.version.submission_id for m in manifests}),
            "periods": sorted(manifests[-1].sources),
            "parents": [m.version.parent and int(m.version.parent) for m in manifests],
            "increasing": all(
                a.version.accepted_at < b.version.accepted_at for a, b in itertools.pairwise(manifests)
            ),
        }

    return _inside(read)


def same(folder: Path) -> dict:
    """Three processes accept one and the same submission at once."""
    assert outcome(in_child(_tables, folder, "a", 30)) == 0
    tables = [
        CandidateTable(name, folder / "in" / "a" / f"{name}.parquet", rows)
        for name, rows in (("processes", 20), ("contracts", 30))
    ]
    _together([(_accept, folder, "a", "XAA", "2020", tables)] * 3)
    return {"numbers": _inside(_numbers, folder)}


def members(folder: Path) -> dict:
    """Four processes, each its own member, opening a ledger that does not exist yet."""
    codes = ["XAA", "XBB", "XCC", "XDD"]
    _together([(_commit, folder, "a", code, "2020", 100) for code in codes])

    def read() -> dict:
        lake, ledger = _open(folder)
        return {
            "versions": {
                code: [int(v.number) for v in read_history(lake, code, "procurement")] for code in codes
            },
            "accepted": sorted(entry.member for entry in ledger.submissions(state=State.ACCEPTED)),
        }

    return _inside(read)


def _prepared(template: Path) -> None:
    _accept(template, "first", "XAA", "2020", _tables(template, "first", 40))


def _second_tables(folder: Path):
    # Written before the work starts, as validation would: only the store's own steps are counted.
    return [
        CandidateTable("processes", folder / "in" / "second" / "processes.parquet", 20),
        CandidateTable("contracts", folder / "in" / "second" / "contracts.parquet", 39),
    ]


def _accept_second(folder: Path) -> None:
    lake, ledger = _open(folder)
    accept(lake, ledger, submission("second"), _second_tables(folder))


def _assert_whole(folder: Path, allowed: set[int]) -> int:
    """What a reader sees: a complete version, one of those allowed; all its files as the manifest says."""
    lake, _ = _open(folder)
    version = newest_version(lake, "XAA", "procurement")
    assert int(version.number) in allowed, version.number
    for each in read_history(lake, "XAA", "procurement"):
        verify_version(lake, each)
        assert len(each.tables) in (0, 2)
    for file in newest_manifest(lake, "XAA", "procurement").change_files:
        assert lake.sha256(file.path) == file.sha256
    return int(version.number)


def _check_accept(folder: Path, _step: int) -> None:
    _assert_whole(folder, {1, 2})
    _accept_second(folder)
    assert _assert_whole(folder, {2}) == 2
    lake, ledger = _open(folder)
    newest = newest_manifest(lake, "XAA", "procurement")
    assert newest.version.submission_id == submission("second").submission_id
    assert {file.table for file in newest.change_files} == {"contracts"}
    first, second = (ledger.submission(submission(name).submission_id) for name in ("first", "second"))
    assert (first.state, second.state, second.version_number) == (State.SUPERSEDED, State.ACCEPTED, 2)
    moves = [(event.from_state, event.to_state) for event in ledger.events(second.submission_id)]
    assert moves == [
        (None, State.RECEIVED),
        (State.RECEIVED, State.CHECKING),
        (State.CHECKING, State.READY),
        (State.READY, State.ACCEPTED),
    ], moves


def _withdraw(folder: Path) -> None:
    lake, ledger = _open(folder)
    withdraw_version(lake, ledger, "XAA", "procurement", reason="wrong file", by="officer")


def _check_withdraw(folder: Path, _step: int) -> None:
    _assert_whole(folder, {1, 2})
    _withdraw(folder)
    assert _assert_whole(folder, {2}) == 2
    lake, ledger = _open(folder)
    assert newest_version(lake, "XAA", "procurement").withdrawn
    entry = ledger.submission(submission("first").submission_id)
    assert entry.state == State.WITHDRAWN
    reasons = [
        event.reason for event in ledger.events(entry.submission_id) if event.to_state == State.WITHDRAWN
    ]
    assert reasons == ["wrong file"]


def _killed(folder: Path, work, check) -> dict:
    template = folder / "template"
    assert outcome(in_child(_prepared, template)) == 0
    tables = {"processes": numbered_rows(20, "first"), "contracts": numbered_rows(39, "second")}
    assert outcome(in_child(lambda: candidates(template / "in" / "second", **tables))) == 0

    def prepare(number: int) -> Path:
        shutil.rmtree(folder / str(number - 20), ignore_errors=True)
        return Path(shutil.copytree(template, folder / str(number)))

    steps = kill_at_every_step(
        prepare, work, check, wrap=[(obstore, name) for name in ("put", "head", "get", "list_with_delimiter")]
    )
    return {"steps": steps}


def killed_accept(folder: Path) -> dict:
    """kill -9 at every step of a second acceptance, from opening the store to its last commit."""
    return _killed(folder, _accept_second, _check_accept)


def killed_withdrawal(folder: Path) -> dict:
    """kill -9 at every step of a withdrawal."""
    return _killed(folder, _withdraw, _check_withdraw)


if __name__ == "__main__":
    scenario = {each.__name__: each for each in (race, same, members, killed_accept, killed_withdrawal)}[
        sys.argv[1]
    ]
    print(json.dumps(scenario(Path(sys.argv[2]))))
