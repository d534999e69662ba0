"""A form full of files: who may send, what may be sent, and what their names may be."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.desk import Desk, Person
from pipelines.desk.names import safe_name
from pipelines.desk.staging import stage_arrival
from pipelines.intake import read_staged
from tests.desk.conftest import as_actor
from tests.pipelines.test_workflow import HEADING, ONE

SOUND = (HEADING + ONE + "\n").encode()


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("contratos año 2026.xlsx", "contratos año 2026.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\contratos.csv", "contratos.csv"),
        ("a\x00b\r\n.csv", "ab.csv"),
        ("\u202egpj.csv", "gpj.csv"),
        (".htaccess", "htaccess"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        ("ñ" * 300 + ".csv", "ñ" * 75 + ".csv"),
        ('a<b>"c|d?.csv', "abcd.csv"),
    ],
)
def test_names_of_strangers_become_names(told: str, kept: str) -> None:
    assert safe_name(told) == kept
    assert safe_name(told, [kept.upper()]) != kept


async def post(pages: Any, person: Person, files: list[tuple[str, bytes]], **fields: str) -> Any:
    parts = [("files", (name, data, "application/octet-stream")) for name, data in files]
    return await pages.post("/send", files=parts, data=fields, actor=as_actor(person))


async def test_files_arrive_whole_and_are_understood(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    form = await pages.get("/send?period=2024", actor=as_actor(person))
    assert form.status_code == 200 and 'value="2024"' in form.text and "4 GB" in form.text
    noise = os.urandom(3_000_000)
    answer = await post(
        pages, person, [("../a.csv", SOUND), ("A.CSV", SOUND), ("r.bin", noise)], period="2024", rows="1"
    )
    assert answer.status_code == 302
    (arrival,) = desk.arrivals.waiting()
    assert answer.headers["location"] == f"/arrivals/{arrival.id}"
    assert (arrival.member, arrival.actor, arrival.period, arrival.policy) == (
        "HND",
        person.actor,
        "2024",
        "rows",
    )
    folder = desk.arrivals.folder(arrival.id)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "a.csv": SOUND,
        "A-2.CSV": SOUND,
        "r.bin": noise,
    }
    page = await pages.get(answer.headers["location"], actor=as_actor(person))
    assert 'http-equiv="refresh"' in page.text and "se están leyendo" in page.text
    submission = stage_arrival(desk, arrival)
    assert submission is not None
    page = await pages.get(answer.headers["location"], actor=as_actor(person))
    assert (
        f"/submissions/{submission}" in page.text
        and "contract_id" in page.text
        and "refresh" not in page.text
    )
    assert (
        await pages.get(answer.headers["location"], actor=as_actor(people["secretariat"]))
    ).status_code == 200
    assert (await pages.get(answer.headers["location"], actor=as_actor(people["other"]))).status_code == 404


async def test_who_may_not_send_is_told_before_a_byte_is_read(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    for role, status in (("reader", 403), ("secretariat", 403)):
        assert (await post(pages, people[role], [("a.csv", SOUND)])).status_code == status
        assert (await pages.get("/send", actor=as_actor(people[role]))).status_code == status
    stranger = await pages.post("/send", files=[("files", ("a.csv", SOUND))])
    assert stranger.status_code == 302 and stranger.headers["location"].startswith("/sign-in?next=")
    assert desk.arrivals.waiting() == () and not list(Path(desk.site.zones.root).glob("arrivals/*"))


async def test_what_cannot_be_taken_is_told_and_nothing_stays(
    pages: Any, desk: Desk, people: Mapping[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = people["submitter"]
    assert (await post(pages, person, [("a.csv", b"")])).status_code == 400
    assert (await post(pages, person, [("a.csv", SOUND)], period="the year before")).status_code == 400
    cut = b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.csv"\r\n\r\na,b'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await pages.post("/send", content=cut, headers=headers, actor=as_actor(person))
    assert answer.status_code == 400
    monkeypatch.setattr(desk.site.settings, "max_file_bytes", 1000)
    answer = await post(pages, person, [("a.csv", b"x" * 5000)])
    assert answer.status_code == 413 and "partes" in answer.text
    assert desk.arrivals.waiting() == () and not list(Path(desk.site.zones.root).glob("arrivals/*"))


async def test_thirty_two_members_send_eight_files_each(desk: Desk) -> None:
    members = [each.code for each in desk.site.catalogue.members.values() if each.kind == "member"]
    assert len(members) == 32
    for member in members:
        for number in range(8):
            identifier, folder = desk.arrivals.new_folder()
            (folder / "c.csv").write_bytes(SOUND.replace(b"C-001", f"C-{number}".encode()))
            desk.arrivals.add(identifier, member, "person:1", period=f"20{10 + number}")
    for arrival in desk.arrivals.waiting()[:16]:
        assert stage_arrival(desk, arrival) is not None
    assert len(desk.arrivals.waiting()) == 32 * 8 - 16 and len(desk.site.ledger.submissions()) == 16
    staged = [
        read_staged(desk.site.zones.staged_folder(each.submission_id))
        for each in desk.site.ledger.submissions()
    ]
    assert len({(each.submission.member, each.submission.period) for each in staged}) == 16
