"""/harvest: who may say what is fetched, and what the forms answer."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from pipelines.desk import Desk, Person
from tests.desk.conftest import as_actor

FORM = {
    "address": "https://datos.example/releases",
    "kind": "ocds",
    "often": "weekly",
    "hour": "6",
    "period": "2024",
}


async def test_a_source_is_added_changed_paused_and_tried(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    actor = as_actor(people["approver"])
    answer = await pages.post("/harvest/new", data=FORM, actor=actor)
    address = answer.headers["location"]
    (source,) = desk.harvests.of_member("HND")
    assert address == f"/harvest/{source.id}" and (source.address, source.often, source.period) == (
        FORM["address"], "weekly", "2024",
    )  # fmt: skip
    await pages.post(address, data={**FORM, "often": "daily"}, actor=actor)
    await pages.post(address, data={"do": "pause"}, actor=actor)
    source = desk.harvests.get(source.id)
    assert (source.often, source.active) == ("daily", False)
    await pages.post(address, data={"do": "resume"}, actor=actor)
    await pages.post(address, data={"do": "now"}, actor=actor)
    assert desk.harvests.get(source.id).active
    for path in ("/harvest", "/harvest/new", address):
        for language in ("es", "en", "pt", "fr"):
            page = await pages.get(f"{path}?lang={language}", actor=actor)
            assert page.status_code == 200 and len(page.content) < 100_000
            assert not re.search(r"\{\{|Undefined", page.text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "file:///etc/passwd"}, {"address": "https://user:pw@datos.example/"}, {"address": ""}, {"kind": "x"}, {"often": "x"},
        {"hour": "24"}, {"hour": "²"}, {"hour": "-1"}, {"period": "x"}, {"package_type": "x"},
    ],
)  # fmt: skip
async def test_what_cannot_be_fetched_is_told(
    pages: Any, desk: Desk, people: Mapping[str, Person], wrong: Mapping[str, str]
) -> None:
    answer = await pages.post("/harvest/new", data={**FORM, **wrong}, actor=as_actor(people["approver"]))
    assert answer.status_code == 400 and 'role="alert"' in answer.text
    assert desk.harvests.of_member("HND") == ()


async def test_whose_addresses_they_are(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    await pages.post("/harvest/new", data=FORM, actor=as_actor(people["approver"]))
    (source,) = desk.harvests.of_member("HND")
    answers = {
        who: (await pages.get(f"/harvest/{source.id}", actor=as_actor(people[who]))).status_code
        for who in people
    }
    assert answers == {
        "reader": 403, "submitter": 403, "approver": 200, "second": 200, "secretariat": 200, "administrator": 200, "other": 404,
    }  # fmt: skip
    answer = await pages.post(f"/harvest/{source.id}", data={"do": "pause"}, actor=as_actor(people["other"]))
    assert answer.status_code == 404 and desk.harvests.get(source.id).active
