"""Files in pieces: whose they are, where they go on, and what becomes of them; over real sockets where connections are cut."""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from pipelines.desk import Desk, Person
from pipelines.desk.uploads import KEPT_SECONDS
from pipelines.settings import Settings
from tests.desk.conftest import as_actor

ROOT = Path(__file__).resolve().parents[2]
BYTES = int(os.environ.get("INGP_UPLOAD_BYTES", 40_000_000))
"""Of the upload that is cut; 2 GB take a minute."""
TUS = {"tus-resumable": "1.0.0"}
PIECE = TUS | {"content-type": "application/offset+octet-stream"}


def named(name: str) -> dict[str, str]:
    return {"upload-metadata": "filename " + b64encode(name.encode()).decode()}


async def begin(pages: Any, person: Person, length: int, name: str = "contratos.csv") -> str:
    answer = await pages.post(
        "/uploads", headers=TUS | named(name) | {"upload-length": str(length)}, actor=as_actor(person)
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def piece(pages: Any, person: Person, address: str, offset: int, data: bytes) -> Any:
    headers = PIECE | {"upload-offset": str(offset)}
    return await pages.request("PATCH", address, content=data, headers=headers, actor=as_actor(person))


async def test_pieces_become_an_arrival_once(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    person = people["submitter"]
    told = await pages.request("OPTIONS", "/uploads")
    assert told.headers["tus-version"] == "1.0.0" and int(told.headers["tus-max-size"]) == 4 * 2**30
    first, second = await begin(pages, person, 6, "../año.csv"), await begin(pages, person, 3, "año.csv")
    assert (await piece(pages, person, first, 0, b"abc")).headers["upload-offset"] == "3"
    assert (await piece(pages, person, first, 0, b"abc")).status_code == 409, "the last one came again"
    form = {"upload": [each.split("/")[-1] for each in (first, second)], "period": "2024"}
    answer = await pages.post("/send", data=form, files=[("x", b"")], actor=as_actor(person))
    assert answer.status_code == 400 and desk.arrivals.waiting() == (), "not whole yet"
    assert (await piece(pages, person, first, 3, b"def")).status_code == 204
    assert (await piece(pages, person, second, 0, b"xyz")).status_code == 204
    head = await pages.request("HEAD", first, headers=TUS, actor=as_actor(person))
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("6", "6")
    places = set()
    for _again in range(2):
        answer = await pages.post("/send", data=form, files=[("x", b"")], actor=as_actor(person))
        places.add(answer.headers["location"])
    (arrival,) = desk.arrivals.waiting()
    assert places == {f"/arrivals/{arrival.id}"} and arrival.period == "2024"
    kept = {path.name: path.read_bytes() for path in desk.arrivals.folder(arrival.id).iterdir()}
    assert sorted(kept.values()) == [b"abcdef", b"xyz"] and len(kept) == 2
    assert list(desk.site.zones.uploads.iterdir()) == []


async def test_asked_for_by_many_at_once_it_is_one_arrival(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    for turn in range(5):
        own = []
        for name in ("a.csv", "b.csv", "c.csv"):
            address = await begin(pages, person, 3, f"{turn}{name}")
            await piece(pages, person, address, 0, b"abc")
            own.append(address.split("/")[-1])
        ask = partial(desk.uploads.take, desk.arrivals, person, own, period="all")
        with ThreadPoolExecutor(8) as pool:
            (arrival,) = {each.id if each else None for each in pool.map(lambda ask: ask(), [ask] * 8)}
        assert arrival and len(list(desk.arrivals.folder(arrival).iterdir())) == 3


async def test_what_is_refused(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    person, other = people["submitter"], people["other"]
    address = await begin(pages, person, 6)
    assert (await piece(pages, person, address, 0, b"1234567")).status_code == 413
    assert (await piece(pages, person, address, 0, b"123")).status_code == 204, "nothing of it was kept"
    for who in ("other", "reader", "secretariat", "second"):
        answer = await pages.request("HEAD", address, headers=TUS, actor=as_actor(people[who]))
        assert answer.status_code == (404 if who in ("other", "second") else 403), who
    assert (await piece(pages, other, address, 0, b"1")).status_code == 404
    assert (await pages.request("HEAD", address, headers=TUS)).status_code == 401
    # Without the header of the protocol it might be the form of another site.
    answer = await pages.post("/uploads", headers={"upload-length": "1"}, actor=as_actor(person))
    assert answer.status_code == 412
    for length in ("", "-1", "x", "1e3", "9" * 30):
        answer = await pages.post("/uploads", headers=TUS | {"upload-length": length}, actor=as_actor(person))
        assert answer.status_code == 400 and answer.json()["code"] == "upload-length"
    answer = await pages.post("/uploads", headers=TUS | {"upload-length": "9" * 18}, actor=as_actor(person))
    assert answer.status_code == 413
    taken = desk.uploads.take(desk.arrivals, other, [address.split("/")[-1]], period="all")
    assert (
        taken is None
        and (await pages.request("DELETE", address, headers=TUS, actor=as_actor(person))).status_code == 204
    )
    assert (await piece(pages, person, address, 0, b"1")).status_code == 404


async def test_what_nobody_goes_on_with_is_forgotten(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    old, new = await begin(pages, people["submitter"], 6), await begin(pages, people["submitter"], 7)
    folder = desk.site.zones.uploads / old.split("/")[-1]
    then = time.time() - KEPT_SECONDS - 10
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))
    desk.uploads.sweep()
    assert [path.name for path in desk.site.zones.uploads.iterdir()] == [new.split("/")[-1]]


class Cutting:
    """A way to the desk that breaks off each time when so many bytes have gone."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self.to, self.cuts, self.made = port, cuts, 0
        self.one = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _from = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._copy, args=(far, near, False), daemon=True).start()
            threading.Thread(target=self._copy, args=(near, far, True), daemon=True).start()

    def _is_over(self, gone: int) -> bool:
        """Whether a connection that has carried so much is cut; another one may still be ending while the next is tried."""
        with self.one:
            over = bool(self.cuts) and gone > self.cuts[0]
            if over:
                self.cuts.pop(0)
                self.made += 1
        return over

    def _copy(self, source: socket.socket, target: socket.socket, there: bool) -> None:
        gone = 0
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
                gone += len(data)
                if there and self._is_over(gone):
                    break
        except OSError:
            pass
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads there
            each.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Desk, int, subprocess.Popen[bytes]]]:
    """A desk in a process of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    data = tmp_path / "served"
    desk = Desk.open(Settings(data_dir=data))
    environment = {**os.environ, "INGP_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pipelines.cli.main", "desk", "--port", str(port)]
    with (tmp_path / "log").open("wb") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=said, stderr=said)
        try:
            for _try in range(1200):
                with socket.socket() as door:
                    if door.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield desk, port, process
        finally:
            process.terminate()
            process.wait(timeout=30)


def peak_mb(process: subprocess.Popen[bytes]) -> float:
    """Most memory that the server behind the command has had."""
    for place in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":", 1) for line in place.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # it ended meanwhile
        if int(told["PPid"]) == process.pid:
            return int(told["VmHWM"].split()[0]) / 1000
    pytest.skip("no process can be looked at here")


def test_an_upload_that_is_cut_five_times_arrives_whole(
    served: tuple[Desk, int, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    desk, port, process = served
    person = desk.people.add("ana@example.org", "Ana", "submitter", "HND", "es")
    token = desk.accounts.new_token(person, "test", ["submit"], timedelta(hours=1))
    source = tmp_path / "large.bin"
    digest = hashlib.sha256()
    with source.open("wb") as file:
        for start in range(0, BYTES, 1 << 20):
            block = os.urandom(min(1 << 20, BYTES - start))
            digest.update(block)
            file.write(block)
    way = Cutting(port, [BYTES // 7] * 5)
    client = TusClient(f"{way.address}/uploads", headers={"Authorization": f"Bearer {token}"})
    # A small one first, over no connection that is cut: what the server loads once is none of the upload's.
    small = tmp_path / "small.bin"
    small.write_bytes(b"x" * 1000)
    with small.open("rb") as file:
        TusClient(f"http://127.0.0.1:{port}/uploads", headers=client.headers).uploader(
            file_stream=file
        ).upload()
    before, address = peak_mb(process), None
    for _try in range(40):
        with source.open("rb") as file:
            uploader = client.uploader(
                file_stream=file, url=address, chunk_size=BYTES, metadata={"filename": "large.bin"}
            )
            try:
                uploader.upload()
                break
            except (TusCommunicationError, OSError):
                address = uploader.url
                time.sleep(0.2)
    assert way.made == 5
    identifier = str(uploader.url).split("/")[-1]
    arrival = desk.uploads.take(desk.arrivals, person, [identifier], period="all")
    assert arrival is not None
    with (desk.arrivals.folder(arrival.id) / "large.bin").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest.hexdigest()
    grown = peak_mb(process) - before
    print(f"{BYTES / 1e6:.0f} MB in six connections: the server's memory grew by {grown:.1f} MB")
    assert grown < 20, "a small part of the file"
