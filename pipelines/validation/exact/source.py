"""The file that is screened, and the proof of where its records are, which goes on beside the screen."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from threading import Condition

import numpy as np
import numpy.typing as npt
from frictionless import FrictionlessException

from pipelines.structure import Records, iterate_records, prove_segment
from pipelines.validation.exact.arrays import Growing

_PARTS, SMALLEST_PART, _LARGEST_PART = 16, 8 << 20, 32 << 20
"""A file is proved in about so many parts, of at least and at most so many bytes: every part costs a query."""

_BEGINNING = 8 << 20
"""Bytes of the file in which every cell is counted before anything else."""

BOM = b"\xef\xbb\xbf"


class MisreadError(Exception):
    """DuckDB and the proof of structure do not see the same records, or the text is not UTF-8: read it another way.

    The first of these is so, too, when records have not `width` cells and these have not been counted yet.
    """


class StoppedError(Exception):
    """Cancelled, or the time allowed is over."""


class Source:
    """A plain UTF-8 file whose records become known one after the other, in a thread of its own.

    Cells need no counting where every record has as many as it should: DuckDB then gives as many rows as there are
    records, each as long as it was proved to be. Where it does not, begin again with `count_cells`; also
    (`MisreadError`) where a record with quotes ends in what may be one empty cell too many, which DuckDB drops
    without a word, and of which the length of a record with quotes says nothing.

    starts: byte of each known record, and one more for the end of the last. content: bytes of each record without
    separators, if it has `width` cells. quotes: quote characters in it. irregular: records whose number of cells is
    not `width`; only the blank ones when cells were not counted. skipped: those of them that DuckDB leaves out; it
    takes a record all of whose cells too many are empty, and a blank one for a row of one cell. terminal: what ended
    Frictionless' reading of the submitted file, if anything did.
    """

    def __init__(
        self,
        path: Path,
        delimiter: str,
        width: int,
        *,
        count_cells: bool = False,
        terminal: FrictionlessException | None = None,
    ) -> None:
        self.path, self.delimiter, self.width = path, delimiter, width
        self.count_cells, self.terminal = count_cells, terminal
        self.size = path.stat().st_size
        with path.open("rb") as file:
            begin = len(BOM) if file.read(len(BOM)) == BOM else 0
        self.newline = 1
        self.starts = Growing(np.int64)
        self.starts.extend([min(begin, self.size)])
        self.content, self.quotes = Growing(np.int32), Growing(np.int32)
        self.irregular, self.skipped = Growing(np.int64), Growing(np.int64)
        self._known, self._over, self._halted = 0, False, False
        self._ends: list[int] = []
        self._changed = Condition()
        self._proof: Future[None] | None = None

    def __len__(self) -> int:
        """Records known; all of them after `complete`."""
        return self._known

    def begin(self, side: Executor) -> None:
        """Prove the records in a thread of `side`."""
        self._proof = side.submit(self._prove)

    def wait(self, count: int) -> None:
        """Until `count` records are known, or the last. Raises what the proof raised (`UnprovedError`, `MisreadError`)."""
        with self._changed:
            self._changed.wait_for(lambda: self._known >= count or self._over)
        if self._over and self._proof is not None:
            self._proof.result()

    def parts(self) -> Iterator[tuple[int, int]]:
        """(first record, one behind the last) of the parts of the file, each as soon as it is proved. Raises as `wait`."""
        first = number = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda at=number: len(self._ends) > at or self._over)  # type: ignore[misc]
            if number == len(self._ends):
                return self.complete()
            yield first, self._ends[number]
            first, number = self._ends[number], number + 1

    def complete(self) -> None:
        """Until all records are known. Raises as `wait`."""
        assert self._proof is not None
        self._proof.result()

    def halt(self) -> None:
        """End the proof; returns when it has ended. What it raised is nobody's any more."""
        self._halted = True
        if self._proof is not None:
            self._proof.exception()

    def expected(self) -> int:
        """Records in all: counted once all are known, before that estimated from the bytes."""
        done = int(self.starts[self._known])
        return self._known if self._over or not done else round(self._known * self.size / done)

    def _prove(self) -> None:
        try:
            for records in iterate_records(
                self.path,
                delimiter=self.delimiter,
                start=int(self.starts[0]),
                segment_bytes=min(max(self.size // _PARTS, SMALLEST_PART), _LARGEST_PART),
                count_cells=self.count_cells,
            ):
                self._add(records)
                if self._halted:
                    return
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _add(self, records: Records) -> None:
        counted, known = self.count_cells, self._known
        self.newline = records.newline or self.newline
        if not counted and (records.open_ended & (records.quotes > 0)).any():
            raise MisreadError("a record may have one empty cell too many")
        separators = np.maximum(records.cells, 1) - 1 if counted else self.width - 1
        self.starts.extend(
            np.append(records.starts[1:], min(int(records.ends[-1]) + self.newline, self.size))
        )
        self.content.extend(records.ends - records.starts - separators)
        self.quotes.extend(records.quotes)
        odd = np.flatnonzero(records.cells != self.width if counted else records.cells == 0)
        if len(odd):
            self.irregular.extend(odd + known)
            taken = odd[records.cells[odd] == 0] if self.width == 1 else odd[:0]
            if counted:
                long = odd[(records.cells[odd] > self.width) & records.open_ended[odd]] + known
                empty = [place - known for place, cells in self.cells(long) if not any(cells[self.width :])]
                taken = np.union1d(taken, np.asarray(empty, np.int64))
            self.skipped.extend(np.setdiff1d(odd, taken) + known)
        with self._changed:
            self._known = known + len(records)
            self._ends.append(self._known)
            self._changed.notify_all()

    def copy(self, first: int, last: int, target: Path) -> None:
        """Write the records from `first` up to but not `last` to a file of their own, behind a byte order mark.

        DuckDB takes away one such mark, and would otherwise take that of a first cell that begins with one.
        """
        place, end = int(self.starts[first]), int(self.starts[last])
        with self.path.open("rb") as file, target.open("wb") as out:
            out.write(BOM)
            while place < end:
                data = os.pread(file.fileno(), min(end - place, 1 << 20), place)
                if not data:
                    raise MisreadError("the file has become shorter")
                out.write(data)
                place += len(data)

    def widths_hold(self, reached: int) -> bool:
        """Whether the first `reached` records are as wide as they were taken to be.

        When DuckDB is not let to the end of the file, its number of rows proves nothing.
        """
        if self.count_cells or reached <= 0:
            return True
        last = int(self.starts[reached])
        for records in iterate_records(self.path, delimiter=self.delimiter, start=int(self.starts[0])):
            odd = (records.cells != self.width) & (records.cells != 0) & (records.starts < last)
            if odd.any():
                return False
            if int(records.ends[-1]) >= last:
                break
        return True

    def cells(self, places: Sequence[int] | npt.NDArray[np.int64]) -> Iterator[tuple[int, list[str]]]:
        """(place, cells) of some records, in the order given, as Python's csv.reader splits them."""
        with self.path.open("rb") as file:
            handle = file.fileno()
            for base in range(0, len(places), 256):
                some = [int(place) for place in places[base : base + 256]]
                texts = []
                for place in some:
                    start = int(self.starts[place])
                    data = os.pread(handle, int(self.starts[place + 1]) - start, start)
                    texts.append(data.decode("utf-8"))
                # The last record may lack its line end; one more is a blank line to nobody.
                text = "".join(each if each.endswith("\n") else each + "\n" for each in texts)
                found = list(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter))
                if len(found) != len(some):
                    raise MisreadError("a record is more than one to csv.reader")
                yield from zip(some, found, strict=True)


def begins_even(path: Path, delimiter: str, width: int) -> bool:
    """Whether the records at the beginning of a file have `width` cells each. Raises `UnprovedError`."""
    with path.open("rb") as file:
        data = file.read(_BEGINNING)
    start = len(BOM) if data.startswith(BOM) else 0
    records, _used = prove_segment(
        data[start:], delimiter=delimiter, offset=start, final=len(data) < _BEGINNING
    )
    return bool((records.cells == width).all())
