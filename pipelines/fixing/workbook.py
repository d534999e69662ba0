"""Fixes written into an XLSX: cells of text get their new content, and nothing else changes."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from pipelines.fixing.proposals import TYPED, Fix, Fixes
from pipelines.intake.readers.sheets import column_number
from pipelines.returning.parts import (
    Package,
    UnpatchableError,
    append_child,
    parse_part,
    splice,
    xml_text,
)
from pipelines.returning.patch import write_package
from pipelines.returning.sheet_part import SheetChange
from pipelines.returning.styles import MAX_FORMATS

_ROW = re.compile(rb"<(?:[\w.-]+:)?row\b[^>]*?(?:/>|(?<!/)>.*?</(?:[\w.-]+:)?row\s*>)", re.DOTALL)
_CELL = re.compile(
    rb"<(?P<prefix>[\w.-]+:)?c(?P<attributes>(?:\s[^>]*?)?)(?:/>|(?<!/)>(?P<body>.*?)</(?:[\w.-]+:)?c\s*>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(rb"\s([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f[\s/>]")
_NUMBER = re.compile(rb"<(?:[\w.-]+:)?v[^>]*>\s*(\d+)\s*<")
_RUN = re.compile(rb"<(?:[\w.-]+:)?r[\s>]")
_DAY_ZERO, _FIRST_SAFE_DAY = date(1899, 12, 30), date(1900, 3, 1)
_DAYS_1904 = 1462
_MOST_DIGITS = 15
"""A number in a workbook is a binary fraction; of more digits the last ones would be lost."""

_TEXT_FORMAT, _DATE_FORMAT, _INSTANT_FORMAT = 49, 14, 22
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}


def write_workbook(source: Path, target: Path, fixes: Fixes) -> list[Fix]:
    """Write the workbook with its fixes; returns those that could not be made.

    Cells with a formula, and texts formatted word by word, are left. Raises UnpatchableError.
    """
    left: list[Fix] = []
    with Package(source) as package:
        formats = _Formats(package)
        rich = _rich_texts(package)
        changes = {}
        for sheet in package.sheets:
            editor = _Editor(fixes.of_sheet(sheet.name), formats, rich, left)
            changes[sheet.part] = SheetChange(cells=editor.change, unselect=False)
        formats.prepare()
        write_package(package, target, changes)
    return left


class _Formats:
    """Cell formats of the workbook, and those with which a text cell becomes a number or a date."""

    def __init__(self, package: Package) -> None:
        self.package = package
        part = package.related(package.workbook, "styles")
        if part is None:
            raise UnpatchableError("no styles")
        self.part = part
        self.data = package.read(part)
        root = parse_part(self.data)
        listed = root.find("cellXfs")
        if listed is None:
            raise UnpatchableError("no cell formats")
        self.listed = listed
        self.codes = {
            int(each.attributes["numFmtId"]): each.attributes.get("formatCode", "")
            for formats in root.all("numFmts")
            for each in formats.children
        }
        self.is_1904 = any(
            each.attributes.get("date1904") in ("1", "true") for each in package.root.all("workbookPr")
        )
        self.made: dict[tuple[int, int], int] = {}

    def prepare(self) -> None:
        """Write every format that may be needed: each format of the workbook as a number, a day, an instant.

        The sheets are streamed after the styles are settled; a few hundred formats more cost nothing.
        """
        own = self.listed.children
        if 4 * len(own) > MAX_FORMATS:
            raise UnpatchableError("too many cell formats")
        pieces: list[str] = []
        for number_format in (0, _DATE_FORMAT, _INSTANT_FORMAT):
            for position, each in enumerate(own):
                self.made[position, number_format] = len(own) + len(pieces)
                xml = self.data[each.start : each.end].decode()
                xml = re.sub(r'\snumFmtId\s*=\s*"\d+"', "", xml, count=1)
                xml = re.sub(r'\s(?:applyNumberFormat|quotePrefix)\s*=\s*"[^"]*"', "", xml)
                tag = re.match(r"<[^\s/>]+", xml)
                assert tag is not None
                pieces.append(f'{tag[0]} numFmtId="{number_format}" applyNumberFormat="1"{xml[tag.end() :]}')
        count = self.data[self.listed.start : self.listed.open_end]
        stated = re.sub(rb'count="\d+"', b'count="%d"' % (len(own) + len(pieces)), count)
        end = append_child(self.data, self.listed, "")
        changes = [(self.listed.start, self.listed.open_end, stated), (*end[:2], "".join(pieces).encode())]
        self.package.write(self.part, splice(self.data, changes))

    def style(self, base: int, form: str) -> int:
        """The format for a cell that becomes a number or date; its own where that shows it well."""
        if base >= len(self.listed.children):
            return base
        number_format = int(self.listed.children[base].attributes.get("numFmtId", "0"))
        if form == "number":
            return self.made[base, 0] if number_format == _TEXT_FORMAT else base
        if self._shows_dates(number_format):
            return base
        return self.made[base, _DATE_FORMAT if form == "date" else _INSTANT_FORMAT]

    def _shows_dates(self, number_format: int) -> bool:
        if number_format in self.codes:
            bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", self.codes[number_format])
            return bool(re.search("[dyDY]", bare))
        return number_format in _DATE_FORMATS

    def serial(self, text: str) -> str | None:
        """The number by which a workbook keeps a day or instant; None for days that programs disagree about."""
        moment = datetime.fromisoformat(text)
        if moment.date() < _FIRST_SAFE_DAY:
            return None
        days = (moment.date() - _DAY_ZERO).days - (_DAYS_1904 if self.is_1904 else 0)
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        return str(days) if not seconds else repr(days + seconds / 86_400)


def _rich_texts(package: Package) -> frozenset[int]:
    """Numbers of the shared texts that are formatted word by word."""
    part = package.related(package.workbook, "sharedStrings")
    if part is None or not package.has(part):
        return frozenset()
    items = re.finditer(
        rb"<(?:[\w.-]+:)?si(?:\s*/>|[^>]*>(.*?)</(?:[\w.-]+:)?si\s*>)", package.read(part), re.DOTALL
    )
    return frozenset(
        number for number, item in enumerate(items) if item[1] is not None and _RUN.search(item[1])
    )


class _Editor:
    """Changes cells in the rows of one sheet, as they stream by."""

    def __init__(
        self, fixes: Iterator[Fix], formats: _Formats, rich: frozenset[int], left: list[Fix]
    ) -> None:
        self.rows = groupby(fixes, lambda fix: fix.row)
        self.formats = formats
        self.rich = rich
        self.left = left
        self.pending = self._next()
        self.row = 0

    def _next(self) -> tuple[int, dict[int, Fix]] | None:
        found = next(self.rows, None)
        return None if found is None else (found[0], {fix.column: fix for fix in found[1]})

    def change(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        buffer = b""
        for chunk in chunks:
            buffer += chunk
            position = 0
            for found in _ROW.finditer(buffer):
                yield buffer[position : found.start()] + self._row(found[0])
                position = found.end()
            buffer = buffer[position:]
        yield buffer
        while self.pending is not None:
            self.left += self.pending[1].values()
            self.pending = self._next()

    def _row(self, xml: bytes) -> bytes:
        tag = xml[: xml.index(b">") + 1]
        told = _attributes(tag).get("r", "")
        self.row = int(told) if told.isdecimal() else self.row + 1
        while self.pending is not None and self.pending[0] < self.row:
            self.left += self.pending[1].values()
            self.pending = self._next()
        if self.pending is None or self.pending[0] != self.row:
            return xml
        waiting = self.pending[1]
        self.pending = self._next()
        column = -1

        def change(found: re.Match[bytes]) -> bytes:
            nonlocal column
            attributes = _attributes(found["attributes"])
            letters = attributes.get("r", "").rstrip("0123456789")
            column = column_number(letters) if letters else column + 1
            fix = waiting.pop(column, None)
            if fix is None:
                return found[0]
            new = self._cell(found, attributes, fix)
            if new is None:
                self.left.append(fix)
                return found[0]
            return new

        changed = _CELL.sub(change, xml)
        missing = [fix for fix in waiting.values() if fix.kind == TYPED and not tag.endswith(b"/>")]
        self.left += [fix for fix in waiting.values() if fix not in missing]
        for fix in missing:
            changed = self._with_cell(changed, fix)
        return changed

    def _with_cell(self, row: bytes, fix: Fix) -> bytes:
        """The row with a cell more, where a person typed into an empty one."""
        column, at = -1, row.rindex(b"</")
        for found in _CELL.finditer(row):
            letters = _attributes(found["attributes"]).get("r", "").rstrip("0123456789")
            column = column_number(letters) if letters else column + 1
            if column > fix.column:
                at = found.start()
                break
        name = re.match(rb"<([\w.-]+:)?row", row)
        prefix = (name[1] or b"").decode() if name else ""
        return row[:at] + self._written(fix, prefix, f' r="{fix.cell}"', 0) + row[at:]

    def _cell(self, found: re.Match[bytes], attributes: dict[str, str], fix: Fix) -> bytes | None:
        body, kind = found["body"] or b"", attributes.get("t", "n")
        if _FORMULA.search(body) or (kind not in ("s", "inlineStr", "str") and fix.kind != TYPED):
            return None
        shared = _NUMBER.search(body)
        formatted = _RUN.search(body) or (kind == "s" and (shared is None or int(shared[1]) in self.rich))
        if formatted and fix.kind != TYPED:
            return None
        prefix = (found["prefix"] or b"").decode()
        place = f' r="{attributes["r"]}"' if "r" in attributes else ""
        return self._written(fix, prefix, place, int(attributes.get("s", "0") or 0))

    def _written(self, fix: Fix, prefix: str, place: str, base: int) -> bytes:
        value = self._value(fix)
        if value is not None:
            style = self.formats.style(base, fix.form)
            content, kind = f"<{prefix}v>{value}</{prefix}v>", ""
        else:
            style, kind = base, ' t="inlineStr"'
            text = f'<{prefix}t xml:space="preserve">{xml_text(fix.after)}</{prefix}t>'
            content = f"<{prefix}is>{text}</{prefix}is>"
        if not fix.after:
            return f'<{prefix}c{place} s="{base}"/>'.encode()
        return f'<{prefix}c{place} s="{style}"{kind}>{content}</{prefix}c>'.encode()

    def _value(self, fix: Fix) -> str | None:
        """What a cell of numbers holds; None for what stays a text."""
        if fix.form == "number" and sum(map(str.isdigit, fix.after)) <= _MOST_DIGITS:
            return fix.after
        return self.formats.serial(fix.after) if fix.form in ("date", "datetime") else None


def _attributes(tag: bytes) -> dict[str, str]:
    return {found[1].decode(): (found[2] or found[3] or b"").decode() for found in _ATTRIBUTE.finditer(tag)}
