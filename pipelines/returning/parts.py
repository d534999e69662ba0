"""The parts of an XLSX, changed by inserting and cutting text and never by writing them anew.

What is not touched stays byte for byte: charts, pictures, pivot tables, whatever the next version of a
spreadsheet program invents. Places are found by a parser (expat), so that no text inside a cell or an
attribute is ever taken for a tag.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from pipelines.intake.readers.containers import BrokenContainerError, open_zip, read_entry
from pipelines.intake.readers.log import column_letter

MAX_PART_BYTES = 2**28
"""Largest part that is taken into memory whole; sheets are streamed."""

PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_START_TAG = re.compile(rb"<[^\s<>/]+(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*(/?)>")
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class UnpatchableError(Exception):
    """The workbook is built in a way that is not changed part by part; the text is a technical detail."""


@dataclass(slots=True)
class Element:
    """An element and where it is: ``<`` of the start tag, end of that tag, ``<`` of the end tag, end."""

    name: str
    attributes: dict[str, str]
    start: int
    open_end: int
    close_start: int = -1
    end: int = -1
    children: list["Element"] = field(default_factory=list)

    @property
    def local(self) -> str:
        return self.name.rpartition(":")[2]

    @property
    def prefix(self) -> str:
        return self.name[: -len(self.local)]

    def find(self, local: str) -> "Element | None":
        return next((child for child in self.children if child.local == local), None)

    def all(self, local: str) -> list["Element"]:
        return [child for child in self.children if child.local == local]

    def attribute(self, local: str) -> str | None:
        """An attribute by its name without prefix (``r:id`` is ``id``)."""
        return next(
            (value for key, value in self.attributes.items() if key.rpartition(":")[2] == local), None
        )


def parse_part(data: bytes) -> Element:
    """The elements of a part, with their places in `data`. Raises UnpatchableError."""
    parser = expat.ParserCreate()
    top = Element("", {}, 0, 0)
    open_elements = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        tag = _START_TAG.match(data, at)
        if tag is None:
            raise UnpatchableError(f"start tag of {name}")
        element = Element(name, attributes, at, tag.end())
        if tag[1]:
            element.close_start = element.end = tag.end()
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_name: str) -> None:
        element = open_elements.pop()
        if element.end < 0:
            element.close_start = parser.CurrentByteIndex
            element.end = data.index(b">", element.close_start) + 1

    def refuse(*_: object) -> None:
        raise UnpatchableError("document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError) as error:
        raise UnpatchableError(str(error)) from error
    return top.children[0]


def splice(data: bytes, changes: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Replace the spans (start, end) of `data`; spans do not overlap, those of one place keep their order."""
    pieces, position = [], 0
    for start, end, replacement in sorted(changes, key=lambda change: change[0]):
        pieces += [data[position:start], replacement]
        position = end
    return b"".join([*pieces, data[position:]])


def append_child(data: bytes, element: Element, xml: str) -> tuple[int, int, bytes]:
    """The change that puts markup at the end of an element, also of one written as ``<sheets/>``."""
    inserted = with_prefix(xml, element.prefix)
    if element.close_start == element.open_end == element.end:
        opened = data[element.start : element.open_end].rstrip(b">").rstrip().rstrip(b"/")
        return element.start, element.end, opened + b">" + inserted + f"</{element.name}>".encode()
    return element.close_start, element.close_start, inserted


def with_prefix(xml: str, prefix: str) -> bytes:
    """Markup with the prefix that the part gives to its own elements (``x:``), usually none."""
    return (re.sub(r"<(/?)(?=[A-Za-z])(?![A-Za-z]+:)", rf"<\g<1>{prefix}", xml) if prefix else xml).encode()


