"""What a harvest needs of whoever fetches for it. Harvesting opens no connection by itself."""

from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Trouble(StrEnum):
    """Why nothing came. The page of the desk has a sentence for each."""

    ADDRESS_REFUSED = "address-refused"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not-found"
    NOT_ALLOWED = "not-allowed"
    TOO_MANY_REQUESTS = "too-many-requests"
    SERVER_BROKEN = "server-broken"
    CUT_OFF = "cut-off"
    TOO_SLOW = "too-slow"
    TOO_LARGE = "too-large"
    TOO_MANY_PAGES = "too-many-pages"
    NOT_JSON = "not-json"
    NOT_A_PACKAGE = "not-a-package"
    MIXED_PAGES = "mixed-pages"
    LOOP = "loop"
    NOTHING_THERE = "nothing-there"
    A_WEB_PAGE = "a-web-page"
    MACHINE = "machine"


PASSING = frozenset(
    {
        Trouble.UNREACHABLE,
        Trouble.TOO_MANY_REQUESTS,
        Trouble.SERVER_BROKEN,
        Trouble.CUT_OFF,
        Trouble.TOO_SLOW,
    }
)
"""What may be over in a minute: one page is tried again before the whole is given up."""


class HarvestError(Exception):
    """Nothing was taken. wait: seconds after which the server wants to be asked again."""

    def __init__(self, trouble: Trouble, wait: float | None = None) -> None:
        super().__init__(trouble.value)
        self.trouble, self.wait = trouble, wait


class Fetched(Protocol):
    """An answer on disk, whole. path: None when it is unchanged."""

    @property
    def path(self) -> Path | None: ...
    @property
    def name(self) -> str: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def modified(self) -> str | None: ...
    @property
    def size(self) -> int: ...


class Fetcher(Protocol):
    """Fetches one address, with every guard against addresses of our own network."""

    def fetch(
        self,
        url: str,
        folder: Path,
        *,
        most_bytes: int,
        seconds: float,
        etag: str | None,
        modified: str | None,
    ) -> Fetched:
        """The whole answer in a new file of `folder`. HarvestError: whatever else happened."""
        ...

    def check(self, url: str) -> None:
        """HarvestError: nobody may be asked at this address."""
        ...
