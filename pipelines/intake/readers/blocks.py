"""Whole blocks of delimited text -> rows, several times faster than one record after the other.

A block is rewritten as a JSON array of arrays of strings, with a few replacements that run at the speed of
memory, and a JSON parser builds the rows. Only what is certain to mean the same to `csv.reader` is
rewritten; of any other block nothing is read, and the caller takes it line by line. The two are tested
against each other.
"""

from operator import itemgetter

import orjson

from pipelines.intake.readers.dialect import Dialect

MAX_CELL_LINE_ENDS = 100
"""With more line ends inside one quoted cell, a quote was probably never closed: the caller decides."""

_AMBIGUOUS_DELIMITERS = frozenset('\\"[]')
_QUOTE_IN_CELL = b"\\u0022"  # spelt without a quote, so that two quotes side by side are always an empty cell


class BlockParser:
    """Parses blocks of UTF-8 that hold whole records, and no control characters but tabs and line ends."""

    def __init__(self, dialect: Dialect) -> None:
        self.usable = dialect.delimiter.isascii() and not (
            dialect.delimiter.isalnum() or dialect.delimiter in _AMBIGUOUS_DELIMITERS
        )
        self._delimiter = dialect.delimiter.encode()
        self._quote = (dialect.quote or "").encode()
        self._doubled = _QUOTE_IN_CELL if self._quote == b'"' else self._quote
        self._edges = {*self._delimiter, *b"\r\n"}

    def is_open(self, block: bytes) -> bool:
        """Whether the block ends inside a quoted cell, if its quotes are all in order."""
        return bool(self._quote) and block.count(self._quote) % 2 == 1

    def parse(self, block: bytes) -> list[list[str | None]] | None:
        """The records of a block, empty cells as None; None when the block needs reading by lines."""
        if b"\\" in block:
            block = block.replace(b"\\", b"\\\\")
        if self._quote != b'"' and b'"' in block:
            block = block.replace(b'"', _QUOTE_IN_CELL)
        if self._delimiter != b"\t" and b"\t" in block:
            block = block.replace(b"\t", b"\\t")
        if self._quote and self._quote in block:
            body = self._with_quotes(block)
            if body is None:
                return None
        else:
            body = self._outside(_without_last_end(block))
        # Only an empty cell has two quotes side by side now.
        array = (b'[["' + body + b'"]]').replace(b'""', b"null")
        try:
            rows = orjson.loads(array)
        except orjson.JSONDecodeError:
            return None
        if b"[null]" in array:
            rows = [row if row != [None] else [] for row in rows]
        return rows

    def _outside(self, text: bytes) -> bytes:
        """Text outside quotes, its delimiters and line ends as those of JSON."""
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return text.replace(self._delimiter, b'","').replace(b"\n", b'"],["')

    def _with_quotes(self, block: bytes) -> bytes | None:
        """A block with quotes; None unless each opens or closes a whole cell or is doubled inside one."""
        parts = block.split(self._quote)
        if len(parts) % 2 == 0:
            return None
        parts[-1] = _without_last_end(parts[-1])
        outside, inside = parts[::2], parts[1::2]
        # Nothing between two quotes is a doubled quote; anything else must begin and end where cells do.
        if not (_ends(outside[:-1], -1) <= self._edges and _ends(outside[1:], 0) <= self._edges):
            return None
        whole = b"".join(inside)
        if b"\n" in whole or b"\r" in whole:
            if max(part.count(b"\n") + part.count(b"\r") for part in inside) > MAX_CELL_LINE_ENDS:
                return None
            inside = [part.replace(b"\r", b"\\r").replace(b"\n", b"\\n") for part in inside]
        if b"\t" in whole:
            inside = [part.replace(b"\t", b"\\t") for part in inside]
        # All at once, with a sign between that no plain block holds: one by one would cost too much.
        rewritten = self._outside(b"\0".join(outside)).split(b"\0")
        if b"" in outside[1:-1]:
            rewritten[1:-1] = [part or self._doubled for part in rewritten[1:-1]]
        parts[::2] = rewritten
        parts[1::2] = inside
        return b"".join(parts)


def _ends(parts: list[bytes], position: int) -> set[int]:
    """The bytes at one end of the parts that are not empty."""
    return set(map(itemgetter(position), filter(None, parts)))


def _without_last_end(block: bytes) -> bytes:
    if block.endswith(b"\r\n"):
        return block[:-2]
    return block[:-1] if block.endswith((b"\n", b"\r")) else block