def xml_text(text: str) -> str:
    """Text as it may stand in a part: no illegal characters, ``_x0041_`` not taken for an escape."""
    legal = _ESCAPE.sub("_x005F_", _ILLEGAL.sub("\ufffd", text))
    return legal.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def xml_attribute(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def address(row: int, column: int) -> str:
    """Row from 1 and column from 0 as a spreadsheet writes them: ``F12``."""
    return f"{column_letter(column)}{row}"


@dataclass(slots=True)
class Sheet:
    """name as shown; part: its place in the package."""

    name: str
    part: str


class Package:
    """An XLSX opened for changing. `texts` holds the parts that were read or made, as they will be written.

    Use as a context manager. Raises UnpatchableError for what is not a plain transitional workbook.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.archive = open_zip(path)
        except BrokenContainerError as error:
            raise UnpatchableError(str(error)) from error
        self.entries = {entry.filename: entry for entry in self.archive.infolist()}
        self.folded = {name.lower(): name for name in self.entries}
        self.texts: dict[str, bytes] = {}
        self.dropped: set[str] = set()
        self.types = "[Content_Types].xml"
        self.workbook = self._main_part()
        root = parse_part(self.read(self.workbook))
        if "http://schemas.openxmlformats.org/spreadsheetml/2006/main" not in root.attributes.values():
            raise UnpatchableError("not the transitional form")
        self.root = root
        self.sheets = self._list_sheets()

    def __enter__(self) -> "Package":
        return self

    def __exit__(self, *_: object) -> None:
        self.archive.close()

    def _main_part(self) -> str:
        for kind, target in self.relations("").values():
            if kind.endswith("/officeDocument"):
                return target
        raise UnpatchableError("no workbook part")

    def _list_sheets(self) -> list[Sheet]:
        relations = self.relations(self.workbook)
        listed = self.root.find("sheets")
        found = []
        for each in listed.children if listed else ():
            kind, target = relations.get(each.attribute("id") or "", ("", ""))
            if kind.endswith("/worksheet") and self.has(target):
                found.append(Sheet(each.attributes.get("name", ""), target))
        return found

    def has(self, part: str) -> bool:
        return part in self.texts or part.lower() in self.folded

    def chunks(self, part: str) -> Iterator[bytes]:
        """The bytes of a part as they are in the file."""
        try:
            yield from read_entry(self.archive, self.entries[self.folded[part.lower()]])
        except (KeyError, BrokenContainerError) as error:
            raise UnpatchableError(f"{part}: {error}") from error

    def read(self, part: str) -> bytes:
        """A part whole, in UTF-8, with the changes made so far."""
        if part in self.texts:
            return self.texts[part]
        pieces, size = [], 0
        for chunk in self.chunks(part):
            size += len(chunk)
            if size > MAX_PART_BYTES:
                raise UnpatchableError(f"{part} is too large")
            pieces.append(chunk)
        return as_utf8(b"".join(pieces))

    def write(self, part: str, data: bytes | str) -> None:
        name = self.folded.get(part.lower(), part)
        self.texts[name] = data.encode() if isinstance(data, str) else data
        self.folded[name.lower()] = name

    def drop(self, part: str) -> None:
        name = self.folded.pop(part.lower(), part)
        self.dropped.add(name)
        self.texts.pop(name, None)

    # Relations ------------------------------------------------------------

    @staticmethod
    def relations_part(part: str) -> str:
        folder, name = posixpath.split(part)
        return posixpath.join(folder, "_rels", f"{name}.rels")

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Id -> (type, part) of what a part refers to inside the package."""
        place = self.relations_part(part)
        if not self.has(place):
            return {}
        found = {}
        for each in parse_part(self.read(self.folded.get(place.lower(), place))).children:
            if each.attributes.get("TargetMode") == "External":
                continue
            target = each.attributes.get("Target", "")
            base = "" if target.startswith("/") else posixpath.dirname(part)
            whole = posixpath.normpath(posixpath.join(base, target.lstrip("/")))
            found[each.attributes.get("Id", "")] = (
                each.attributes.get("Type", ""),
                self.folded.get(whole.lower(), whole),
            )
        return found

    def related(self, part: str, kind: str) -> str | None:
        """The part that another refers to by a type ending in `kind`."""
        return next(
            (target for type_, target in self.relations(part).values() if type_.endswith(f"/{kind}")), None
        )

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relation and return its id."""
        place = self.relations_part(part)
        if not self.has(place):
            self.write(place, f'{DECLARATION}<Relationships xmlns="{PACKAGE_RELATIONS}"></Relationships>')
        data = self.read(place)
        root = parse_part(data)
        taken = {each.attributes.get("Id", "") for each in root.children}
        name = next(f"rIdIngp{n}" for n in range(1, len(taken) + 2) if f"rIdIngp{n}" not in taken)
        xml = (
            f'<Relationship Id="{name}" Type="{OFFICE_RELATIONS}/{kind}" Target="/{xml_attribute(target)}"/>'
        )
        self.write(place, splice(data, [append_child(data, root, xml)]))
        return name

    def unrelate(self, part: str, target: str) -> None:
        """Cut the relations of a part to another."""
        place = self.relations_part(part)
        data = self.read(place)
        gone = {name for name, (_, found) in self.relations(part).items() if found == target}
        elements = [each for each in parse_part(data).children if each.attributes.get("Id") in gone]
        self.write(place, splice(data, [(each.start, each.end, b"") for each in elements]))

    # Content types ------------------------------------------------------------

    def declare(self, part: str, content_type: str) -> None:
        """State the content type of a new part."""
        data = self.read(self.types)
        xml = f'<Override PartName="/{xml_attribute(part)}" ContentType="{content_type}"/>'
        self.write(self.types, splice(data, [append_child(data, parse_part(data), xml)]))

    def declare_ending(self, ending: str, content_type: str) -> None:
        """State the content type of all parts with an ending, unless it is stated already."""
        data = self.read(self.types)
        root = parse_part(data)
        if any(each.attributes.get("Extension", "").lower() == ending for each in root.all("Default")):
            return
        xml = with_prefix(f'<Default Extension="{ending}" ContentType="{content_type}"/>', root.prefix)
        self.write(self.types, splice(data, [(root.open_end, root.open_end, xml)]))

    def undeclare(self, part: str) -> None:
        data = self.read(self.types)
        gone = [
            each
            for each in parse_part(data).all("Override")
            if each.attributes.get("PartName", "").lstrip("/").lower() == part.lower()
        ]
        self.write(self.types, splice(data, [(each.start, each.end, b"") for each in gone]))

    def free_part(self, pattern: str) -> str:
        """The first name ``xl/worksheets/ingp{}.xml`` that no part has."""
        return next(name for n in range(1, 100_000) if not self.has(name := pattern.format(n)))


DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def as_utf8(data: bytes) -> bytes:
    """A part in UTF-8, so that places in it are places of the text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _DECLARATION.sub("", data.decode("utf-16", "replace")).encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    told = re.match(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", data)
    if told and told[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise UnpatchableError(f"encoding {told[1].decode()}")
    return data
