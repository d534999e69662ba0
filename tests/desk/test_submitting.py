"""``ingp submit --to``: a file goes to a desk that listens, and its verdict comes back as if it had been made here."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import uvicorn

from pipelines.cli import sending
from pipelines.cli.show import Exit
from pipelines.desk import Desk, Person
from tests.command import ingp
from tests.desk.test_journey import work
from tests.pipelines.test_workflow import BAD, ONE, flat


@pytest.fixture
async def address(desk: Desk, pages: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The desk behind a socket, with somebody who works for it."""
    monkeypatch.setattr(sending, "BETWEEN_SECONDS", 0.05)
    config = uvicorn.Config(pages.ds.app(), host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    over = asyncio.Event()

    async def works() -> None:
        while not over.is_set():
            await asyncio.to_thread(work, desk, 1)
            await asyncio.sleep(0.05)

    working = asyncio.create_task(works())
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    over.set()
    await working
    server.should_exit = True
    await serving


async def test_the_verdict_comes_back(
    desk: Desk, people: Mapping[str, Person], address: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    token = desk.accounts.new_token(people["submitter"], "p", ["read", "submit"], timedelta(days=1))
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    flat(good, ONE)
    flat(bad, BAD)
    (tmp_path / "token").write_text(token + "\n", encoding="utf-8")
    given = {"period": "2024", "token_file": tmp_path / "token"}
    assert await asyncio.to_thread(lambda: sending.send_to(address, [good], **given, as_json=True)) is Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "ready" and told["report"]["verdict"]
    assert desk.arrivals.of_submission(told["submission_id"])[0].period == "2024"
    assert await asyncio.to_thread(lambda: sending.send_to(address, [bad], **given)) is Exit.DATA
    assert "32/01/2024" in capsys.readouterr().out
    monkeypatch.setenv("INGP_TOKEN", "ingp_wrong")
    assert await asyncio.to_thread(sending.send_to, address, [good]) is Exit.USAGE
    assert "/account" in capsys.readouterr().err


def test_what_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGP_TOKEN", "ingp_x")
    for address, files in (("http://desk.example", []), ("https://desk.example", [tmp_path])):
        with pytest.raises(typer.BadParameter):
            sending.send_to(address, files)
    monkeypatch.setenv("INGP_TOKEN", "")
    with pytest.raises(typer.BadParameter):
        sending.send_to("https://desk.example", [])


def test_what_the_desk_decides_is_not_said_here(tmp_path: Path) -> None:
    flat(tmp_path / "a.csv", ONE)
    (tmp_path / "m.json").write_text("{}")
    here_only = ("--member=HND", "--mapping=m.json", "--confirm-loss", "--publish")
    told = ingp(tmp_path, "submit", "a.csv", "--to", "https://desk.example", *here_only)
    assert told.returncode == 2
    assert all(option.partition("=")[0] in told.stderr for option in here_only)
    told = ingp(tmp_path, "submit", "a.csv", "--token-file", "m.json")
    assert told.returncode == 2 and "--to" in told.stderr


async def test_the_same_command_again_is_the_same_arrival(
    desk: Desk, people: Mapping[str, Person], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = desk.accounts.new_token(people["submitter"], "p", ["read", "submit"], timedelta(days=1))
    monkeypatch.setenv("INGP_TOKEN", token)
    good = flat(tmp_path / "good.csv", ONE)
    for _turn in range(2):
        assert await asyncio.to_thread(sending.send_to, address, [good], period="2024") == Exit.OK
    assert len(desk.arrivals.of_member("HND")) == 1


async def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGP_TOKEN", "ingp_x")
    monkeypatch.setattr(sending, "BETWEEN_SECONDS", 0.001)
    flat(tmp_path / "a.csv", ONE)
    assert sending.send_to("http://127.0.0.1:9", [tmp_path / "a.csv"]) is Exit.MACHINE
