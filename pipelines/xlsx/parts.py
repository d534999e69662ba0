"""Parts of an XLSX archive in pieces, and the rules of XML for text that no parser sees."""

import re
from collections.abc import Iterator
from typing import IO, Any
from xml.parsers.expat import ParserCreate

from openpyxl.xml.constants import SHEET_MAIN_NS

PIECE = 1 << 20
"""Characters of XML looked at together."""
HEAD = 1 << 20
"""Where the rows of a sheet begin, at the latest; a longer head is left to openpyxl."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROLS = bytes(set(range(32)) - {9, 10, 13})
_ENTITY = re.compile(r"&(?:#([0-9]+)|#x([0-9A-Fa-f]+)|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NAMESPACE = re.compile(rb'xmlns="[^"]*"|xmlns=\'[^\']*\'|<[A-Za-z0-9]+:(?:worksheet|sheetData|sst)\b')
_MAIN = f'xmlns="{SHEET_MAIN_NS}"'.encode()


class Unproved(BaseException):
    """This workbook is not certain to be read as openpyxl reads it; the argument says where.

    No `Exception`: frictionless turns those of a reader into findings about the data.
    """


class Pieces:
    """A part of the archive in pieces that end where a given end tag ends.

    check: all of it must be well-formed; otherwise whoever takes the pieces sees to that.

    container: the element that holds what is wanted; `head` is what comes before it, `tail` (after `finish`) the rest.
    """

    def __init__(self, archive: Any, path: str, container: bytes, *, check: bool = True) -> None:
        self.source: IO[bytes] = archive.open(path)
        self.container = container
        self.expat = ParserCreate() if check else None
        self.tail = b""
        data = b""
        opening = re.compile(rb"<" + container + rb"(?: [^<>]*[^/<>])?(/?)>")
        while not (found := opening.search(data)):
            more = self._more(HEAD)
            data += more
            if not more or len(data) > 2 * HEAD:
                raise Unproved(f"{path}: no {container.decode()} in its head")
        self.empty = bool(found[1])
        self.opened = data[: found.end()].removeprefix(b"\xef\xbb\xbf")
        self.head, self.rest = data[: found.start()].removeprefix(b"\xef\xbb\xbf"), data[found.end() :]
        declared = re.match(rb"\s*<\?xml[^>]*?encoding=[\"']([^\"']*)[\"']", self.head)
        if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
            raise Unproved(f"{path}: encoding {declared[1]!r}")
        if _NAMESPACE.findall(self.opened) != [_MAIN]:
            raise Unproved(f"{path}: its namespaces")
        if b"<!" in self.head or not (
            root := re.search(rb"<(?![?!])[^<>]*>", self.head + b"<" + container + b">")
        ):
            raise Unproved(f"{path}: its head")
        self.root = root[0].decode()

    def _more(self, size: int) -> bytes:
        data = self.source.read(size)
        if self.expat is not None:
            self.expat.Parse(data, not data)
        return data

    def between(self, end: bytes) -> Iterator[str]:
        """Text of whole elements up to the end of the container; `end` is the end tag of each."""
        if self.empty:
            return
        closing, data = b"</" + self.container + b">", self.rest
        while True:
            stop = data.find(closing)
            if stop >= 0:
                self.rest = data[stop:]
                yield _decoded(data[:stop])
                return
            cut = data.rfind(end)
            if cut >= 0:
                cut += len(end)
                yield _decoded(data[:cut])
                data = data[cut:]
            more = self._more(PIECE)
            if not more or len(data) > 64 * PIECE:
                raise Unproved("no end of the rows")
            data += more

    def skip(self) -> None:
        """Let the rest be checked, and forget it."""
        while self._more(PIECE):
            pass
        self.source.close()

    def finish(self) -> None:
        """Read on to the end of the part."""
        parts = [self.rest]
        while more := self._more(PIECE):
            parts.append(more)
        self.tail = b"".join(parts)
        self.source.close()


def _decoded(data: bytes) -> str:
    """Text as an XML parser hands it on: comments and the like are not looked at, ends of lines are one kind."""
    if b"<!" in data or b"<?" in data:
        raise Unproved("a comment, CDATA or instruction among the cells")
    if (
        len(data.translate(None, _CONTROLS)) != len(data)
        or b"\xef\xbf\xbe" in data
        or b"\xef\xbf\xbf" in data
    ):
        raise Unproved("a character that XML does not allow")
    text = data.decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def check_characters(text: str) -> None:
    """What an XML parser would refuse in the text of plain cells, which no parser sees; `_decoded` has seen to the rest."""
    if "]]>" in text:
        raise Unproved("the end of a CDATA section")
    if "&" in text:
        if len(_ENTITY.findall(text)) != text.count("&"):
            raise Unproved("an entity")
        for found in _ENTITY.finditer(text):
            if not found[3] and (_FORBIDDEN.match(mark := _resolve(found)) or "\ud800" <= mark <= "\udfff"):
                raise Unproved("a reference to a character that XML does not allow")


def unescape(text: str) -> str:
    """Character and entity references resolved; expat has refused others before."""
    if "&" not in text:
        return text
    return _ENTITY.sub(_resolve, text)


def _resolve(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    return chr(int(found[1]) if found[1] else int(found[2], 16))
