import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from store_samples import accept, candidates, numbered_rows, submission

from pipelines.exceptions import StoreError, UnknownError
from pipelines.identifiers import ReleaseId
from pipelines.records import Release
from pipelines.store import Lake, Ledger, State, audit, ledger_schema, read_manifests, withdraw_version

FIRST_LEDGER = """
CREATE TABLE submissions (submission_id VARCHAR NOT NULL PRIMARY KEY, member VARCHAR NOT NULL, package_type VARCHAR NOT NULL,
  schema_version VARCHAR NOT NULL, period VARCHAR NOT NULL, received_at DATETIME NOT NULL, sha256 VARCHAR NOT NULL,
  source_name TEXT NOT NULL, state VARCHAR NOT NULL, verdict VARCHAR, rows_in BIGINT, rows_accepted BIGINT, rows_refused BIGINT,
  errors BIGINT, warnings BIGINT, notices BIGINT, version_number INTEGER, updated_at DATETIME NOT NULL);
CREATE TABLE events (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, submission_id VARCHAR, member VARCHAR NOT NULL,
  at DATETIME NOT NULL, from_state VARCHAR, to_state VARCHAR, actor VARCHAR NOT NULL, reason TEXT, detail JSON NOT NULL);
CREATE TABLE releases (release_id VARCHAR NOT NULL PRIMARY KEY, released_at DATETIME NOT NULL, path TEXT NOT NULL,
  is_current BOOLEAN NOT NULL);
CREATE TABLE schema_version (number INTEGER NOT NULL PRIMARY KEY);
INSERT INTO schema_version VALUES (1);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
"""


def test_a_submission_from_start_to_rejection(ledger: Ledger) -> None:
    sent = submission("a")
    entry = ledger.receive(sent)
    assert entry.submission == sent
    assert (entry.state, entry.verdict, entry.version_number) == (State.RECEIVED, None, None)
    ledger.move(sent.submission_id, State.CHECKING)
    moved = ledger.move(
        sent.submission_id,
        "needs_work",
        actor="officer",
        reason="empty",
        detail={"n": 1},
        verdict="rejected",
        errors=3,
    )
    assert moved == ledger.submission(sent.submission_id)
    assert (moved.state, moved.verdict, moved.errors, moved.rows_in) == (
        State.NEEDS_WORK,
        "rejected",
        3,
        None,
    )
    events = ledger.events(sent.submission_id)
    assert [(e.from_state, e.to_state) for e in events] == [
        (None, State.RECEIVED),
        (State.RECEIVED, State.CHECKING),
        (State.CHECKING, State.NEEDS_WORK),
    ]
    assert (events[-1].actor, events[-1].reason, events[-1].detail) == ("officer", "empty", {"n": 1})
    assert events[0].at <= events[-1].at <= datetime.now(UTC)


def test_receiving_twice_is_once(ledger: Ledger) -> None:
    sent = submission("a")
    ledger.receive(sent)
    ledger.move(sent.submission_id, State.CHECKING)
    assert ledger.receive(sent).state == State.CHECKING
    assert len(ledger.events(sent.submission_id)) == 2


def test_the_same_state_again_changes_nothing(ledger: Ledger) -> None:
    sent = submission("a")
    ledger.receive(sent)
    before = ledger.move(sent.submission_id, State.CHECKING)
    assert ledger.move(sent.submission_id, State.CHECKING, errors=5) == before
    assert len(ledger.events()) == 2


def test_an_illegal_move_leaves_no_trace(ledger: Ledger) -> None:
    sent = submission("a")
    before = ledger.receive(sent)
    with pytest.raises(StoreError, match="received to published"):
        ledger.move(sent.submission_id, State.PUBLISHED)
    with pytest.raises(StoreError, match="colour"):
        ledger.move(sent.submission_id, State.CHECKING, colour="red")
    with pytest.raises(UnknownError):
        ledger.move(submission("b").submission_id, State.CHECKING)
    assert ledger.submission(sent.submission_id) == before
    assert len(ledger.events()) == 1


