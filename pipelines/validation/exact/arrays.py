"""Arrow to numpy and back without pandas: pyarrow's own way imports it, which takes longer than many a validation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class Growing:
    """Numbers to which another thread adds at the end. What is there is never moved under the hands of a reader."""

    def __init__(self, kind: Any) -> None:
        self._held: npt.NDArray[Any] = np.zeros(1024, kind)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, places: Any) -> Any:
        """By place or array of places; a slice only of those known (`whole`)."""
        return self._held[places]

    def extend(self, values: npt.ArrayLike) -> None:
        fresh = np.asarray(values)
        begin = self._length
        self.reach(begin + len(fresh))
        self._held[begin : self._length] = fresh

    def reach(self, length: int) -> None:
        """Make it at least so long; what nobody has given is zero."""
        if length <= self._length:
            return
        if length > len(self._held):
            larger = np.zeros(max(length, 2 * len(self._held)), self._held.dtype)
            larger[: self._length] = self._held[: self._length]
            self._held = larger
        self._length = length

    def put(self, places: npt.NDArray[np.int64], values: npt.NDArray[Any]) -> None:
        """Values at ascending places, behind the end where need be."""
        if len(places):
            self.reach(int(places[-1]) + 1)
            self._held[places] = values

    def whole(self) -> npt.NDArray[Any]:
        """All numbers added so far."""
        return self._held[: self._length]

    def between(self, first: int, last: int) -> npt.NDArray[Any]:
        """Of sorted numbers, those from `first` up to but not `last`."""
        whole = self.whole()
        return whole[np.searchsorted(whole, first) : np.searchsorted(whole, last)]


def numbers(column: pa.Array, kind: Any) -> npt.NDArray[Any]:
    """The values of a column of numbers; anything where it has none."""
    buffer = column.buffers()[1]
    return (
        np.frombuffer(buffer, kind)[column.offset : column.offset + len(column)]
        if buffer
        else np.empty(0, kind)
    )


def bits(column: pa.Array) -> npt.NDArray[np.bool_]:
    """The values of a column of booleans without missing ones."""
    if not len(column):
        return np.empty(0, bool)
    packed = np.frombuffer(column.buffers()[1], np.uint8)
    unpacked = np.unpackbits(packed, count=column.offset + len(column), bitorder="little")
    return unpacked[column.offset :].astype(bool)


def text_array(texts: Sequence[str | None]) -> pa.Array:
    """A column of texts."""
    encoded = [b"" if text is None else text.encode() for text in texts]
    ends = np.zeros(len(texts) + 1, np.int32)
    np.cumsum([len(each) for each in encoded], out=ends[1:])
    there = np.packbits(np.asarray([text is not None for text in texts], bool), bitorder="little")
    buffers = [pa.py_buffer(there), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def rank_array(count: int) -> pa.Array:
    """0, 1, 2 and so on."""
    return pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(np.arange(count))])
