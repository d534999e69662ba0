"""Signing in with a member's identity provider, and every lie that it or somebody between could tell."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from joserfc.jwk import RSAKey

from pipelines.desk import Desk, Person
from pipelines.desk.accounts.providers import read_providers
from pipelines.exceptions import StoreError
from tests.desk.provider import IdentityProvider, running
from tests.desk.test_accounts import ready, session_of

FILE = """
[[provider]]
name = "oncae"
title = "Cuenta <de> ONCAE"
issuer = "{issuer}"
client_id = "ingp"
members = ["HND"]
second_factor = ["mfa"]
"""


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with running() as one:
        yield one


@pytest.fixture
def desk(site: Any, tmp_path: Path, provider: IdentityProvider) -> Desk:
    file = tmp_path / "providers.toml"
    file.write_text(FILE.format(issuer=provider.issuer), encoding="utf-8")
    site.settings.oidc_file = str(file)
    return Desk.of(site)


async def depart(pages: Any, wanted: str = "/") -> tuple[str, str]:
    """(address of the provider, the browser's cookie)."""
    answer = await pages.get("/sign-in/with/oncae", params={"next": wanted})
    assert answer.status_code == 302
    return answer.headers["location"], answer.headers["set-cookie"].partition(";")[0]


async def arrive(pages: Any, told: Mapping[str, str], cookie: str) -> Any:
    return await pages.get("/sign-in/with/oncae/back", params=told, headers={"cookie": cookie})


async def walk(pages: Any, provider: IdentityProvider, email: str, wanted: str = "/") -> Any:
    provider.email = email
    address, cookie = await depart(pages, wanted)
    return await arrive(pages, provider.send_back(address), cookie)


def is_refused(answer: Any) -> bool:
    told = (answer.status_code, answer.headers.get("location"), session_of(answer))
    return told == (302, "/sign-in?elsewhere=1", "")


async def test_somebody_who_is_known_comes_in(
    pages: Any, desk: Desk, people: Mapping[str, Person], provider: IdentityProvider
) -> None:
    form = await pages.get("/sign-in?next=/submissions")
    assert "Cuenta &lt;de&gt; ONCAE" in form.text and "/sign-in/with/oncae?next=/submissions" in form.text
    answer = await walk(pages, provider, people["submitter"].email.upper(), "/submissions?a=1")
    assert (answer.status_code, answer.headers["location"]) == (302, "/submissions?a=1")
    assert desk.accounts.session(session_of(answer)) == (people["submitter"], False)
    address, _cookie = await depart(pages)
    back = parse_qs(urlsplit(address).query)["redirect_uri"]
    assert back == [f"{desk.site.settings.desk_url}/sign-in/with/oncae/back"], (
        "never the host that is asked for"
    )
    assert (await pages.get("/sign-in/with/nobody")).status_code == 404
    evil = await walk(pages, provider, people["submitter"].email, "https://evil.example/")
    assert evil.headers["location"] == "/"


async def test_who_decides_still_needs_a_second_proof(
    pages: Any, desk: Desk, people: Mapping[str, Person], provider: IdentityProvider
) -> None:
    person = people["approver"]
    answer = await walk(pages, provider, person.email)
    assert answer.headers["location"] == "/account/second-factor"
    assert desk.accounts.session(session_of(answer)) == (person, True)
    secret = ready(desk, person)
    assert secret
    limited = session_of(await walk(pages, provider, person.email))
    headers = {"cookie": f"ingp_session={limited}"}
    assert (await pages.get("/submissions", headers=headers)).status_code == 302, "nothing else opens"
    wrong = await pages.post("/account/second-factor", data={"code": "000000"}, headers=headers)
    assert wrong.status_code == 401 and desk.accounts.session(limited) == (person, True)
    code = pyotp.TOTP(secret).at(time.time() + 30)
    right = await pages.post("/account/second-factor", data={"code": code}, headers=headers)
    assert desk.accounts.session(session_of(right)) == (person, False)
    assert desk.accounts.session(limited) is None, "another session than the one of before"
    provider.claims = {"amr": ["pwd", "mfa"]}
    answer = await walk(pages, provider, person.email)
    assert desk.accounts.session(session_of(answer)) == (person, False), "the provider asked for it"


@pytest.mark.parametrize("role", ["other", "administrator", "secretariat"])
async def test_a_provider_speaks_for_its_members_only(
    pages: Any, people: Mapping[str, Person], provider: IdentityProvider, role: str
) -> None:
    provider.claims = {"amr": ["mfa"]}
    assert is_refused(await walk(pages, provider, people[role].email))


async def test_who_is_known_is_told_to_nobody(
    pages: Any, desk: Desk, people: Mapping[str, Person], provider: IdentityProvider
) -> None:
    desk.accounts.deactivate(people["reader"])
    answers = [
        await walk(pages, provider, email)
        for email in ("nobody@example.org", people["reader"].email, people["other"].email, "")
    ]
    assert all(is_refused(each) for each in answers) and len({each.text for each in answers}) == 1
    page = await pages.get("/sign-in?elsewhere=1", headers={"accept-language": "es"})
    assert page.status_code == 200 and "No se pudo entrar con la cuenta" in page.text
    assert desk.people.by_email("nobody@example.org") is None, "nobody becomes a person by it"


LIES: dict[str, Callable[[IdentityProvider], Any]] = {
    "another nonce": lambda one: one.claims.update(nonce="x"),
    "no nonce": lambda one: one.claims.update(nonce=None),
    "for another client": lambda one: one.claims.update(aud="somebody else"),
    "for others as well": lambda one: one.claims.update(aud=["ingp", "x"], azp="x"),
    "of another issuer": lambda one: one.claims.update(iss="https://evil.example"),
    "expired": lambda one: one.claims.update(exp=int(time.time()) - 3600),
    "without an end": lambda one: one.claims.update(exp=None),
    "of the future": lambda one: one.claims.update(nbf=int(time.time()) + 3600),
    "nobody's": lambda one: one.claims.update(sub=None),
    "unverified": lambda one: one.claims.update(email_verified=False),
    "verified as a text": lambda one: one.claims.update(email_verified="true"),
    "silent about it": lambda one: one.claims.update(email_verified=None),
    "many addresses": lambda one: one.claims.update(email=["submitter@example.org"]),
    "unsigned": lambda one: setattr(one, "algorithm", "none"),
    "signed with another key": lambda one: setattr(one, "key", RSAKey.generate_key(2048, {"kid": "1"})),
    "signed with the public key as a secret": lambda one: setattr(one, "algorithm", "HS256"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_lies_opens_nothing(
    pages: Any, people: Mapping[str, Person], provider: IdentityProvider, lie: str
) -> None:
    LIES[lie](provider)
    assert is_refused(await walk(pages, provider, people["submitter"].email))


async def test_a_way_back_is_gone_once_and_by_who_departed(
    pages: Any, people: Mapping[str, Person], provider: IdentityProvider
) -> None:
    provider.email = people["submitter"].email
    address, cookie = await depart(pages)
    _address, other = await depart(pages)
    told = provider.send_back(address)
    assert is_refused(await arrive(pages, told | {"state": "x" * 43}, cookie)), "a state that we did not give"
    assert is_refused(await arrive(pages, told, other)), "another's browser: signing in somebody unawares"
    assert is_refused(await arrive(pages, told, cookie)), "the state was used with the try before"
    address, cookie = await depart(pages)
    told = provider.send_back(address)
    assert session_of(await arrive(pages, told, cookie))
    assert is_refused(await arrive(pages, told, cookie)), "replayed"
    address, cookie = await depart(pages)
    told = provider.send_back(address)
    assert is_refused(await arrive(pages, told | {"iss": "https://evil.example"}, cookie)), "mix-up"
    address, cookie = await depart(pages)
    stolen = provider.send_back((await depart(pages))[0])
    mine = provider.send_back(address)
    assert is_refused(await arrive(pages, mine | {"code": stolen["code"]}, cookie)), (
        "PKCE binds code to browser"
    )
    assert is_refused(await pages.get("/sign-in/with/oncae/back?error=access_denied&state=x"))


@pytest.mark.parametrize(
    "about",
    [{"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": 7}, {"jwks_uri": None}],
)  # fmt: skip
async def test_a_provider_that_is_another_is_not_asked(
    pages: Any, provider: IdentityProvider, about: dict[str, Any]
) -> None:
    provider.about = about
    assert is_refused(await pages.get("/sign-in/with/oncae"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (('issuer = "{issuer}"', 'issuer = "http://login.example.org"'), "https only"),
        (('name = "oncae"', 'name = "../x"'), "name"),
        (('members = ["HND"]', 'member = ["HND"]'), "member"),
        (('title = "Cuenta <de> ONCAE"', "title = "), "line"),
    ],
)
def test_a_file_that_cannot_be_is_told(tmp_path: Path, wrong: tuple[str, str], why: str) -> None:
    file = tmp_path / "providers.toml"
    file.write_text(FILE.replace(*wrong).format(issuer="https://login.example.org"), encoding="utf-8")
    with pytest.raises(StoreError, match=re.compile(why)):
        read_providers(str(file))


def test_a_secret_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret, file = tmp_path / "secret", tmp_path / "providers.toml"
    secret.write_text("s3cr3t\n", encoding="utf-8")
    told = FILE.format(issuer="https://login.example.org") + f'client_secret_file = "{secret}"\n'
    file.write_text(told, encoding="utf-8")
    found = read_providers(str(file))["oncae"]
    assert found.secret == "s3cr3t" and "s3cr3t" not in repr(found)
    file.write_text(told * 2, encoding="utf-8")
    with pytest.raises(StoreError, match="same name"):
        read_providers(str(file))
