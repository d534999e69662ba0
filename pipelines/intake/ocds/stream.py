"""JSON text read piece by piece, in constant memory, with positions a person can find.

Numbers are never turned into floats, nor into numbers at all: everything staged is text, so a number is kept
as the text it was written as (an exponent is written out). The parser is the C scanner of the standard
library, fed with a moving window over the file: several times faster than an event parser, and it says line
and column of a fault.
"""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

MAX_DIGITS = 1_000
"""Longest number that is read, and largest power of ten (either way) that is written out."""

MAX_VALUE_CHARACTERS = 256 * 2**20
"""Longest single value held in memory: one release, or one line of JSON Lines."""

_CHUNK = 2**20
_MARGIN = 16
_SPACE = re.compile(r"[ \t\n\r]*")
_LONG_DIGITS = re.compile(rf"[0-9]{{{MAX_DIGITS + 1}}}\Z")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class BrokenJsonError(Exception):
    """The text is not JSON from here on; becomes a finding, never leaves this package.

    reason: ``syntax``, ``truncated``, ``control-character``, ``not-a-number`` (NaN, Infinity),
    ``number-too-long``, ``too-deep``, ``too-large``, ``encoding``, ``html`` or ``damaged-archive``.
    """

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column

    def parameters(self) -> dict[str, Any]:
        """What the finding says; position is ``line:column``, empty where none is known."""
        position = f"{self.line}:{self.column}" if self.line else ""
        return {"reason": self.reason, "line": self.line, "column": self.column, "position": position}


