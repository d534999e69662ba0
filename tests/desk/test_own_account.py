"""What a person does with her own account, and an administrator with those of others; and what neither can."""

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from pipelines.desk import Action, Desk, Person, may
from pipelines.desk.accounts import tables
from pipelines.desk.mail import mail
from pipelines.desk.permissions import SCOPES
from tests.desk.test_accounts import PASSWORD, ready, session_of, sign_in

OTHER = "cinco nubes azules lejos"


def headers_of(session: str) -> dict[str, str]:
    return {"cookie": f"ingp_session={session}"}


def letters(desk: Desk) -> list[tuple[str, str]]:
    with desk.database.read() as connection:
        return [(row.to, row.values.get("what", "")) for row in connection.execute(select(mail))]


async def test_sessions_are_ended_one_by_one(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    person, accounts = people["submitter"], desk.accounts
    mine, lost, foreign = (accounts.begin_session(each) for each in (person, person, people["other"]))
    page = await pages.get("/account?lang=en", headers=headers_of(mine))
    keys = re.findall(r'name="key" value="([0-9a-f]{16})"', page.text)
    assert keys == [tables.hashed(lost)[:16]] and page.text.count("this browser") == 1
    assert lost not in page.text, "the name of a session does not open it"
    assert accounts.session(keys[0]) is None
    for key in (tables.hashed(foreign)[:16], "", "%", "_" * 16, keys[0][:4]):
        await pages.post("/account", data={"do": "end-one", "key": key}, headers=headers_of(mine))
    assert all(accounts.session(each) for each in (mine, lost, foreign))
    await pages.post("/account", data={"do": "end-one", "key": keys[0]}, headers=headers_of(mine))
    assert accounts.session(lost) is None and accounts.session(mine) and accounts.session(foreign)
    answer = await pages.post("/account", data={"do": "end"}, headers=headers_of(mine))
    assert "Max-Age=0" in answer.headers["set-cookie"] and accounts.session(mine) is None


async def test_a_password_is_changed_by_who_knows_it(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person, accounts = people["submitter"], desk.accounts
    ready(desk, person)
    mine, lost, link = (
        accounts.begin_session(person),
        accounts.begin_session(person),
        accounts.link(person, "reset"),
    )
    form = {"do": "password", "current": PASSWORD, "password": OTHER, "again": OTHER}
    for wrong, status in (({"again": "x"}, 400), ({"password": "corta", "again": "corta"}, 400), ({"current": "x"}, 400)):  # fmt: skip
        answer = await pages.post("/account", data=form | wrong, headers=headers_of(mine))
        assert answer.status_code == status and accounts.session(lost)
    answer = await pages.post("/account", data=form, headers=headers_of(mine))
    assert accounts.session(session_of(answer)) == (person, False)
    assert (accounts.session(mine), accounts.session(lost)) == (None, None)
    assert accounts.person_of_link(link) is None, "a link that was asked for before opens nothing any more"
    assert letters(desk) == [(person.email, "password")]
    assert (await sign_in(pages, person)).status_code == 401
    own = session_of(await sign_in(pages, person, password=OTHER))
    for _try in range(5):
        answer = await pages.post("/account", data=form | {"current": "x"}, headers=headers_of(own))
    answer = await pages.post("/account", data=form | {"current": OTHER}, headers=headers_of(own))
    assert answer.status_code == 429, "who found an open browser cannot guess the password in it"


async def test_another_app_takes_the_code_of_this_one(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person, accounts = people["approver"], desk.accounts
    secret = ready(desk, person)
    assert secret
    mine, lost = accounts.begin_session(person), accounts.begin_session(person)
    path = "/account/second-factor"
    assert (await pages.get(path, headers=headers_of(mine))).status_code == 200
    assert (await pages.post(path, data={"code": "000000"}, headers=headers_of(mine))).status_code == 401
    assert accounts.factors.has(person.id)
    answer = await pages.post(path, data={"code": pyotp.TOTP(secret).now()}, headers=headers_of(mine))
    limited = session_of(answer)
    assert accounts.session(limited) == (person, True) and accounts.session(lost) is None
    assert not accounts.factors.has(person.id)
    page = await pages.get(path, headers=headers_of(limited))
    new = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")  # type: ignore[index]
    assert new != secret
    answer = await pages.post(path, data={"code": pyotp.TOTP(new).now()}, headers=headers_of(limited))
    assert accounts.session(session_of(answer)) == (person, False)
    assert [what for _to, what in letters(desk)] == ["factor-removed", "factor"]
    codes = re.findall(r"<code>((?:[a-z0-9]{4}-){3}[a-z0-9]{4})</code>", answer.text)
    with desk.database.read() as connection:
        kept = connection.execute(select(tables.credentials.c.recovery)).scalars().all()
    assert len(codes) == 10 and not any(code in str(kept) for code in codes)
    assert accounts.factors.takes(person.id, codes[3].upper()) and not accounts.factors.takes(
        person.id, codes[3]
    )
    assert accounts.factors.count_recovery(person.id) == 9


async def test_a_lost_phone_without_codes(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    person = people["approver"]
    ready(desk, person)
    mine = desk.accounts.begin_session(person)
    form = {"do": "factor", "id": str(person.id)}
    for role in ("approver", "secretariat", "other"):
        session = desk.accounts.begin_session(people[role])
        assert (await pages.post("/people", data=form, headers=headers_of(session))).status_code == 403
    assert desk.accounts.factors.has(person.id)
    session = desk.accounts.begin_session(people["administrator"])
    assert (await pages.post("/people", data=form, headers=headers_of(session))).status_code == 200
    assert not desk.accounts.factors.has(person.id) and desk.accounts.session(mine) is None
    assert letters(desk) == [(person.email, "factor-removed")], (
        "the person is told, should it not be her who asked"
    )
    answer = await sign_in(pages, person)
    assert answer.headers["location"] == "/account/second-factor", "and without one there is no way in"


async def test_who_may_more_proves_herself_as_that_asks_for(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    ready(desk, person)
    before = session_of(await sign_in(pages, person))
    session = headers_of(desk.accounts.begin_session(people["administrator"]))
    form = {"do": "role", "id": str(person.id), "role": "approver"}
    assert (await pages.post("/people", data=form, headers=session)).status_code == 200
    assert desk.accounts.session(before) is None
    assert (await sign_in(pages, person)).headers["location"] == "/account/second-factor"
    above = {"do": "role", "id": str(person.id), "role": "administrator"}
    assert (await pages.post("/people", data=above, headers=session)).status_code == 400
    assert desk.people.get(person.id).role == "approver"


async def test_what_happened_is_seen_by_its_owner(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    ready(desk, person)
    await sign_in(pages, person, password="wrong password!")
    mine = session_of(await sign_in(pages, person))
    await pages.post(
        "/account",
        data={"do": "token", "name": "x", "days": "30", "scope-read": "1"},
        headers=headers_of(mine),
    )
    told = [each.event for each in desk.accounts.events.of(person.id)]
    assert told == ["token", "sign-in", "refused", "password"]
    page = await pages.get("/account?lang=es", headers=headers_of(mine))
    assert "entrada rechazada" in page.text and "clave creada" in page.text
    other = await pages.get("/account?lang=es", headers=headers_of(desk.accounts.begin_session(people["other"])))  # fmt: skip
    assert "entrada rechazada" not in other.text
    with desk.database.read() as connection:
        assert "@" not in str(connection.execute(select(tables.events)).all()), "numbers of persons only"


@pytest.mark.parametrize("role", ["reader", "submitter", "approver", "secretariat", "administrator"])
def test_a_token_opens_what_both_its_scope_and_its_person_may(
    people: Mapping[str, Person], role: str
) -> None:
    person = people[role]
    for action in Action:
        for member in ("HND", "BRA", None):
            for scope in SCOPES:
                told = may(person, action, member, [scope])
                assert told == (may(person, action, member) and action in SCOPES[scope])
            assert not may(person, action, member, [])
            assert not may(person, action, member, ["everything", "READ"])
            if action in (Action.INVITE, Action.SETTINGS, Action.WEBHOOKS, Action.REMIND):
                assert not may(person, action, member, list(SCOPES)), "opened by no token"


async def test_a_used_token_says_when(desk: Desk, people: Mapping[str, Person]) -> None:
    token = desk.accounts.new_token(people["submitter"], "x", ["read"], timedelta(days=1))
    assert desk.accounts.tokens(people["submitter"])[0].used_at is None
    begun = time.time()
    assert desk.accounts.token(token) and desk.accounts.token(token)
    used = desk.accounts.tokens(people["submitter"])[0].used_at
    assert used is not None and abs(used.timestamp() - begun) < 5
