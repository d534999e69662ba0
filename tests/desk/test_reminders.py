"""Before data are due, when they are late, and by hand: once each, to those who send, with one link."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import workflow
from pipelines.desk import Desk, MemberPolicy, Person
from pipelines.desk.board import Timing, standings
from pipelines.desk.calendar import covers, due_of
from pipelines.desk.letters import choose, link
from pipelines.desk.reminders import kind_of, remind, remind_by_hand
from pipelines.exceptions import StoreError
from tests.desk.conftest import as_actor
from tests.desk.test_letters import sent, to
from tests.pipelines.test_workflow import ONE, flat


def test_which_day_has_which_letter() -> None:
    days = {days: kind_of(days) for days in range(-10, 60) if kind_of(days)}
    assert [day for day, kind in days.items() if kind == "soon"] == [-5, -4, -3, -2, -1, 0]
    first = {kind: min(day for day in days if days[day] == kind) for kind in days.values()}
    assert first == {"soon": -5, "late-0": 1, "late-1": 8, "late-2": 15, "late-3": 22} and max(days) == 28


def test_a_period_is_told_once_before_and_four_times_after(desk: Desk, people: Mapping[str, Person]) -> None:
    desk.policies.set(MemberPolicy("HND", frequency="yearly", due_days=10))
    choose(desk.database, people["second"], [])
    first, told = datetime(2025, 12, 20, 18, tzinfo=UTC), []
    for day in range(90):
        assert remind(desk, first + timedelta(days=day)) in (0, 2)
        assert remind(desk, first + timedelta(days=day)) == 0
        told += [(day, letter) for letter in sent(desk)]
    assert [str((first + timedelta(days=day)).date()) for day, _letter in told[::2]] == [
        "2026-01-05", "2026-01-11", "2026-01-18", "2026-01-25", "2026-02-01",
    ]  # fmt: skip
    assert to([letter for _day, letter in told]) == {"submitter", "approver"}
    soon, late = told[0][1], told[2][1]
    assert "2026-01-10" in soon.subject and late.subject.startswith("Con retraso")
    assert late.text.count("http") == 1 and link(desk, "/send?period=2025") in late.text


def test_who_has_sent_is_left_in_peace(desk: Desk, people: Mapping[str, Person], tmp_path: Path) -> None:
    workflow.submit(desk.site, [flat(tmp_path / "a.csv", ONE)], "HND")
    desk.policies.set(MemberPolicy("HND", frequency="monthly", due_days=0))
    now = datetime.now(UTC).replace(day=3, hour=18)
    assert remind(desk, now) == 0
    desk.policies.set(MemberPolicy("BRA", frequency="monthly", due_days=0))
    assert remind(desk, now) == 1 and sent(desk)[0].to == "other@example.org"


def test_a_whole_year_covers_a_month_only_once_the_month_is_over() -> None:
    march = due_of("2026-03", 30)
    for wide in ("2026", "2026-Q1", "all"):
        assert not covers(wide, date(2026, 3, 31), march) and covers(wide, date(2026, 4, 1), march)
    assert covers("2026-03", date(2026, 3, 15), march), "who names the month means it"
    assert not covers("2026-02", date(2026, 4, 1), march) and not covers("2025", date(2026, 4, 1), march)
    assert not covers("2026-03", date(2026, 7, 1), due_of("2026-Q1", 30)), "a month is no quarter"


def test_the_last_periods_of_a_member(desk: Desk) -> None:
    desk.policies.set(MemberPolicy("HND", frequency="quarterly", due_days=45))
    found = standings(desk, "HND", datetime(2026, 5, 1, tzinfo=UTC))
    assert [each.due.period for each in found] == [
        "2026-Q1",
        *(f"2025-Q{n}" for n in (4, 3, 2, 1)),
        "2024-Q4",
    ]
    assert [each.timing for each in found] == [Timing.DUE, *[Timing.LATE] * 5]
    assert standings(desk, "BRA", datetime(2026, 5, 1, tzinfo=UTC)) == ()


def test_by_hand_once_a_day_and_kept(desk: Desk, people: Mapping[str, Person]) -> None:
    now, by = datetime(2026, 5, 1, 18, tzinfo=UTC), people["secretariat"]
    assert remind_by_hand(desk, by, "HND", "2026-03", "¡Gracias!", now) == 3
    assert remind_by_hand(desk, by, "HND", "2026-03", "again", now) == 0
    assert all("¡Gracias!" in letter.text for letter in sent(desk))
    (event,) = desk.site.ledger.events(member="HND")
    assert (event.actor, event.detail["reminder"], event.reason) == (by.actor, "2026-03", "¡Gracias!")
    for period, note in (("March", ""), ("2026-03", "x" * 501)):
        with pytest.raises(StoreError):
            remind_by_hand(desk, by, "HND", period, note, now)


async def test_the_board_reminds_and_her_template_waits(
    desk: Desk, pages: Any, people: Mapping[str, Person]
) -> None:
    told, seen = {"period": "2026-03", "note": "<b>hola</b>"}, as_actor(people["secretariat"])
    refused = await pages.post("/board/HND/remind", data=told, actor=as_actor(people["approver"]))
    assert refused.status_code == 403 and not desk.site.ledger.events()
    done = await pages.post("/board/HND/remind", data=told, actor=seen)
    assert done.headers["location"] == "/board/HND?reminded=3#remind"
    page = await pages.get("/board/HND?reminded=3", actor=seen)
    assert "Persona secretariat asked for 2026-03" in page.text and "3 letters were written" in page.text
    own = as_actor(people["submitter"])
    send = await pages.get("/send?period=2026-03", actor=own)
    assert 'value="2026-03"' in send.text
    name = next(iter(desk.site.catalogue.package_types))
    assert f"/template/{name}.xlsx" in send.text
    book = await pages.get(f"/template/{name}.xlsx", actor=own)
    assert book.status_code == 200 and book.content.startswith(b"PK")
    assert (await pages.get("/template/nothing.xlsx", actor=own)).status_code == 404
    assert (await pages.get(f"/template/{name}.xlsx", actor=as_actor(people["reader"]))).status_code == 403


async def test_the_periods_of_all(desk: Desk, pages: Any, people: Mapping[str, Person]) -> None:
    desk.policies.set(MemberPolicy("HND", frequency="monthly", due_days=1))
    assert (await pages.get("/board/periods", actor=as_actor(people["approver"]))).status_code == 403
    page = await pages.get("/board/periods", actor=as_actor(people["secretariat"]))
    assert (
        page.text.count('scope="row"') == 32 and page.text.count("! Late") >= 5 and len(page.text) < 100_000
    )
    rows = (await pages.get("/board/periods.csv", actor=as_actor(people["secretariat"]))).text.splitlines()
    assert len(rows) == 7
