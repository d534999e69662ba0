"""What the readers hand to the rest of the intake: files found in a submission, and tables found in files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.records import Finding

Row = tuple[int, list[str | None]]
"""(row number as a spreadsheet shows it, cells as text; None for an empty cell)."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a submission after unpacking.

    name: path inside the submission, POSIX, archives as folders (``pack.zip/data/awards.csv``).
    format: ``csv``, ``xlsx``, ``xls``, ``ods``, ``json``, ``jsonl``, ``descriptor`` (datapackage.json) or ``other``.
    """

    name: str
    path: Path
    format: str

    @property
    def stem(self) -> str:
        return Path(self.name).stem


@dataclass(slots=True)
class RawTable:
    """A grid of text found in a file: no heading chosen, no type guessed.

    rows: call it to iterate from the start, as often as needed, in constant memory. Findings met on the way
    (broken bytes, unclosed quotes) are appended to `findings` by the first complete iteration only.
    understood: what the reader decided (encoding, delimiter, quote, line ends), as JSON data.
    typed: numbers and dates come from typed cells of a workbook or JSON and are canonical text already.
    labels: set when the format itself names the columns (JSON objects); then no row is a heading.
    """

    source_file: str
    name: str
    rows: Callable[[], Iterator[Row]]
    sheet: str | None = None
    typed: bool = False
    labels: list[str] | None = None
    understood: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Name of file and sheet in the provenance of rows: ``pack.zip/offers.xlsx#Sheet1``."""
        return f"{self.source_file}#{self.sheet}" if self.sheet else self.source_file


Instructions = Mapping[str, Any]
"""What the sender told instead of leaving it to be guessed: the JSON of a mapping file (docs/mapping.md)."""
