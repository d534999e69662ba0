"""Arrow to numpy and back without pandas: pyarrow's own way imports it, which takes longer than many a validation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


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
