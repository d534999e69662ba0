"""Attacks on the desk as a whole: what leaks into logs and tables, what a token opens, what breaks on hostile input."""

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from pipelines.desk import Desk, Person
from pipelines.desk.accounts import tables
from pipelines.desk.mail import mail
from tests.desk.test_accounts import PASSWORD, ready, session_of, sign_in

HUGE = "9" * 40
NASTY = (
    "' OR 1=1 --",
    "'; DROP TABLE desk_people; --",
    "\x00",
    "²",
    HUGE,
    "-1",
    "{{7*7}}",
    "<script>alert(1)</script>",
)


def cookie_of(desk: Desk, person: Person) -> dict[str, str]:
    return {"cookie": f"ingp_session={desk.accounts.begin_session(person)}"}


@pytest.mark.parametrize("path", ["/nothing", "/people", "/_memory/x"])
async def test_what_is_refused_costs_little_and_tells_the_log_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person], capfd: Any, path: str
) -> None:
    headers = cookie_of(desk, people["submitter"])
    await pages.get(path, headers=headers)
    capfd.readouterr()
    begun = time.process_time()
    answer = await pages.get(path, headers=headers)
    assert answer.status_code in (403, 404)
    assert time.process_time() - begun < 0.5, "Datasette's own handler draws every local variable with rich"
    said = "".join(capfd.readouterr())
    assert headers["cookie"].partition("=")[2] not in said and "locals" not in said


async def test_what_breaks_tells_neither_the_reader_nor_the_log_a_secret(
    pages: Any, desk: Desk, people: Mapping[str, Person], capfd: Any, caplog: Any
) -> None:
    with desk.database.write() as connection:
        connection.execute(text("ALTER TABLE desk_credentials RENAME TO gone"))
    answer = await sign_in(pages, people["submitter"], password="secreto muy secreto")
    assert answer.status_code == 500 and "desk_credentials" not in answer.text
    said = "".join(capfd.readouterr()) + caplog.text
    assert "secreto muy secreto" not in said
    assert "/sign-in" in caplog.text, "the operator learns where"


@pytest.mark.parametrize(
    "path",
    ["/board", "/board.csv", "/board/HND", "/calendar", "/people", "/account", "/submissions", "/send"],
)
async def test_a_token_opens_no_page(pages: Any, desk: Desk, people: Mapping[str, Person], path: str) -> None:
    for role in ("administrator", "approver"):
        token = desk.accounts.new_token(people[role], "x", ["read", "submit", "approve"], timedelta(days=1))
        for method in (pages.get, pages.post):
            answer = await method(path, headers={"authorization": f"Bearer {token}"})
            assert answer.status_code in (302, 401, 403), (role, path)


async def test_numbers_that_are_none_break_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    headers = cookie_of(desk, people["administrator"])
    for value in NASTY:
        for path, form in (
            ("/account", {"do": "revoke", "id": value}),
            ("/account", {"do": value}),
            ("/account", {"do": "token", "name": value, "days": value, "scope-read": "1"}),
            ("/account", {"do": "language", "language": value}),
            ("/people", {"do": "deactivate", "id": value}),
            ("/people", {"do": "role", "id": value, "role": value}),
            ("/people", {"do": "invite", "email": value, "name": value, "role": value, "member": value, "language": value}),
            ("/board/HND", {"due_days": value, "frequency": value, "two_persons": value}),
        ):  # fmt: skip
            answer = await pages.post(path, data=form, headers=headers)
            assert answer.status_code < 500, (path, form)
    assert {each.id for each in desk.people.all()} == {each.id for each in people.values()}
    assert all(each.active for each in desk.people.all())


async def test_bytes_that_are_no_text_break_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    told = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/sign-in", "/reset", "/password/" + "x" * 43):
        answer = await pages.post(path, content=b"email=\xff\xfe&password=\xff", headers=told)
        assert answer.status_code in (400, 401, 404), path
    answer = await pages.post("/sign-in", content=b"email=" + b"x" * (3 << 20), headers=told)
    assert answer.status_code == 413, "a stranger fills no memory"


@pytest.mark.parametrize("value", NASTY)
async def test_sql_and_markup_in_the_fields_of_strangers_are_text(
    pages: Any, desk: Desk, people: Mapping[str, Person], value: str
) -> None:
    data = {"email": value, "password": value, "code": value, "next": value}
    for path in ("/sign-in", "/reset", "/sign-in?next=" + value.replace("\x00", "%00")):
        answer = await pages.post(path, data=data)
        assert answer.status_code in (200, 401)
        assert "<script>alert" not in answer.text and "49" not in re.sub(r"data-\S+", "", answer.text)
    assert len(desk.people.all()) == len(people)


async def test_a_letter_that_went_keeps_no_secret(desk: Desk, people: Mapping[str, Person]) -> None:
    secret = desk.accounts.link(people["submitter"], "reset")
    desk.mail.post("a@example.org", "es", "reset", name="A", address=f"https://x/password/{secret}")
    assert desk.mail.deliver(lambda letter: None) == 1
    with desk.database.read() as connection:
        rows = connection.execute(select(mail)).all()
        assert secret not in str(rows) and secret not in str(connection.execute(select(tables.links)).all())


async def test_one_address_is_one_address(desk: Desk, people: Mapping[str, Person]) -> None:
    for wrong in (
        "a@example.org\nBcc: all@example.org",
        "a@example.org, b@example.org",
        "a b@example.org",
        "@",
        "a@",
        "a@b@c",
    ):
        with pytest.raises(Exception, match="e-mail"):
            desk.people.add(wrong, "x", "reader", "HND", "es")


async def test_the_host_of_a_request_is_in_no_answer(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    ready(desk, people["submitter"])
    evil = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    data = {"email": people["submitter"].email, "password": PASSWORD}
    for answer in (
        await pages.get("/account", headers=evil),
        await pages.get("/sign-in", headers=evil),
        await pages.post("/sign-in", data=data, headers=evil),
        await pages.post("/reset", data=data, headers=evil),
    ):
        assert "evil" not in answer.text and "evil" not in answer.headers.get("location", "")


async def test_cookies_of_a_desk_under_https_are_bound_to_it(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    object.__setattr__(desk.site.settings, "desk_url", "https://mesa.example")
    ready(desk, people["submitter"])
    answer = await sign_in(pages, people["submitter"])
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-ingp_session=") and "; Secure" in cookie
    assert "max-age=" in answer.headers["strict-transport-security"]
    planted = {"cookie": f"ingp_session={session_of(answer)}"}
    assert (await pages.get("/account", headers=planted)).status_code == 302, "a neighbour's cookie is none"
    own = {"cookie": f"__Host-ingp_session={session_of(answer)}"}
    assert (await pages.get("/account", headers=own)).status_code == 200
