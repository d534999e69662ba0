"""Files that come in pieces, by the tus protocol (https://tus.io/protocols/resumable-upload, version 1.0.0): what is kept of them on disk.

An upload is a folder: ``info.json``, written before the address is told, and ``data``. How far it has come is the length of
``data`` and nothing else, so that a server that is killed in the middle of a piece goes on with the last byte that it kept.
"""

import fcntl
import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.desk.arrivals import Arrival, Arrivals
from pipelines.desk.names import safe_name
from pipelines.desk.people import Person
from pipelines.exceptions import StoreError

KEPT_SECONDS = 3 * 24 * 3600
"""How long an upload waits for its next piece."""
RESERVE = 2**30
"""Bytes of the disk that no upload may take."""
MOST_OPEN = 200
"""Uploads of one person that are not an arrival yet."""
INFO, DATA = "info.json", "data"


class NotTakenError(Exception):
    """An upload that is not taken. code: ``too-large``, ``disk-full``, ``too-many``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Upload:
    """name: as its sender calls it. length: bytes that it will have."""

    id: str
    person: int
    member: str
    name: str
    length: int
    at: float


class Uploads:
    """The uploads of an installation, below ``<root>/uploads``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, person: Person, name: str, length: int, largest: int) -> Upload:
        """A new upload, nothing of it here yet; raises `NotTakenError`. largest: bytes of a file."""
        if person.member is None:
            raise StoreError(f"{person.actor} sends for no member")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.sweep()
        if length > largest:
            raise NotTakenError("too-large")
        unfinished = [each for each in self._all() if each.person == person.id]
        if len(unfinished) >= MOST_OPEN:
            raise NotTakenError("too-many")
        promised = sum(each.length - self.offset(each) for each in self._all())
        if length + promised > shutil.disk_usage(self._folder).free - RESERVE:
            raise NotTakenError("disk-full")
        upload = Upload(uuid.uuid4().hex, person.id, person.member, name[:400], length, time.time())
        made = self._folder / f".{upload.id}"
        made.mkdir()
        (made / INFO).write_text(json.dumps(asdict(upload)), encoding="utf-8")
        (made / DATA).touch()
        made.rename(self._folder / upload.id)
        return upload

    def find(self, identifier: str, person: Person) -> Upload | None:
        """An upload of this person for this member; nobody else's is found."""
        if len(identifier) != 32 or not identifier.isalnum():
            return None
        upload = self._read(self._folder / identifier)
        return upload if upload and (upload.person, upload.member) == (person.id, person.member) else None

    def offset(self, upload: Upload) -> int:
        """Bytes that are here."""
        try:
            return (self._folder / upload.id / DATA).stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def open(self, upload: Upload) -> Iterator[BinaryIO | None]:
        """The data, to be written at its end; None while another request, of whatever process, writes there."""
        with (self._folder / upload.id / DATA).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            yield file

    def remove(self, upload: Upload) -> None:
        shutil.rmtree(self._folder / upload.id, ignore_errors=True)

    def sweep(self) -> None:
        """Forget what nobody has gone on with for `KEPT_SECONDS`."""
        oldest = time.time() - KEPT_SECONDS
        for folder in self._folder.iterdir():
            try:
                touched = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            except FileNotFoundError:
                continue  # taken, or removed, meanwhile
            if touched < oldest:
                shutil.rmtree(folder, ignore_errors=True)

    def take(
        self,
        arrivals: Arrivals,
        person: Person,
        identifiers: Sequence[str],
        *,
        period: str,
        policy: str = "whole",
        package_type: str | None = None,
    ) -> Arrival | None:
        """Whole uploads become one arrival; asked for twice, it is the same one. None when one of them is not there, or not whole."""
        wanted = sorted(set(identifiers))
        if person.member is None or not wanted:
            return None
        # The arrival's id is that of its uploads: whoever is killed in between goes on with the same folder.
        told = json.dumps([person.id, person.member, wanted])
        arrival = hashlib.sha256(told.encode()).hexdigest()[:32]
        known = arrivals.find(arrival)
        if known is None and self._moved(wanted, person, arrivals.folder(arrival)):
            known = arrivals.add(
                arrival, person.member, person.actor, period=period, policy=policy, package_type=package_type
            )
        if known is None:  # gone meanwhile: whoever asked at the same time has taken them
            known = arrivals.find(arrival)
        if known is not None:
            for each in wanted:
                shutil.rmtree(self._folder / each, ignore_errors=True)
        return known

    def _moved(self, wanted: Sequence[str], person: Person, folder: Path) -> bool:
        """Put the files of uploads into a folder; False when one of them is not there, or not whole. Some may be there already."""
        uploads = [upload for each in wanted if (upload := self.find(each, person)) is not None]
        if len(uploads) < len(wanted):
            return False
        names: list[str] = []
        for upload in uploads:
            names.append(safe_name(upload.name, names))
            with suppress(FileNotFoundError):
                if self.offset(upload) != upload.length and not (folder / names[-1]).exists():
                    return False
        folder.mkdir(parents=True, exist_ok=True)
        for upload, name in zip(uploads, names, strict=True):
            with suppress(FileNotFoundError):
                (self._folder / upload.id / DATA).rename(folder / name)
        return all((folder / name).exists() for name in names)

    def _all(self) -> Iterator[Upload]:
        for folder in self._folder.iterdir():
            upload = self._read(folder)
            if upload is not None:
                yield upload

    @staticmethod
    def _read(folder: Path) -> Upload | None:
        try:
            return Upload(**json.loads((folder / INFO).read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
