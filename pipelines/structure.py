"""Proof that a delimited file means the same to every reader of RFC 4180, and where its records are.

Most files are plain: a quote opens a cell or closes one, and nothing else. For those, and only for those, Python's
``csv`` and DuckDB split alike, so that a fast reader may stand in for a slow one and a record may be cut out of the
file by its offset. What is not plain is not repaired here: `UnprovedError` says where it begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt

SEGMENT_BYTES = 32 << 20
"""Bytes held at a time; a segment grows when one record is longer."""

BLOCK_BYTES = 1 << 18
"""Bytes looked at by one numpy call: masks of this size stay in the processor's cache, larger ones cost twice."""

_CR, _LF = 13, 10


class UnprovedError(Exception):
    """Readers may differ from here on. offset: byte in the file near which it begins."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"{reason} near byte {offset}")
        self.offset = offset
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a stretch of a file, in order; every array has one entry per record.

    starts: byte where the record begins, in the file. ends: byte behind its last one, line end not included.
    cells: number of cells, 0 for a blank line; where they were not counted, 1 for every other. quotes: number of quote characters.
    open_ended: whether the last cell may be empty, as after a delimiter too many. newline: bytes of the line end (1
    for LF, 2 for CRLF), 0 when there was none.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    cells: npt.NDArray[np.int32]
    quotes: npt.NDArray[np.int32]
    open_ended: npt.NDArray[np.bool_]
    newline: int

    def __len__(self) -> int:
        return len(self.starts)


def prove_segment(
    data: bytes | bytearray,
    *,
    size: int | None = None,
    delimiter: str = ",",
    quote: str = '"',
    offset: int = 0,
    final: bool = True,
    newline: int = 0,
    count_cells: bool = True,
) -> tuple[Records, int]:
    """The records of `data`, which begins where a record begins, and how many of its bytes they cover.

    size: bytes of `data` that count, all when not given. offset: place of `data` in its file. final: nothing follows, so that the last record may lack its line end;
    otherwise what follows the last line end is left for the next call. newline: length of the line end that
    the file has shown so far, 0 for none yet. count_cells: a reader that drops records of another width
    counts them as well, and looking for every delimiter is half of the work. Raises `UnprovedError`.
    """
    array = np.frombuffer(data, np.uint8, -1 if size is None else size)
    mark, quoted = ord(delimiter), ord(quote)
    ends, order, tally, marks = _scan(array, mark, quoted) if count_cells else _scan_line_ends(array, quoted)
    used = int(ends[-1]) + 1 if len(ends) else 0
    if final and used < len(array):
        if len(marks) % 2:
            raise UnprovedError(offset + used, "unterminated quote")
        last = order.separators
        ends = np.append(ends, len(array))
        tally = np.append(tally, len(marks))
        order_at = np.append(order.at, last)
        length, used = newline, len(array)
        whole = len(ends) - 1
    else:
        order_at, length, whole = order.at, newline, len(ends)
        marks = marks[: np.searchsorted(marks, used)]
    _check_quotes(array, marks, mark, quoted, offset)
    # A search by the C library is ten times faster than a comparison, and most files have none.
    returned = data.find(b"\r", 0, used) >= 0
    if whole:
        length = _line_end(array, ends[:whole], marks, returned, used, offset, newline)
    elif returned:
        _line_end(array, ends[:0], marks, returned, used, offset, newline or 1)
    contents = ends.copy()
    if length == 2:
        contents[:whole] -= 1
    starts = np.empty_like(ends)
    if len(ends):
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
    cells = np.diff(order_at, prepend=-1).astype(np.int32)
    cells[contents == starts] = 0
    quotes = np.diff(tally, prepend=0).astype(np.int32)
    final_sign, before = array[np.maximum(contents - 1, 0)], array[np.maximum(contents - 2, 0)]
    open_ended = (final_sign == mark) | ((final_sign == quoted) & (before == quoted))
    newline = length if whole else newline
    return Records(starts + offset, contents + offset, cells, quotes, open_ended, newline), used


@dataclass(slots=True)
class _Order:
    """at: place of each line end among all separators outside quotes; separators: how many there are."""

    at: npt.NDArray[np.int64]
    separators: int


def _scan(
    array: npt.NDArray[np.uint8], mark: int, quoted: int
) -> tuple[npt.NDArray[np.int64], _Order, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Line ends outside quotes, their order among the separators, quotes up to each, and all quotes."""
    ends: list[npt.NDArray[np.int64]] = []
    order: list[npt.NDArray[np.int64]] = []
    tallies: list[npt.NDArray[np.int64]] = []
    marks: list[npt.NDArray[np.int64]] = []
    separators = quotes = 0
    first, second = np.empty(BLOCK_BYTES, bool), np.empty(BLOCK_BYTES, bool)
    for base in range(0, len(array), BLOCK_BYTES):
        block = array[base : base + BLOCK_BYTES]
        here, other = first[: len(block)], second[: len(block)]
        np.equal(block, _LF, out=here)
        np.equal(block, mark, out=other)
        np.logical_or(here, other, out=here)
        np.equal(block, quoted, out=other)
        any_quote = bool(other.any())
        if any_quote:
            np.logical_or(here, other, out=here)
        places = np.flatnonzero(here)
        kinds = block[places]
        if any_quote:
            is_quote = kinds == quoted
            running = np.cumsum(is_quote, dtype=np.int32)
            running += quotes
            # Outside quotes is where an even number of them has gone before; "" inside a cell counts twice.
            outside = (running & 1) == 0
            outside &= ~is_quote
            marks.append(places[is_quote] + base)
            at_ends = outside & (kinds == _LF)
            rank = np.cumsum(outside, dtype=np.int32)
            chosen = np.flatnonzero(at_ends)
            order.append(rank[chosen].astype(np.int64) + (separators - 1))
            tallies.append(running[chosen].astype(np.int64))
            ends.append(places[chosen] + base)
            separators += int(rank[-1]) if len(rank) else 0
            quotes = int(running[-1]) if len(running) else quotes
        elif quotes % 2 == 0:
            chosen = np.flatnonzero(kinds == _LF)
            order.append(chosen + separators)
            tallies.append(np.full(len(chosen), quotes, np.int64))
            ends.append(places[chosen] + base)
            separators += len(places)
    return _join(ends), _Order(_join(order), separators), _join(tallies), _join(marks)


