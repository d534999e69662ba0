"""What the rooms of the desk stand on: persons, permissions, policies, arrivals, followers, letters."""

import smtplib
import subprocess
import sys
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from pipelines import review, workflow
from pipelines.desk import Action, Desk, MemberPolicy, Person, may
from pipelines.desk.arrivals import ArrivalState
from pipelines.desk.events import follow
from pipelines.desk.mail import Letter, sender
from pipelines.desk.staging import read_progress, stage_arrival, write_progress
from pipelines.exceptions import StoreError, UnknownError
from pipelines.store import LedgerEvent, State
from tests.pipelines.test_workflow import ONE, flat


def test_a_members_people_touch_only_their_member(people: Mapping[str, Person]) -> None:
    told = {
        role: {action.value for action in Action if may(people[role], action, "HND")}
        for role in ("reader", "submitter", "approver")
    }
    assert told["reader"] == {"see", "comment"}
    assert told["submitter"] - told["reader"] == {"submit", "webhooks"}
    assert told["approver"] - told["submitter"] == {"approve", "withdraw", "harvest"}
    assert not any(may(people["other"], action, "HND") for action in Action)
    assert not any(may(people["approver"], action) for action in Action)
    assert not any(may(None, action, "HND") for action in Action)
    for role in ("secretariat", "administrator"):
        assert may(people[role], Action.SEE, "HND") and may(people[role], Action.BOARD)
        assert not may(people[role], Action.APPROVE, "HND") and not may(people[role], Action.SUBMIT, "HND")
    assert may(people["administrator"], Action.INVITE) and not may(people["secretariat"], Action.INVITE)


def test_persons_are_known_once(desk: Desk, people: Mapping[str, Person]) -> None:
    assert desk.people.by_email(" READER@example.org ") == people["reader"]
    for wrong in (
        ("reader@example.org", "reader", "HND", "es"),
        ("new@example.org", "reader", None, "es"),
        ("new@example.org", "secretariat", "HND", "es"),
        ("new@example.org", "reader", "HND", "de"),
        ("no address", "reader", "HND", "es"),
    ):
        with pytest.raises(StoreError):
            desk.people.add(wrong[0], "Nombre", *wrong[1:])
    gone = desk.people.change(people["reader"].id, active=False)
    assert not gone.active and gone.actor == f"person:{gone.id}"
    with pytest.raises(UnknownError):
        desk.people.get(999)


def test_policies_have_defaults_and_are_kept(desk: Desk) -> None:
    assert desk.policies.get("HND") == MemberPolicy("HND")
    own = MemberPolicy("HND", True, "monthly", 15, "es")
    desk.policies.set(own)
    desk.policies.set(own)
    assert desk.policies.get("HND") == own
    with pytest.raises(StoreError):
        desk.policies.set(MemberPolicy("HND", frequency="hourly"))


def test_an_arrival_becomes_a_submission_that_waits_for_a_person(
    desk: Desk, people: Mapping[str, Person]
) -> None:
    identifier, folder = desk.arrivals.new_folder()
    flat(folder / "contratos año.csv", ONE)
    desk.arrivals.add(identifier, "HND", people["submitter"].actor, period="2024")
    assert desk.arrivals.add(identifier, "BRA", "person:9") == desk.arrivals.get(identifier)
    (arrival,) = desk.arrivals.waiting()
    submission_id = stage_arrival(desk, arrival)
    assert submission_id == stage_arrival(desk, arrival)
    assert desk.arrivals.waiting() == ()
    assert [each.id for each in desk.arrivals.of_submission(str(submission_id))] == [identifier]
    (own,) = workflow.unfinished(desk.site)
    assert workflow.process(desk.site, own).state == State.READY
    entry = desk.site.ledger.submission(own)
    assert (entry.period, entry.source_name, entry.held) == ("2024", "contratos año.csv", True)
    review.approve(desk.site, own, by=people["approver"].actor)
    assert desk.site.ledger.submission(own).state is State.ACCEPTED


