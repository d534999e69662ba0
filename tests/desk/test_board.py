"""The board's pages: who sees them, what they say, their files and forms."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest

from pipelines.desk import Desk, MemberPolicy, Person
from pipelines.identifiers import SubmissionId
from pipelines.rechecked import Recheck, keep
from pipelines.records import Verdict
from tests.desk.conftest import as_actor
from tests.desk.test_journey import send
from tests.pipelines.test_workflow import ONE, TWO


@pytest.mark.parametrize("path", ["/board", "/board.csv", "/board.xlsx", "/board/HND"])
async def test_the_board_is_the_secretariats(pages: Any, people: Mapping[str, Person], path: str) -> None:
    stranger = await pages.get(path)
    assert stranger.status_code == 302 and stranger.headers["location"].startswith("/sign-in?next=%2Fboard")
    assert (await pages.get(path, actor=as_actor(people["approver"]))).status_code == 403
    assert (await pages.get(path, actor=as_actor(people["secretariat"]))).status_code == 200


async def test_a_late_member_is_told_in_words(desk: Desk, pages: Any, people: Mapping[str, Person]) -> None:
    desk.policies.set(MemberPolicy("HND", frequency="monthly", due_days=10))
    seen = as_actor(people["secretariat"])
    page = await pages.get("/board?period=2025-03&timing=late&lang=es", actor=seen)
    assert "Con retraso" in page.text and "2025-04-10" in page.text and page.text.count('scope="row"') == 1
    told = await pages.get("/board.csv?period=2025-03&sort=timing", actor=seen)
    rows = list(csv.reader(io.StringIO(told.content.decode("utf-8-sig"))))
    assert len(rows) == 33 and rows[1][0] == "HND"
    odd = await pages.get("/board?period=%3Cscript%3E&sort=x&timing=y&state=z", actor=seen)
    assert odd.status_code == 200 and "<script" not in odd.text


async def test_what_the_rules_of_now_say_is_on_the_members_page(
    desk: Desk, pages: Any, people: Mapping[str, Person]
) -> None:
    seen = as_actor(people["secretariat"])
    assert "ingp recheck" in (await pages.get("/board/HND?lang=en", actor=seen)).text
    first = send(desk, people["submitter"], ONE, period="2023")
    second = send(desk, people["submitter"], TWO, period="2024")
    codes = ("amount-negative", "<b>gone")
    results = [
        Recheck(first, Verdict.ACCEPTED, Verdict.REJECTED, codes),
        Recheck(second, Verdict.ACCEPTED, Verdict.ACCEPTED, ()),
        Recheck(
            SubmissionId(str(first)[:-1] + ("0" if str(first)[-1] != "0" else "1")),
            Verdict.ACCEPTED,
            Verdict.REJECTED,
            (),
        ),
    ]
    keep(desk.site.zones, results)
    page = (await pages.get("/board/HND?lang=en", actor=seen)).text
    told = page.split("What the rules of now say</h2>")[1].split("<h2>")[0]
    assert "of 2 accepted submissions of this member, 1 would be" in told
    assert str(first) in told and str(second) not in told and "not sound" in told
    assert "amounts below zero" in told and "&lt;b&gt;gone" in told


async def test_administrators_change_what_was_agreed(
    desk: Desk, pages: Any, people: Mapping[str, Person]
) -> None:
    told = {"frequency": "quarterly", "due_days": "45", "two_persons": "1"}
    refused = await pages.post("/board/HND", data=told, actor=as_actor(people["secretariat"]))
    assert refused.status_code == 403 and desk.policies.get("HND") == MemberPolicy("HND")
    admin = as_actor(people["administrator"])
    assert (await pages.post("/board/HND", data=told, actor=admin)).status_code == 302
    assert desk.policies.get("HND") == MemberPolicy("HND", True, "quarterly", 45)
    for wrong in ({"due_days": "-1"}, {"due_days": "x"}, {"frequency": "hourly"}):
        assert (await pages.post("/board/HND", data=told | wrong, actor=admin)).status_code == 400
    assert (await pages.get("/board/ZZZ", actor=admin)).status_code == 404


async def test_a_member_has_its_own_calendar(desk: Desk, pages: Any, people: Mapping[str, Person]) -> None:
    desk.policies.set(MemberPolicy("HND", frequency="yearly"))
    own = await pages.get("/calendar.ics", actor=as_actor(people["reader"]))
    assert own.headers["content-type"].startswith("text/calendar") and "UID:HND-" in own.text
    other = await pages.get("/calendar", actor=as_actor(people["other"]))
    assert "Honduras" not in other.text and other.status_code == 200
    assert (await pages.get("/calendar")).status_code == 302
