"""The file that is screened: the submitted one where it is plain, else what Frictionless read of it, written anew."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from frictionless import FrictionlessException

from pipelines.structure import iterate_records
from pipelines.validation.exact.probe import Probe

_SHORTEST_STRETCH, _LONGEST_STRETCH = 8 << 20, 100 << 20

BOM = b"\xef\xbb\xbf"


class MisreadError(Exception):
    """DuckDB and the proof of structure do not see the same records, or the text is not UTF-8: read it another way.

    The first of these is so, too, when records have not `width` cells and these have not been counted yet.
    """


class StoppedError(Exception):
    """Cancelled, or the time allowed is over."""


@dataclass(slots=True)
class Source:
    """A plain UTF-8 file, every record of which is known.

    starts: byte of each record, and one more for the end. newline: bytes of a line end. content: bytes of each
    record without separators, if it has `width` cells. quotes: quote characters in it. irregular: records
    whose number of cells is not `width`; only the blank ones when cells were not counted. overlong: those of them
    that DuckDB takes all the same, for all they have too many is empty cells at the end. terminal: what ended
    Frictionless' reading of the submitted file, if anything did.
    """

    path: Path
    delimiter: str
    newline: int
    width: int
    starts: npt.NDArray[np.int64]
    content: npt.NDArray[np.int32]
    quotes: npt.NDArray[np.int32]
    irregular: npt.NDArray[np.int64]
    blank: npt.NDArray[np.int64]
    overlong: npt.NDArray[np.int64]
    counted: bool
    terminal: FrictionlessException | None = None
    parallel: bool = True

    def __len__(self) -> int:
        return len(self.content)

    def stretch(self) -> int:
        """Bytes that DuckDB's threads take at a time, chosen so that they begin in records without quotes.

        A thread that begins inside a quoted cell may take a part of it for a record; `check_alignment` sees that,
        but the pass is lost. Of some lengths, that one is taken with the fewest dangerous beginnings.
        """
        size = int(self.starts[-1])
        usual = min(max(size // 6, _SHORTEST_STRETCH), _LONGEST_STRETCH)
        best, fewest = usual, size
        for length in np.linspace(0.8 * usual, 1.25 * usual, 200).astype(np.int64):
            places = np.searchsorted(self.starts, np.arange(length, size, length), "right") - 1
            dangers = int((self.quotes[places] > 0).sum())
            if dangers < fewest:
                best, fewest = int(length), dangers
            if not fewest:
                break
        return best

    def widths_hold(self, reached: int) -> bool:
        """Whether the first `reached` records are as wide as they were taken to be.

        When DuckDB is not let to the end of the file, its number of rows proves nothing.
        """
        if self.counted or reached <= 0:
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


def prove(
    path: Path, delimiter: str, width: int, check: Callable[[int, int], None], *, count_cells: bool = False
) -> Source:
    """Every record of a file. check: called with bytes done and bytes in all. Raises `UnprovedError`.

    Cells need no counting where every record has as many as it should: DuckDB then gives as many rows as there are
    records, each as long as it was proved to be. Where it does not, come again with `count_cells`; also
    (`MisreadError`) where a record with quotes ends in what may be one empty cell too many, which DuckDB drops
    without a word, and of which the length of a record with quotes says nothing.
    """
    with path.open("rb") as file:
        start = len(BOM) if file.read(len(BOM)) == BOM else 0
    size = path.stat().st_size
    starts, content, quotes, irregular, blank, long = [], [], [], [], [], []
    count, newline, end = 0, 1, start
    for records in iterate_records(path, delimiter=delimiter, start=start, count_cells=count_cells):
        newline = records.newline or newline
        starts.append(records.starts)
        lengths = records.ends - records.starts
        separators = np.maximum(records.cells, 1) - 1 if count_cells else width - 1
        content.append((lengths - separators).astype(np.int32))
        quotes.append(records.quotes)
        if count_cells:
            long.append(np.flatnonzero((records.cells > width) & records.open_ended) + count)
        elif (records.open_ended & (records.quotes > 0)).any():
            raise MisreadError("a record may have one empty cell too many")
        odd = np.flatnonzero(records.cells != width if count_cells else records.cells == 0)
        if len(odd):
            irregular.append(odd + count)
            blank.append(odd[records.cells[odd] == 0] + count)
        count += len(records)
        end = int(records.ends[-1]) + newline
        check(end, size)
    starts.append(np.asarray([min(end, size)], np.int64))
    source = Source(
        path=path,
        delimiter=delimiter,
        newline=newline,
        width=width,
        starts=np.concatenate(starts),
        content=_join(content, np.int32),
        quotes=_join(quotes, np.int32),
        irregular=_join(irregular, np.int64),
        blank=_join(blank, np.int64),
        overlong=np.empty(0, np.int64),
        counted=count_cells,
    )
    source.overlong = np.asarray(
        [place for place, cells in source.cells(_join(long, np.int64)) if not any(cells[width:])], np.int64
    )
    return source


def _join(parts: list[Any], kind: Any) -> Any:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def rewrite(probe: Probe, target: Path, check: Callable[[int, int], None]) -> FrictionlessException | None:
    """Write the rows that Frictionless reads, whatever the dialect and the encoding, as plain CSV.

    Fills in the stats of the probe (bytes, hashes) as far as the file was read. Returns what ended the reading, if
    anything did: Frictionless reports the rows before it, and then that.
    """
    resource = probe.resource
    terminal: FrictionlessException | None = None
    with resource, target.open("w", encoding="utf-8", newline="") as file:
        # With both characters in its line end, Python's writer quotes a cell that has either.
        writer = csv.writer(file, lineterminator="\r\n")
        size = probe.path.stat().st_size
        stream = iter(resource.cell_stream)
        count = 0
        while True:
            try:
                cells = next(stream)
            except StopIteration:
                break
            except FrictionlessException as exception:
                terminal = exception
                break
            writer.writerow(cells)
            count += 1
            if count % 10_000 == 0:
                check(resource.stats.bytes or 0, size)
    return terminal
