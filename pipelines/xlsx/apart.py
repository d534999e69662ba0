"""The rows of a sheet from a process of its own: reading them costs as much as judging them, and both can go on at once.

As a program (``python -m pipelines.xlsx.apart FILE SHEET``) it writes blocks of rows, each as its length (4 bytes) and a
pickle of ``("rows", rows)``; last comes ``("end", "")``, or ``("unproved", why)``.
"""

import json
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import IO, Any

from pipelines.xlsx.parts import Unproved
from pipelines.xlsx.sheet import open_sheet

BLOCK, FIRST = 2_000, 50
"""Rows of a block, and of the first, which is all that a look at the beginning takes."""
AHEAD = 8
"""Blocks that are read and not yet asked for."""

_LENGTH = struct.Struct(">I")


def rows_apart(path: Path, sheet: str | int) -> Generator[list[Any], None, None]:
    """The rows of `open_sheet(path, sheet)`, read by another process; raises `Unproved` as it does, or when that process dies."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.xlsx.apart", str(path), json.dumps(sheet)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    blocks: Queue[bytes] = Queue(AHEAD)
    with ThreadPoolExecutor(1) as side:
        side.submit(_drain, process.stdout, blocks)
        block = b"-"
        try:
            while block := blocks.get():
                kind, told = pickle.loads(block)
                if kind == "end":
                    return
                if kind == "unproved":
                    raise Unproved(told)
                yield from told
            raise Unproved("the process that reads the sheet has died")
        finally:
            process.kill()
            # The thread may wait for room; what it still brings is for nobody.
            while block:
                block = blocks.get()
            process.stdout.close()
            process.wait()


def _drain(stream: IO[bytes], blocks: "Queue[bytes]") -> None:
    """Take blocks from the process as they come; an empty one says that there are no more."""
    with suppress(OSError, ValueError):
        while len(length := stream.read(_LENGTH.size)) == _LENGTH.size:
            (size,) = _LENGTH.unpack(length)
            if len(block := stream.read(size)) < size:
                break
            blocks.put(block)
    blocks.put(b"")


def main(path: str, sheet: str) -> None:
    out = sys.stdout.buffer

    def tell(kind: str, told: Any) -> None:
        block = pickle.dumps((kind, told), pickle.HIGHEST_PROTOCOL)
        out.write(_LENGTH.pack(len(block)) + block)

    try:
        with Path(path).open("rb") as file:
            rows = open_sheet(file, json.loads(sheet)).rows()
            block = list(islice(rows, FIRST))
            while block:
                tell("rows", block)
                block = list(islice(rows, BLOCK))
        tell("end", "")
    except Unproved as doubt:
        tell("unproved", str(doubt))
    out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
