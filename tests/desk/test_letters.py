"""Who is written to when a submission moves: in her language, once, and only what she wants."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipelines import review, workflow
from pipelines.desk import Desk, Person
from pipelines.desk import letters as room
from pipelines.desk.events import cursors
from pipelines.desk.letters import Kind, choose, chosen, link, tell
from pipelines.desk.mail import Letter, mail
from pipelines.desk.receipts import receipt as receipt_of
from pipelines.identifiers import SubmissionId
from pipelines.store import State
from tests.desk.conftest import as_actor
from tests.pipelines.test_workflow import BAD, ONE, flat


def sent(desk: Desk) -> list[Letter]:
    """The letters that leave now."""
    found: list[Letter] = []
    desk.mail.deliver(found.append)
    return found


def arrives(desk: Desk, path: Path, *rows: str, actor: str = "person:2") -> SubmissionId:
    staged = workflow.receive(desk.site, [flat(path, *rows)], "HND", actor=actor, held=True)
    workflow.process(desk.site, staged.submission.submission_id)
    return staged.submission.submission_id


def to(found: list[Letter]) -> set[str]:
    return {letter.to.split("@")[0] for letter in found}


def test_each_step_is_told_to_whom_it_concerns(
    desk: Desk, people: Mapping[str, Person], tmp_path: Path
) -> None:
    bad = arrives(desk, tmp_path / "b.csv", ONE, BAD, actor=people["submitter"].actor)
    tell(desk)
    (letter,) = sent(desk)
    assert letter.to == "submitter@example.org" and letter.subject.startswith("Hay que corregir: b.csv (")
    assert link(desk, f"/submissions/{bad}") in letter.text and "1 error" in letter.text
    good = arrives(desk, tmp_path / "a.csv", ONE, actor=people["approver"].actor)
    tell(desk)
    asked = sent(desk)
    assert to(asked) == {"approver", "second"} and all("espera su sí" in each.subject for each in asked)
    review.say_yes(desk.site, good, by=people["approver"].actor, needs_second=True)
    tell(desk)
    assert to(sent(desk)) == {"second"}
    review.send_back(desk.site, good, by=people["second"].actor, reason="Falta\n\nBcc: x@example.org")
    tell(desk)
    (back,) = [each for each in sent(desk) if each.to.startswith("submitter")]
    assert back.subject.startswith("Devuelto") and "Falta" in back.text and "\n" not in back.subject


def test_published_and_withdrawn_come_to_who_wants_them(
    desk: Desk, people: Mapping[str, Person], tmp_path: Path
) -> None:
    choose(desk.database, people["reader"], ["published", "withdrawn", "nonsense", "approval"])
    choose(desk.database, people["approver"], [])
    own = arrives(desk, tmp_path / "a.csv", ONE)
    tell(desk)
    assert to(sent(desk)) == {"second"}, "a reader is asked for no yes, whatever she sends"
    review.approve(desk.site, own, by=people["approver"].actor)
    workflow.publish(desk.site)
    tell(desk)
    (receipt,) = sent(desk)
    entry = desk.site.ledger.submission(own)
    assert receipt.to == "reader@example.org" and receipt.subject.startswith("Publicado")
    (original,) = receipt_of(desk, str(entry.submission_id), "")["files"]
    assert original["sha256"] in receipt.text and own in receipt.text and "/members/HND" in receipt.text
    workflow.withdraw(desk.site, "HND", entry.package_type, period=None, by="person:9", reason="Error")
    tell(desk)
    assert [each.subject.split(":")[0] for each in sent(desk)] == ["Retirado"]


def test_a_killed_worker_writes_no_letter_twice(
    desk: Desk, people: Mapping[str, Person], tmp_path: Path
) -> None:
    arrives(desk, tmp_path / "b.csv", ONE, BAD)
    tell(desk)
    with (
        desk.database.write() as connection
    ):  # killed after the letter, before it was written down how far it was
        connection.execute(cursors.update().values(last_event=0))
    tell(desk)
    with desk.database.read() as connection:
        assert len(connection.execute(select(mail)).all()) == 1


def test_what_is_old_or_has_moved_on_is_no_news(
    desk: Desk, people: Mapping[str, Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = arrives(desk, tmp_path / "a.csv", ONE)
    desk.site.ledger.move(own, State.WITHDRAWN, actor="person:3", reason="x")
    arrives(desk, tmp_path / "b.csv", ONE, BAD)
    monkeypatch.setattr(room, "NEWS", timedelta(0))
    assert tell(desk) > 3 and sent(desk) == []
    assert datetime.now(UTC) > desk.site.ledger.events()[0].at


def test_every_letter_can_be_written_in_every_language(desk: Desk) -> None:
    values: dict[str, Any] = {
        "member": "Honduras", "file": "a\r\nBcc: x.csv", "period": "2026", "address": "https://d/", "errors": 2, "warnings": 1,
        "by_person": False, "reason": "r", "rows": 3, "second": False, "loses": True, "submission": "s", "files": [{"name": "a", "sha256": "0"}, {"name": "b", "sha256": "1"}],
        "published_at": "2026", "release": "R", "public": "https://p/",
    }  # fmt: skip
    for language in ("es", "en", "pt", "fr"):
        subjects = [
            desk.mail.render("x@example.org", language, kind, values).subject
            for kind in ("needs_work", "approval", "published", "withdrawn")
        ]
        assert len(set(subjects)) == 4 and not any("\n" in each or "\r" in each for each in subjects)


async def test_a_person_chooses(desk: Desk, pages: Any, people: Mapping[str, Person]) -> None:
    assert (await pages.get("/letters")).headers["location"] == "/sign-in?next=/letters"
    actor = as_actor(people["reader"])
    page = await pages.get("/letters", actor=actor)
    assert 'name="published"' in page.text and 'name="approval"' not in page.text
    assert (await pages.post("/letters", data={"published": "1"}, actor=actor)).status_code == 200
    assert chosen(desk.database, people["reader"]) == {
        Kind.COMMENTED: False, Kind.PUBLISHED: True, Kind.WITHDRAWN: False,
    }  # fmt: skip
    assert "/letters" in (await pages.get("/account", actor=actor)).text
