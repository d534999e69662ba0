"""ZIP files and OLE compound files, opened without trusting what they say about themselves.

Whatever is wrong with one is a `BrokenContainerError` with a short technical reason; callers make findings
of it.
"""

import errno
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHUNK = 2**20
MAX_DIRECTORY_BYTES = 2**24
"""Largest table of contents of a ZIP that is read; 2,000 entries need a fiftieth of it."""

ZIP_START = b"PK\x03\x04"
ZIP_EMPTY = b"PK\x05\x06"
OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ZIP_TROUBLES = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    UnicodeDecodeError,
    ValueError,
    OverflowError,
)


class BrokenContainerError(Exception):
    """A container cannot be read; the text is a technical detail."""


class TooManyEntriesError(BrokenContainerError):
    """The table of contents of a ZIP is larger than any honest one."""


@contextmanager
def _damage_told() -> Iterator[None]:
    """What `zipfile` raises for damage, as BrokenContainerError; troubles of the machine go through."""
    try:
        yield
    except _ZIP_TROUBLES as error:
        raise BrokenContainerError(_reason(error)) from error
    except OSError as error:
        # A damaged table of contents sends `zipfile` to a place before the beginning of the file.
        if error.errno != errno.EINVAL:
            raise
        raise BrokenContainerError(_reason(error)) from error


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a ZIP whose table of contents is of a sane size. Raises BrokenContainerError."""
    if _directory_bytes(path) > MAX_DIRECTORY_BYTES:
        raise TooManyEntriesError("table of contents too large")
    with _damage_told():
        return zipfile.ZipFile(path)


def _directory_bytes(path: Path) -> int:
    """Size that the end of a ZIP states for its table of contents (what `zipfile` would read into memory)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 2**16 - _END.size - _END_64_LOCATOR.size))
        tail = file.read()
        position = tail.rfind(ZIP_EMPTY)
        if position < 0 or position + _END.size > len(tail):
            raise BrokenContainerError("end of the ZIP file missing")
        stated = _END.unpack_from(tail, position)[5]
        before = position - _END_64_LOCATOR.size
        if before >= 0 and tail[before:].startswith(b"PK\x06\x07"):
            start = _END_64_LOCATOR.unpack_from(tail, before)[2]
            file.seek(min(start, size))
            record = file.read(_END_64.size)
            if len(record) == _END_64.size:
                stated = max(stated if stated != 2**32 - 1 else 0, _END_64.unpack(record)[8])
    return stated


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of an entry, in chunks. Raises BrokenContainerError for damage, unknown packing and
    passwords.

    Only stored and deflated entries are read: the other ways of packing let a few bytes ask for gigabytes.
    """
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BrokenContainerError(f"compression method {entry.compress_type}")
    with _damage_told(), archive.open(entry) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def unpacked_bytes(path: Path, most: int) -> int:
    """Bytes in all entries of a ZIP, counted while unpacking; stops counting above `most`."""
    total = 0
    with open_zip(path) as archive:
        for entry in archive.infolist():
            for chunk in read_entry(archive, entry):
                total += len(chunk)
                if total > most:
                    return total
    return total


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


class OleFile:
    """Reads names and streams of an OLE compound file ([MS-CFB]): XLS, and OOXML with a password.

    streams: name -> (first sector, bytes); folders are streams of no bytes.
    """

    _FREE = 0xFFFFFFFA  # this and above are marks, not sectors

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        header = file.read(512)
        if len(header) < 512 or not header.startswith(OLE_START):
            raise BrokenContainerError("not an OLE compound file")
        (shift,) = struct.unpack_from("<H", header, 30)
        if shift not in (9, 12):
            raise BrokenContainerError(f"sectors of 2^{shift} bytes")
        self._sector = 1 << shift
        first_directory, _, self._small_limit, first_small, _, first_difat, _ = struct.unpack_from(
            "<7L", header, 48
        )
        self._table = self._read_table(header, first_difat)
        self.streams: dict[str, tuple[int, int]] = {}
        self._root = (self._FREE, 0)
        self._read_directory(b"".join(self._chain(first_directory)))
        self._small_table = self._numbers(b"".join(self._chain(first_small)))
        self._small: bytes | None = None

    def _sector_bytes(self, number: int) -> bytes:
        self._file.seek((number + 1) * self._sector)
        return self._file.read(self._sector)

    @staticmethod
    def _numbers(data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(data) // 4}L", data[: len(data) // 4 * 4])

    def _read_table(self, header: bytes, further: int) -> list[int]:
        """The sector after each sector."""
        sectors = [number for number in struct.unpack_from("<109L", header, 76) if number < self._FREE]
        seen: set[int] = set()
        while further < self._FREE:
            if further in seen:
                raise BrokenContainerError("sectors in a circle")
            seen.add(further)
            numbers = self._numbers(self._sector_bytes(further))
            if not numbers:
                break
            sectors += [number for number in numbers[:-1] if number < self._FREE]
            further = numbers[-1]
        table: list[int] = []
        for sector in dict.fromkeys(sectors):
            table += self._numbers(self._sector_bytes(sector))
        return table

    def _chain(self, number: int) -> Iterator[bytes]:
        left = len(self._table)
        while number < self._FREE:
            if number >= len(self._table) or left <= 0:
                raise BrokenContainerError("chain of sectors broken")
            left -= 1
            yield self._sector_bytes(number)
            number = self._table[number]

    def _read_directory(self, data: bytes) -> None:
        for start in range(0, len(data) - 127, 128):
            length, kind = struct.unpack_from("<HB", data, start + 64)
            first, size = struct.unpack_from("<LQ", data, start + 116)
            if kind == 5:
                self._root = (first, size & 0xFFFFFFFF)
            elif kind in (1, 2):
                name = data[start : start + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
                self.streams.setdefault(name, (first, size & 0xFFFFFFFF if kind == 2 else 0))

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of a stream, in pieces. Raises BrokenContainerError when sectors cannot be followed."""
        if name not in self.streams:
            raise BrokenContainerError(f"stream {name} missing")
        first, size = self.streams[name]
        pieces = self._small_chain(first) if size < self._small_limit else self._chain(first)
        for piece in pieces:
            if size <= 0:
                return
            yield piece[:size]
            size -= len(piece)

    def _small_chain(self, number: int) -> Iterator[bytes]:
        if self._small is None:
            self._small = b"".join(self._chain(self._root[0]))
        left = len(self._small_table)
        while number < self._FREE:
            if number >= len(self._small_table) or left <= 0:
                raise BrokenContainerError("chain of small sectors broken")
            left -= 1
            yield self._small[number * 64 : number * 64 + 64]
            number = self._small_table[number]
