from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store_samples import PACKAGE_TYPE, accept, candidates, numbered_rows, submission, write_table

from pipelines.exceptions import ConflictError, StoreError, UnknownError
from pipelines.records import AcceptedVersion
from pipelines.store import (
    CandidateTable,
    Lake,
    Ledger,
    PendingChange,
    State,
    newest_manifest,
    read_history,
    withdraw_version,
)
from pipelines.store import accept as accepting
from pipelines.store.versions import commit as commit_manifest


def _tables(folder: Path, name: str, rows: int = 10, source: str = "a.csv") -> list[CandidateTable]:
    return candidates(
        folder / name, source, processes=numbered_rows(rows, name), contracts=numbered_rows(rows, name)
    )


def _keys(lake: Lake) -> set[str]:
    return {found.key for found in lake.list()}


def test_the_same_submission_twice_is_one_version(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    sent, tables = submission("a"), _tables(tmp_path, "a")
    first = accept(lake, ledger, sent, tables)
    before = _keys(lake), ledger.events(), ledger.submission(sent.submission_id)
    assert accept(lake, ledger, sent, tables) == first
    assert (_keys(lake), ledger.events(), ledger.submission(sent.submission_id)) == before


def test_what_the_ledger_says_after_acceptance(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    sent = submission("a")
    version = accept(lake, ledger, sent, _tables(tmp_path, "a"))
    entry = ledger.submission(sent.submission_id)
    assert (entry.state, entry.version_number, entry.verdict) == (State.ACCEPTED, 1, "accepted")
    assert (entry.rows_in, entry.rows_accepted, entry.rows_refused, entry.warnings) == (7, 6, 1, 2)
    assert version.submission_id == sent.submission_id
    assert ledger.events(sent.submission_id)[-1].detail == {
        "version": 1,
        "policy": "whole",
        "report": "reports/x/report.json",
    }


def test_a_replaced_submission_is_superseded(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    for name, period in (("a", "2020"), ("b", "2021"), ("c", "2020")):
        accept(lake, ledger, submission(name, period=period), _tables(tmp_path, name))
    states = {
        name: ledger.submission(submission(name, period=p).submission_id).state
        for name, p in (("a", "2020"), ("b", "2021"), ("c", "2020"))
    }
    assert states == {"a": State.SUPERSEDED, "b": State.ACCEPTED, "c": State.ACCEPTED}
    last = ledger.events(submission("a").submission_id)[-1]
    assert last.detail == {"version": 3, "by": submission("c").submission_id}


def test_a_year_replaces_its_months(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    for month in ("2020-01", "2020-02", "2021-01"):
        rows = {"processes": numbered_rows(5, month, start=int(month[-1]) * 100)}
        accept(lake, ledger, submission(month, period=month), candidates(tmp_path / month, **rows))
    rows = numbered_rows(5, "2020-01", start=100) + numbered_rows(4, "2020-02", start=200)
    version = accept(lake, ledger, submission("year"), candidates(tmp_path / "year", processes=rows))
    assert [table.period for table in version.tables] == ["2020", "2021-01"]
    (change,) = newest_manifest(lake, "XAA", "procurement").changes.tables
    assert (change.added, change.removed, change.unchanged) == (0, 1, 9)
    assert ledger.submission(submission("2020-02", period="2020-02").submission_id).state == State.SUPERSEDED


def test_a_loss_waits_for_a_person(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    accept(lake, ledger, submission("a"), _tables(tmp_path, "a"))
    before = _keys(lake)
    sent, tables = submission("b"), _tables(tmp_path, "b", rows=4)
    pending = accept(lake, ledger, sent, tables)
    assert isinstance(pending, PendingChange)
    assert (pending.loss_share, pending.parent) == (0.6, 1)
    assert [(c.table, c.removed) for c in pending.summary.tables] == [("processes", 6), ("contracts", 6)]
    assert _keys(lake) == before
    entry = ledger.submission(sent.submission_id)
    assert (entry.state, entry.version_number, entry.rows_in) == (State.IN_REVIEW, None, 7)
    assert ledger.events(sent.submission_id)[-1].detail == {"loss_share": 0.6, "parent": 1}
    assert accept(lake, ledger, sent, tables) == pending

    version = accept(lake, ledger, sent, tables, confirmed_by="officer")
    assert isinstance(version, AcceptedVersion)
    assert newest_manifest(lake, "XAA", "procurement").facts["confirmed_by"] == "officer"
    last = ledger.events(sent.submission_id)[-1]
    assert (last.from_state, last.to_state, last.actor) == (
        State.IN_REVIEW,
        State.ACCEPTED,
        "officer",
    )


def test_a_loss_at_the_limit_passes(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    accept(lake, ledger, submission("a"), _tables(tmp_path, "a"))
    assert isinstance(accept(lake, ledger, submission("b"), _tables(tmp_path, "b", rows=5)), AcceptedVersion)


def test_a_table_that_is_missing_is_a_loss(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    accept(lake, ledger, submission("a"), _tables(tmp_path, "a"))
    only = candidates(tmp_path / "b", processes=numbered_rows(10, "a"))
    pending = accept(lake, ledger, submission("b"), only)
    assert isinstance(pending, PendingChange)
    assert pending.loss_share == 1


def test_equal_data_brings_no_version(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    first = accept(lake, ledger, submission("a"), _tables(tmp_path, "a"))
    before = _keys(lake)
    sent = submission("other")
    same = candidates(
        tmp_path / "other",
        "other.csv",
        processes=numbered_rows(10, "a")[::-1],
        contracts=numbered_rows(10, "a"),
    )
    for _ in range(2):
        assert accept(lake, ledger, sent, same) == first
        assert _keys(lake) == before
    entry = ledger.submission(sent.submission_id)
    assert (entry.state, entry.version_number) == (State.ACCEPTED, 1)
    assert ledger.events(sent.submission_id)[-1].detail == {"version": 1, "unchanged": True}
    # It stands and falls with the version that has its data.
    accept(lake, ledger, submission("c"), _tables(tmp_path, "c"))
    assert ledger.submission(sent.submission_id).state == State.SUPERSEDED


def test_bytes_sent_again_after_a_withdrawal_are_a_new_version(
    lake: Lake, ledger: Ledger, tmp_path: Path
) -> None:
    sent, tables = submission("a"), _tables(tmp_path, "a")
    accept(lake, ledger, sent, tables)
    withdraw_version(lake, ledger, "XAA", "procurement", reason="too early", by="officer")
    ledger.move(sent.submission_id, State.CHECKING, actor="officer")
    version = accept(lake, ledger, sent, tables)
    assert (version.number, len(version.tables)) == (3, 2)
    entry = ledger.submission(sent.submission_id)
    assert (entry.state, entry.version_number) == (State.ACCEPTED, 3)


def test_a_lost_race_is_compared_again_with_the_winner(
    lake: Lake, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(lake, ledger, submission("a"), _tables(tmp_path, "a", rows=10))
    monkeypatch.setattr(accepting, "commit", commit_manifest)

    def beaten(lake: Lake, manifest) -> None:
        """Somebody else commits between our comparison and our manifest, once."""
        monkeypatch.setattr(accepting, "commit", commit_manifest)
        accept(lake, ledger, submission("winner"), _tables(tmp_path, "winner", rows=20))
        commit_manifest(lake, manifest)

    monkeypatch.setattr(accepting, "commit", beaten)
    pending = accept(lake, ledger, submission("loser"), _tables(tmp_path, "loser", rows=9))
    # Against the first version one row of ten is gone; against the winner's twenty, eleven.
    assert isinstance(pending, PendingChange)
    assert (pending.parent, pending.loss_share) == (2, 0.55)
    assert [int(v.number) for v in read_history(lake, "XAA", "procurement")] == [1, 2]


def test_losing_for_ever_is_an_error(
    lake: Lake, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(_lake: Lake, _manifest) -> None:
        raise ConflictError("taken")

    monkeypatch.setattr(accepting, "commit", taken)
    monkeypatch.setattr(accepting, "ATTEMPTS", 3)
    with pytest.raises(ConflictError, match="lost 3 races"):
        accept(lake, ledger, submission("a"), _tables(tmp_path, "a"))


def test_a_clock_that_is_behind_does_not_reorder(
    lake: Lake, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = accept(lake, ledger, submission("a"), _tables(tmp_path, "a"))

    class Slow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr(accepting, "datetime", Slow)
    second = accept(lake, ledger, submission("b"), _tables(tmp_path, "b"))
    assert second.accepted_at == first.accepted_at + timedelta(microseconds=1)
    assert second.accepted_at.tzinfo == UTC


def test_only_a_submission_being_checked_is_accepted(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    def run(sent):
        return accepting.accept_version(
            lake,
            ledger,
            sent,
            PACKAGE_TYPE,
            tables,
            schema_version="1.0",
            loss_share=1,
            confirmed_by=None,
            report_summary={},
        )

    tables, sent = _tables(tmp_path, "a"), submission("a")
    with pytest.raises(UnknownError):
        run(sent)
    ledger.receive(sent)
    with pytest.raises(StoreError, match="cannot move from received to accepted"):
        run(sent)
    assert _keys(lake) == set()


@pytest.mark.parametrize("wrong", ["unknown", "count", "twice"])
def test_candidates_are_checked(lake: Lake, ledger: Ledger, tmp_path: Path, wrong: str) -> None:
    path = write_table(tmp_path / "t.parquet", numbered_rows(3))
    tables = {
        "unknown": [CandidateTable("payments", path, 3)],
        "count": [CandidateTable("contracts", path, 4)],
        "twice": [CandidateTable("contracts", path, 3)] * 2,
    }[wrong]
    with pytest.raises(StoreError):
        accept(lake, ledger, submission("a"), tables)
    assert _keys(lake) == set()


def test_ledger_and_lake_that_disagree(ledger: Ledger, tmp_path: Path) -> None:
    sent, tables = submission("a"), _tables(tmp_path, "a")
    accept(Lake(str(tmp_path / "one"), tmp_path / "cache"), ledger, sent, tables)
    with pytest.raises(StoreError, match="not in the lake"):
        accept(Lake(str(tmp_path / "two"), tmp_path / "cache"), ledger, sent, tables)


def test_derived_tables_are_marked(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.parquet", numbered_rows(3))
    version = accept(lake, ledger, submission("a"), [CandidateTable("contracts", path, 3, derived=True)])
    assert [table.derived for table in version.tables] == [True]