def test_an_arrival_without_files_is_told(desk: Desk) -> None:
    identifier, _folder = desk.arrivals.new_folder()
    assert stage_arrival(desk, desk.arrivals.add(identifier, "HND", "person:1")) is None
    told = desk.arrivals.get(identifier)
    assert (told.state, told.trouble) == (ArrivalState.REFUSED, "nothing-arrived")


def test_a_follower_goes_on_where_it_stopped(desk: Desk, tmp_path: Path) -> None:
    workflow.submit(desk.site, [flat(tmp_path / "a.csv", ONE)], "HND")
    seen: list[int] = []

    def stumble(event: LedgerEvent) -> None:
        if event.to_state is State.READY and len(seen) == 2:
            seen.append(-1)
            raise OSError("no network")
        seen.append(event.id)

    with pytest.raises(OSError, match="network"):
        follow(desk.database, desk.site.ledger, "test", stumble)
    assert follow(desk.database, desk.site.ledger, "test", stumble) == 2
    assert seen == [1, 2, -1, 3, 4]
    assert follow(desk.database, desk.site.ledger, "test", stumble) == 0
    assert follow(desk.database, desk.site.ledger, "another", lambda _event: None) == 4


def test_letters_are_written_once_and_tried_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "desk"
    (folder / "mail").mkdir(parents=True)
    (folder / "mail" / "hello.txt").write_text(
        "{{ name }}: ready\n\nGood day,\n\n{{ name }}\n", encoding="utf-8"
    )
    monkeypatch.setattr(desk.mail, "_folder", folder)
    for language in ("es", "pt", "fr"):
        (folder / "locales" / language / "LC_MESSAGES").mkdir(parents=True)
        (folder / "locales" / language / "LC_MESSAGES" / "messages.po").write_text('msgid ""\nmsgstr ""\n')
    for _ in range(2):
        desk.mail.post("ana@example.org", "es", "hello", once="hello-1", name="Año\nBcc: all@example.org")
    sent: list[Letter] = []

    def fail(letter: Letter) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    assert desk.mail.deliver(fail) == 0
    assert desk.mail.deliver(sent.append) == 0, "it rests a minute"
    monkeypatch.setattr("pipelines.desk.mail.REST", (-1,) * 5)
    desk.mail.post("ana@example.org", "es", "hello", name="Dos")
    assert desk.mail.deliver(sent.append) == 1
    write = sender("", "INGP <ingp@example.org>", tmp_path / "outbox")
    write(Letter("ana@example.org", "Año: listo", "Buenos días\n"))
    (path,) = (tmp_path / "outbox").iterdir()
    told = message_from_bytes(path.read_bytes(), policy=default)
    assert (told["To"], told["Subject"], told.get_content()) == (
        "ana@example.org",
        "Año: listo",
        "Buenos días\n",
    )


def test_progress_is_whole_or_not_there(tmp_path: Path) -> None:
    assert read_progress(tmp_path, "x") is None
    write_progress(tmp_path, "x", 10, 20)
    write_progress(tmp_path, "x", 15, 20)
    assert read_progress(tmp_path, "x") == (15, 20)


def test_whoever_opens_the_desk_first_creates_every_table(tmp_path: Path) -> None:
    """In a process of its own: here, other tests have imported every room already."""
    program = (
        "import sys, pkgutil, importlib; from pathlib import Path; from sqlalchemy import inspect\n"
        "from pipelines.settings import Settings; from pipelines.desk.desk import Desk\n"
        "desk = Desk.open(Settings(data_dir=Path(sys.argv[1])))\n"
        "import pipelines.desk as rooms\n"
        "[importlib.import_module(each.name) for each in pkgutil.walk_packages(rooms.__path__, 'pipelines.desk.')]\n"
        "from pipelines.desk.schema import metadata\n"
        "with desk.database.read() as connection:\n"
        "    print(sorted(set(metadata.tables) - set(inspect(connection).get_table_names())))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
