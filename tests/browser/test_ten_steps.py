"""An officer's whole way in a browser on a phone, with the desk and its worker as an installation runs them.

Two persons who know nothing but what the pages say: one in Spanish without script, one in Portuguese with a second person who approves.
"""

import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pyotp
import pytest
from babel.numbers import format_decimal
from playwright.sync_api import TimeoutError

from pipelines.desk import Desk, MemberPolicy, Person
from pipelines.settings import Settings
from pipelines.store import State
from tests.browser.conftest import ROOT, free_port, wait_until_served
from tests.browser.test_accounts import PASSWORD, WIDTHS, looked_at

pytestmark = pytest.mark.xdist_group("browser")

PATIENCE = 150_000
"""Milliseconds until the worker must have done what a page waits for."""

HEADINGS = ["Nro", "Proveedor", "RTN", "Objeto", "Importe total", "Firmado el", "Notas"]
ROWS = [
    ["HN-1", "FerreterÃ­a Ã‘andÃº", "08011985123456", " Cemento", "1.234,50", "03/04/2024", "x"],
    ["HN-2", "Papelería Sol", "08011985123457", "Papel", "99,00", "45/04/2024", "y"],
    ["HN-3", "Papelería Sol", "08011985123457", "Tinta", "12,00", "05/05/2024", "y"],
]


def dirty_book() -> bytes:
    """As they come: a title above the headings, headings of one's own, a text in the wrong encoding, a day that never was."""
    made, target = openpyxl.Workbook(), io.BytesIO()
    sheet = made.active
    assert sheet is not None
    sheet.title = "Hoja1"
    for row in (["Contratos 2024"], [], HEADINGS, *ROWS):
        sheet.append(row)
    made.save(target)
    return target.getvalue()


@dataclass(frozen=True)
class Running:
    folder: Path
    address: str
    desk: Desk


