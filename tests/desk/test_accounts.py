"""Accounts: signing in as people do, and every attack on it tried."""

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from pipelines.desk import Desk, Person
from pipelines.desk.accounts import accounts as rules
from pipelines.desk.accounts import tables
from pipelines.desk.mail import mail
from pipelines.exceptions import StoreError

PASSWORD = "puente verde cuatro nubes"


def ready(desk: Desk, person: Person) -> str | None:
    """Give a person a password, and a second factor where the role asks for one; returns the factor's secret."""
    assert desk.accounts.set_password(desk.accounts.link(person, "invitation"), PASSWORD) == person
    if person.role not in rules.STRONG:
        return None
    secret, _picture = desk.accounts.factors.offer(person.id, person.email)
    assert desk.accounts.factors.confirm(person.id, pyotp.TOTP(secret).at(time.time() - 30))
    return secret


async def sign_in(pages: Any, person: Person, code: str = "", password: str = PASSWORD, **more: str) -> Any:
    data = {"email": person.email, "password": password, "code": code, **more}
    return await pages.post("/sign-in", data=data)


def session_of(answer: Any) -> str:
    found = re.search(r"ingp_session=([^;]+)", answer.headers.get("set-cookie", ""))
    return found[1] if found else ""


async def see(pages: Any, session: str, path: str = "/account") -> Any:
    return await pages.get(path, headers={"cookie": f"ingp_session={session}"})


