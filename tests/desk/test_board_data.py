"""Where each member stands, and the board as files."""

import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from icalendar import Calendar
from openpyxl import load_workbook
from sqlalchemy import update

from pipelines import workflow
from pipelines.desk import Desk, MemberPolicy, Person
from pipelines.desk.board import Timing, arranged, lines
from pipelines.desk.board_files import csv_file, ics_file, xlsx_file
from pipelines.desk.calendar import due_of
from pipelines.desk.comments import LONGEST
from pipelines.desk.mail import mail
from pipelines.exceptions import StoreError
from tests.pipelines.test_workflow import BAD, ONE, flat

NOW = datetime.now(UTC)


def test_every_member_has_a_line_and_what_is_missing_is_late(desk: Desk) -> None:
    desk.policies.set(MemberPolicy("HND", frequency="monthly", due_days=10))
    found = lines(desk, datetime(2026, 4, 20, 12, tzinfo=UTC), "es")
    assert len(found) == 32
    line = next(line for line in found if line.member == "HND")
    assert (line.due and line.due.period, line.timing, line.days_late) == ("2026-03", Timing.LATE, 10)
    assert {each.timing for each in found if each is not line} == {Timing.UNDECLARED}
    early = next(x for x in lines(desk, datetime(2026, 4, 5, tzinfo=UTC), "es") if x.member == "HND")
    assert (early.timing, early.days_late) == (Timing.DUE, -6), "the fourth of April is today in Tegucigalpa"
    assert arranged(found, timing="late") == (line,) and arranged(found, sort="timing")[0] is line


def test_what_came_counts(desk: Desk, people: Mapping[str, Person], tmp_path: Path) -> None:
    desk.policies.set(MemberPolicy("HND", frequency="monthly", due_days=400))
    bad = workflow.submit(desk.site, [flat(tmp_path / "b.csv", ONE, BAD)], "HND")
    (line,) = [each for each in lines(desk, NOW, "en") if each.member == "HND"]
    assert line.newest is not None and line.newest.errors and line.newest.state == "needs_work"
    assert line.timing == Timing.DUE and line.people == 4
    comment = desk.comments.add(
        str(bad.staged.submission.submission_id), "HND", people["secretariat"], "¿Cuándo?", is_question=True
    )
    workflow.submit(desk.site, [flat(tmp_path / "a.csv", ONE)], "HND")
    (line,) = [each for each in lines(desk, NOW, "en") if each.member == "HND"]
    assert (line.timing, line.quality, line.open_questions) == (Timing.DONE, 1.0, 1)
    assert desk.comments.answered(comment.id, people["approver"]).answered_by == people["approver"].id
    assert desk.comments.open_questions() == {}


def test_comments_have_a_length(desk: Desk, people: Mapping[str, Person]) -> None:
    for wrong in ("", "  \n", "x" * (LONGEST + 1)):
        with pytest.raises(StoreError):
            desk.comments.add("s", "HND", people["reader"], wrong, is_question=False)
    kept = desk.comments.add("s", "HND", people["reader"], "á\r\n<b>" + "x" * 1990, is_question=False)
    assert desk.comments.of_submission("s") == (kept,) and kept.text.startswith("á\n<b>x")


def test_letters_that_were_given_up_are_counted(desk: Desk, people: Mapping[str, Person]) -> None:
    desk.mail.post(people["approver"].email, "es", "commented", url="https://x", member="HND", text="Hola")
    with desk.database.write() as connection:
        connection.execute(update(mail).values(tries=9))
    assert [line.member for line in lines(desk, NOW, "en") if line.lost_letters] == ["HND"]


@pytest.mark.parametrize("attack", ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(attack: str) -> None:
    rows = [[attack, 3, None, 0.5]]
    text = csv_file(["a", "b", "c", "d"], rows).decode("utf-8-sig")
    assert text.splitlines()[1].lstrip('"').startswith("'")
    sheet = load_workbook(io.BytesIO(xlsx_file("Board", ["a", "b", "c", "d"], rows))).active
    assert sheet is not None and sheet["A2"].data_type == "s" and sheet["B2"].value == 3


def test_the_calendar_is_read_by_others() -> None:
    told = ics_file("INGP", [("HND", due_of("2028-01", 29), "Año; x, y\nEND:VEVENT")], "https://d/", NOW)
    (event,) = Calendar.from_ical(told).walk("VEVENT")
    assert event["dtstart"].dt == date(2028, 2, 29) and event["dtend"].dt - event["dtstart"].dt == timedelta(
        1
    )
    assert "END:VEVENT" in event["summary"] and event["uid"] == "HND-2028-01@ingp-desk"
