from pathlib import Path

import pytest
from store_samples import accept, candidates, numbered_rows, submission

from pipelines.exceptions import StoreError, UnknownError
from pipelines.store import (
    Lake,
    Ledger,
    State,
    newest_manifest,
    read_history,
    verify_version,
    withdraw_version,
)


@pytest.fixture
def filled(lake: Lake, ledger: Ledger, tmp_path: Path) -> Lake:
    for period in ("2020", "2021", "2021-Q4"):
        tables = candidates(
            tmp_path / period, processes=numbered_rows(3, period), contracts=numbered_rows(4, period)
        )
        accept(lake, ledger, submission(period, period=period), tables)
    return lake


def _state(ledger: Ledger, period: str) -> State:
    return ledger.submission(submission(period, period=period).submission_id).state


def test_a_period_and_those_within_it_are_taken_out(filled: Lake, ledger: Ledger) -> None:
    before = {found.key for found in filled.list("accepted")}
    version = withdraw_version(
        filled, ledger, "xaa", "procurement", period="2021", reason=" wrong currency ", by="officer"
    )
    assert (version.number, version.parent, version.submission_id) == (4, 3, None)
    assert (version.period, version.reason, version.withdrawn) == ("2021", "wrong currency", False)
    assert {table.period for table in version.tables} == {"2020"}
    verify_version(filled, version)
    manifest = newest_manifest(filled, "XAA", "procurement")
    assert manifest.facts == {"withdrawn_by": "officer"}
    assert {c.table: c.removed for c in manifest.changes.tables} == {"processes": 6, "contracts": 8}
    assert [_state(ledger, period) for period in ("2020", "2021", "2021-Q4")] == [
        "accepted",
        "withdrawn",
        "withdrawn",
    ]
    last = ledger.events(submission("2021", period="2021").submission_id)[-1]
    assert (last.actor, last.reason, last.detail) == ("officer", "wrong currency", {"version": 4})
    assert before < {found.key for found in filled.list("accepted")}


def test_everything_is_taken_out(filled: Lake, ledger: Ledger) -> None:
    version = withdraw_version(filled, ledger, "XAA", "procurement", reason="not ours", by="officer")
    assert (version.tables, version.withdrawn, version.period) == ((), True, "all")
    for earlier in read_history(filled, "XAA", "procurement")[:3]:
        assert not earlier.withdrawn
        verify_version(filled, earlier)


def test_twice_is_once(filled: Lake, ledger: Ledger) -> None:
    first = withdraw_version(filled, ledger, "XAA", "procurement", period="2020", reason="a", by="officer")
    events = ledger.events()
    assert (
        withdraw_version(filled, ledger, "XAA", "procurement", period="2020", reason="b", by="officer")
        == first
    )
    assert ledger.events() == events


def test_nothing_to_withdraw(filled: Lake, ledger: Ledger) -> None:
    for member, period in (("XAA", "1999"), ("XBB", None)):
        with pytest.raises(UnknownError):
            withdraw_version(filled, ledger, member, "procurement", period=period, reason="a", by="officer")
    assert len(read_history(filled, "XAA", "procurement")) == 3


def test_a_reason_is_needed(filled: Lake, ledger: Ledger) -> None:
    with pytest.raises(StoreError, match="reason"):
        withdraw_version(filled, ledger, "XAA", "procurement", reason="  ", by="officer")


def test_a_withdrawal_that_a_later_submission_filled_again(
    filled: Lake, ledger: Ledger, tmp_path: Path
) -> None:
    withdraw_version(filled, ledger, "XAA", "procurement", period="2020", reason="a", by="officer")
    tables = candidates(tmp_path / "new", processes=numbered_rows(3, "new"))
    accept(filled, ledger, submission("new", period="2020"), tables)
    again = withdraw_version(filled, ledger, "XAA", "procurement", period="2020", reason="b", by="officer")
    assert (again.number, again.reason) == (6, "b")
