"""Where the cell is that a short row lacks: in another cell, or where the rest of the row looks like its neighbours."""

import re
from collections import deque
from collections.abc import Sequence

NEIGHBOURS = 200
"""Whole rows before the short one that tell what a column holds."""

FEW = 20
"""Different values up to which a column is taken for a list of codes: a cell then has to be one of them."""

ENOUGH = 20
"""Neighbours without which nothing is said."""

_JOINED = re.compile(r'"[;,\t|]|[;,\t|]"')

_KINDS = (
    ("date", re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}.*")),
    ("integer", re.compile(r"-?\d+")),
    ("number", re.compile(r"[-$ ]*\d[\d.,]*")),
    ("code", re.compile(r"[A-Z0-9][A-Z0-9._/-]*")),
)


class Neighbours:
    """The last whole rows of a table of `width` columns."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._rows: deque[Sequence[str | None]] = deque(maxlen=NEIGHBOURS)

    def add(self, cells: Sequence[str | None]) -> None:
        self._rows.append(cells)

    def missing_at(self, cells: Sequence[str | None]) -> int | None:
        """Column (from 0) at which a row that is one cell short lacks it; None where no place suits, or several do."""
        if len(cells) != self.width - 1 or len(self._rows) < ENOUGH:
            return None
        columns = [_Column(values) for values in zip(*self._rows, strict=True)]
        # How many cells suit their column when nothing has moved, and when everything has.
        stays = [column.suits(cell) for column, cell in zip(columns, cells, strict=False)]
        moves = [column.suits(cell) for column, cell in zip(columns[1:], cells, strict=True)]
        suitable = [place for place in range(self.width) if all(stays[:place]) and all(moves[place:])]
        return suitable[0] if len(suitable) == 1 else None


def joined_at(cells: Sequence[str | None]) -> int | None:
    """Column (from 0) of the only cell with a quotation mark beside a separator: two cells that a lost mark has joined."""
    found = [place for place, cell in enumerate(cells) if cell and _JOINED.search(cell)]
    return found[0] if len(found) == 1 else None


class _Column:
    def __init__(self, values: Sequence[str | None]) -> None:
        held = [value for value in values if value]
        self.empty = len(held) < len(values)
        self.values = set(held)
        self.kinds = {_kind(value) for value in held}
        # As many different ones as rows: these are names, not codes of a list; and days and amounts are never codes.
        few = len(self.values) <= min(FEW, len(held) // 2)
        self.listed = few and self.kinds <= {"text", "code"}

    def suits(self, cell: str | None) -> bool:
        if not cell:
            return self.empty
        return cell in self.values if self.listed else _kind(cell) in self.kinds


def _kind(value: str) -> str:
    return next((name for name, form in _KINDS if form.fullmatch(value.strip())), "text")
