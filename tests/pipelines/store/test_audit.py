import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from store_samples import submission

from pipelines.store import Ledger, State
from pipelines.store.audit import START, check, event_hash, export


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with six events of two submissions."""
    path = tmp_path / "audited.sqlite"
    ledger = Ledger(path)
    for name in ("a", "b"):
        sent = submission(name)
        ledger.receive(sent, actor="person:7", held=True)
        ledger.move(sent.submission_id, State.CHECKING, detail={"ñ": 0.1, "a": None})
        ledger.move(sent.submission_id, State.NEEDS_WORK, reason="año sin datos")
    return path


def test_the_chain_holds_and_can_be_followed_outside(path: Path) -> None:
    database = Ledger(path).database
    told = list(export(database))
    before = START
    for event in told:
        assert len(event["hash"]) == 64
        before = event["hash"]
    checked = check(database)
    assert (checked.events, checked.unchained, checked.broken, checked.head) == (6, 0, None, before)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE events SET actor = 'person:8' WHERE id = 3", 3),
        ("UPDATE events SET reason = NULL WHERE id = 3", 3),
        ("UPDATE events SET detail = '{}' WHERE id = 5", 5),
        ("UPDATE events SET at = '2020-01-01 00:00:00.000000' WHERE id = 1", 1),
        ("DELETE FROM events WHERE id = 2", 3),
        ("UPDATE events SET hash = NULL WHERE id = 4", 4),
        ("UPDATE events SET id = 100 WHERE id = 2", 3),
    ],
)
def test_whoever_has_the_file_cannot_change_it_unseen(path: Path, change: str, broken: int) -> None:
    with sqlite3.connect(path) as direct:
        direct.execute("DROP TRIGGER events_no_update")
        direct.execute("DROP TRIGGER events_no_delete")
        direct.execute(change)
    direct.close()
    assert check(Ledger(path).database).broken == broken


def test_events_cannot_be_changed_by_mistake(path: Path) -> None:
    changes: list[Callable[[sqlite3.Connection], object]] = [
        lambda direct: direct.execute("UPDATE events SET actor = 'x'"),
        lambda direct: direct.execute("DELETE FROM events"),
    ]
    for change in changes:
        with sqlite3.connect(path) as direct, pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            change(direct)
        direct.close()


def test_the_hash_is_of_everything_that_is_told() -> None:
    event = {
        "submission_id": "s", "member": "XAA", "at": datetime(2026, 1, 1, tzinfo=UTC), "from_state": None,
        "to_state": "received", "actor": "intake", "reason": None, "detail": {},
    }  # fmt: skip
    hashes = {event_hash(START, event), event_hash("1" * 64, event)}
    for name, other in (
        ("submission_id", "t"),
        ("member", "XBB"),
        ("actor", "x"),
        ("reason", ""),
        ("detail", {"a": 1}),
    ):
        hashes.add(event_hash(START, event | {name: other}))
    assert len(hashes) == 7
