"""The first rows of every table that was sent, as they were read: for whoever looks whether they were understood."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipelines.intake.plan import HEADING_SEARCH_ROWS
from pipelines.intake.sources import RawTable

NAME = "heads.json"
ROWS = 8
"""Rows kept from the top, and from the heading on."""
CHARACTERS = 1000
"""Longest text kept of a cell. Headings have to be whole: a mapping file names them."""
CELLS = 400


@dataclass(frozen=True, slots=True)
class Head:
    """rows: row number as a spreadsheet shows it -> its cells, cut to `CHARACTERS`. labels: columns that the format itself names."""

    file: str
    sheet: str | None
    rows: Mapping[int, tuple[str, ...]]
    labels: tuple[str, ...] | None

    def heading(self, number: int) -> tuple[str, ...]:
        """The headings: of the row with this number, or those of the format; none where that row was not kept."""
        return self.labels if self.labels is not None else self.rows.get(number, ())

    def below(self, number: int) -> list[tuple[str, ...]]:
        """Rows after the heading, as many as were kept."""
        return [cells for each, cells in sorted(self.rows.items()) if each > number]


def write_heads(folder: Path, raws: Iterable[tuple[RawTable, int]]) -> None:
    """Keep the heads of these tables, each with the row number of its heading (0: none is known)."""
    kept = []
    for raw, heading in raws:
        rows = [
            [number, [_short(cell) for cell in cells[:CELLS]]]
            for at, (number, cells) in enumerate(islice(raw.rows(), HEADING_SEARCH_ROWS + ROWS))
            if at < ROWS or heading <= number < heading + ROWS
        ]
        labels = [_short(label) for label in raw.labels[:CELLS]] if raw.labels is not None else None
        kept.append({"file": raw.source_file, "sheet": raw.sheet, "rows": rows, "labels": labels})
    (folder / NAME).write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")


def read_heads(folder: Path) -> tuple[Head, ...]:
    """The heads of a staged package; none where it was staged before they were kept."""
    try:
        told = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(
        Head(
            each["file"],
            each["sheet"],
            {number: tuple(cells) for number, cells in each["rows"]},
            tuple(each["labels"]) if each["labels"] is not None else None,
        )
        for each in told
    )


def _short(cell: str | None) -> str:
    text = (cell or "").strip()
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"
