"""Notes (comments) on cells: ours are added to those of the officer, and taken away again at the next return."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.returning.parts import (
    CONTENT,
    DECLARATION,
    Element,
    Package,
    UnpatchableError,
    address,
    append_child,
    parse_part,
    splice,
    with_prefix,
    xml_text,
)
from pipelines.returning.styles import MAIN

AUTHOR = "INGP"
_OWN_WORDS = "— INGP —"
"""Heads what we add to a note of the officer's own."""

_SHAPE = re.compile(rb"<(\w+:)?shape(?=[\s>])(?:(?!</(?:\w+:)?shape>).)*</(?:\w+:)?shape>", re.DOTALL)
_ROW = re.compile(rb"<(?:\w+:)?Row>\s*(\d+)\s*</")
_COLUMN = re.compile(rb"<(?:\w+:)?Column>\s*(\d+)\s*</")
_NAMESPACES = {
    b"v": b"urn:schemas-microsoft-com:vml",
    b"o": b"urn:schemas-microsoft-com:office:office",
    b"x": b"urn:schemas-microsoft-com:office:excel",
}
_SHAPE_ID = re.compile(rb"_x0000_s(\d+)")
_TEXT_CHARACTERS = 1_500
_LINE_CHARACTERS = 42
_MAX_COLUMN, _MAX_ROW = 16_383, 1_048_575

_SHAPE_TYPE = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_DRAWING = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">'
    '<o:idmap v:ext="edit" data="{blocks}"/></o:shapelayout>' + _SHAPE_TYPE + "</xml>"
)

Notes = Mapping[tuple[int, int], str]
"""(row from 1, column from 0) -> text."""


@dataclass(slots=True)
class _Own:
    """Notes of the part as they are: spans to cut, cells whose shapes go, cells with a note of the officer's."""

    changes: list[tuple[int, int, bytes]]
    gone: set[tuple[int, int]]
    kept: dict[str, Element]


def add_notes(package: Package, sheet_part: str, notes: Notes) -> str | None:
    """Put notes on cells of a sheet and take our earlier ones away.

    Returns the id of a relation that the sheet must name as its drawing of notes, if it has none so far.
    """
    comments = package.related(sheet_part, "comments")
    drawing = package.related(sheet_part, "vmlDrawing")
    if not notes and (comments is None or f"{AUTHOR}<".encode() not in package.read(comments)):
        return None
    if comments is None:
        comments = package.free_part("xl/ingpComments{}.xml")
        package.write(comments, f'{DECLARATION}<comments xmlns="{MAIN}"><authors/><commentList/></comments>')
        package.declare(comments, f"{CONTENT}.comments+xml")
        package.relate(sheet_part, "comments", comments)
    data = package.read(comments)
    root = parse_part(data)
    authors, listed = root.find("authors"), root.find("commentList")
    if authors is None or listed is None:
        raise UnpatchableError("notes without their lists")
    own = _own_notes(data, authors, listed)
    changes, new_cells = list(own.changes), []
    names = [data[each.open_end : each.close_start] for each in authors.children]
    author = names.index(AUTHOR.encode()) if AUTHOR.encode() in names else len(names)
    if author == len(names):
        changes.append(append_child(data, authors, f"<author>{AUTHOR}</author>"))
    pieces = []
    for (row, column), text in sorted(notes.items()):
        place = address(row, column)
        if place in own.kept:
            changes += _add_to_note(data, own.kept[place], text)
            continue
        new_cells.append((row, column, text))
        body = xml_text(text[:_TEXT_CHARACTERS])
        pieces.append(
            f'<comment ref="{place}" authorId="{author}"><text><r><rPr><sz val="9"/><color indexed="81"/>'
            f'<rFont val="Tahoma"/><family val="2"/></rPr><t xml:space="preserve">{body}</t></r></text></comment>'
        )
    changes.append(append_child(data, listed, "".join(pieces)))
    package.write(comments, splice(data, changes))
    return _draw(package, sheet_part, drawing, new_cells, own.gone)


def _own_notes(data: bytes, authors: Element, listed: Element) -> _Own:
    names = [data[each.open_end : each.close_start] for each in authors.children]
    ours = {str(position) for position, name in enumerate(names) if name == AUTHOR.encode()}
    found = _Own([], set(), {})
    for note in listed.all("comment"):
        place = note.attributes.get("ref", "")
        if note.attributes.get("authorId") in ours:
            found.changes.append((note.start, note.end, b""))
            if cell := re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", place):
                found.gone.add((int(cell[2]), _number(cell[1])))
            continue
        found.kept[place] = note
        text = note.find("text")
        if text is not None:
            found.changes += _without_ours(data, text)
    return found


