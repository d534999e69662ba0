"""Two releases of the demo, served by the program itself, and the system's Chromium to read them with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from pipelines import workflow
from pipelines.publication.withdrawn import withdraw_table
from pipelines.settings import Settings
from pipelines.workflow import Installation

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "datapackages" / "demo"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 60

SHOTS = os.environ.get("INGP_SHOTS", "")
"""Folder for a picture of every step of the journeys; none are kept without it."""

PATIENCE = 120_000
"""Milliseconds that a page may take: on a busy machine slowness is not what these tests look for."""


@dataclass(frozen=True)
class Served:
    """A running site: its address without a final slash, and its two releases."""

    address: str
    newer: str
    older: str

    def url(self, path: str) -> str:
        return self.address + path.replace("{newer}", self.newer).replace("{older}", self.older)


def publish_twice(site: Installation, tmp: Path) -> tuple[str, str]:
    """(older, newer) release: the newer has one member more, and a row that was sent again with another value."""
    activity = tmp / "xbb-activity"
    shutil.copytree(DEMO / "xbb-activity", activity)
    for member, path in (
        ("INGP", ROOT / "datapackages" / "network"),
        ("XAA", DEMO / "xaa-contracts-2025.xlsx"),
        ("XBB", activity),
        ("XBB", DEMO / "xbb-2025"),
    ):
        assert workflow.submit(site, [path], member).state == "accepted"
    older = workflow.publish(site)
    table = activity / "data" / "activities.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("Port Mirage", "Puerto Mirage", 1), encoding="utf-8")
    for member, path in (("XBB", activity), ("XCC", DEMO / "xcc-2025-ocds.json.gz")):
        assert workflow.submit(site, [path], member).state == "accepted"
    newer = workflow.publish(site)
    assert older and newer
    reason = {
        "es": "Contenía nombres de personas.",
        "en": "Names of private persons were in it.",
        "pt": "Continha nomes de pessoas.",
        "fr": "Elle contenait des noms de personnes.",
    }
    withdraw_table(site.zones.releases, "procurement_parties", reason, [older.release_id])
    return older.release_id, newer.release_id


class Reader:
    """The browser; every page begins in a context of its own, without cookies and cache."""

    def __init__(self, launched: Browser) -> None:
        self._launched = launched

    def new_context(self, **options: Any) -> BrowserContext:
        context = self._launched.new_context(**options)
        context.set_default_timeout(PATIENCE)
        return context


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_served(
    address: str, process: subprocess.Popen[bytes], log: Path, path: str = "/robots.txt"
) -> None:
    for _second in range(START_SECONDS * 5):
        assert process.poll() is None, f"the site ended: {log.read_text()}"
        try:
            with urllib.request.urlopen(f"{address}{path}", timeout=5):
                return
        except urllib.error.URLError:
            time.sleep(0.2)
    raise AssertionError(f"the site did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser that the system has; no test brings one along."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed here ({', '.join(BROWSERS)})")
    return found


@pytest.fixture(scope="session")
def served(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The site of the demo's newer release, in a process of its own. chromium: nothing is published in vain."""
    tmp = tmp_path_factory.mktemp("served")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = Settings(data_dir=tmp / "var", memory_limit="1GB", threads=2, base_url=address)
    older, newer = publish_twice(Installation.open(settings), tmp)
    environment = {
        **os.environ, "INGP_DATA_DIR": str(tmp / "var"), "INGP_BASE_URL": address, "PYTHONPATH": str(ROOT)
    }  # fmt: skip
    log = tmp / "serve.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli.main", "serve", "--port", str(port)],
            cwd=tmp, env=environment, stdout=said, stderr=said,
        )  # fmt: skip
        try:
            wait_until_served(address, process, log)
            yield Served(address, newer, older)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Reader]:
    """One browser a file of tests, gone with the file: while it runs, no other test could run an event loop."""
    with sync_playwright() as started:
        # Chromium's own sandbox cannot work for root in a container; it only ever sees our own pages here.
        launched = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield Reader(launched)
        launched.close()
