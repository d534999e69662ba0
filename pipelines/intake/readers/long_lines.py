"""Lines longer than any table has: read in pieces, without ever holding the whole line."""

import re
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from pipelines.intake.limits import Limits
from pipelines.intake.readers.dialect import Dialect

PIECE = 2**20
LINE_CELLS = 16
"""A line keeps at most so many cells of the greatest length."""


class LongLines:
    """Iterates over lines as a text file does; of a long line, only the beginning of each cell is kept.

    A cell longer than the limit is cut to one character more than the limit, so that it can still be seen
    to be too long; `take_length` tells how long it was. Of a line with more cells than a table may have, or
    with more characters than `max_line`, the rest is left out.

    inside_quotes: set by the reader while it asks for the further lines of a quoted cell.
    dropped: length of the last line when characters of it were left out for `max_line`, else 0.
    """

    def __init__(self, text: TextIO, dialect: Dialect, limits: Limits) -> None:
        self.inside_quotes = False
        self.dropped = 0
        self.max_line = LINE_CELLS * limits.max_cell_characters
        self._text = text
        self._limit = limits.max_cell_characters
        self._max_columns = limits.max_columns
        self._piece = min(PIECE, max(2, self._limit))
        self._delimiter = dialect.delimiter
        self._quote = dialect.quote
        # A set of characters: alternatives would take six times as long.
        self._special = re.compile(f"[{re.escape(dialect.delimiter)}{re.escape(dialect.quote or '')}]")
        self._lengths: deque[int] = deque()
        self._ahead = ""

    def take_length(self, otherwise: int) -> int:
        """Length of the next cell that was cut; `otherwise` when none was."""
        return self._lengths.popleft() if self._lengths else otherwise

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._lengths.clear()
        piece = self._read()
        if not piece:
            raise StopIteration
        if len(piece) < self._piece or piece.endswith(("\n", "\r")):
            return piece
        return self._shorten(piece)

    def _read(self) -> str:
        """The next piece of a line, with its end if it has one."""
        piece, self._ahead = self._ahead, ""
        if not piece.endswith(("\n", "\r")):
            piece += self._text.readline(self._piece - len(piece))
        if piece.endswith("\r"):
            # A piece may be cut between the two characters of a line end.
            further = self._text.read(1)
            if further == "\n":
                piece += further
            else:
                self._ahead = further
        return piece

    def _shorten(self, piece: str) -> str:
        line = _Line(self._limit, self._max_columns, self.max_line, self.inside_quotes)
        length = 0
        while True:
            end = piece[len(piece.rstrip("\r\n")) :]
            length += len(piece) - len(end)
            if not line.full:
                self._cut(line, piece[: len(piece) - len(end)])
            if end or not piece:
                break
            piece = self._read()
        line.close()
        self._lengths.extend(line.lengths)
        self.dropped = length if line.too_long else 0
        return "".join(line.kept) + end

    def _cut(self, line: "_Line", piece: str) -> None:
        position = 0
        for match in self._special.finditer(piece):
            line.text(piece[position : match.start()])
            position = match.end()
            if match[0] == self._quote:
                line.quote(match[0])
            else:
                line.delimiter(match[0])
            if line.full:
                return
        line.text(piece[position:])


class _Line:
    """The kept part of one long line."""

    def __init__(self, limit: int, max_columns: int, max_line: int, quoted: bool) -> None:
        self.kept: list[str] = []
        self.lengths: list[int] = []
        self.full = self.too_long = False
        self._limit = limit
        self._max_columns = max_columns
        self._room = max_line
        self._cells = 1
        self._length = 0
        self._quoted = quoted
        self._opened = quoted

    def text(self, text: str) -> None:
        keep = text[: max(0, self._limit + 1 - self._length)]
        self._length += len(text)
        self._keep(keep)

    def quote(self, sign: str) -> None:
        # A quote opens a cell only at its beginning, closes it, and doubled opens it again.
        if self._length == 0 or self._opened:
            self._quoted = not self._quoted
            self._opened = True
        if self._opened or self._length <= self._limit:
            self._keep(sign)
        if not self._opened:
            self._length += 1

    def delimiter(self, sign: str) -> None:
        if self._quoted:
            self.text(sign)
            return
        self.close()
        self._keep(sign)
        self._cells += 1
        self.full = self.full or self._cells > self._max_columns

    def close(self) -> None:
        if self._length > self._limit:
            self.lengths.append(self._length)
        self._length = 0
        self._opened = False

    def _keep(self, text: str) -> None:
        if len(text) > self._room:
            self.full = self.too_long = True
        if text:
            self.kept.append(text[: self._room])
            self._room -= len(text[: self._room])