async def test_from_the_invitation_to_the_account(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    link = f"/password/{desk.accounts.link(person, 'invitation')}"
    form = await pages.get(link)
    assert form.status_code == 200 and "Elija" not in form.text and person.email in form.text
    for wrong in ("corta", "x" * 300, "aaaaaaaaaaaaaaaa", "submitter@example"):
        answer = await pages.post(link, data={"password": wrong, "again": wrong})
        assert answer.status_code == 400
    assert (await pages.post(link, data={"password": PASSWORD, "again": "otra"})).status_code == 400
    done = await pages.post(link, data={"password": PASSWORD, "again": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (302, "/sign-in")
    assert (await pages.post(link, data={"password": PASSWORD, "again": PASSWORD})).status_code == 404
    answer = await sign_in(pages, person, next="/submissions?a=1")
    assert (answer.status_code, answer.headers["location"]) == (302, "/submissions?a=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    page = await see(pages, session_of(answer))
    assert page.status_code == 200 and person.email in page.text
    out = await pages.post("/sign-out", headers={"cookie": f"ingp_session={session_of(answer)}"})
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert (await see(pages, session_of(answer))).status_code == 302


async def test_who_decides_needs_a_second_proof(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    person = people["approver"]
    desk.accounts.set_password(desk.accounts.link(person, "invitation"), PASSWORD)
    answer = await sign_in(pages, person, next="/board")
    assert answer.headers["location"] == "/account/second-factor?next=%2Fboard"
    limited = session_of(answer)
    assert (await see(pages, limited)).status_code == 302, "nothing else opens"
    assert (await see(pages, limited, "/sign-in")).headers["location"] == "/account/second-factor"
    page = await see(pages, limited, "/account/second-factor")
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")  # type: ignore[index]
    assert "<svg" in page.text
    headers = {"cookie": f"ingp_session={limited}"}
    assert (
        await pages.post("/account/second-factor", data={"code": "000000"}, headers=headers)
    ).status_code == 401
    totp = pyotp.TOTP(secret)
    answer = await pages.post(
        "/account/second-factor", data={"code": totp.at(time.time() - 30)}, headers=headers
    )
    codes = re.findall(r"<code>((?:[a-z0-9]{4}-){3}[a-z0-9]{4})</code>", answer.text)
    assert len(codes) == 10 and session_of(answer) != limited
    assert (await see(pages, session_of(answer))).status_code == 200
    assert (await see(pages, limited)).status_code == 302
    assert (await sign_in(pages, person)).status_code == 200, "asked for the code"
    code = totp.now()
    assert (await sign_in(pages, person, code)).status_code == 302
    assert (await sign_in(pages, person, code)).status_code == 401, "a code that was seen over the shoulder"
    assert (await sign_in(pages, person, codes[0])).status_code == 302
    assert (await sign_in(pages, person, codes[0])).status_code == 401


async def test_guessing_ends_in_waiting_and_tells_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    ready(desk, person)
    unknown = Person(99, "nobody@example.org", "", None, person.role, "es", True, person.created_at)

    def neutral(answer: Any, email: str) -> tuple[int, str]:
        return answer.status_code, answer.text.replace(email, "")

    for _try in range(6):
        known = neutral(await sign_in(pages, person, password="wrong password!"), person.email)
        assert known == neutral(await sign_in(pages, unknown, password="wrong password!"), unknown.email)
    assert known[0] == 429
    assert (await sign_in(pages, person)).status_code == 429, "the right password is not looked at either"
    with desk.database.write() as connection:
        connection.execute(update(tables.attempts).values(wait_until=datetime.now(UTC)))
    assert (await sign_in(pages, person)).status_code == 302


async def test_a_network_that_tries_many_accounts_waits(desk: Desk) -> None:
    for number in range(30):
        assert desk.accounts.sign_in(f"a{number}@example.org", "x" * 12, "", "192.0.2.1").waits_until is None
    assert desk.accounts.sign_in("b@example.org", "x" * 12, "", "192.0.2.1").waits_until is not None
    assert desk.accounts.sign_in("b@example.org", "x" * 12, "", "192.0.2.2").waits_until is None


async def test_a_reset_tells_nobody_who_is_known(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    ready(desk, person)
    before = desk.accounts.begin_session(person)
    answers = [
        await pages.post("/reset", data={"email": each}) for each in (person.email, "nobody@example.org")
    ]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    for _wait in range(100):
        await asyncio.sleep(0.05)
        with desk.database.read() as connection:
            letters = connection.execute(select(mail)).all()
        if letters:
            break
    assert [(letter.to, letter.kind) for letter in letters] == [(person.email, "reset")]
    letter = desk.mail.render(letters[0].to, "es", "reset", letters[0].values)
    assert letter.subject == "Su enlace para una contraseña nueva"
    address = next(line for line in letter.text.splitlines() if line.startswith("http"))
    assert address.startswith(desk.site.settings.desk_url), "never the host that the request named"
    other = "cinco nubes azules lejos"
    done = await pages.post(
        address.removeprefix(desk.site.settings.desk_url), data={"password": other, "again": other}
    )
    assert done.status_code == 302
    assert desk.accounts.session(before) is None, "all sessions end"
    assert (await sign_in(pages, person)).status_code == 401
    assert (await sign_in(pages, person, password=other)).status_code == 302


async def test_links_and_sessions_end(desk: Desk, people: Mapping[str, Person]) -> None:
    person, accounts = people["submitter"], desk.accounts
    first = accounts.link(person, "reset")
    second = accounts.link(person, "reset")
    assert (accounts.person_of_link(first), accounts.person_of_link(second)) == (None, person)
    with desk.database.write() as connection:
        connection.execute(update(tables.links).values(expires_at=datetime.now(UTC)))
    assert accounts.set_password(second, PASSWORD) is None
    session = accounts.begin_session(person)
    assert accounts.session(session) == (person, False) and accounts.session(session + "x") is None
    for column, age in (("seen_at", rules.IDLE), ("begun_at", rules.ABSOLUTE)):
        fresh = accounts.begin_session(person)
        with desk.database.write() as connection:
            values = {column: datetime.now(UTC) - age - timedelta(seconds=1)}
            connection.execute(
                update(tables.sessions).where(tables.sessions.c.hash == tables.hashed(fresh)).values(**values)
            )
        assert accounts.session(fresh) is None, column


async def test_a_deactivated_person_is_out_at_once(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    ready(desk, person)
    session = desk.accounts.begin_session(person)
    token = desk.accounts.new_token(person, "cron", ["submit"], timedelta(days=30))
    link = desk.accounts.link(person, "reset")
    assert desk.accounts.token(token) is not None
    desk.accounts.deactivate(person)
    assert (desk.accounts.session(session), desk.accounts.token(token)) == (None, None)
    assert desk.accounts.person_of_link(link) is None
    assert (await sign_in(pages, person)).status_code == 401


async def test_tokens_are_shown_once_and_end(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    person = people["submitter"]
    ready(desk, person)
    headers = {"cookie": f"ingp_session={desk.accounts.begin_session(person)}"}
    form = {"do": "token", "name": "<script>cron</script>", "days": "30", "scope-submit": "1"}
    page = await pages.post("/account", data=form, headers=headers)
    token = re.search(r"ingp_[A-Za-z0-9_-]{43}", page.text)[0]  # type: ignore[index]
    assert "<script>" not in page.text
    assert token not in (await pages.get("/account", headers=headers)).text
    with desk.database.read() as connection:
        assert token not in str(connection.execute(select(tables.tokens)).all())
    found = desk.accounts.token(token)
    assert found is not None and found[1] == {"id": 1, "scopes": ["submit"], "member": "HND"}
    bearer = {"authorization": f"Bearer {token}"}
    assert (await pages.get("/account", headers=bearer)).status_code == 302, (
        "a program opens no pages of accounts"
    )
    other = people["other"]
    desk.accounts.revoke_token(other, 1)
    assert desk.accounts.token(token) is not None, "another's token is left alone"
    await pages.post("/account", data={"do": "revoke", "id": "1"}, headers=headers)
    assert desk.accounts.token(token) is None
    for scopes, days in (([], 30), (["everything"], 30), (["read"], 0), (["read"], 4000)):
        with pytest.raises(StoreError):
            desk.accounts.new_token(person, "x", scopes, timedelta(days=days))


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/\\evil.example", "/%0d%0aset-cookie:x", "javascript:alert(1)", "/a\r\nb", ""]
)  # fmt: skip
async def test_signing_in_leads_to_no_other_site(
    pages: Any, desk: Desk, people: Mapping[str, Person], place: str
) -> None:
    ready(desk, people["submitter"])
    answer = await sign_in(pages, people["submitter"], next=place)
    assert answer.status_code == 302 and answer.headers["location"] in ("/", "/%0d%0aset-cookie:x")


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-out", "/reset", "/account", "/people", "/account/second-factor"]
)
async def test_another_site_cannot_post_in_a_persons_name(
    pages: Any, desk: Desk, people: Mapping[str, Person], path: str
) -> None:
    session = desk.accounts.begin_session(people["administrator"])
    headers = {
        "cookie": f"ingp_session={session}",
        "origin": "https://evil.example",
        "sec-fetch-site": "cross-site",
    }
    answer = await pages.post(path, data={"do": "end", "email": "x@example.org"}, headers=headers)
    assert answer.status_code == 403
    assert desk.accounts.session(session) is not None


@pytest.mark.parametrize(
    "cookie",
    [
        "ingp_session=x",
        "ingp_session=' or 1=1 --",
        "ingp_session=\x00",
        "ds_actor=eyJhIjp7ImlkIjoicm9vdCJ9fQ",
        "=;=;",
    ],
)
async def test_made_up_cookies_are_nobody(pages: Any, cookie: str) -> None:
    answer = await pages.get("/account", headers={"cookie": cookie})
    assert answer.status_code == 302 and answer.headers["location"].startswith("/sign-in")


async def test_a_session_of_before_is_not_taken_over(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    ready(desk, person)
    planted = desk.accounts.begin_session(people["reader"])
    data = {"email": person.email, "password": PASSWORD}
    answer = await pages.post("/sign-in", data=data, headers={"cookie": f"ingp_session={planted}"})
    assert session_of(answer) not in ("", planted) and desk.accounts.session(planted) is None


async def test_only_administrators_invite(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    form = {
        "do": "invite",
        "email": "new@example.org",
        "name": "<b>Nueva</b>",
        "role": "submitter",
        "member": "HND",
        "language": "pt",
    }
    for role, status in (("approver", 403), ("secretariat", 403), ("administrator", 200)):
        headers = {"cookie": f"ingp_session={desk.accounts.begin_session(people[role])}"}
        assert (await pages.get("/people", headers=headers)).status_code == status
        answer = await pages.post("/people", data=form, headers=headers)
        assert (answer.status_code, desk.people.by_email("new@example.org") is not None) == (
            status,
            status == 200,
        )
    assert "<b>Nueva" not in answer.text and "&lt;b&gt;Nueva" in answer.text
    new = desk.people.by_email("new@example.org")
    assert new is not None and (new.member, new.language) == ("HND", "pt")
    own = {"do": "deactivate", "id": str(people["administrator"].id)}
    assert (await pages.post("/people", data=own, headers=headers)).status_code == 400
    for wrong in ({"role": "king"}, {"member": "XYZ"}, {"email": "new@example.org"}, {"language": "de"}):
        assert (
            await pages.post("/people", data=form | {"email": "n2@example.org"} | wrong, headers=headers)
        ).status_code == 400
    gone = {"do": "deactivate", "id": str(new.id)}
    assert (await pages.post("/people", data=gone, headers=headers)).status_code == 200
    assert not desk.people.get(new.id).active


async def test_every_answer_is_guarded(pages: Any) -> None:
    for path in ("/", "/sign-in", "/nothing", "/password/" + "x" * 43):
        headers = (await pages.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
