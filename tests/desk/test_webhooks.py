"""Messages to members' programs over real HTTP: each once by name, signed, tried again by the timetable, lost by no interruption."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from pipelines import review, workflow
from pipelines.desk import Desk, Person
from pipelines.desk.events import cursors
from pipelines.desk.mail import Letter
from pipelines.desk.webhooks import sending
from pipelines.desk.webhooks.happening import replay, write_down
from pipelines.desk.webhooks.hooks import FAILING, GONE, OFF, ON, OVERLAP, OWNER, PAUSED, Hook, Hooks
from pipelines.desk.webhooks.messages import COMMENTED, KEPT, MOVED, PUBLISHED, RELEASED, TOPICS, WITHDRAWN
from pipelines.desk.webhooks.outbox import DELIVERED, GIVEN_UP, SILENCE, WAITING, Delivery, Outbox, deliveries
from pipelines.desk.webhooks.sending import RESTS, send_due
from pipelines.workflow import Installation
from tests.desk.receiving import Receiver, dripping, receiving, within
from tests.desk.test_letters import arrives
from tests.pipelines.test_workflow import BAD, ONE


@pytest.fixture
def desk(site: Installation) -> Desk:
    """A desk whose members' programs may be on this machine."""
    settings = site.settings.model_copy(update={"webhook_hosts": "127.0.0.1"})
    return Desk.of(replace(site, settings=settings))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as own:
        yield own


def add(desk: Desk, people: Mapping[str, Person], url: str, *topics: str, who: str = "submitter") -> Hook:
    return desk.hooks.add(str(people[who].member), url, topics or TOPICS, people[who])


def goes(desk: Desk, now: datetime | None = None, **more: Any) -> int:
    """A round, at an hour."""
    moment = now or datetime.now(UTC)
    write_down(desk, moment)
    return send_due(desk, now=lambda: moment, **more)


def all_of(desk: Desk, hook: Hook) -> list[Delivery]:
    return list(reversed(desk.outbox.of_hook(hook.id)))


def sent(desk: Desk) -> list[Letter]:
    found: list[Letter] = []
    desk.mail.deliver(found.append)
    return found


def test_a_submission_is_told_from_its_arrival_to_its_end(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver, tmp_path: Path
) -> None:
    arrives(desk, tmp_path / "old.csv", BAD)  # before anybody wanted to know
    hook = add(desk, people, receiver.url)
    own = arrives(desk, tmp_path / "Persona-secreta.csv", ONE, actor=people["submitter"].actor)
    review.approve(desk.site, own, by=people["approver"].actor)
    release = workflow.publish(desk.site)
    assert release is not None
    desk.comments.add(str(own), "HND", people["approver"], "Texto de Persona", is_question=True)
    desk.comments.add("x", "BRA", people["other"], "Outra", is_question=True)
    entry = desk.site.ledger.submission(own)
    workflow.withdraw(
        desk.site, "HND", entry.package_type, period=None, by="person:9", reason="Error de Persona"
    )
    assert goes(desk) == len(receiver.got)
    told = [json.loads(body) for _headers, body in receiver.got]
    assert [(each["type"], each["data"]["state"]) for each in told if each["data"]["state"]] == [
        (MOVED, "received"), (MOVED, "checking"), (MOVED, "ready"), (MOVED, "superseded"), (MOVED, "accepted"), (PUBLISHED, "published"),
        (WITHDRAWN, "withdrawn"),
    ]  # fmt: skip
    assert sorted(each["type"] for each in told if not each["data"]["state"]) == [RELEASED, COMMENTED]
    (published,) = [each for each in told if each["type"] == PUBLISHED]
    home = desk.site.settings.desk_url
    assert published["data"] == {
        "submission": str(own), "member": "HND", "package_type": entry.package_type, "state": "published",
        "page": f"{home}/submissions/{own}", "api": f"{home}/api/v1/submissions/{own}", "release": release.release_id,
    }  # fmt: skip
    said = b"".join(body for _headers, body in receiver.got)
    assert not any(word in said for word in (b"Persona", b"person:", b"Texto", b"Error"))
    assert len(set(receiver.ids)) == len(receiver.ids)
    assert {each.state for each in all_of(desk, hook)} == {DELIVERED}
    assert (goes(desk), len(receiver.got)) == (0, len(told)), "nothing is told twice"


