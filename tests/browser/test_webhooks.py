"""A person sets up messages to a program of hers at a phone, without script: from the form to a message that the program believes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import test_ten_steps
from tests.browser.test_ten_steps import Officer, Running, person_of
from tests.desk.receiving import Receiver, receiving

pytestmark = pytest.mark.xdist_group("browser")

desk_and_worker = test_ten_steps.running


@pytest.fixture(scope="module", autouse=True)
def programs_may_be_here() -> Iterator[None]:
    """Before desk and worker begin: a program of the member's may be on this machine."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INGP_WEBHOOK_HOSTS", "127.0.0.1")
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as own:
        yield own


def test_from_the_form_to_a_message_that_is_believed(
    browser: Any, desk_and_worker: Running, receiver: Receiver
) -> None:
    running = desk_and_worker
    officer = Officer(browser, running, person_of(running, "eva", "submitter", "HND", "es"), script=False)
    page = officer.page
    officer.sign_in("/webhooks")
    officer.look("webhooks-none")
    page.fill("#address", receiver.url.replace("127.0.0.1", "localhost"))
    page.click("main form button")
    assert page.locator("[role=alert]").count() == 1 and "https://" in page.inner_text("[role=alert]")
    officer.look("webhooks-refused")
    page.fill("#address", receiver.url)
    page.click("main form button")
    secret = page.locator("[role=status] code").inner_text()
    officer.look("webhooks-secret")
    page.click("a[href='/developers#webhooks']")
    officer.look("webhooks-developers")
    page.goto(f"{running.address}/webhooks/1")
    assert secret not in page.content()
    page.click("button[value=test]")

    def wait_until_taken() -> None:
        for _try in range(100):
            if page.locator("li .state.good").count():
                return
            page.wait_for_timeout(200)
            page.reload()
        raise AssertionError(page.inner_text("main"))

    wait_until_taken()
    assert receiver.verified(secret)["type"] == "webhook.test"
    officer.look("webhooks-taken")
    page.click("button[value=again]")
    wait_until_taken()
    assert len(receiver.got) == 2 and len(set(receiver.ids)) == 1
    page.click("button[value=rotate]")
    assert (turned := page.locator("[role=status] code").inner_text()) != secret
    page.click("button[value=test]")
    for _try in range(100):
        if len(receiver.got) == 3:
            break
        page.wait_for_timeout(200)
    assert receiver.verified(secret) == receiver.verified(turned), "both are believed for a while"
