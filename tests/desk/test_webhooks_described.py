"""What programs are told of messages: the page's example runs as it stands, and every message is as the description says."""

import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from standardwebhooks import WebhookVerificationError

from pipelines import review, workflow
from pipelines.desk import Desk, Person
from pipelines.desk.api import openapi
from pipelines.desk.api.webhooks import example
from pipelines.desk.webhooks.happening import happened, write_down
from pipelines.desk.webhooks.messages import TEST, TOPICS, a_test
from pipelines.desk.webhooks.sending import signed
from tests.desk.test_letters import arrives
from tests.pipelines.test_workflow import ONE


def described() -> Draft202012Validator:
    """The schema of a message, out of the whole description."""
    whole = Resource.from_contents(openapi("https://desk.example"), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:desk", whole)
    place = {"$ref": "urn:desk#/components/schemas/Message"}
    return Draft202012Validator(place, registry=registry, format_checker=FormatChecker())


def test_every_message_is_as_described(desk: Desk, people: Mapping[str, Person], tmp_path: Path) -> None:
    own = arrives(desk, tmp_path / "a.csv", ONE)
    review.approve(desk.site, own, by=people["approver"].actor)
    workflow.publish(desk.site)
    desk.comments.add(str(own), "HND", people["approver"], "?", is_question=True)
    workflow.withdraw(desk.site, "HND", "procurement", period=None, by="person:9", reason="x")
    found = [*happened(desk, "HND", datetime.now(UTC) - timedelta(hours=1)), a_test("https://desk", "HND", "x", datetime.now(UTC))]  # fmt: skip
    assert {each.topic for each in found} == {*TOPICS, TEST}
    schema = described()
    for each in found:
        told = json.loads(each.body)
        schema.validate(told)
        assert set(told["data"]) == set(
            openapi("")["components"]["schemas"]["Message"]["properties"]["data"]["required"]
        )
    schema.validate(example("https://desk.example"))
    with pytest.raises(ValidationError):
        schema.validate(example("https://desk.example") | {"type": "nonsense"})


def test_the_description_has_a_webhook_for_each_type() -> None:
    told = openapi("https://desk.example")["webhooks"]
    assert set(told) == {*TOPICS, TEST}
    for each in told.values():
        headers = [one["name"] for one in each["post"]["parameters"]]
        assert headers == ["webhook-id", "webhook-timestamp", "webhook-signature"]


async def test_the_example_of_the_page_runs_as_it_stands(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    page = (await pages.get("/developers?lang=en")).text
    (code,) = [
        each
        for each in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
        if "standardwebhooks" in each
    ]
    own: dict[str, Any] = {}
    exec(html.unescape(code), own)  # what a reader copies
    hook, now = desk.hooks.add("HND", "https://example.org/", TOPICS, people["submitter"]), datetime.now(UTC)
    desk.outbox.test(hook, "https://desk", now)
    write_down(desk, now)
    ((delivery, _hook),) = desk.outbox.claim(now)
    headers, body = signed(hook, delivery, now), delivery.body.encode()
    assert own["receive"](hook.secret, headers, body) == (delivery.message, TEST, json.loads(body)["data"])
    for wrong in (
        (hook.secret, headers, body + b" "),
        (hook.secret, headers | {"webhook-id": "msg_other"}, body),
        (hook.secret, signed(hook, delivery, now - timedelta(minutes=6)), body),
        ("whsec_" + "A" * 43 + "=", headers, body),
    ):
        with pytest.raises(WebhookVerificationError):
            own["receive"](*wrong)
    assert "75 hours" in page and "webhook.test" in page
