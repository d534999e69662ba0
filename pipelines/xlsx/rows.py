"""The rows of a sheet's XML as values: split where every cell is plain, by expression, or by openpyxl's own parser."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any
from xml.etree.ElementTree import fromstring
from xml.parsers.expat import ParserCreate

from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.worksheet._reader import WorkSheetParser, _cast_number

from pipelines.xlsx.parts import Unproved, check_characters, unescape

TOGETHER = 2_000
"""Rows that are read together, column by column."""
MOST_PATTERNS = 500
"""Forms of rows that are kept as expressions."""

_CELL = re.compile(
    r'<c r="([A-Z]{1,3})[0-9]{1,7}"([^<>]*)>'
    r"(?:<f[^<>]*(?:/>|>[^<]*</f>))?(<v>|<is><t>|<is><t xml:space=\"preserve\">|)([^<]*)"
)
_PLAIN_HEAD = re.compile(r'([A-Z]{1,3})"(?: s="([0-9]{1,6})")?(?: t="([A-Za-z]{1,12}|\x01)")?')
_INLINE = "\x01"
"""Stands for the type of a cell with its text in place; no XML may hold it."""
_INLINE_PLAIN = re.escape(f' t="{_INLINE}"') + "><v>([^<]*)</v></c>"
_INLINE_WRITTEN = r' t="inlineStr"><is><t(?: xml:space="preserve")?>([^<]*)</t></is></c>'
_NUMBERED = ' r="\0"'
_FORMULA = re.compile(r'<f((?: [A-Za-z0-9:]+="[^"<>]*")*)(?:/>|>[^<]*</f>)')
_NAME = re.compile(r" ([A-Za-z0-9:]+)=")
_EMPTY = '"><v></v></c><c r="'
_ROW = re.compile(r'\s*<row((?: [A-Za-z0-9:]+="[^"<>]*")*) ?(/?)>')
_ROW_NUMBER = re.compile(r' r="([0-9]{1,7})"')
_ATTRIBUTES = re.compile(r'(?: [A-Za-z0-9:]+="[^"<>&]*")* ?/?')
_STYLE = re.compile(r' s="([0-9]{1,6})"')
_TYPE = re.compile(r' t="([A-Za-z]*)"')

Read = Callable[[str], Any]


class RowReader:
    """Rows of a piece of XML: split where every cell is plain, by regular expression where the marks add up, else by openpyxl."""

    def __init__(self, book: Any, strings: list[str], root: str, max_column: int | None) -> None:
        self.strings, self.root, self.number, self.max_column = strings, root, 0, max_column
        self.dates, self.durations, self.epoch = book._date_formats, book._timedelta_formats, book.epoch
        self.readers: dict[tuple[str, str], Read] = {}
        self.named: set[tuple[str, ...]] = {()}
        self.plans: dict[str, _Plan | None] = {}
        self.patterns: dict[str, re.Pattern[str]] = {}
        self.parser = WorkSheetParser(
            None,
            strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=self.dates,
            timedelta_formats=self.durations,
        )

    def read(self, text: str) -> Iterator[tuple[int, list[Any]]]:
        """(row number, values from the first column on) of each row in whole rows of XML."""
        check_characters(text)
        # A cell without content is read as one with an empty value: both are nothing.
        text = text.replace('"/><c r="', _EMPTY).replace('"></c><c r="', _EMPTY)
        text = text.replace('"/></row>', '"><v></v></c></row>').replace('"></c></row>', '"><v></v></c></row>')
        if "<f" in text:
            text = _FORMULA.sub(self._formula, text)
        at, before = 0, ""
        while start := self._start(text, at):
            told = _ROW_NUMBER.search(start[1])
            number = int(told[1]) if told else self.number + 1
            if start[2]:
                at, before = start.end(), ""
                yield self._single(start[0], "", number if told or " r=" not in start[1] else None)
                continue
            stop = text.find("</row>", start.end())
            if stop < 0:
                raise Unproved("a row without its end")
            cells, at = text[start.end() : stop], stop + len("</row>")
            found = None if told is None and " r=" in start[1] else self._plain(_inlined(cells), number)
            if found is None:
                before = ""
                yield self._single(start[0], cells, number if told or " r=" not in start[1] else None)
                continue
            plan, texts = found
            numbers: list[int] = [number]
            lines: list[Sequence[str]] = [texts]
            # Rows of one form come one after the other: the second like the first is taken as the pattern of all that follow.
            form = start[0].lstrip().replace(f' r="{number}"', _NUMBERED, 1) + plan.key
            if form == before and _NUMBERED in form:
                at = self._alike(text, at, self._pattern(form, start[0], number, plan), numbers, lines)
            before = form
            self.number = numbers[-1]
            yield from zip(numbers, plan.values(lines), strict=True)

    def _start(self, text: str, at: int) -> re.Match[str] | None:
        """The start tag of the next row, None when there is none; raises `Unproved` when something else comes."""
        start = _ROW.match(text, at)
        if start is None:
            if text[at:].strip():
                raise Unproved("something between rows")
            return None
        if "xmlns" in start[1]:
            raise Unproved("a namespace in a row")
        self._check_names(tuple(_NAME.findall(start[1])))
        return start

    def _pattern(self, form: str, tag: str, number: int, plan: "_Plan") -> re.Pattern[str]:
        """An expression for whole rows of this form: their number, the same in every cell, and the text of each cell."""
        if form not in self.patterns:
            if len(self.patterns) > MOST_PATTERNS:
                self.patterns.clear()
            first, _r, rest = tag.lstrip().partition(f' r="{number}"')
            cells = []
            for head in plan.key.split("\0"):
                letters, _quote, marks = head.partition('"')
                cells.append(f'<c r="{letters}\\1' + re.escape(f'"{marks}') + "><v>([^<]*)</v></c>")
            row = "".join(cells).replace(_INLINE_PLAIN, _INLINE_WRITTEN)
            self.patterns[form] = re.compile(
                rf'\s*{re.escape(first)} r="([1-9][0-9]{{0,6}})"{re.escape(rest)}{row}</row>'
            )
        return self.patterns[form]

    @staticmethod
    def _alike(
        text: str, at: int, pattern: re.Pattern[str], numbers: list[int], lines: list[Sequence[str]]
    ) -> int:
        """Collect the rows that follow in the same form; returns where they end."""
        match = pattern.match
        while len(lines) < TOGETHER and (found := match(text, at)):
            number, *texts = found.groups()
            numbers.append(int(number))
            lines.append(texts)
            at = found.end()
        return at

    def _formula(self, found: re.Match[str]) -> str:
        """Nothing: values are read, not formulas."""
        self._check_names(tuple(_NAME.findall(found[1])))
        return ""

    def _check_names(self, names: tuple[str, ...]) -> None:
        """No attribute twice, no prefix that is not declared: an XML parser would refuse them."""
        if names in self.named:
            return
        prefixes = {name.partition(":")[0] for name in names if ":" in name}
        if len(set(names)) < len(names) or any(f' xmlns:{each}="' not in self.root for each in prefixes):
            raise Unproved(f"attributes {names}")
        self.named.add(names)

    def _plain(self, cells: str, number: int) -> "tuple[_Plan, list[str]] | None":
        """The plan and the texts of a row of plain cells: ``<c r="A1" …><v>…</v></c>`` one after the other, nothing else."""
        if not cells.startswith('<c r="') or not cells.endswith("</v></c>"):
            return None
        flat = cells[6:-8].replace('</v></c><c r="', '"><v>').split('"><v>')
        heads, texts = flat[::2], flat[1::2]
        count = len(heads)
        # Three marks lie between two cells and one within each: with them every mark is accounted for.
        if len(texts) != count or cells.count("<") != 4 * count:
            return None
        told = '"\0'.join(heads) + '"'
        digits = f'{number}"'
        key = told.replace(digits, '"')
        if len(told) - len(key) != count * (len(digits) - 1):
            return None
        if key not in self.plans:
            if len(self.plans) > 5_000:
                self.plans.clear()
            self.plans[key] = self._planned(key)
        plan = self.plans[key]
        return None if plan is None else (plan, texts)

    def _planned(self, key: str) -> "_Plan | None":
        columns, readers = [], []
        for head in key.split("\0"):
            found = _PLAIN_HEAD.fullmatch(head)
            if found is None:
                return None
            columns.append(column_number(found[1]))
            kind = found[3] or "n"
            readers.append(_text if kind == _INLINE else self._choose(kind, int(found[2] or 0), "<v>"))
        return _Plan(key, columns, readers, self.max_column or columns[-1], self.strings)

    def _single(self, start: str, inside: str, number: int | None) -> tuple[int, list[Any]]:
        """One row that is not plain: its start tag and what is inside. number: None where its attribute is no plain number."""
        cells: list[tuple[int, Any]] | None = []
        is_empty = start.endswith("/>")
        name = self.root.split(None, 1)[0].lstrip("<")
        whole = start if is_empty else f"{start}{inside}</row>"
        document = f"{self.root}{whole}</{name}>"
        if not is_empty:
            ParserCreate().Parse(document, True)
            found = _CELL.findall(inside)
            marked = len([1 for each in found if each[2]])
            if number is None or not _understood(whole, len(found), marked):
                cells = None
            else:
                cells = [
                    (
                        column_number(letters),
                        (self.readers.get((head, mark)) or self._reader(head, mark))(raw),
                    )
                    for letters, head, mark, raw in found
                ]
        if cells is None or number is None:
            self.parser.row_counter = self.number
            number, made = self.parser.parse_row(fromstring(document)[0])
            cells = [(cell["column"], cell["value"]) for cell in made]
        self.number = number
        return number, _spread(cells, self.max_column)

    def _reader(self, head: str, mark: str) -> Read:
        """How openpyxl makes a value of a cell's text, for these attributes and this kind of content."""
        if not _ATTRIBUTES.fullmatch(head) or "xmlns" in head:
            raise Unproved(f"attributes of a cell: {head[:60]}")
        told, worn = _TYPE.search(head), _STYLE.search(head)
        if (told is None and " t=" in head) or (worn is None and " s=" in head):
            raise Unproved(f"attributes of a cell: {head[:60]}")
        kind, style = told[1] if told else "n", int(worn[1]) if worn else 0
        self.readers[head, mark] = read = self._choose(kind, style, mark)
        return read

    def _choose(self, kind: str, style: int, mark: str) -> Read:
        if not mark:
            return _nothing
        if mark != "<v>":
            return _text if kind == "inlineStr" else _nothing
        if kind == "inlineStr":
            return _nothing
        if kind == "n":
            return self._date(style in self.durations) if style in self.dates else _number
        if kind == "s":
            return _Shared(self.strings)
        if kind == "b":
            return lambda raw: bool(int(unescape(raw))) if raw else None
        if kind == "d":
            return lambda raw: from_ISO8601(unescape(raw)) if raw else None
        return lambda raw: unescape(raw) if raw else None

    def _date(self, duration: bool) -> Read:
        epoch = self.epoch

        @lru_cache(maxsize=100_000)
        def read(raw: str) -> Any:
            if not raw:
                return None
            serial = _cast_number(unescape(raw))
            try:
                return from_excel(serial, epoch, timedelta=duration)
            except (OverflowError, ValueError):
                return "#VALUE!"

        return read