def _scan_line_ends(
    array: npt.NDArray[np.uint8], quoted: int
) -> tuple[npt.NDArray[np.int64], _Order, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """As `_scan`, without looking at delimiters: as if line ends were the only separators."""
    ends: list[npt.NDArray[np.int64]] = []
    marks: list[npt.NDArray[np.int64]] = []
    mask = np.empty(BLOCK_BYTES, bool)
    for base in range(0, len(array), BLOCK_BYTES):
        block = array[base : base + BLOCK_BYTES]
        here = mask[: len(block)]
        for kind, found in ((_LF, ends), (quoted, marks)):
            np.equal(block, kind, out=here)
            places = np.flatnonzero(here)
            places += base
            found.append(places)
    every, quotes = _join(ends), _join(marks)
    tally = np.searchsorted(quotes, every)
    outside = (tally & 1) == 0
    chosen = every[outside]
    return chosen, _Order(np.arange(len(chosen)), len(chosen)), tally[outside], quotes


def _join(parts: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _check_quotes(
    array: npt.NDArray[np.uint8], marks: npt.NDArray[np.int64], mark: int, quoted: int, offset: int
) -> None:
    """Every opening quote begins a cell (or is the second of a pair), every closing one ends it (or is the first)."""
    opening, closing = marks[0::2], marks[1::2]
    behind = opening[opening > 0] - 1
    before = array[behind]
    bad = (before != mark) & (before != _LF) & (before != quoted)
    if bad.any():
        raise UnprovedError(offset + int(behind[bad][0]) + 1, "quote inside a cell")
    ahead = closing[closing < len(array) - 1] + 1
    after = array[ahead]
    bad = (after != mark) & (after != _LF) & (after != _CR) & (after != quoted)
    if bad.any():
        raise UnprovedError(offset + int(ahead[bad][0]) - 1, "text after a closing quote")


def _line_end(
    array: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    marks: npt.NDArray[np.int64],
    returned: bool,
    used: int,
    offset: int,
    newline: int,
) -> int:
    """Length of the line end, the same for every record. A carriage return elsewhere must be inside quotes."""
    returns = np.flatnonzero(array[:used] == _CR) if returned else np.empty(0, np.int64)
    if len(marks) and len(returns):
        returns = returns[np.searchsorted(marks, returns) % 2 == 0]
    if not len(returns):
        length = 1 if len(ends) else newline
    elif len(returns) == len(ends) and bool((returns == ends - 1).all()):
        length = 2
    else:
        raise UnprovedError(offset + int(returns[0]), "mixed line ends")
    if newline and length != newline:
        raise UnprovedError(offset + int(ends[0] if len(ends) else 0), "mixed line ends")
    return length


def iterate_records(
    path: Path,
    *,
    delimiter: str = ",",
    quote: str = '"',
    start: int = 0,
    segment_bytes: int = SEGMENT_BYTES,
    count_cells: bool = True,
) -> Iterator[Records]:
    """The records of a file, segment by segment; memory is bounded by `segment_bytes` and the longest record.

    start: bytes to leave out at the beginning (a byte order mark). Raises `UnprovedError` at the segment that is not plain.
    """
    newline = 0
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        # One buffer for all segments: fresh memory costs more than looking at it.
        offset, kept, buffer = start, 0, bytearray(segment_bytes)
        while True:
            read = _fill(file, buffer, kept)
            final = read < len(buffer)
            if not read:
                return
            records, used = prove_segment(
                buffer,
                size=read,
                delimiter=delimiter,
                quote=quote,
                offset=offset,
                final=final,
                newline=newline,
                count_cells=count_cells,
            )
            newline = records.newline or newline
            if len(records):
                yield records
            if final:
                return
            offset, kept = offset + used, read - used
            rest = buffer[used:]
            if kept > segment_bytes // 2:
                # A record longer than a segment is read whole before it is looked at again.
                segment_bytes *= 2
                buffer = bytearray(segment_bytes)
            buffer[:kept] = rest


def _fill(file: RawIOBase, buffer: bytearray, kept: int) -> int:
    """Read behind the first `kept` bytes until the buffer or the file ends. Returns the bytes in it."""
    view = memoryview(buffer)
    while kept < len(buffer) and (count := file.readinto(view[kept:])):
        kept += count
    return kept
