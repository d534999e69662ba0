"""One sheet of an XLSX, streamed: what stands before and after its cells changes, the cells go through as they are."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.returning.parts import (
    MAX_PART_BYTES,
    OFFICE_RELATIONS,
    UnpatchableError,
    address,
    parse_part,
    splice,
    with_prefix,
)

MARK = "INGP"
"""Stands in every condition that colours a cell for us, so that the next return can take the old colours away."""

AREAS_PER_RULE = 500

_CELLS = re.compile(rb"<(?:[\w.-]+:)?sheetData(?=[\s/>])")
_CELLS_END = re.compile(rb"</(?:[\w.-]+:)?sheetData\s*>")
_SELECTED = re.compile(rb"(<(?:[\w.-]+:)?sheetView\b[^>]*?)\s+tabSelected\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_PRIORITY = re.compile(rb"(<(?:[\w.-]+:)?cfRule\b[^>]*?\bpriority\s*=\s*[\"'])(\d+)")
_PRIORITIES = 10
_OVERLAP = 64

# Order of the elements after the cells (ECMA-376, CT_Worksheet).
_BEFORE_CONDITIONS = {
    "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState",
    "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr",
}  # fmt: skip
_AFTER_NOTES = {
    "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts",
    "extLst", "AlternateContent",
}  # fmt: skip


@dataclass(slots=True)
class SheetChange:
    """What is to change around the cells of a sheet.

    colours: number of the differential style -> areas (``F12``, ``F12:F20``). notes: id of the relation to
    the drawing of new notes, for a sheet that has none yet. cells: changes the rows themselves, a stream of
    markup between ``<sheetData>`` and ``</sheetData>``.
    """

    colours: Mapping[int, list[str]] = field(default_factory=dict)
    notes: str | None = None
    cells: Callable[[Iterator[bytes]], Iterable[bytes]] | None = None
    unselect: bool = True


def areas(cells: Iterable[tuple[int, int]]) -> list[str]:
    """Cells (column, row), sorted, as areas: those below each other become one."""
    found: list[str] = []
    column = first = last = -1
    for at, row in cells:
        if at == column and row == last + 1:
            last = row
            continue
        if column >= 0:
            found.append(_area(column, first, last))
        column, first, last = at, row, row
    if column >= 0:
        found.append(_area(column, first, last))
    return found


def _area(column: int, first: int, last: int) -> str:
    start = address(first, column)
    return start if first == last else f"{start}:{address(last, column)}"


def change_sheet(chunks: Iterator[bytes], change: SheetChange) -> Iterator[bytes]:
    """The bytes of a sheet's part with the change made. Raises UnpatchableError."""
    head, rest = _head(chunks)
    root_tag = parse_open(head)
    yield _SELECTED.sub(rb"\1", head) if change.unselect else head
    opened = re.match(rb"<[^>]*>", rest)
    if opened is None:
        raise UnpatchableError("cells cut off")
    stream = _Stream(rest[opened.end() :], chunks)
    yield opened[0]
    if not opened[0].rstrip(b">").endswith(b"/"):
        cells = stream.until(_CELLS_END)
        yield from change.cells(cells) if change.cells else cells
        yield stream.found
    yield _change_foot(root_tag, stream.rest(), change)


def parse_open(head: bytes) -> bytes:
    """The start tag of the sheet, with its declarations of namespaces."""
    found = re.search(rb"<(?![?!])[^<]*>", head)
    if found is None:
        raise UnpatchableError("no root")
    return found[0]


def _head(chunks: Iterator[bytes]) -> tuple[bytes, bytes]:
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        if not _is_plain(buffer):
            break
        found = _CELLS.search(buffer)
        if found and b">" in buffer[found.start() :]:
            return buffer[: found.start()].removeprefix(b"\xef\xbb\xbf"), buffer[found.start() :]
        if len(buffer) > MAX_PART_BYTES:
            break
    raise UnpatchableError("no cells")


def _is_plain(text: bytes) -> bool:
    """Markup in which a tag is a tag: nothing commented out or quoted whole, bytes that agree with ASCII."""
    return b"<!" not in text and not text.startswith((b"\xff\xfe", b"\xfe\xff"))


class _Stream:
    """Chunks up to an end tag, then what follows it."""

    def __init__(self, first: bytes, chunks: Iterator[bytes]) -> None:
        self.buffer = first
        self.chunks = chunks
        self.found = b""

    def until(self, end: re.Pattern[bytes]) -> Iterator[bytes]:
        while True:
            if b"<!" in self.buffer:
                raise UnpatchableError("comment or quoted section among the cells")
            match = end.search(self.buffer)
            if match:
                self.found = match[0]
                inside, self.buffer = self.buffer[: match.start()], self.buffer[match.end() :]
                yield inside
                return
            yield self.buffer[:-_OVERLAP]
            chunk = next(self.chunks, None)
            if chunk is None:
                raise UnpatchableError("cells without end")
            self.buffer = self.buffer[-_OVERLAP:] + chunk

    def rest(self) -> bytes:
        pieces, size = [self.buffer], len(self.buffer)
        for chunk in self.chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size > MAX_PART_BYTES:
                raise UnpatchableError("too much after the cells")
        return b"".join(pieces)


def _change_foot(root_tag: bytes, foot: bytes, change: SheetChange) -> bytes:
    data = root_tag + foot
    root = parse_part(data)
    changes: list[tuple[int, int, bytes]] = []
    for element in root.all("conditionalFormatting"):
        own = [rule for rule in element.all("cfRule") if _is_ours(data[rule.start : rule.end])]
        if own and len(own) == len(element.all("cfRule")):
            changes.append((element.start, element.end, b""))
        else:
            changes += [(rule.start, rule.end, b"") for rule in own]
    if change.colours:
        before = next((each for each in root.children if each.local not in _BEFORE_CONDITIONS), None)
        at = before.start if before else root.close_start
        changes.insert(0, (at, at, with_prefix(_conditions(change.colours), root.prefix)))
    if change.notes:
        after = next((each for each in root.children if each.local in _AFTER_NOTES), None)
        at = after.start if after else root.close_start
        xml = f'<legacyDrawing xmlns:r="{OFFICE_RELATIONS}" r:id="{change.notes}"/>'
        changes.append((at, at, with_prefix(xml, root.prefix)))
    if change.colours:
        # Ours come first; those of the officer keep their order after them.
        kept = [(start, end) for start, end, text in changes if not text]
        changes += [
            (found.start(2), found.end(2), str(int(found[2]) + _PRIORITIES).encode())
            for found in _PRIORITY.finditer(data)
            if not any(start <= found.start() < end for start, end in kept)
        ]
    return splice(data, changes)[len(root_tag) :]


def _is_ours(rule: bytes) -> bool:
    return (
        f'"{MARK}"&lt;&gt;""'.encode() in rule
        or f'"{MARK}"<>""'.encode() in rule
        or (f"&quot;{MARK}&quot;".encode() in rule)
    )


def _conditions(colours: Mapping[int, list[str]]) -> str:
    """Conditions that are always true: they colour cells without touching the officer's own formats."""
    pieces = []
    for priority, (style, listed) in enumerate(colours.items(), 1):
        for start in range(0, len(listed), AREAS_PER_RULE):
            refs = " ".join(listed[start : start + AREAS_PER_RULE])
            pieces.append(
                f'<conditionalFormatting sqref="{refs}"><cfRule type="expression" dxfId="{style}" '
                f'priority="{priority}"><formula>"{MARK}"&lt;&gt;""</formula></cfRule></conditionalFormatting>'
            )
    return "".join(pieces)