def _without_ours(data: bytes, text: Element) -> list[tuple[int, int, bytes]]:
    """What we once added to an officer's note; some programs make one text of all its runs."""
    changes = []
    for holder in (text, *text.all("r")):
        for words in holder.all("t"):
            said = data[words.open_end : words.close_start]
            at = said.find(_OWN_WORDS.encode())
            if at < 0:
                continue
            kept = said[:at].rstrip()
            if kept or holder is text:
                changes.append((words.open_end + len(kept), words.close_start, b""))
            else:
                changes.append((holder.start, holder.end, b""))
    return changes


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _add_to_note(data: bytes, note: Element, text: str) -> list[tuple[int, int, bytes]]:
    holder = note.find("text")
    if holder is None:
        return []
    body = xml_text(f"\n\n{_OWN_WORDS}\n{text[:_TEXT_CHARACTERS]}")
    run = f'<r><t xml:space="preserve">{body}</t></r>'
    # A note without runs holds its text in one element, beside which runs may not stand.
    bare = holder.find("t")
    if bare is None:
        return [append_child(data, holder, run)]
    prefix = holder.prefix.encode()
    return [
        (bare.start, bare.start, b"<" + prefix + b"r>"),
        (bare.end, bare.end, b"</" + prefix + b"r>" + with_prefix(run, holder.prefix)),
    ]


def _draw(
    package: Package,
    sheet_part: str,
    drawing: str | None,
    cells: list[tuple[int, int, str]],
    gone: set[tuple[int, int]],
) -> str | None:
    """The boxes in which spreadsheet programs show notes, in the old drawing language that all of them read."""
    relation = None
    if drawing is None:
        if not cells:
            return None
        drawing = package.free_part("xl/drawings/ingpDrawing{}.vml")
        blocks = ",".join(str(number) for number in range(1, len(cells) // 1024 + 2))
        package.write(drawing, _DRAWING.format(blocks=blocks))
        package.declare_ending("vml", "application/vnd.openxmlformats-officedocument.vmlDrawing")
        relation = package.relate(sheet_part, "vmlDrawing", drawing)
    data = package.read(drawing)
    if gone:
        data = _SHAPE.sub(lambda shape: b"" if _cell_of(shape[0]) in gone else shape[0], data)
    data = _with_namespaces(data)
    end = data.rfind(b"</xml>")
    if end < 0:
        raise UnpatchableError("drawing of notes without end")
    first = max((int(found) for found in _SHAPE_ID.findall(data)), default=1024) + 1
    boxes = "".join(_box(first + at, row, column, text) for at, (row, column, text) in enumerate(cells))
    kind = "" if b'"_x0000_t202"' in data else _SHAPE_TYPE
    package.write(drawing, data[:end] + (kind + boxes).encode() + data[end:])
    return relation


def _with_namespaces(data: bytes) -> bytes:
    """The drawing with the prefixes that our boxes use declared at its root; some programs name others there."""
    root = re.search(rb"<xml\b[^>]*>", data)
    if root is None:
        raise UnpatchableError("drawing of notes without root")
    declared = dict(re.findall(rb"xmlns:(\w+)\s*=\s*[\"']([^\"']*)", root[0]))
    if any(declared.get(prefix, name) != name for prefix, name in _NAMESPACES.items()):
        raise UnpatchableError("drawing of notes with prefixes of its own")
    missing = b"".join(
        b' xmlns:%s="%s"' % (prefix, name) for prefix, name in _NAMESPACES.items() if prefix not in declared
    )
    at = root.start() + len(b"<xml")
    return data[:at] + missing + data[at:]


def _cell_of(shape: bytes) -> tuple[int, int] | None:
    row, column = _ROW.search(shape), _COLUMN.search(shape)
    return (int(row[1]) + 1, int(column[1])) if row and column else None


def _box(number: int, row: int, column: int, text: str) -> str:
    lines = sum(1 + len(line) // _LINE_CHARACTERS for line in text[:_TEXT_CHARACTERS].split("\n"))
    height = min(max(4, lines), 24)
    left, top = min(column + 1, _MAX_COLUMN - 4), min(max(row - 2, 0), _MAX_ROW - height)
    anchor = f"{left}, 12, {top}, 4, {left + 4}, 12, {top + height}, 4"
    return (
        f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:60pt;'
        f'margin-top:2pt;width:240pt;height:{height * 13}pt;z-index:1;visibility:hidden" fillcolor="#ffffe1" '
        'o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
        '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"/>'
        f'</v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor>'
        f"<x:AutoFill>False</x:AutoFill><x:Row>{row - 1}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )
