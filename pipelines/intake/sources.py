"""What the readers hand to the rest of the intake: files found in a submission, and tables found in files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.records import Finding

Row = tuple[int, list[str | None]]
"""(row number as a spreadsheet shows it, cells as text; None for an empty cell)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows column by column: text, null for an empty cell; every row has as many cells. first: row number."""

    first: int
    columns: Sequence[pa.Array]

    @property
    def rows(self) -> int:
        return len(self.columns[0])

    def to_rows(self) -> Iterator[Row]:
        """Its rows one by one; a few at a time become Python objects."""
        for start in range(0, self.rows, _SLICE):
            parts = [column.slice(start, _SLICE).to_pylist() for column in self.columns]
            for number, cells in enumerate(zip(*parts, strict=True), self.first + start):
                yield number, list(cells)


_SLICE = 1_000


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
    blocks: the same rows, as blocks wherever the format gives whole columns at once; None where it never does.
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
    blocks: Callable[[], Iterator[Block | list[Row]]] | None = None

    @property
    def origin(self) -> str:
        """Name of file and sheet in the provenance of rows: ``pack.zip/offers.xlsx#Sheet1``."""
        return f"{self.source_file}#{self.sheet}" if self.sheet else self.source_file


Instructions = Mapping[str, Any]
"""What the sender told instead of leaving it to be guessed: the JSON of a mapping file (docs/mapping.md)."""
