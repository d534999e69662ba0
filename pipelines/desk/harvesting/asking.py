"""The fetcher of harvests: `pipelines.desk.fetching`, with its codes as the troubles of a harvest."""

from dataclasses import replace
from pathlib import Path

from pipelines.desk import fetching
from pipelines.desk.harvesting.trouble import HarvestError, Trouble

_TROUBLES = {
    "address": Trouble.ADDRESS_REFUSED,
    "private": Trouble.ADDRESS_REFUSED,
    "redirects": Trouble.ADDRESS_REFUSED,
    "no-answer": Trouble.UNREACHABLE,
    "too-large": Trouble.TOO_LARGE,
    "too-slow": Trouble.TOO_SLOW,
    "cut-off": Trouble.CUT_OFF,
}
_STATUS = {"401": Trouble.NOT_ALLOWED, "403": Trouble.NOT_ALLOWED, "429": Trouble.TOO_MANY_REQUESTS}


class Guarded:
    """Fetches what is on the public internet, and from the hosts that the installation allows."""

    def __init__(self, limits: fetching.Limits) -> None:
        self._limits = limits

    def fetch(
        self,
        url: str,
        folder: Path,
        *,
        most_bytes: int,
        seconds: float,
        etag: str | None,
        modified: str | None,
    ) -> fetching.Fetched:
        """The whole answer in a new file of `folder`; raises HarvestError."""
        limits = replace(self._limits, bytes=most_bytes, seconds=min(seconds, self._limits.seconds))
        try:
            return fetching.fetch(url, folder, limits=limits, etag=etag, modified=modified)
        except fetching.NotFetchedError as error:
            raise HarvestError(_trouble(error), error.wait) from error

    def check(self, url: str) -> None:
        """HarvestError: nobody may be asked at this address."""
        try:
            fetching.check_address(url, self._limits)
        except fetching.NotFetchedError as error:
            raise HarvestError(_trouble(error)) from error


def _trouble(error: fetching.NotFetchedError) -> Trouble:
    if error.code != "status":
        return _TROUBLES[error.code]
    if error.detail.startswith("5"):
        return Trouble.SERVER_BROKEN
    return _STATUS.get(error.detail, Trouble.NOT_FOUND)