def test_only_what_was_chosen_is_told_and_only_of_the_own_member(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver, tmp_path: Path
) -> None:
    add(desk, people, receiver.url, PUBLISHED)
    foreign = add(desk, people, receiver.url, *TOPICS, who="other")
    own = arrives(desk, tmp_path / "a.csv", ONE)
    review.approve(desk.site, own, by=people["approver"].actor)
    workflow.publish(desk.site)
    goes(desk)
    assert sorted(receiver.types) == [RELEASED, PUBLISHED]
    assert [each.topic for each in all_of(desk, foreign)] == [RELEASED], (
        "a release is everybody's, a submission is not"
    )


def test_a_message_is_signed_as_standard_webhooks_says(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver
) -> None:
    hook = add(desk, people, receiver.url)
    assert hook.secret.startswith("whsec_") and hook.secret not in repr(hook)
    now = datetime.now(UTC)
    desk.outbox.test(hook, "https://desk", now)
    assert not desk.outbox.test(hook, "https://desk", now), "one is on its way"
    goes(desk, now)
    assert receiver.verified(hook.secret)["type"] == "webhook.test"
    headers, body = receiver.got[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(hook.secret).verify(body.replace(b"HND", b"BRA"), headers)
    turned = desk.hooks.rotate(hook.id)
    assert turned.secret != hook.secret
    for moment, old in ((now, True), (now + OVERLAP + timedelta(minutes=1), False)):
        desk.outbox.test(turned, "https://desk", moment)
        goes(desk, moment)
        signatures = receiver.got[-1][0]["webhook-signature"].split()
        (last, *_older) = desk.outbox.of_hook(hook.id)
        signs = {
            each: sending.signed(replace(hook, secret=each), last, moment)
            for each in (hook.secret, turned.secret)
        }
        assert signs[turned.secret]["webhook-signature"] == signatures[0]
        assert (signs[hook.secret]["webhook-signature"] in signatures) == old


def test_signatures_are_those_of_the_specification(desk: Desk, people: Mapping[str, Person]) -> None:
    """The example that the specification's libraries are tried with."""
    hook = add(desk, people, "https://example.org/hook")
    told = replace(hook, secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    desk.outbox.test(hook, "https://desk", datetime.now(UTC))
    (one,) = all_of(desk, hook)
    known = replace(one, message="msg_p5jXN8AQM9LWM0D4loKWxJek", body='{"test": 2432232314}')
    assert sending.signed(told, known, datetime.fromtimestamp(1614265330, UTC)) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }  # fmt: skip


def test_what_fails_is_tried_by_the_timetable_with_the_same_name(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver
) -> None:
    hook = add(desk, people, receiver.url)
    receiver.answer = lambda _count: (500, {}, b"kaputt \x00<b>")
    begun = now = datetime.now(UTC)
    desk.outbox.test(hook, "https://desk", now)
    for number, rest in enumerate((*RESTS, None), 1):
        assert (goes(desk, now), len(receiver.got)) == (1, number)
        (one,) = all_of(desk, hook)
        assert (one.status, one.answer, one.tries) == (500, "kaputt  <b>", number)
        if rest is None:
            break
        assert one.next_try == now + rest
        assert goes(desk, now + rest - timedelta(seconds=1)) == 0
        now += rest
    assert one.state == GIVEN_UP and now - begun == timedelta(hours=75, minutes=35, seconds=5)
    assert len(set(receiver.ids)) == 1 and len({body for _headers, body in receiver.got}) == 1
    stamps = [int(headers["webhook-timestamp"]) for headers, _body in receiver.got]
    assert stamps == sorted(set(stamps)), "each try says when it was made"
    assert desk.hooks.get(hook.id).why_off == FAILING
    (letter,) = sent(desk)
    assert (
        letter.to == "submitter@example.org"
        and "127.0.0.1" in letter.subject
        and f"/webhooks/{hook.id}" in letter.text
    )


def test_an_address_that_works_again_is_believed(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver
) -> None:
    hook, now = add(desk, people, receiver.url), datetime.now(UTC)
    receiver.answer = lambda count: (503, {"retry-after": "3600"}, b"") if count == 0 else (200, {}, b"ok")
    desk.outbox.test(hook, "https://desk", now)
    goes(desk, now)
    assert desk.hooks.get(hook.id).failing_since == now
    assert all_of(desk, hook)[0].next_try == now + timedelta(hours=1), "what the receiver asks for"
    goes(desk, now + timedelta(hours=1))
    (one,) = all_of(desk, hook)
    assert (one.state, one.answer, desk.hooks.get(hook.id).failing_since) == (DELIVERED, "ok", None)


def test_gone_is_gone(desk: Desk, people: Mapping[str, Person], receiver: Receiver, tmp_path: Path) -> None:
    hook = add(desk, people, receiver.url)
    receiver.answer = lambda _count: (410, {}, b"")
    arrives(desk, tmp_path / "a.csv", ONE)
    goes(desk)
    off = desk.hooks.get(hook.id)
    assert (len(receiver.got), off.state, off.why_off) == (1, OFF, GONE), "the others were not even tried"
    assert [each.to for each in sent(desk)] == ["submitter@example.org"]
    receiver.answer = lambda _count: (200, {}, b"")
    assert goes(desk) == 0
    desk.hooks.resume(hook.id, people["submitter"])
    goes(desk)
    assert receiver.ids[0] not in receiver.ids[1:] and len(receiver.got) == 3, "what waited goes on"
    assert replay(desk, off, datetime.now(UTC) - KEPT, datetime.now(UTC)) == 3
    goes(desk)
    assert sorted(receiver.ids[3:]) == sorted(receiver.ids[:3]), "and all of it once more, by the same names"


def test_redirects_are_not_followed(desk: Desk, people: Mapping[str, Person], receiver: Receiver) -> None:
    hook = add(desk, people, receiver.url)
    receiver.answer = lambda _count: (307, {"location": receiver.url.replace("hook", "inside")}, b"")
    desk.outbox.test(hook, "https://desk", datetime.now(UTC))
    goes(desk)
    assert len(receiver.got) == 1 and all_of(desk, hook)[0].state == WAITING


def test_a_slow_receiver_holds_up_nobody(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver, tmp_path: Path
) -> None:
    with dripping() as slow, dripping(b"") as dead:
        for url in (slow, slow, dead):
            add(desk, people, url, MOVED)
        fast = add(desk, people, receiver.url, MOVED)
        arrives(desk, tmp_path / "a.csv", ONE)
        in_time = within(6)
        write_down(desk, datetime.now(UTC))
        with ThreadPoolExecutor(1) as thread:
            round_ = thread.submit(send_due, desk, seconds=2.0)
            while not all(each.state == DELIVERED for each in all_of(desk, fast)):
                assert in_time() and not round_.done(), (
                    "all of the fast one's left while the first of the slow ones was tried"
                )
            assert len(receiver.got) == 3
    for hook in desk.hooks.of_member("HND")[:2]:
        assert {each.trouble for each in all_of(desk, hook) if each.tries} == {"too-slow"}


def test_a_killed_worker_repeats_with_the_same_name(
    desk: Desk,
    people: Mapping[str, Person],
    receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hook, now = add(desk, people, receiver.url), datetime.now(UTC)
    arrives(desk, tmp_path / "a.csv", ONE)
    add_one = Outbox.add

    def killed(self: Any, own: Hook, message: Any, at: datetime) -> bool:
        add_one(self, own, message, at)
        raise KeyboardInterrupt

    # Between the message and the place in the log.
    monkeypatch.setattr(Outbox, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        write_down(desk, now)
    monkeypatch.undo()
    # Between the answer of the receiver and writing it down.
    monkeypatch.setattr(sending, "finish", lambda *_told: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        goes(desk, now)
    monkeypatch.undo()
    first = receiver.ids[0]
    assert len(receiver.got) == 1
    goes(desk, now)
    assert first not in receiver.ids[1:], "for a minute the dead worker is believed to live"
    goes(desk, now + SILENCE + timedelta(seconds=1))
    assert receiver.ids.count(first) == 2 and len(set(receiver.ids)) == 3 == len(all_of(desk, hook))


def test_two_rounds_at_once_send_each_message_once(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver, tmp_path: Path
) -> None:
    for _each in range(5):
        add(desk, people, receiver.url, MOVED)
    arrives(desk, tmp_path / "a.csv", ONE)
    with ThreadPoolExecutor(4) as threads:
        rounds = [threads.submit(goes, desk) for _each in range(4)]
        assert sum(each.result() for each in rounds) >= 15
    goes(desk)
    assert len(receiver.got) == 15 and len(set(receiver.ids)) == 3


def test_paused_nothing_is_sent_and_what_was_missed_can_be_had(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver, tmp_path: Path
) -> None:
    hook = add(desk, people, receiver.url)
    desk.hooks.pause(hook.id)
    own = arrives(desk, tmp_path / "a.csv", ONE)
    desk.comments.add(str(own), "HND", people["approver"], "?", is_question=True)
    goes(desk)
    hook = desk.hooks.resume(hook.id, people["second"])
    goes(desk)
    assert receiver.got == [] and hook.person == people["second"].id
    assert replay(desk, hook, datetime.now(UTC) - KEPT, datetime.now(UTC)) == 4
    goes(desk)
    assert len(receiver.got) == 4 and len(all_of(desk, hook)) == 4
    assert replay(desk, hook, datetime.now(UTC), datetime.now(UTC)) == 0


def test_who_answers_for_it_is_gone(desk: Desk, people: Mapping[str, Person], receiver: Receiver) -> None:
    hook = add(desk, people, receiver.url)
    desk.outbox.test(hook, "https://desk", datetime.now(UTC))
    desk.people.change(people["submitter"].id, active=False)
    goes(desk)
    off = desk.hooks.get(hook.id)
    assert (receiver.got, off.state, off.why_off) == ([], OFF, OWNER)
    assert {each.to.split("@")[0] for each in sent(desk)} == {"approver", "second"}
    assert desk.site.ledger.events(member="HND")[-1].detail == {
        "webhook": hook.id,
        "did": "off",
        "why": OWNER,
    }


def test_old_messages_are_forgotten_and_come_not_again(
    desk: Desk, people: Mapping[str, Person], receiver: Receiver, tmp_path: Path
) -> None:
    hook, now = add(desk, people, receiver.url), datetime.now(UTC)
    own = arrives(desk, tmp_path / "a.csv", ONE)
    desk.comments.add(str(own), "HND", people["approver"], "?", is_question=True)
    goes(desk)
    assert desk.outbox.trim(now + KEPT - timedelta(hours=1)) == 0
    assert desk.outbox.trim(now + KEPT + timedelta(hours=1)) == 4
    later = now + KEPT + timedelta(hours=1)
    assert goes(desk, later) == 0 and all_of(desk, hook) == []
    with desk.database.read() as connection:
        assert connection.execute(select(deliveries)).all() == []
        place = select(cursors.c.last_event).where(cursors.c.name == "webhooks")
        assert connection.execute(place).scalar_one() == desk.site.ledger.events()[-1].id


def test_a_member_has_some_addresses_and_no_more(desk: Desk, people: Mapping[str, Person]) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [threads.submit(add, desk, people, f"https://example.org/{number}") for number in range(8)]
        assert sum(each.exception() is None for each in made) == 5
    add(desk, people, "https://example.org/", who="other")
    first = desk.hooks.of_member("HND")[0]
    assert desk.hooks.change(first.id, first.address, [MOVED]).secret == first.secret
    moved = desk.hooks.change(first.id, "https://example.net/", [MOVED])
    assert moved.secret != first.secret and moved.secrets(datetime.now(UTC)) == (moved.secret,)
    desk.hooks.remove(first.id)
    assert len(desk.hooks.of_member("HND")) == 4
    assert Hooks(desk.database).on() and desk.hooks.pause(moved.id + 1).state == PAUSED != ON