def test_lists(ledger: Ledger) -> None:
    for name, member, state in (("a", "XAA", None), ("b", "XAA", "checking"), ("c", "XBB", "needs_work")):
        sent = submission(name, member)
        ledger.receive(sent)
        for step in ("checking", state) if state == "needs_work" else (state,) if state else ():
            ledger.move(sent.submission_id, step)
    assert {e.source_name for e in ledger.submissions()} == {"a.zip", "b.zip", "c.zip"}
    assert {e.source_name for e in ledger.submissions(member="XAA")} == {"a.zip", "b.zip"}
    assert [e.source_name for e in ledger.submissions(state="needs_work")] == ["c.zip"]
    assert {e.source_name for e in ledger.unfinished()} == {"a.zip", "b.zip"}
    assert [e.member for e in ledger.events(member="XBB")] == ["XBB"] * 3
    assert ledger.counts() == {State.RECEIVED: 1, State.CHECKING: 1, State.NEEDS_WORK: 1}
    with pytest.raises(UnknownError):
        ledger.submission(submission("d").submission_id)


def test_events_cannot_be_changed(ledger: Ledger, tmp_path: Path) -> None:
    ledger.receive(submission("a"))
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        for statement in ("UPDATE events SET actor = 'x'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                connection.execute(statement)
    connection.close()
    assert [event.actor for event in ledger.events()] == ["intake"]


def test_instants_keep_their_zone(ledger: Ledger) -> None:
    bogota = timezone(timedelta(hours=-5))
    sent = submission("a")
    local = replace(sent, received_at=datetime(2026, 11, 1, 20, tzinfo=bogota))
    assert ledger.receive(local).received_at == datetime(2026, 11, 2, 1, tzinfo=UTC)


def test_the_file_is_safe_to_share(ledger: Ledger, tmp_path: Path) -> None:
    with ledger._read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_opening_again_keeps_everything(ledger: Ledger, tmp_path: Path) -> None:
    sent = submission("a")
    ledger.receive(sent)
    again = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    assert again.submission(sent.submission_id).submission == sent


def test_a_ledger_of_the_future_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    connection.execute("INSERT INTO schema_version VALUES (99)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="99"):
        Ledger(tmp_path / "ledger.sqlite")


def test_migrations_run_once(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = ledger_schema.MIGRATIONS
    monkeypatch.setattr(ledger_schema, "MIGRATIONS", (*known, ("ALTER TABLE releases ADD COLUMN note TEXT",)))
    for _ in range(2):
        Ledger(tmp_path / "ledger.sqlite")
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.sqlite")
    with engine.connect() as connection:
        numbers = connection.execute(text("SELECT number FROM schema_version ORDER BY 1")).scalars().all()
        assert numbers == [1 + len(known), 2 + len(known)]
        assert connection.execute(text("SELECT note FROM releases")).all() == []
    engine.dispose()


def test_a_ledger_of_before_the_desk_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(FIRST_LEDGER)
        old.execute(
            "INSERT INTO submissions VALUES ('XAA-procurement-000000000000', 'XAA', 'procurement', '1.0', 'all', "
            "'2026-11-22 10:00:00.000000', 'aa', 'a.zip', 'rejected', 'rejected', 1, 0, 1, 1, 0, 0, NULL, "
            "'2026-11-22 10:00:00.000000')"
        )
        old.execute(
            "INSERT INTO events VALUES (1, 'XAA-procurement-000000000000', 'XAA', '2026-11-22 10:00:00.000000', 'checking', "
            "'rejected', 'pipeline', NULL, '{}')"
        )
    old.close()
    ledger = Ledger(path)
    entry = ledger.submission("XAA-procurement-000000000000")
    assert (entry.state, entry.held, entry.approved_by) == (State.NEEDS_WORK, False, None)
    ledger.move(entry.submission_id, State.CHECKING)
    assert [(each.to_state, each.hash is None) for each in ledger.events()] == [
        (State.NEEDS_WORK, True),
        (State.CHECKING, False),
    ]
    assert audit.check(ledger.database).broken is None


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError):
        Ledger(tmp_path / "ledger.sqlite")


def test_tables_exist_for_postgresql() -> None:
    created = str(CreateTable(ledger_schema.events).compile(dialect=postgresql.dialect()))
    assert "BIGSERIAL" in created
    assert "TIMESTAMP WITH TIME ZONE" in created


def _release(release_id: str, **numbers: int) -> Release:
    versions = tuple(
        {"member": member, "package_type": "procurement", "number": number}
        for member, number in numbers.items()
    )
    return Release(ReleaseId(release_id), datetime(2026, 11, int(release_id[-1]), tzinfo=UTC), versions, ())


def test_a_release_publishes_what_it_contains(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    for name, member in (("a", "XAA"), ("b", "XBB")):
        accept(
            lake,
            ledger,
            submission(name, member),
            candidates(tmp_path / name, processes=numbered_rows(3, name)),
        )
    for _ in range(2):
        ledger.record_release(_release("2026.11.1", XAA=1), "releases/2026.11.1")
    assert [(r.release_id, r.path, r.is_current) for r in ledger.releases()] == [
        ("2026.11.1", "releases/2026.11.1", True)
    ]
    assert ledger.submission(submission("a").submission_id).state == State.PUBLISHED
    assert ledger.submission(submission("b", "XBB").submission_id).state == State.ACCEPTED
    last = ledger.events(submission("a").submission_id)[-1]
    assert (last.to_state, last.detail) == (State.PUBLISHED, {"release": "2026.11.1"})

    # Accepted after the release was put together: not in it.
    accept(lake, ledger, submission("c", "XBB"), candidates(tmp_path / "c", processes=numbered_rows(3, "c")))
    ledger.record_release(_release("2026.11.2", XAA=1, XBB=1))
    assert [r.is_current for r in ledger.releases()] == [False, True]
    assert ledger.submission(submission("c", "XBB").submission_id).state == State.ACCEPTED


def _told(ledger: Ledger) -> dict:
    """What the ledger says about data: everything of a submission but when it was last touched."""
    return {
        entry.submission_id: [getattr(entry, name) for name in entry.__slots__ if name != "updated_at"]
        for entry in ledger.submissions()
    }


def test_a_lost_ledger_is_rebuilt_from_the_lake(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "lost.sqlite"
    ledger = Ledger(path)
    for name, member, period in (
        ("a", "XAA", "2020"),
        ("b", "XAA", "2020"),
        ("c", "XAA", "2021"),
        ("d", "XBB", "2020"),
        ("e", "XBB", "2021"),
    ):
        tables = candidates(tmp_path / name, processes=numbered_rows(3, name))
        accept(lake, ledger, submission(name, member, period), tables)
    withdraw_version(lake, ledger, "XBB", "procurement", period="2020", reason="wrong", by="officer")
    before = _told(ledger)
    ledger.close()
    for file in tmp_path.glob("lost.sqlite*"):
        file.unlink()

    rebuilt = Ledger(path)
    rebuilt.rebuild(lake)
    assert _told(rebuilt) == before
    assert {entry.state for entry in rebuilt.submissions()} == {
        State.ACCEPTED,
        State.SUPERSEDED,
        State.WITHDRAWN,
    }
    gone = rebuilt.events(submission("d", "XBB").submission_id)[-1]
    assert (gone.to_state, gone.reason, gone.actor) == (State.WITHDRAWN, "wrong", "officer")
    events = rebuilt.events()
    rebuilt.rebuild(lake)
    assert rebuilt.events() == events


def test_rebuilding_leaves_people_alone(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    accept(lake, ledger, submission("a"), candidates(tmp_path / "a", processes=numbered_rows(3)))
    ledger.record_release(_release("2026.11.1", XAA=1))
    rejected = submission("b")
    ledger.receive(rejected)
    ledger.move(rejected.submission_id, State.CHECKING)
    ledger.move(rejected.submission_id, State.NEEDS_WORK, reason="empty")
    before = ledger.submissions(), ledger.events()
    ledger.rebuild(lake)
    assert (ledger.submissions(), ledger.events()) == before


def test_settling_with_manifests_that_are_out_of_date(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    accept(lake, ledger, submission("a"), candidates(tmp_path / "a", processes=numbered_rows(3, "a")))
    early = read_manifests(lake, "XAA", "procurement")
    accept(lake, ledger, submission("b"), candidates(tmp_path / "b", processes=numbered_rows(3, "b")))
    before = ledger.submissions(), ledger.events()
    ledger.settle(early)
    assert (ledger.submissions(), ledger.events()) == before


def test_settling_nothing_is_nothing(lake: Lake, ledger: Ledger) -> None:
    ledger.settle(read_manifests(lake, "XAA", "procurement"))
    assert ledger.submissions() == ()
