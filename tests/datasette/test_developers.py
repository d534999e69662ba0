"""The examples for programs run as they stand on the page, against a server on this machine."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import duckdb
import pytest

from pipelines.cli.site import datasette_command

SITE = Path(__file__).resolve().parents[2] / "datasette"
BLOCK = re.compile(r'<code class="language-(\w+)">(.*?)</code>', re.DOTALL)
TABLE = "procurement_contracts_flat"
"""What the examples read: the table with one row for each contract, which the site names first where it has it."""

KINDS = ("python", "python", "python", "python", "python", "sh", "r", "excel")


@pytest.fixture(scope="module")
def server(site: Any) -> Iterator[str]:
    """Address of the site, served as `ingp serve` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = datasette_command(site.release, SITE, "127.0.0.1", port)
    environment = {**os.environ, "INGP_RELEASE_DIR": str(site.release)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _attempt in range(120):
        try:
            urlopen(f"{address}/v.json").close()
            break
        except URLError:
            time.sleep(0.5)
    yield address
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def examples(server: str) -> list[tuple[str, str]]:
    with urlopen(f"{server}/es/developers") as answer:
        html = answer.read().decode()
    return [(kind, unescape(code)) for kind, code in BLOCK.findall(html)]


def reads_the_network() -> bool:
    try:
        duckdb.connect().execute("LOAD httpfs")
    except duckdb.Error:
        return False
    return True


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_examples_run(
    server: str, examples: list[tuple[str, str]], number: int, tmp_path: Path, packages: Any
) -> None:
    kind, code = examples[number]
    assert kind == KINDS[number] and server in code
    # One member has rows in this table, so that the whole table and its filtered rows are as many.
    assert TABLE in code
    count = len(packages["XAA", "procurement"]["contracts_flat"])
    if kind == "excel":
        (address,) = re.findall(r'Web\.Contents\("([^"]+)"\)', code)
        with urlopen(address) as answer:
            assert len(answer.read().splitlines()) == count + 1
        return
    if "duckdb.sql" in code and not reads_the_network():
        pytest.skip("DuckDB's extension httpfs is not installed on this machine")
    if kind == "r" and not shutil.which("Rscript"):
        pytest.skip("R is not installed on this machine")
    program = {"python": [sys.executable, "-c"], "sh": ["sh", "-ec"], "r": ["Rscript", "-e"]}[kind]
    done = subprocess.run(
        [*program, code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.search(rf"\b{count}\b", done.stdout), done.stdout
    if kind == "sh":
        assert {each.name for each in tmp_path.iterdir()} == {f"{TABLE}.parquet", "rows.csv"}
        assert len((tmp_path / "rows.csv").read_text().splitlines()) == count + 1


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
def test_the_page_in_every_language(site: Any, language: str) -> None:
    page = site.get(f"/{language}/developers")
    assert page.status_code == 200 and len(BLOCK.findall(page.text)) == len(KINDS)
    assert f'href="/{language}/feeds"' in page.text and 'href="/openapi.json"' in page.text
    # A file has one address, in every language.
    assert f"/{language}/latest" not in page.text and f"/{language}/ingp/{TABLE}.csv" not in page.text


def test_a_site_without_data_has_examples_too(empty_site: Any) -> None:
    assert "codelists" in empty_site.get("/developers").text