@pytest.fixture(scope="module")
def running(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The desk and its worker, each a process of its own."""
    folder, port = tmp_path_factory.mktemp("steps"), free_port()
    address = f"http://127.0.0.1:{port}"
    own = {
        "INGP_DESK_URL": address, "INGP_DATA_DIR": str(folder / "var"), "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    }  # fmt: skip
    desk = Desk.open(Settings(data_dir=folder / "var", desk_url=address))
    commands = (["-m", "pipelines.cli.main", "desk", "--port", str(port)], ["-m", "flows.desk"])
    with (folder / "log").open("wb") as said:
        processes = [
            subprocess.Popen(
                [sys.executable, *command], cwd=folder, env={**os.environ, **own}, stdout=said, stderr=said
            )
            for command in commands
        ]
        try:
            wait_until_served(address, processes[0], folder / "log", "/sign-in")
            yield Running(folder, address, desk)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=60)


def person_of(running: Running, name: str, role: str, member: str, language: str) -> Person:
    """Somebody who was invited and chose a password (tests/browser/test_accounts.py goes that way)."""
    person = running.desk.people.add(f"{name}@example.org", name.title(), role, member, language)
    running.desk.accounts.set_password(running.desk.accounts.link(person, "invitation"), PASSWORD)
    return person


class Officer:
    """A person at a phone: what she opens, types and touches."""

    def __init__(self, browser: Any, running: Running, person: Person, *, script: bool) -> None:
        self.running, self.person = running, person
        self.context = browser.new_context(
            viewport=WIDTHS["phone"],
            locale=person.language,
            java_script_enabled=script,
            accept_downloads=True,
        )
        self.page = self.context.new_page()

    def sign_in(self, wanted: str) -> None:
        self.page.goto(self.running.address + wanted)
        self.page.fill("#email", self.person.email)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        if "/second-factor" in self.page.url:  # asked of whoever approves
            secret = self.page.locator("ol code").inner_text().replace(" ", "")
            self.page.fill("#code", pyotp.TOTP(secret).now())
            self.page.click("main button")
            self.look("recovery")
            self.page.click("main a.button")
        assert self.page.url == self.running.address + wanted

    def wait_for(self, selector: str) -> None:
        """What the page shows once the worker is done; it renews itself."""
        try:
            self.page.wait_for_selector(selector, timeout=PATIENCE)
        except TimeoutError as error:
            raise AssertionError(f"{selector} at {self.page.url}:\n{self.page.inner_text('main')}") from error

    def follow(self) -> None:
        """From what was sent to what was found in it, once it has been read."""
        wanted = "a.button[href^='/submissions/']:not(.second)"
        self.wait_for(wanted)
        self.page.click(wanted)

    def download(self, address: str) -> bytes:
        """A file, asked for until it is made."""
        for _try in range(PATIENCE // 1_000):
            answer = self.context.request.get(address)
            if not answer.headers["content-type"].startswith("text/html"):
                return bytes(answer.body())
            time.sleep(1)
        raise AssertionError(f"{address} was never made")

    def look(self, name: str) -> None:
        looked_at(self.context, self.page, f"steps-{self.person.language}-{name}")


@pytest.mark.parametrize(
    ("language", "member", "script"),
    [pytest.param("es", "HND", False, id="es"), pytest.param("pt", "BRA", True, id="pt")],
)
def test_from_a_dirty_workbook_to_a_receipt(
    browser: Any, running: Running, language: str, member: str, script: bool
) -> None:
    two = language == "pt"
    running.desk.policies.set(MemberPolicy(member, two_persons=two, frequency="yearly", language=language))
    person = person_of(running, f"oficial-{language}", "approver", member, language)
    officer = Officer(browser, running, person, script=script)
    page = officer.page

    # The link of a letter leads to the form; the limits are told before.
    officer.sign_in("/send?period=2024")
    assert page.input_value("#period") == "2024" and page.locator("#limits").count() == 1
    officer.look("send")
    page.set_input_files(
        "#files",
        {"name": "contratos año.xlsx", "mimeType": "application/octet-stream", "buffer": dirty_book()},
    )
    page.click("main form button:not([type=button])")
    officer.wait_for('a[href*="/reading/"]')
    officer.look("understood")

    # What was understood is not what she meant.
    page.click('a[href*="/reading/"]')
    page.select_option("#table", "contracts_flat")
    page.fill("#heading_row", "3")
    page.select_option("#date_order", "dmy")
    page.select_option("#decimal", ",")
    page.click("form.reading button")
    officer.wait_for('a[href*="/reading/"]')
    page.click('a[href*="/reading/"]')
    named = {
        "Nro": "contract_id", "Proveedor": "supplier_name", "RTN": "supplier_id", "Objeto": "contract_title",
        "Importe total": "contract_value_amount", "Firmado el": "contract_date_signed", "Notas": "",
    }  # fmt: skip
    for at, heading in enumerate(HEADINGS):
        page.fill(f"#c{at}", named[heading])
    for at, (field, value) in enumerate(
        (
            ("buyer_name", "Secretaría de Obras"),
            ("contract_value_currency", "HNL" if language == "es" else "BRL"),
        )
    ):
        page.fill(f"#field{at}", field)
        page.fill(f"#value{at}", value)
    page.fill("#field2", "local_process_id")
    page.select_option("#from2", "0")
    officer.look("reading")
    page.click("form.reading button")
    officer.follow()

    # The verdict, the report, and her own workbook.
    officer.wait_for("section.panel.now.bad")
    officer.look("verdict")
    address = page.url
    officer.wait_for("#files")
    marked = openpyxl.load_workbook(io.BytesIO(officer.download(f"{address}/files/marked")))
    assert "Hoja1" in marked.sheetnames and len(marked.sheetnames) == 2

    # Safe corrections, then the cell that nobody but her can know.
    page.click("a[href$='/fixes']")
    officer.wait_for("input[name=kind]")
    officer.look("fixes")
    page.click("main form button")
    officer.follow()
    officer.wait_for("section.panel.now.bad")
    officer.look("second-verdict")
    page.click("a[href$='/cells']")
    assert page.input_value(".cells input") == "45/04/2024"
    page.fill(".cells input", "2024-04-15")
    officer.look("cells")
    page.click("main form button")
    officer.follow()
    officer.wait_for("a[href$='/preview']")
    officer.look("ready")
    page.click("a[href$='/preview']")
    officer.wait_for("#yes")
    officer.look("preview")
    assert [cell.inner_text() for cell in page.locator(".figures-table").first.locator("td").all()] == list(
        "3000"
    )
    total = 1_234.50 + 99 + 12
    assert format_decimal(total, locale=language) in page.inner_text("main"), page.inner_text("main")
    page.click("form[action$='/approve'] button")
    waits = page.url.removeprefix(running.address)
    if two:
        second = person_of(running, f"segunda-{language}", "approver", member, language)
        other = Officer(browser, running, second, script=script)
        other.sign_in(waits.removesuffix("/preview") + "/preview")
        other.wait_for("#yes")
        other.page.click("form[action$='/approve'] button")
        other.context.close()
    page.goto(running.address + waits.removesuffix("/preview"))

    # Public, with a receipt that anybody can check.
    officer.wait_for("a[href$='/receipt']")
    page.click("a[href$='/receipt']")
    officer.look("receipt")
    receipt = page.inner_text("main")
    submission_id = waits.split("/")[2]
    sent = hashlib.sha256(officer.download(f"{running.address}/submissions/{submission_id}/files/original"))
    assert submission_id in receipt and sent.hexdigest() in receipt, receipt
    for _try in range(PATIENCE // 1_000):
        entry = running.desk.site.ledger.submission(submission_id)
        if entry.state is State.PUBLISHED:
            break
        time.sleep(1)
    assert entry.state is State.PUBLISHED and entry.member == member
    officer.context.close()
