"""Whole blocks of delimited text -> columns, a hundred times faster than one record after the other.

Arrow's reader of CSV is forgiving where `csv.reader` is too, but not in the same way. So a block is given to it
only when every reader of RFC 4180 must agree on it: each quote opens or closes a whole cell or is doubled inside
one. Of any other block nothing is read, and the caller takes it line by line. The two are tested against each other.
"""

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from pipelines.intake.readers.dialect import Dialect

MAX_CELL_LINE_ENDS = 100
"""With more line ends inside one quoted cell, a quote was probably never closed: the caller decides."""

_LF, _CR = 0x0A, 0x0D


class BlockParser:
    """Parses blocks of UTF-8 that hold whole records, and no control characters but tabs and line ends."""

    def __init__(self, dialect: Dialect) -> None:
        self.usable = dialect.delimiter.isascii() and (dialect.quote or '"').isascii()
        self._delimiter = dialect.delimiter
        self._quote = dialect.quote
        self._quote_byte = (dialect.quote or "").encode()
        self._edges = np.zeros(256, dtype=bool)
        self._edges[[*dialect.delimiter.encode(), *self._quote_byte, _LF, _CR]] = True

    def is_open(self, block: bytes) -> bool:
        """Whether the block ends inside a quoted cell, if its quotes are all in order."""
        return bool(self._quote_byte) and block.count(self._quote_byte) % 2 == 1

    def parse(self, block: bytes, max_cell_bytes: int) -> list[pa.Array] | None:
        """The columns of a block, null for an empty cell; None when the block needs reading by lines.

        That is when its rows have not all as many cells as the first, or a cell is longer than `max_cell_bytes`.
        """
        quoted = self._quote_byte in block if self._quote_byte else False
        if quoted and not self._is_plain(block):
            return None
        try:
            table = arrow_csv.read_csv(
                io.BytesIO(block),
                read_options=arrow_csv.ReadOptions(
                    autogenerate_column_names=True, block_size=len(block) + 1, use_threads=False
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._delimiter,
                    quote_char=self._quote or False,
                    escape_char=False,
                    newlines_in_values=quoted,
                    # A blank line is a row: dropping it would shift the number of all that follow.
                    ignore_empty_lines=False,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    default_column_type=pa.string(),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid:
            return None
        columns = [column.combine_chunks() for column in table.columns]
        if any((pc.max(pc.binary_length(column)).as_py() or 0) > max_cell_bytes for column in columns):
            return None
        return columns

    def _is_plain(self, block: bytes) -> bool:
        """Whether each quote opens or closes a whole cell, or is doubled inside one."""
        signs = np.frombuffer(block, dtype=np.uint8)
        quotes = np.flatnonzero(signs == self._quote_byte[0])
        if quotes.size % 2:
            return False
        opening, closing = quotes[::2], quotes[1::2]
        before = self._edges[signs[opening[opening > 0] - 1]]
        after = self._edges[signs[closing[closing < signs.size - 1] + 1]]
        if not (before.all() and after.all()):
            return False
        ends = np.flatnonzero((signs == _LF) | (signs == _CR))
        position = np.searchsorted(quotes, ends)
        inside = position[position % 2 == 1]
        return not inside.size or int(np.bincount(inside).max()) <= MAX_CELL_LINE_ENDS
