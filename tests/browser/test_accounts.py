"""The pages of accounts in a real browser, from the first administrator's invitation on: `ingp invite`, `ingp desk`, no script, 360 px.

The address of the desk is typed nowhere but in its settings, the letters are those of the outbox: what is tried is what an installation does.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe

from pipelines.desk import Desk
from pipelines.desk.mail import sender
from pipelines.settings import Settings
from tests.browser.conftest import ROOT, free_port, wait_until_served
from tests.browser.test_pages import AXE, SIDEWAYS
from tests.command import ingp

pytestmark = pytest.mark.xdist_group("browser")

PASSWORD = "puente verde cuatro nubes"
SHOTS = os.environ.get("INGP_SHOTS", "")
WIDTHS = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 900}}


@dataclass(frozen=True)
class Served:
    folder: Path
    address: str

    def letters(self) -> list[Any]:
        """Send what has been written down, as the worker does, and read it from the outbox."""
        outbox = self.folder / "var" / "outbox"
        Desk.open(Settings(data_dir=self.folder / "var", desk_url=self.address)).mail.deliver(
            sender("", "desk@example.org", outbox)
        )
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted(outbox.glob("*.eml"))
        ]


@pytest.fixture(scope="module")
def desk(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("desk"), free_port()
    address = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as environment, (folder / "desk.log").open("wb") as said:
        environment.setenv("INGP_DESK_URL", address)
        environment.setenv("INGP_DATA_DIR", str(folder / "var"))
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli.main", "desk", "--port", str(port)],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=said, stderr=said,
        )  # fmt: skip
        try:
            wait_until_served(address, process, folder / "desk.log", "/sign-in")
            yield Served(folder, address)
        finally:
            process.terminate()
            process.wait(timeout=30)


def looked_at(context: Any, page: Any, name: str) -> None:
    """The page as a person has it, read by axe in a page of the same session that may run its script; axe needs one."""
    problems = []
    scripted = context.browser.new_context(
        viewport=WIDTHS["phone"], storage_state=context.storage_state(), bypass_csp=True
    )
    try:
        copy = scripted.new_page()
        # What was answered to a form cannot be asked for again: the same bytes at the same address.
        copy.route(
            page.url,
            lambda route: route.fulfill(body=page.content(), content_type="text/html; charset=utf-8"),
        )
        for width, size in WIDTHS.items():
            copy.set_viewport_size(size)
            copy.goto(page.url)
            copy.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            problems += [f"{width}: {each}" for each in copy.evaluate(SIDEWAYS)]
            if SHOTS:
                copy.screenshot(path=f"{SHOTS}/accounts-{name}-{width}.png", full_page=True)
        found = Axe().run(copy, options=AXE).response["violations"]
        problems += [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]
    finally:
        scripted.close()
    assert problems == [], name


def test_from_the_first_administrator_to_an_invited_approver(browser: Any, desk: Served) -> None:
    done = ingp(
        desk.folder, "invite", "ana@example.org", "--name", "Ana", "--role", "administrator", columns=300
    )
    assert done.returncode == 0, done.stderr
    address = done.stdout.strip().splitlines()[-1]
    assert address.startswith(f"{desk.address}/password/")
    letter = desk.letters()[-1]
    assert letter["to"] == "ana@example.org" and address in letter.get_content()
    assert (
        ingp(desk.folder, "invite", "ana@example.org", "--name", "Ana", "--role", "administrator").returncode
        == 2
    )

    secret = address.rpartition("/")[2]
    context = browser.new_context(viewport=WIDTHS["phone"], locale="es", java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    looked_at(context, page, "password")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("main button")
    assert page.url == f"{desk.address}/sign-in"
    looked_at(context, page, "sign-in")
    logged = (desk.folder / "desk.log").read_text()
    assert "POST /password/-" in logged and secret not in logged
    sign_in(page, "ana@example.org")
    assert page.url == f"{desk.address}/account/second-factor"
    looked_at(context, page, "second-factor")
    secret = page.locator("ol code").inner_text().replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).at(time.time() - 30))
    page.click("main button")
    assert page.locator(".codes code").count() == 10
    looked_at(context, page, "recovery-codes")

    page.goto(f"{desk.address}/people")
    page.fill("#name", "<b>Bruna</b> " + "Lima " * 20)
    page.fill("#email", "bruna@example.org")
    page.select_option("#role", "approver")
    page.select_option("#member", "BRA")
    page.select_option("#invited-language", "pt")
    page.click("form:has(#email) button")
    assert "&lt;b&gt;Bruna" in page.content()
    looked_at(context, page, "people")
    page.goto(f"{desk.address}/account/second-factor")
    looked_at(context, page, "second-factor-code")
    page.goto(f"{desk.address}/account")
    page.fill("#name", "x" * 80)
    page.click("form:has(#days) button")
    assert page.locator("text=/ingp_[A-Za-z0-9_-]{43}/").count() == 1
    looked_at(context, page, "account")
    page.click("summary")
    for name, value in (("current", "wrong"), ("password", PASSWORD), ("again", PASSWORD)):
        page.fill(f"#{name}", value)
    page.click("form:has(#current) button")
    assert page.locator("[role=alert]").count() == 1
    looked_at(context, page, "account-wrong")
    page.click(".site-head form button")
    page.goto(f"{desk.address}/account")
    assert page.url == f"{desk.address}/sign-in?next=/account", "signed out"

    subjects = {each["subject"] for each in desk.letters() if each["to"] == "ana@example.org"}
    assert {
        "Su contraseña fue cambiada",
        "Su segunda prueba fue cambiada",
        "Se creó una clave en su cuenta",
    } <= subjects
    page.goto(f"{desk.address}/reset?lang=fr")
    looked_at(context, page, "reset")
    page.fill("#email", "bruna@example.org")
    page.click("main button")
    assert page.locator("[role=status]").count() == 1
    for _try in range(5):
        sign_in_at(page, desk.address, "nobody@example.org")
    sign_in_at(page, desk.address, "nobody@example.org")
    assert page.locator("[role=alert]").count() == 1
    looked_at(context, page, "wait")
    context.close()


def sign_in_at(page: Any, address: str, email: str) -> None:
    page.goto(f"{address}/sign-in")
    sign_in(page, email)


def sign_in(page: Any, email: str) -> None:
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button")
