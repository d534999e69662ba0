"""Where published rows come from: the version that brought the rows of a period, its submission, its rules.

A version of a member holds the rows of all periods, also of those that earlier versions brought. The number beside a
row is that of the version that brought it, so that it leads to the one submission with its file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.records import AcceptedVersion

_SHEET = re.compile(r"(.+?\.(?:xlsx|xlsm|xls|ods))#(.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Origin:
    """What brought the rows of a period. rules: digest of the checks that judged them; "" when their report is gone."""

    number: int
    submission_id: str | None
    accepted_at: datetime
    schema_version: str
    rules: str = ""

    @staticmethod
    def of(version: AcceptedVersion, rules: str = "") -> "Origin":
        submission = str(version.submission_id) if version.submission_id else None
        return Origin(int(version.number), submission, version.accepted_at, version.schema_version, rules)


Origins = Mapping[tuple[str, str, str], Origin]
"""(member, package type, period) -> what brought its rows."""


def origin_of(version: AcceptedVersion, period: str, origins: Origins) -> Origin:
    """The origin of a period of a version; the version itself where nothing else is known."""
    known = origins.get((str(version.member), version.package_type, period))
    return known or Origin.of(version)


def periods_of(version: AcceptedVersion, origins: Origins) -> list[dict[str, Any]]:
    """Origins of all periods of a version, as the release records them."""
    found = []
    for period in sorted({each.period for each in version.tables}):
        origin = origin_of(version, period, origins)
        found.append(
            {
                "period": period,
                "number": origin.number,
                "submission_id": origin.submission_id,
                "accepted_at": origin.accepted_at.isoformat(),
                "schema_version": origin.schema_version,
                "rules": origin.rules,
            }
        )
    return found


def file_and_sheet(source: str) -> tuple[str, str]:
    """File and sheet of a ``source_file`` (``pack.zip/offers.xlsx#Sheet1``); "" for what is no workbook."""
    match = _SHEET.fullmatch(source)
    return (match[1], match[2]) if match else (source, "")