class _Plan:
    """Rows that have the same cells with the same styles and types: read column by column."""

    def __init__(
        self, key: str, columns: list[int], readers: list[Read], width: int, strings: list[str]
    ) -> None:
        self.key, self.columns, self.readers, self.width = key, columns, readers, width
        self.strings = strings

    def values(self, lines: list[Sequence[str]]) -> Iterator[list[Any]]:
        """The rows of these texts, from the first column to the last."""
        full: list[Iterable[Any]] = [repeat(None, len(lines))] * self.width
        for column, read, texts in zip(self.columns, self.readers, zip(*lines, strict=True), strict=True):
            made = self._column(read, texts)
            if column <= self.width:
                full[column - 1] = made
        # One iterator may not stand for two columns.
        full = [[None] * len(lines) if isinstance(each, repeat) else each for each in full]
        return map(list, zip(*full, strict=True))

    def _column(self, read: Read, texts: tuple[str, ...]) -> list[Any]:
        if read is _number:
            try:
                return [float(raw) if "." in raw or "E" in raw or "e" in raw else int(raw) for raw in texts]
            except ValueError:
                return list(map(read, texts))
        if isinstance(read, _Shared):
            try:
                return list(map(self.strings.__getitem__, map(int, texts)))
            except ValueError:
                return list(map(read, texts))
        if read is _text:
            return [raw if "&" not in raw else unescape(raw) for raw in texts]
        return list(map(read, texts))


