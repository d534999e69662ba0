"""Findings of one table, bounded: a file in which every cell is wrong must not fill the memory."""

from dataclasses import replace
from typing import Any

from pipelines.records import Finding

MAX_FINDINGS = 1_000
"""Findings kept per code and table; the last one carries ``further``: how many more there were."""


def column_letter(index: int) -> str:
    """0 -> ``A``, 26 -> ``AA``: the letter a spreadsheet shows above a column."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class FindingLog:
    """Collects the findings of one table of one file."""

    def __init__(self, source_file: str, sheet: str | None = None) -> None:
        self.source_file = source_file
        self.sheet = sheet
        self._kept: dict[str, list[Finding]] = {}
        self._further: dict[str, int] = {}

    def add(
        self,
        code: str,
        row_number: int | None = None,
        column: int | None = None,
        value: str | None = None,
        **parameters: Any,
    ) -> None:
        """column: 0 for the first."""
        kept = self._kept.setdefault(code, [])
        if len(kept) >= MAX_FINDINGS:
            self._further[code] = self._further.get(code, 0) + 1
            return
        letter = None if column is None else column_letter(column)
        kept.append(
            Finding(
                code,
                source_file=self.source_file,
                sheet=self.sheet,
                row_number=row_number,
                column=letter,
                value=value,
                parameters=parameters,
            )
        )

    def add_further(self, code: str, count: int) -> None:
        """Count findings that were not even kept."""
        self._further[code] = self._further.get(code, 0) + count

    def count(self, code: str) -> int:
        return len(self._kept.get(code, ())) + self._further.get(code, 0)

    def findings(self) -> list[Finding]:
        """In the order of first appearance of each code."""
        result = []
        for code, kept in self._kept.items():
            if further := self._further.get(code):
                kept[-1] = replace(kept[-1], parameters={**kept[-1].parameters, "further": further})
            result += kept
        return result
