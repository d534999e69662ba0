"""The pages of an OCDS API as one release or record package on disk, page after page, never all in memory.

Two ways of paging: ``links.next`` of each package (OCDS), or an address with ``{page}`` (1, 2, 3 …) or ``{offset}`` (how many came so
far), which ends at a page without releases. What is odd in between ends the whole: a part must never pass for the whole.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urldefrag, urljoin

from pipelines.desk.fetching import Fetched
from pipelines.desk.harvesting.asking import Guarded
from pipelines.desk.harvesting.trouble import PASSING, HarvestError, Trouble
from pipelines.intake.ocds.stream import BrokenJsonError, JsonStream, TextSource

PATIENCE = 60.0
"""Longest rest within a harvest, in seconds; a server that wants more is asked by the timetable."""

TRIES = (1.0, 10.0)
"""Seconds of rest before a page is tried a second and a third time."""

LISTS = ("releases", "records")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one harvest as a whole. seconds: of the clock. most_bytes: fetched, and unpacked."""

    pages: int = 10_000
    most_bytes: int = 4 * 2**30
    seconds: float = 2 * 3600


@dataclass(slots=True)
class Budget:
    """What is left of the bounds."""

    bounds: Bounds
    sleep: Callable[[float], None] = time.sleep
    pages: int = 0
    size: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return self.bounds.seconds - (time.monotonic() - self.started)

    @property
    def bytes_left(self) -> int:
        return self.bounds.most_bytes - self.size

    def fetch(
        self, fetcher: Guarded, url: str, folder: Path, etag: str | None = None, modified: str | None = None
    ) -> Fetched:
        """One address, tried again where trouble may pass. HarvestError: it stays, or the bounds are reached."""
        if self.pages >= self.bounds.pages:
            raise HarvestError(Trouble.TOO_MANY_PAGES)
        fetcher.check(url)
        rests = iter(TRIES)
        while True:
            if self.seconds <= 0:
                raise HarvestError(Trouble.TOO_SLOW)
            try:
                found = fetcher.fetch(
                    url,
                    folder,
                    most_bytes=self.bytes_left,
                    seconds=self.seconds,
                    etag=etag,
                    modified=modified,
                )
            except HarvestError as error:
                rest = next(rests, None)
                wait = max(rest or 0.0, error.wait or 0.0)
                if error.trouble not in PASSING or rest is None or wait > min(PATIENCE, self.seconds):
                    raise
                self.sleep(wait)
            else:
                self.pages += 1
                self.size += found.size
                if self.bytes_left < 0:
                    raise HarvestError(Trouble.TOO_LARGE)
                return found


@dataclass(frozen=True, slots=True)
class Gathered:
    """sha256: of the releases or records alone, for the head of a package tells the hour at which it was asked for.
    only: the answer, where there was one page; None when there were more.
    """

    path: Path
    sha256: str
    count: int
    only: Fetched | None


@dataclass(slots=True)
class _Page:
    count: int
    digest: str
    following: str | None


class _Package:
    """A package that is being written: the list first, the head of its first page behind it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._unpacked = file, 0
        self.name, self.count, self.sum = "", 0, hashlib.sha256()
        self._head: dict[str, str] = {}

    def add(self, path: Path, limit: int) -> _Page:
        """Copy the elements of a page, text as it stands. HarvestError: it is no page of this package."""
        text = TextSource(path, limit - self._unpacked)
        stream, name, count, page, following = JsonStream(iter(text)), "", 0, hashlib.sha256(), None
        head: dict[str, str] = {}
        try:
            if stream.peek() != "{":
                raise HarvestError(Trouble.NOT_A_PACKAGE if stream.peek() == "[" else Trouble.NOT_JSON)
            for member in stream.members():
                if member in LISTS and stream.peek() == "[":
                    if name:
                        raise HarvestError(Trouble.NOT_A_PACKAGE)
                    name = member
                    for _ in stream.elements():
                        self._element(name, *stream.value_and_text(), page)
                        count += 1
                else:
                    value, own = stream.value_and_text()
                    if member == "links":
                        following = value.get("next") if isinstance(value, dict) else None
                    else:
                        head[member] = own
            if stream.peek():
                raise HarvestError(Trouble.NOT_JSON)
        except BrokenJsonError as error:
            trouble = Trouble.TOO_LARGE if error.reason == "too-large" else Trouble.NOT_JSON
            raise HarvestError(trouble) from None
        if not name:
            raise HarvestError(Trouble.NOT_A_PACKAGE)
        if following is not None and not isinstance(following, str):
            raise HarvestError(Trouble.NOT_A_PACKAGE)
        self._unpacked += text.bytes_read
        self._head = self._head or head
        return _Page(count, page.hexdigest(), following or None)

    def _element(self, name: str, value: Any, own: str, page: Any) -> None:
        if not isinstance(value, dict) or not isinstance(value.get("ocid"), str):
            raise HarvestError(Trouble.NOT_A_PACKAGE)
        if self.name and self.name != name:
            raise HarvestError(Trouble.MIXED_PAGES)
        if not self.name:
            self.name = name
            self._file.write(f'{{"{name}":[\n'.encode())
        data = own.encode()
        self._file.write(b",\n" + data if self.count else data)
        self.count += 1
        for each in (page, self.sum):
            each.update(len(data).to_bytes(8, "big") + data)

    def close(self) -> None:
        told = "".join(f",\n{json.dumps(name)}:{own}" for name, own in self._head.items())
        self._file.write(f"\n]{told}}}\n".encode())


def gather(
    fetcher: Guarded,
    address: str,
    folder: Path,
    budget: Budget,
    etag: str | None = None,
    modified: str | None = None,
) -> Gathered | None:
    """All pages of an API as ``folder/harvest.json``; None: it told that nothing has changed. HarvestError: it is not whole.

    etag, modified: of an answer that was the only page, for an API may change behind a first page that stays as it was.
    """
    counted = "{page}" in address or "{offset}" in address
    seen: set[str] = set()
    pages: set[str] = set()
    only: Fetched | None = None
    path, within = folder / "harvest.json", folder / "page"
    within.mkdir()
    with path.open("xb") as file:
        package = _Package(file)
        url = _numbered(address, 1, 0) if counted else address
        while True:
            seen.add(urldefrag(url)[0])
            first = budget.pages == 0
            found = budget.fetch(fetcher, url, within, *((etag, modified) if first else (None, None)))
            if found.path is None:
                if first:
                    return None
                raise HarvestError(Trouble.SERVER_BROKEN)
            page = package.add(found.path, budget.bounds.most_bytes)
            found.path.unlink()
            if page.count and page.digest in pages:
                raise HarvestError(Trouble.LOOP)  # a server that does not know the parameter, or goes round
            pages.add(page.digest)
            only = found if first else None
            if page.following:
                url = urljoin(url, page.following)
            elif counted and page.count:
                url = _numbered(address, budget.pages + 1, package.count)
            else:
                break
            if urldefrag(url)[0] in seen:
                raise HarvestError(Trouble.LOOP)
        if not package.count:
            raise HarvestError(Trouble.NOTHING_THERE)
        package.close()
    return Gathered(path, package.sum.hexdigest(), package.count, None if counted else only)


def _numbered(address: str, page: int, offset: int) -> str:
    return address.replace("{page}", str(page)).replace("{offset}", str(offset))