class _Shared:
    """A shared string by its number."""

    def __init__(self, strings: list[str]) -> None:
        self.strings = strings

    def __call__(self, raw: str) -> str | None:
        return self.strings[int(unescape(raw))] if raw else None


def _number(raw: str) -> Any:
    if not raw:
        return None
    if "&" in raw:
        raw = unescape(raw)
    if "." in raw or "E" in raw or "e" in raw:
        return float(raw)
    return int(raw)


def _nothing(_raw: str) -> None:
    return None


def _text(raw: str) -> str:
    return unescape(raw)


def _inlined(cells: str) -> str:
    """Texts written in their cells, in the form of other values and with a type of their own."""
    for opening in (' t="inlineStr"><is><t>', ' t="inlineStr"><is><t xml:space="preserve">'):
        cells = cells.replace(opening, f' t="{_INLINE}"><v>')
    return cells.replace("</t></is></c>", "</v></c>")


def _understood(row: str, cells: int, marked: int) -> bool:
    """Whether every ``<`` of a row stands in the row's own tag or in a cell that was taken, and every content was met.

    Each cell taken has one opening tag; all other marks that may occur are counted by name, so that an element of any
    other name, or a cell not taken, leaves the sum short. marked: cells whose content begins as it should.
    """
    values, texts = row.count("<v>"), row.count("<is><t")
    row = row.removesuffix("</row>")
    if marked != values + texts:
        return False
    marks = (
        1 + cells + row.count("</c>") + values + row.count("</v>") + 2 * texts + row.count("</t></is>") * 2
    )
    formulas = row.count("<f")
    if formulas:
        marks += formulas + row.count("</f>")
    return row.count("<") == marks and values == row.count("</v></c>") and texts == row.count("</t></is></c>")


def _spread(cells: list[tuple[int, Any]], max_column: int | None) -> list[Any]:
    """Cells by column number (from 1) as a list; without a known width the last cell gives it."""
    if not cells and not max_column:
        return []
    width = max_column or cells[-1][0]
    row: list[Any] = [None] * width
    for column, value in cells:
        if column <= width:
            row[column - 1] = value
    return row


@lru_cache(maxsize=20_000)
def column_number(letters: str) -> int:
    """``AB`` -> 28."""
    return column_index_from_string(letters)
