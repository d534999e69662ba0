"""What may go wrong with a harvest."""

from enum import StrEnum


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
