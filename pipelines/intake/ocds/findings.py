"""Findings of one submission, bounded: a million broken releases must not become a million objects."""

from collections import Counter

from pipelines.records import Finding

MAX_PER_CODE = 1_000


class FindingList:
    """Collects findings, at most `MAX_PER_CODE` of a code; how many were met is always known."""

    def __init__(self) -> None:
        self.listed: list[Finding] = []
        self.met: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        self.met[finding.code] += 1
        if self.met[finding.code] <= MAX_PER_CODE:
            self.listed.append(finding)

    def not_listed(self) -> dict[str, int]:
        """Findings met beyond those listed, per code."""
        return {code: count - MAX_PER_CODE for code, count in self.met.items() if count > MAX_PER_CODE}
