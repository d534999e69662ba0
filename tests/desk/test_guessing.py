"""Guessing, fast and many at once; what the time of an answer tells; knocking; forms of other sites."""

import asyncio
import statistics
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from pipelines.desk import Desk, Person
from pipelines.desk.accounts import passwords, tables
from pipelines.desk.accounts.attempts import FREE, network_of
from tests.desk.test_accounts import PASSWORD, ready


async def test_of_many_guesses_at_once_few_are_looked_at(desk: Desk, people: Mapping[str, Person]) -> None:
    person = people["submitter"]
    ready(desk, person)
    guesses = [f"wrong password {n}" for n in range(20)] + [PASSWORD]
    done = await asyncio.gather(
        *(
            asyncio.to_thread(desk.accounts.sign_in, person.email, each, "", f"192.0.2.{n}")
            for n, each in enumerate(guesses)
        )
    )
    assert sum(each.waits_until is None for each in done) <= FREE["person"]


async def test_codes_of_the_second_factor_are_guessed_as_slowly(
    desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["approver"]
    ready(desk, person)
    for number in range(FREE["person"]):
        assert desk.accounts.sign_in(person.email, PASSWORD, f"{number:06}", "192.0.2.1").needs_code
        assert number == 4 or desk.accounts.sign_in(person.email, PASSWORD, "", "192.0.2.1").needs_code, (
            "asking for the form again counts for nothing, and forgets nothing"
        )
    assert desk.accounts.sign_in(person.email, PASSWORD, "000009", "192.0.2.1").waits_until
    assert desk.accounts.prove(person, "000009", "192.0.2.1") is None, "by no other way either"


async def test_waits_grow(desk: Desk) -> None:
    waits = []
    for _round in range(9):
        for _try in range(FREE["person"] + 1):
            tried = desk.accounts.attempts.begin("person", "a@example.org")
            if tried.waits_until:
                break
        assert tried.waits_until
        waits.append(round((tried.waits_until - datetime.now(UTC)).total_seconds() / 60))
        with desk.database.write() as connection:
            connection.execute(update(tables.attempts).values(wait_until=datetime.now(UTC)))
    assert waits[:6] == [1, 2, 4, 8, 16, 32] and waits[-1] == 60


async def test_an_account_of_ones_own_does_not_pay_for_guessing_others(
    desk: Desk, people: Mapping[str, Person]
) -> None:
    ready(desk, people["submitter"])
    for number in range(FREE["network"]):
        desk.accounts.attempts.begin("network", "192.0.2.7")
        if number == 20:
            assert desk.accounts.sign_in(people["submitter"].email, PASSWORD, "", "192.0.2.7").session
    assert desk.accounts.sign_in("b@example.org", "x" * 12, "", "192.0.2.7").waits_until


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"), ("::ffff:192.0.2.1", "192.0.2.1"), ("", ""), ("unix", "unix")],
)  # fmt: skip
def test_one_subscriber_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_time_tells_nobody_who_is_known(desk: Desk, people: Mapping[str, Person]) -> None:
    ready(desk, people["submitter"])
    invited, gone = people["reader"], people["second"]
    ready(desk, gone)
    desk.accounts.deactivate(gone)
    assert not PasswordHasher().check_needs_rehash(passwords._NOBODY), "compared as everybody's are"

    def took(email: str) -> float:
        times = []
        for number in range(4):
            begun = time.perf_counter()
            assert not desk.accounts.sign_in(email, "wrong password!", "", f"192.0.2.{number}").session
            times.append(time.perf_counter() - begun)
        return statistics.median(times)

    times = [
        took(each)
        for each in (people["submitter"].email, "nobody@example.org", invited.email, gone.email, "' OR 1=1")
    ]
    assert max(times) < 3 * min(times), times


async def test_a_network_that_knocks_too_often_is_not_heard(pages: Any) -> None:
    for _try in range(30):
        answer = await pages.post("/reset", data={"email": ""})
    assert answer.status_code == 200
    for path in ("/reset", "/sign-in", "/password/" + "x" * 43):
        answer = await pages.post(path, data={"email": "a@example.org"})
        assert answer.status_code == 429 and answer.headers["retry-after"] == "60"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (await pages.get("/sign-in")).status_code == 200


OTHERS: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "same-site", "origin": "https://other.example.org"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost.evil.example"},
    {"origin": "http://localhost:9999"},
    {"sec-fetch-site": "cross-site", "authorization": "Bearer x"},
)


@pytest.mark.parametrize("told", OTHERS)
async def test_a_form_of_another_site_does_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person], told: dict[str, str]
) -> None:
    session = desk.accounts.begin_session(people["administrator"])
    victim = people["submitter"]
    for path, form in (
        ("/people", {"do": "deactivate", "id": str(victim.id)}),
        ("/account", {"do": "end"}),
        ("/sign-out", {}),
        ("/board/HND", {"due_days": "1", "frequency": "monthly", "two_persons": "1"}),
        ("/account/second-factor", {"code": "000000"}),
        ("/sign-in", {"email": "x", "password": "x"}),
        ("/send", {}),
    ):
        headers = {"cookie": f"ingp_session={session}", **told}
        answer = await pages.post(path, data=form, headers=headers)
        assert answer.status_code == 403, path
        assert "evil" not in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert desk.accounts.session(session) and desk.people.get(victim.id).active
    assert not desk.policies.get("HND").two_persons


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "X"])
async def test_what_no_page_uses_is_not_answered(
    pages: Any, desk: Desk, people: Mapping[str, Person], method: str
) -> None:
    headers = {"cookie": f"ingp_session={desk.accounts.begin_session(people['submitter'])}"}
    answer = await pages.request(method, "/account", headers=headers)
    assert (answer.status_code, answer.headers["allow"], answer.text) == (405, "GET, HEAD, POST", "")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_a_link_of_another_site_does_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    """Browsers send a Lax cookie with links: so no GET changes anything."""
    session = desk.accounts.begin_session(people["administrator"])
    headers = {"cookie": f"ingp_session={session}", "sec-fetch-site": "cross-site"}
    victim = people["submitter"]
    for path in ("/sign-out", f"/people?do=deactivate&id={victim.id}", "/account?do=end", "/board/HND?two_persons=1&due_days=1&frequency="):  # fmt: skip
        await pages.get(path, headers=headers)
    assert desk.accounts.session(session) and desk.people.get(victim.id).active
    assert not desk.policies.get("HND").two_persons
