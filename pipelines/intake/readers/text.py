"""Bytes -> text: which encoding a file is in, and what is wrong with it, found in one pass over its bytes.

The pass looks at whole blocks with functions that run at the speed of memory; only a file in which it sees
something unusual is afterwards read with a look at every row.
"""

import codecs
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BLOCK = 2**18
DAMAGE = "\udcff"
"""Stands for a sequence of bytes that the encoding does not know, until the row is looked at."""

CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""C0 control characters that mean nothing in a table: all but tab, line feed and carriage return."""

# Surrogates too: `DAMAGE`, and what JSON may write as "\\ud800"; neither can be stored.
SUSPECTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

_CONTROL_BYTES = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_LEAD_BYTES = bytes(range(0xC0, 0x100))
_BLANK_BYTES = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PYTHON_NAMES = {"cp1252": "windows-1252", "iso8859-1": "latin-1"}
_TOLD = re.compile(
    r"utf-8(-sig)?|utf-(16|32)(-le|-be)?|cp125\d|iso8859-\d+|cp(437|850|858|860|863)|mac-roman"
)
"""Encodings a sender may name. Others of Python's are no text (zip, hex) or run escapes (unicode_escape)."""


def _mark_damage(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return DAMAGE, error.end


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("ingp-damage", _mark_damage)
codecs.register_error("ingp-latin-1", _as_latin_1)


@dataclass(frozen=True, slots=True)
class TextSurvey:
    """What a file's bytes are, as text.

    encoding: name shown to people; codec: Python's; mark_bytes: length of the byte order mark.
    damaged: byte sequences outside the encoding (an estimate above 10,000; -1 where they were not counted).
    controls: whether there are C0 control characters. long_lines: whether a line may be longer than 2
    `BLOCK`.
    line_end: ``lf``, ``crlf``, ``cr``, ``mixed``, or ``none``.
    """

    encoding: str
    codec: str
    mark_bytes: int = 0
    damaged: int = 0
    controls: bool = False
    long_lines: bool = False
    line_end: str = "none"

    @property
    def is_wide(self) -> bool:
        """Whether characters take two or four bytes."""
        return self.codec.startswith(("utf-16", "utf-32"))

    @property
    def errors(self) -> str:
        """Error handler: what Windows-1252 leaves undefined is Latin-1, everything else is damage."""
        return "ingp-latin-1" if self.codec == "cp1252" else "ingp-damage"


def mark_of(head: bytes) -> tuple[str | None, int]:
    """(codec, length) of the byte order mark at the start of a file; (None, 0) without one."""
    return next(((codec, len(mark)) for mark, codec in _MARKS if head.startswith(mark)), (None, 0))


def wide_codec(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, by where the zero bytes are; None for anything else."""
    sample = head[: min(len(head), 4096) // 4 * 4] or head[: len(head) // 2 * 2]
    if not sample:
        return None
    shares = [sample[offset::4].count(0) / max(1, len(sample[offset::4])) for offset in range(4)]
    if min(shares[1:]) > 0.9 and shares[0] < 0.1:
        return "utf-32-le"
    if min(shares[:3]) > 0.9 and shares[3] < 0.1:
        return "utf-32-be"
    even, odd = (sample[offset::2].count(0) / (len(sample) // 2) for offset in (0, 1))
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    if even > 0.4 and odd < 0.1:
        return "utf-16-be"
    return None


def told_codec(name: object) -> str | None:
    """Python's name of an encoding that a sender named; None when it is none, unknown, or plain ASCII.

    A file told to be ASCII is looked at like any other: the claim is often made by tools for UTF-8 files.
    """
    if not isinstance(name, str):
        return None
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    if not _TOLD.fullmatch(codec):
        return None
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(codec, codec)


def is_blank(block: bytes) -> bool:
    """Whether a block holds only spaces, line ends, zero bytes and byte order marks."""
    return not block.strip(_BLANK_BYTES)


def has_controls(block: bytes) -> bool:
    """Whether a block of an encoding that agrees with ASCII has C0 control characters."""
    return len(block.translate(None, _CONTROL_BYTES)) != len(block)


class _Utf8Check:
    """Counts what is and what is not UTF-8, block by block."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("ingp-damage")
        self.valid = 0
        self.damaged = 0

    @property
    def hopeless(self) -> bool:
        """So much is not UTF-8 that counting on would only cost time."""
        return self.damaged > 10_000 and self.damaged > 2 * self.valid

    def feed(self, block: bytes, final: bool) -> None:
        if self.hopeless:
            return
        text = self.decoder.decode(block, final)
        if text.isascii():
            return
        damaged = text.count(DAMAGE)
        self.damaged += damaged
        leads = len(block) - len(block.translate(None, _LEAD_BYTES))
        self.valid += max(0, leads - damaged)


class _LineEnds:
    """Counts line ends over blocks of bytes or of text."""

    def __init__(self) -> None:
        self.feeds = self.returns = self.pairs = 0
        self._after_return = False

    def feed(self, block: bytes | str) -> bool:
        """True when the block has any line end."""
        lf, cr, crlf = (b"\n", b"\r", b"\r\n") if isinstance(block, bytes) else ("\n", "\r", "\r\n")
        feeds, returns = block.count(lf), block.count(cr)  # type: ignore[arg-type]
        self.feeds += feeds
        self.returns += returns
        if returns:
            self.pairs += block.count(crlf)  # type: ignore[arg-type]
        if self._after_return and block.startswith(lf):  # type: ignore[arg-type]
            self.pairs += 1
        self._after_return = block.endswith(cr)  # type: ignore[arg-type]
        return bool(feeds or returns)

    def name(self) -> str:
        kinds = {"crlf": self.pairs, "lf": self.feeds - self.pairs, "cr": self.returns - self.pairs}
        found = [kind for kind, count in kinds.items() if count]
        return "mixed" if len(found) > 1 else (found or ["none"])[0]


def survey_text(path: Path, told: object = None) -> TextSurvey:
    """Read a file once and say what text it is. told: an encoding named by the sender, which wins."""
    with path.open("rb") as file:
        head = file.read(4096)
        marked, mark_bytes = mark_of(head)
        codec = told_codec(told)
        if marked and (codec is None or codec[:6] == marked[:6]):
            codec = marked
        elif codec is None:
            codec = wide_codec(head)
        else:
            mark_bytes = 0
        file.seek(mark_bytes)
        if codec is not None and codec.startswith(("utf-16", "utf-32")):
            return _survey_wide(file, codec, mark_bytes)
        return _survey_bytes(file, codec, mark_bytes)


def _survey_wide(file: IO[bytes], codec: str, mark_bytes: int) -> TextSurvey:
    decoder = codecs.getincrementaldecoder(codec)("ingp-damage")
    ends = _LineEnds()
    damaged, controls, long_lines = 0, False, False
    while True:
        block = file.read(BLOCK)
        text = decoder.decode(block, not block)
        damaged += text.count(DAMAGE)
        controls = controls or bool(CONTROLS.search(text))
        has_end = ends.feed(text)
        long_lines = long_lines or (not has_end and len(block) == BLOCK)
        if not block:
            return TextSurvey(codec[:6], codec, mark_bytes, damaged, controls, long_lines, ends.name())


def _survey_bytes(file: IO[bytes], told: str | None, mark_bytes: int) -> TextSurvey:
    check = _Utf8Check()
    ends = _LineEnds()
    controls = long_lines = False
    while True:
        block = file.read(BLOCK)
        if told in (None, "utf-8"):
            check.feed(block, not block)
        if not block:
            break
        controls = controls or has_controls(block)
        has_end = ends.feed(block)
        long_lines = long_lines or (not has_end and len(block) == BLOCK)
    codec = told or ("utf-8" if not check.damaged or check.valid > check.damaged else "cp1252")
    damaged = {"utf-8": check.damaged, "cp1252": 0}.get(codec, -1)
    name = _PYTHON_NAMES.get(codec, codec)
    return TextSurvey(name, codec, mark_bytes, damaged, controls, long_lines, ends.name())


def open_text(path: Path, survey: TextSurvey) -> io.TextIOWrapper:
    """The file as text after its mark, line ends untouched, undecodable bytes as `DAMAGE`."""
    file = path.open("rb", buffering=2**20)
    file.seek(survey.mark_bytes)
    return io.TextIOWrapper(file, encoding=survey.codec, errors=survey.errors, newline="")


class Utf8Stream(io.RawIOBase):
    """The file as UTF-8 bytes whatever its encoding, for parsers that read nothing else."""

    def __init__(self, path: Path, survey: TextSurvey) -> None:
        self._text = open_text(path, survey)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = self._text.read(BLOCK).replace(DAMAGE, "\ufffd").encode()
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def close(self) -> None:
        self._text.close()
        super().close()


def open_utf8(path: Path, survey: TextSurvey) -> IO[bytes]:
    """The file as a stream of sound UTF-8 without a mark."""
    if survey.codec == "utf-8" and not survey.damaged:
        file = path.open("rb", buffering=2**20)
        file.seek(survey.mark_bytes)
        return file
    return io.BufferedReader(Utf8Stream(path, survey), 2**20)
