"""Identifiers: parse, format, compare. Each is a `str` or `int` subclass, so it serialises as itself."""

import re
from typing import Self


class MemberCode(str):
    """ISO 3166-1 alpha-3 code of a member (``PRY``); ``XAA``..``XZZ`` for invented demo members, ``INGP`` for the network."""

    _form = re.compile(r"[A-Z]{3}|INGP")

    def __new__(cls, value: str) -> Self:
        text = str(value).strip().upper()
        if not cls._form.fullmatch(text):
            raise ValueError(f"not a member code: {value!r}")
        return super().__new__(cls, text)

    @property
    def is_demo(self) -> bool:
        """Whether ISO reserves the code for users (``XAA``..``XZZ``): invented data, never a country's."""
        return self != "INGP" and self.startswith("X")


ANYBODY = MemberCode("XZZ")
"""Stands for no member in particular: files that are only checked, never submitted."""


class SubmissionId(str):
    """``PRY-procurement-3f9ac1d2e4b7``: member, package type, first 12 hexadecimal digits of the identity hash.

    The same bytes sent again by the same member for the same package type and period give the same
    identifier, whatever the day.
    """

    _form = re.compile(r"(?P<member>[A-Z]{3}|INGP)-(?P<package_type>[a-z]+)-(?P<digest>[0-9a-f]{12})")

    def __new__(cls, value: str) -> Self:
        if not cls._form.fullmatch(str(value)):
            raise ValueError(f"not a submission id: {value!r}")
        return super().__new__(cls, value)

    @classmethod
    def build(cls, member: str, package_type: str, digest: str) -> Self:
        return cls(f"{member}-{package_type}-{digest[:12]}")

    @property
    def member(self) -> MemberCode:
        return MemberCode(self.split("-")[0])

    @property
    def package_type(self) -> str:
        return self.split("-")[1]


class VersionNumber(int):
    """Grows by one per (member, package type); written ``v0007``."""

    def __new__(cls, value: int | str) -> Self:
        number = int(value.removeprefix("v")) if isinstance(value, str) else int(value)
        if number < 1:
            raise ValueError(f"versions start at 1, not {number}")
        return super().__new__(cls, number)

    def __str__(self) -> str:
        return f"v{int(self):04d}"

    __repr__ = __str__


class ReleaseId(str):
    """``2026.11.1``: year, month, serial within the month. Compares as numbers, not as text."""

    _form = re.compile(r"(\d{4})\.(\d{1,2})\.(\d+)")

    def __new__(cls, value: str) -> Self:
        if not cls._form.fullmatch(str(value)):
            raise ValueError(f"not a release id: {value!r}")
        return super().__new__(cls, value)

    @property
    def parts(self) -> tuple[int, int, int]:
        year, month, serial = (int(part) for part in self.split("."))
        return year, month, serial

    def __lt__(self, other: object) -> bool:
        return self.parts < ReleaseId(str(other)).parts

    def __gt__(self, other: object) -> bool:
        return self.parts > ReleaseId(str(other)).parts

    def __le__(self, other: object) -> bool:
        return not self > other

    def __ge__(self, other: object) -> bool:
        return not self < other


PERIOD_FORM = re.compile(r"all|\d{4}(-(0[1-9]|1[0-2]|Q[1-4]))?")
"""A submission speaks for a period of its member: ``2014``, ``2020-03``, ``2020-Q1``, or ``all``."""


def parse_period(value: str | None) -> str:
    """The period in its canonical form; None is ``all``. Raises ValueError for anything else."""
    text = (value or "all").strip()
    text = text if text == "all" else text.upper()
    if not PERIOD_FORM.fullmatch(text):
        raise ValueError(f"not a period: {value!r}")
    return text
