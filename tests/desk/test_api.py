"""The interface for programs: from a file to what is published, by the rules of the pages; and whoever may not."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from pipelines.desk import Desk, MemberPolicy, Person
from pipelines.desk.api import OPERATIONS, PREFIX, STATUS, openapi
from pipelines.desk.idempotency import KeyReusedError, KeyRunningError
from pipelines.store import State
from tests.desk.conftest import as_actor
from tests.desk.test_journey import send, work
from tests.pipelines.test_workflow import BAD, HEADING, ONE, TWO

SOUND = (HEADING + ONE + "\n").encode()
ALL = ("read", "submit", "approve")


def bearer(desk: Desk, person: Person, *scopes: str, **more: str) -> dict[str, str]:
    token = desk.accounts.new_token(person, "program", scopes or ALL, timedelta(days=1))
    return {"authorization": f"Bearer {token}", **more}


def form(data: bytes = SOUND, name: str = "a.csv") -> dict[str, Any]:
    return {"files": [("files", (name, data, "text/csv"))], "data": {"period": "2024"}}


async def test_from_a_file_to_its_withdrawal(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    own = bearer(desk, people["approver"])
    answer = await pages.post(f"{PREFIX}/submissions", headers=own, **form())
    assert answer.status_code == 202 and answer.json()["state"] == "waiting"
    place = answer.headers["location"].removeprefix(desk.site.settings.desk_url)
    work(desk)
    told = (await pages.get(place, headers=own)).json()
    assert told["state"] == "staged" and told["links"]["submission"].endswith(told["submission"])
    at = f"{PREFIX}/submissions/{told['submission']}"
    told = (await pages.get(at, headers=own)).json()
    assert told["state"] == "ready" and told["moves"] == ["approve", "send-back", "take-back"]
    assert any(each["accepted"] == 1 for each in told["tables"])
    assert (await pages.get(f"{at}/report", headers=own)).json()["verdict"]
    waits = await pages.get(f"{at}/preview", headers=own)
    assert waits.status_code == 202 and waits.headers["retry-after"]
    work(desk)
    made = (await pages.get(f"{at}/preview", headers=own)).json()
    assert made["state"] == "made" and made["id"] == waits.json()["id"]
    unseen = await pages.post(f"{at}/approve", headers=own, json={"preview": "0" * 32})
    assert (unseen.status_code, unseen.json()["code"]) == (409, "preview-first")
    answer = await pages.post(f"{at}/approve", headers=own, json={"preview": made["id"]})
    assert answer.status_code == 200 and answer.json()["approved_by"] == people["approver"].actor
    work(desk)
    answer = await pages.get(at, headers=own)
    assert answer.json()["state"] == "accepted" and answer.json()["moves"] == ["correct", "withdraw"]
    assert (await pages.get(f"{at}/receipt", headers=own)).json()["version"] == 1
    answer = await pages.post(f"{at}/withdraw", headers=own, json={"reason": "  "})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "#/reason"
    answer = await pages.post(f"{at}/withdraw", headers=own, json={"reason": "Faltaba un anexo"})
    assert answer.json()["state"] == "withdrawn"
    events = (await pages.get(f"{at}/history", headers=own)).json()["events"]
    assert events[0]["to"] == "received" and events[-1]["reason"] == "Faltaba un anexo"
    assert people["approver"].name not in str(events)


async def test_two_persons_and_an_embargo(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    desk.policies.set(MemberPolicy("HND", two_persons=True))
    at = f"{PREFIX}/submissions/{send(desk, people['submitter'], ONE)}"
    first, second = (bearer(desk, people[each]) for each in ("approver", "second"))
    await pages.get(f"{at}/preview", headers=first)
    work(desk)
    yes = {
        "preview": (await pages.get(f"{at}/preview", headers=first)).json()["id"],
        "publish_on": "2999-01-01",
    }
    answer = await pages.post(f"{at}/approve", headers=first, json=yes)
    assert answer.json()["state"] == "in_review" and answer.json()["asked_by"] == people["approver"].actor
    answer = await pages.post(f"{at}/approve", headers=first, json=yes)
    assert (answer.status_code, answer.json()["code"]) == (409, "second-person")
    answer = await pages.post(f"{at}/approve", headers=second, json=yes)
    assert answer.json()["approved_by"] == people["second"].actor
    assert answer.json()["publish_at"].startswith("2999-01-01") and answer.json()["state"] == "in_review"
    answer = await pages.post(f"{at}/ask-again", headers=second, json={"reason": "otra vez"})
    assert answer.json()["state"] == "ready"
    answer = await pages.post(f"{at}/send-back", headers=second, json={"reason": "falta"})
    assert answer.json()["state"] == "needs_work" and answer.json()["moves"] == ["take-back"]
    answer = await pages.post(f"{at}/send-back", headers=second, json={"reason": "falta"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not-now")


async def test_who_may_and_who_may_not(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    own = send(desk, people["submitter"], ONE)
    at, why = f"{PREFIX}/submissions/{own}", {"json": {"reason": "no"}}
    cases = [
        (None, 401, "sign-in"),
        ({"authorization": "Bearer ingp_wrong"}, 401, "bad-token"),
        (bearer(desk, people["other"]), 404, "not-found"),
        (bearer(desk, people["reader"]), 403, "not-allowed"),
        (bearer(desk, people["secretariat"]), 403, "not-allowed"),
        (bearer(desk, people["approver"], "read", "submit"), 403, "token-scope"),
    ]
    for headers, status, code in cases:
        answer = await pages.post(f"{at}/send-back", headers=headers, **why)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert ("www-authenticate" in answer.headers) == (status == 401)
    assert desk.site.ledger.submission(own).state is State.READY
    refused = await pages.post(f"{PREFIX}/submissions", headers=bearer(desk, people["reader"]), **form())
    assert refused.status_code == 403 and not desk.arrivals.waiting()
    # A session has the rights of its person, and a page of another site has none.
    actor = as_actor(people["approver"])
    cross = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    answer = await pages.post(f"{at}/send-back", actor=actor, headers=cross, **why)
    assert answer.status_code == 403 and desk.site.ledger.submission(own).state is State.READY
    assert (await pages.post(f"{at}/send-back", actor=actor, **why)).status_code == 200


async def test_a_list_is_read_page_by_page(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    for number in range(3):
        send(desk, people["submitter"], *(ONE, TWO, BAD)[: number + 1], name=f"{number}.csv")
    own = bearer(desk, people["reader"], "read")
    seen: list[str] = []
    after = ""
    for _ in range(3):
        told = (await pages.get(f"{PREFIX}/submissions?limit=1{after}", headers=own)).json()
        seen += [each["id"] for each in told["submissions"]]
        after = f"&cursor={told['next']}"
    assert told["next"] is None and seen == [
        str(each.submission_id) for each in desk.site.ledger.submissions()
    ]
    told = (await pages.get(f"{PREFIX}/submissions?state=needs_work&period=2024", headers=own)).json()
    assert [each["state"] for each in told["submissions"]] == ["needs_work"]
    every = bearer(desk, people["secretariat"])
    assert len((await pages.get(f"{PREFIX}/submissions", headers=every)).json()["submissions"]) == 3
    for wrong, status in (
        ("limit=0", 422),
        ("limit=x", 422),
        ("cursor=%C3", 422),
        ("state=lost", 422),
        ("member=BRA", 404),
    ):
        answer = await pages.get(f"{PREFIX}/submissions?{wrong}", headers=own)
        assert answer.status_code == status, wrong


async def test_the_same_key_is_done_once(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    own = bearer(desk, people["submitter"]) | {"idempotency-key": "k-1"}
    at = f"{PREFIX}/submissions"
    first, again = [await pages.post(at, headers=own, **form()) for _ in range(2)]
    assert first.status_code == 202 and first.json() == again.json() and len(desk.arrivals.waiting()) == 1
    assert (
        again.headers["idempotency-replayed"] == "true"
        and again.headers["location"] == first.headers["location"]
    )
    other = await pages.post(at, headers=own, **form(SOUND + b"x"))
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    elsewhere = bearer(desk, people["approver"]) | {"idempotency-key": "k-1"}
    assert (await pages.post(at, headers=elsewhere, **form())).status_code == 202
    assert len(desk.arrivals.waiting()) == 2
    own["idempotency-key"] = "k-2"
    crowd = await asyncio.gather(*(pages.post(at, headers=own, **form()) for _ in range(8)))
    assert {each.status_code for each in crowd} <= {202, 409} and len(desk.arrivals.waiting()) == 3


def test_keys_that_run_wait_and_are_forgotten(desk: Desk) -> None:
    kept = desk.idempotency
    assert kept.begin("person:1", "k", "a") is None
    with pytest.raises(KeyRunningError):
        kept.begin("person:1", "k", "a")
    with pytest.raises(KeyReusedError):
        kept.begin("person:1", "k", "b")
    kept.forget("person:1", "k")
    assert kept.begin("person:1", "k", "b") is None


async def test_problems_speak_the_callers_language(pages: Any) -> None:
    for headers, query, language in (
        ({"accept-language": "pt-BR"}, "", "pt"),
        ({"accept-language": "pt-BR"}, "?lang=fr", "fr"),
        ({}, "", "en"),
    ):
        answer = await pages.get(f"{PREFIX}/submissions{query}", headers=headers)
        assert answer.headers["content-language"] == language
        assert answer.json()["type"].endswith("/developers#sign-in")
    titles = {
        (await pages.get(f"{PREFIX}/x?lang={each}")).json()["title"] for each in ("es", "en", "pt", "fr")
    }
    assert len(titles) == 4
    answer = await pages.request("DELETE", f"{PREFIX}/submissions")
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, POST"


async def test_bodies_that_cannot_be_taken(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    at = f"{PREFIX}/submissions/{send(desk, people['submitter'], ONE)}/send-back"
    own = bearer(desk, people["approver"])
    as_json = own | {"content-type": "application/json"}
    for headers, body, status in (
        (own, b"reason=x", 415),
        (as_json, b"{", 400),
        (as_json, b"\xff", 400),
        (as_json, b"NaN", 400),
        (as_json, b"[" * 100_000, 400),
        (as_json, b"[]", 422),
        (as_json, b'{"reason": "x", "more": 1}', 422),
        (as_json, b" " * (2 << 20), 413),
    ):
        answer = await pages.post(at, headers=headers, content=body)
        assert answer.status_code == status, body[:20]
    nothing = await pages.post(f"{PREFIX}/submissions", headers=own, **form(b""))
    assert (nothing.status_code, nothing.json()["code"]) in ((422, "nothing-sent"), (422, "values"))
    wrong = await pages.post(
        f"{PREFIX}/submissions", headers=own, files=[("files", ("a.csv", SOUND))], data={"period": "soon"}
    )
    assert wrong.json()["errors"] == [{"detail": "not a period", "pointer": "#/period"}]


def test_routes_and_description_are_the_same(desk: Desk) -> None:
    told = openapi("https://desk.example")
    described = {(path, method.upper()) for path, methods in told["paths"].items() for method in methods}
    assert described == {(each.path, each.method) for each in OPERATIONS}
    assert {code for each in OPERATIONS for code in each.problems} <= STATUS.keys()


async def test_the_page_for_developers_explains_every_problem(pages: Any) -> None:
    for language in ("es", "en", "pt", "fr"):
        page = await pages.get(f"/developers?lang={language}")
        assert page.status_code == 200 and len(page.content) < 100_000
        assert all(f'id="{code}"' in page.text for code in STATUS)
        assert all(f"{PREFIX}{each.path}" in page.text for each in OPERATIONS)