class _RefusedTokenError(ValueError):
    """A token that the scanner knows and we do not take."""

    def __init__(self, reason: str, token: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.token = token


class IntegerText(str):
    """A number as it was written, without fraction: text everywhere, and still known not to have been one."""

    __slots__ = ()


class RealText(str):
    """A number with a fraction, as it was written."""

    __slots__ = ()


def _integer(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise _RefusedTokenError("number-too-long", text)
    return IntegerText(text)


def _real(text: str) -> str:
    """A number with fraction or exponent as plain decimals: ``1.50`` stays, ``1.5e3`` becomes ``1500``."""
    if len(text) > MAX_DIGITS:
        raise _RefusedTokenError("number-too-long", text)
    if "e" in text or "E" in text:
        number = Decimal(text)
        if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
            raise _RefusedTokenError("number-too-long", text)
        return RealText(format(number, "f"))
    return RealText(text)


def _constant(text: str) -> str:
    raise _RefusedTokenError("not-a-number", text)


_DECODER = json.JSONDecoder(parse_float=_real, parse_int=_integer, parse_constant=_constant)


def detect_encoding(start: bytes) -> tuple[str, int]:
    """(codec, bytes of the byte order mark); UTF-16 without a mark shows by the zero byte beside its first
    sign.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding, len(mark)
    if start[1:2] == b"\0" and start[:1] != b"\0":
        return "utf-16-le", 0
    if start[:1] == b"\0" and start[1:2] != b"\0":
        return "utf-16-be", 0
    return "utf-8", 0


class TextSource:
    """Text of a JSON file, gzipped or not, chunk by chunk.

    encoding: known after the first chunk. bytes_read: unpacked bytes so far. limit: most bytes that are
    unpacked.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.limit = limit
        self.encoding = "utf-8"
        self.bytes_read = 0
        with path.open("rb") as file:
            self.gzipped = file.read(2) == b"\x1f\x8b"

    def __iter__(self) -> Iterator[str]:
        """Chunks of text; raises `BrokenJsonError` without a position where bytes cannot be read as text."""
        opener = gzip.open if self.gzipped else open
        with opener(self.path, "rb") as file:
            decoder = None
            while True:
                try:
                    chunk = file.read(_CHUNK)
                except (EOFError, OSError, zlib.error):
                    raise BrokenJsonError("damaged-archive") from None
                self.bytes_read += len(chunk)
                if self.bytes_read > self.limit:
                    raise BrokenJsonError("too-large")
                if decoder is None:
                    self.encoding, mark = detect_encoding(chunk)
                    decoder = codecs.getincrementaldecoder(self.encoding)()
                    chunk = chunk[mark:]
                    last = not chunk and not mark
                else:
                    last = not chunk
                try:
                    text = decoder.decode(chunk, final=last)
                except UnicodeDecodeError as error:
                    yield bytes(error.object[: error.start]).decode(self.encoding, "ignore")
                    raise BrokenJsonError("encoding") from None
                if text:
                    yield text
                if last:
                    return


def numbered_lines(chunks: Iterator[str]) -> Iterator[tuple[int, str]]:
    """(line number from 1, line) for every line that is not blank; faults of the bytes get the line they are
    in.
    """
    number, rest = 1, ""
    try:
        for chunk in chunks:
            lines = (rest + chunk).split("\n")
            rest = lines.pop()
            for line in lines:
                if not line.isspace() and line:
                    yield number, line
                number += 1
            if len(rest) > MAX_VALUE_CHARACTERS:
                raise BrokenJsonError("too-large")
    except BrokenJsonError as error:
        raise BrokenJsonError(error.reason, number, len(rest) + 1) from None
    if rest and not rest.isspace():
        yield number, rest


class JsonStream:
    """A cursor over JSON text. `line` is the line number of the first chunk's first character."""

    def __init__(self, chunks: Iterator[str], line: int = 1) -> None:
        self._chunks = chunks
        self._text = ""
        self._position = 0
        self._ended = False
        self._line = line
        self._column = 0

    def broken(self, reason: str, position: int | None = None) -> BrokenJsonError:
        """The exception for a fault at `position` of the window (default: the cursor)."""
        position = self._position if position is None else min(position, len(self._text))
        lines = self._text.count("\n", 0, position)
        start = self._text.rfind("\n", 0, position) + 1
        column = position - start + (0 if lines else self._column)
        return BrokenJsonError(reason, self._line + lines, column + 1)

    def peek(self) -> str:
        """Next character that is not white space; empty at the end."""
        while True:
            space = _SPACE.match(self._text, self._position)
            self._position = space.end() if space else self._position
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._fill():
                return ""

    def value(self) -> Any:
        """The value at the cursor, whole: dict, list, str (texts and numbers), bool or None."""
        return self.value_and_text()[0]

    def value_and_text(self) -> tuple[Any, str]:
        """As `value`, and its text exactly as it stands in the file."""
        if not self.peek():
            raise self.broken("truncated")
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                self._fill_or_raise(error)
                continue
            except _RefusedTokenError as error:
                # The token was scanned from the cursor on, so its text is there.
                raise self.broken(error.reason, self._text.find(error.token, self._position)) from None
            except RecursionError:
                raise self.broken("too-deep") from None
            length = end - self._position
            # A number that ends where the window ends may go on behind it.
            if end < len(self._text) or not isinstance(value, str) or not self._fill():
                text = self._text[self._position : self._position + length]
                self._position += length
                return value, text

    def elements(self) -> Iterator[None]:
        """Step into the array at the cursor: yields with the cursor on each element, which must be read."""
        yield from self._steps("[", "]")

    def members(self) -> Iterator[str]:
        """Step into the object at the cursor: yields each name with the cursor on its value, which must be
        read.
        """
        for _ in self._steps("{", "}"):
            quote = self.peek()
            if quote != '"':
                raise self.broken("syntax" if quote else "truncated")
            name = self.value()
            self._expect(":")
            yield name

    def _steps(self, opening: str, closing: str) -> Iterator[None]:
        self._expect(opening)
        if self.peek() == closing:
            self._position += 1
            return
        while True:
            yield
            following = self.peek()
            self._position += 1
            if following == closing:
                return
            if following != ",":
                self._position -= 1
                raise self.broken("syntax" if following else "truncated")
            if self.peek() == closing:
                raise self.broken("syntax")

    def _expect(self, character: str) -> None:
        found = self.peek()
        if found != character:
            raise self.broken("syntax" if found else "truncated")
        self._position += 1

    def _fill_or_raise(self, error: json.JSONDecodeError) -> None:
        """More text, when the value may just be cut by the window; else the fault is in the file."""
        in_string = error.msg.startswith("Unterminated string")
        offset = error.pos - self._position
        if in_string or error.pos >= len(self._text) - _MARGIN:
            if not in_string and _LONG_DIGITS.search(self._text, max(len(self._text) - MAX_DIGITS - 1, 0)):
                raise self.broken("number-too-long", len(self._text) - MAX_DIGITS - 1)
            if len(self._text) - self._position > MAX_VALUE_CHARACTERS:
                raise self.broken("too-large")
            if self._fill():
                return
        fault = self._position + offset
        if error.msg.startswith("Invalid control character"):
            raise self.broken("control-character", fault)
        at_end = in_string or fault >= len(self._text.rstrip())
        raise self.broken("truncated" if at_end else "syntax", fault)

    def _fill(self) -> bool:
        """Drop what was read and double the window, or at least add a chunk; False at the end of the text."""
        if self._ended:
            return False
        read = self._text.count("\n", 0, self._position)
        if read:
            self._line += read
            self._column = self._position - self._text.rfind("\n", 0, self._position) - 1
        else:
            self._column += self._position
        pieces = [self._text[self._position :]]
        self._text, self._position = pieces[0], 0
        wanted, added = len(pieces[0]), 0
        while True:
            try:
                piece = next(self._chunks, None)
            except BrokenJsonError as error:
                self._text = "".join(pieces)
                raise self.broken(error.reason, len(self._text)) from None
            if piece is None:
                self._ended = True
                break
            pieces.append(piece)
            added += len(piece)
            if added >= wanted:
                break
        self._text = "".join(pieces)
        return added > 0
