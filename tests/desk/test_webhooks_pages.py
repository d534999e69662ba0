"""``/webhooks``: who opens it, what is shown once, what a stranger's answer can do to it, and what other members learn."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from pipelines.desk import Desk, Person
from pipelines.desk.accounts import tables
from pipelines.desk.webhooks.hooks import OFF, ON, PAUSED, Hook
from pipelines.desk.webhooks.messages import MOVED, PUBLISHED, TOPICS, a_test
from pipelines.desk.webhooks.outbox import DELIVERED, GIVEN_UP, WAITING, deliveries
from pipelines.desk.webhooks.posting import Answered
from pipelines.desk.webhooks.sending import finish
from tests.desk.conftest import as_actor
from tests.desk.test_api import bearer

_TROUBLES = {
    "private": "public internet",
    "too-slow": "15 seconds",
    "no-answer": "certificate",
    "address": "none that can be asked",
}
ADDRESS = "https://data.example.org/hook?key=abc"


def add(desk: Desk, people: Mapping[str, Person], who: str = "submitter") -> Hook:
    return desk.hooks.add(str(people[who].member), ADDRESS, TOPICS, people[who])


def tried(desk: Desk, hook: Hook, answer: Answered, now: datetime | None = None) -> int:
    """A message that was tried once; its number."""
    moment = now or datetime.now(UTC)
    assert desk.outbox.test(hook, "https://desk", moment)
    ((delivery, own),) = [each for each in desk.outbox.claim(moment) if each[1].id == hook.id]
    finish(desk, own, delivery, answer, moment)
    return delivery.id


async def test_the_secret_is_shown_once(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    actor = as_actor(people["submitter"])
    form = {"address": f" {ADDRESS} ", f"topic-{MOVED}": "1", "topic-nonsense": "1"}
    page = await pages.post("/webhooks?lang=en", data=form, actor=actor)
    (hook,) = desk.hooks.of_member("HND")
    assert (hook.address, hook.topics, hook.person) == (ADDRESS, (MOVED,), people["submitter"].id)
    assert page.text.count(hook.secret) == 1 and "no-store" in page.headers["cache-control"]
    for path in ("/webhooks", f"/webhooks/{hook.id}"):
        assert "whsec_" not in (await pages.get(path, actor=actor)).text
    page = await pages.post(f"/webhooks/{hook.id}", data={"do": "rotate"}, actor=actor)
    turned = desk.hooks.get(hook.id)
    assert turned.secret in page.text and hook.secret not in page.text and turned.old_secret == hook.secret
    told = [each.detail for each in desk.site.ledger.events(member="HND") if "webhook" in each.detail]
    assert [each["did"] for each in told] == ["added", "secret"]
    assert "whsec_" not in str(told) and "example.org" not in str(told), "the audit log is for others too"


async def test_who_may(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    hook = add(desk, people)
    paths = ("/webhooks", f"/webhooks/{hook.id}")
    for role, statuses in {
        "submitter": (200, 200), "approver": (200, 200), "reader": (403, 403), "secretariat": (403, 403),
        "administrator": (403, 403), "other": (200, 404),
    }.items():  # fmt: skip
        for path, status in zip(paths, statuses, strict=True):
            answer = await pages.get(path, actor=as_actor(people[role]))
            assert answer.status_code == status, (role, path)
            assert ("example.org" in answer.text) == (status == 200 and role != "other")
    assert (await pages.get("/webhooks")).headers["location"].startswith("/sign-in?next=")
    assert (await pages.get("/webhooks/99", actor=as_actor(people["submitter"]))).status_code == 404


async def test_another_members_person_touches_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    hook, theirs = add(desk, people), add(desk, people, "other")
    number = tried(desk, hook, Answered(500, "kaputt"))
    for do in ("pause", "rotate", "remove", "test", "again", "replay", "change"):
        form = {"do": do, "id": str(number), "address": "https://evil.example/", f"topic-{MOVED}": "1", "since": "2026-01-01"}  # fmt: skip
        answer = await pages.post(f"/webhooks/{hook.id}", data=form, actor=as_actor(people["other"]))
        assert answer.status_code == 404
    # Nor a message of it, through an address of her own.
    await pages.post(f"/webhooks/{theirs.id}", data={"do": "again", "id": str(number)}, actor=as_actor(people["other"]))  # fmt: skip
    assert desk.outbox.get(number).tries == 1 and len(desk.outbox.of_hook(hook.id)) == 1
    now = desk.hooks.get(hook.id)
    assert (now.address, now.secret, now.state) == (ADDRESS, hook.secret, ON)


async def test_a_token_opens_neither_page_nor_interface(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    hook = add(desk, people)
    own = bearer(desk, people["submitter"], "read", "submit")
    for path in ("/webhooks", f"/webhooks/{hook.id}"):
        answer = await pages.get(path, headers=own)
        assert answer.status_code in (302, 401, 403) and "example.org" not in answer.text
    assert (await pages.post("/webhooks", data={"address": ADDRESS}, headers=own)).status_code != 200
    assert (await pages.get("/api/v1/webhooks", headers=own)).status_code == 404
    assert len(desk.hooks.of_member("HND")) == 1
    with desk.database.read() as connection:
        assert connection.execute(select(tables.tokens)).all(), "there was a token to try with"


@pytest.mark.parametrize(
    "address",
    [
        "", "http://data.example.org/", "ftp://data.example.org/", "https://a:b@data.example.org/", "https://data.example.org:8443/",
        "https://data.example.org:22/", "https://", "javascript:alert(1)", "https://data.example.org/\r\nX: y", "https://x/" + "a" * 2000,
    ],
)  # fmt: skip
async def test_addresses_that_get_nothing(
    pages: Any, desk: Desk, people: Mapping[str, Person], address: str
) -> None:
    actor, form = as_actor(people["submitter"]), {"address": address, f"topic-{MOVED}": "1"}
    page = await pages.post("/webhooks?lang=en", data=form, actor=actor)
    assert page.status_code == 400 and "https://" in page.text and desk.hooks.of_member("HND") == ()


async def test_what_is_missing_is_told(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    actor = as_actor(people["submitter"])
    page = await pages.post("/webhooks?lang=en", data={"address": ADDRESS}, actor=actor)
    assert page.status_code == 400 and "at least one thing" in page.text and ADDRESS in page.text
    for _number in range(5):
        add(desk, people)
    page = await pages.post("/webhooks?lang=en", data={"address": ADDRESS, f"topic-{MOVED}": "1"}, actor=actor)  # fmt: skip
    assert page.status_code == 400 and "Remove one first" in page.text
    hook = desk.hooks.of_member("HND")[0]
    for since in ("", "yesterday", "2020-01-01"):
        page = await pages.post(f"/webhooks/{hook.id}?lang=en", data={"do": "replay", "since": since}, actor=actor)  # fmt: skip
        assert page.status_code == 400 and "Choose a day" in page.text
    page = await pages.post(f"/webhooks/{hook.id}", data={"do": "replay", "since": "9999-12-31"}, actor=actor)
    assert page.status_code == 200


async def test_what_a_receiver_answers_is_text(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    hook, actor = add(desk, people), as_actor(people["approver"])
    number = tried(desk, hook, Answered(500, "<script>alert(1)</script>{{ 7*7 }}"))
    page = await pages.get(f"/webhooks/{hook.id}?lang=en", actor=actor)
    assert "&lt;script&gt;" in page.text and "<script" not in page.text and "49" not in page.text
    assert "Not taken yet" in page.text and "answered 500" in page.text
    await pages.post(f"/webhooks/{hook.id}", data={"do": "again", "id": str(number)}, actor=actor)
    assert desk.outbox.get(number).tries == 0 and desk.outbox.get(number).state == WAITING
    for wrong in ("0", "x", "999", "1" * 40):
        answer = await pages.post(f"/webhooks/{hook.id}", data={"do": "again", "id": wrong}, actor=actor)
        assert answer.status_code == 302


async def test_buttons_do_what_they_say(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    hook, actor = add(desk, people), as_actor(people["approver"])
    path = f"/webhooks/{hook.id}"
    states = []
    for do in ("pause", "resume"):
        assert (await pages.post(path, data={"do": do}, actor=actor)).headers["location"] == path
        states.append(desk.hooks.get(hook.id).state)
    assert states == [PAUSED, ON] and desk.hooks.get(hook.id).person == people["approver"].id
    await pages.post(path, data={"do": "test"}, actor=actor)
    await pages.post(path, data={"do": "test"}, actor=actor)
    assert len(desk.outbox.of_hook(hook.id)) == 1
    form = {"do": "change", "address": ADDRESS, f"topic-{PUBLISHED}": "1"}
    page = await pages.post(path, data=form, actor=actor)
    assert page.status_code == 302 and desk.hooks.get(hook.id).topics == (PUBLISHED,)
    page = await pages.post(path, data=form | {"address": "https://other.example.org/"}, actor=actor)
    assert desk.hooks.get(hook.id).secret in page.text, "another address, another secret"
    assert (await pages.post(path, data={"do": "remove"}, actor=actor)).headers["location"] == "/webhooks"
    assert desk.hooks.of_member("HND") == () and desk.outbox.of_hook(hook.id) == ()


async def test_the_page_says_how_it_stands_in_every_language(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    hook, actor, now = add(desk, people), as_actor(people["approver"]), datetime.now(UTC)
    tried(desk, hook, Answered(204))
    path, seen = f"/webhooks/{hook.id}", []
    for language in ("es", "en", "pt", "fr"):
        page = (await pages.get(f"{path}?lang={language}", actor=actor)).text
        seen.append(re.search(r'state good">([^<]+)</span></p>\n?<p>', page)[1])  # type: ignore[index]
    assert seen == ["Recibido", "Taken", "Recebida", "Reçu"]
    for trouble, words in _TROUBLES.items():
        number = tried(desk, hook, Answered(None, trouble=trouble), now)
        assert words in (await pages.get(f"{path}?lang=en", actor=actor)).text
        with desk.database.write() as connection:  # it waits no more, so that the next one may
            own = update(deliveries).where(deliveries.c.id == number)
            connection.execute(own.values(state=GIVEN_UP))
    desk.hooks.switch_off(desk.hooks.get(hook.id), "failing")
    page = (await pages.get(f"{path}?lang=en", actor=actor)).text
    assert "nothing arrived for three days" in page and desk.hooks.get(hook.id).state == OFF
    assert desk.outbox.of_hook(hook.id)[-1].state == DELIVERED


async def test_many_messages_have_pages(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    hook, actor = add(desk, people), as_actor(people["approver"])
    made = [a_test("https://desk", "HND", str(number), datetime.now(UTC)) for number in range(60)]
    desk.outbox.add_new(hook, made, datetime.now(UTC))
    first = (await pages.get(f"/webhooks/{hook.id}", actor=actor)).text
    (older,) = re.findall(rf'href="(/webhooks/{hook.id}\?before=\d+)"', first)
    second = (await pages.get(f"{older}&lang=en", actor=actor)).text
    ids = [re.findall(r"<code>webhook-id: (msg_\w+)</code>", page) for page in (first, second)]
    assert [len(each) for each in ids] == [50, 10] and {*ids[0], *ids[1]} == {each.id for each in made}
    assert ">Older</a>" not in second and (await pages.get(f"/webhooks/{hook.id}?before=x", actor=actor)).status_code == 200  # fmt: skip
