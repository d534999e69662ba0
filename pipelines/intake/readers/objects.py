"""JSON arrays and JSON Lines of flat objects -> raw table, in constant memory, numbers exactly as written.

Row numbers are positions, from 1: of the item in an array, of the line in JSON Lines. Nested values become
compact JSON text. An array of arrays (a table as Frictionless writes it) is a grid whose first row is the
heading.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

import ijson

from pipelines.intake.limits import Limits
from pipelines.intake.readers.cleaning import clean_cells, number_text
from pipelines.intake.readers.json_guard import find_danger
from pipelines.intake.readers.log import FindingLog
from pipelines.intake.readers.text import TextSurvey, open_text, open_utf8, survey_text
from pipelines.intake.sources import Instructions, RawTable, Row, SourceFile
from pipelines.records import Finding

MAX_LINE = 2**26
"""Characters of one line of JSON Lines."""

_MAX_DIGITS = 4_000


def read_objects(file: SourceFile, instructions: Instructions, limits: Limits) -> RawTable:
    """The table of a JSON file. Instructions: ``encoding``.

    Reads the file once to learn the names of all columns, in the order in which they first appear.
    """
    survey = survey_text(file.path, instructions.get("encoding"))
    understood = {"format": file.format, "encoding": survey.encoding}
    log = FindingLog(file.name)
    reader = _ObjectReader(file, survey, limits)
    if file.format == "json" and not reader.is_array():
        log.add("not-a-table", kind="json")
    elif danger := reader.find_danger():
        log.add("invalid-json", position=1, reason=danger)
    else:
        if survey.codec != "utf-8":
            log.add("encoding-not-utf8", encoding=survey.encoding)
        reader.learn(log)
        labels = None if reader.kind is list else list(reader.labels)
        reader.findings += log.findings()
        return RawTable(
            file.name,
            file.stem,
            reader.rows,
            typed=True,
            labels=labels,
            understood=understood,
            findings=reader.findings,
        )
    return RawTable(
        file.name,
        file.stem,
        lambda: iter(()),
        typed=True,
        labels=[],
        understood=understood,
        findings=log.findings(),
    )


class _ObjectReader:
    """Reads the items of one file, as often as asked."""

    def __init__(self, file: SourceFile, survey: TextSurvey, limits: Limits) -> None:
        self.file = file
        self.survey = survey
        self.limits = limits
        self.kind: type[dict[str, Any]] | type[list[Any]] = dict
        self.labels: dict[str, None] = {}
        self.findings: list[Finding] = []
        self.told = False

    def is_array(self) -> bool:
        with open_text(self.file.path, self.survey) as text:
            return text.read(2**16).lstrip("\ufeff \t\r\n").startswith("[")

    def find_danger(self) -> str | None:
        """Why an array must not be parsed; lines are parsed one by one, by a parser that minds itself."""
        if self.file.format == "jsonl":
            return None
        with open_utf8(self.file.path, self.survey) as stream:
            return find_danger(stream)

    def learn(self, log: FindingLog) -> None:
        """Find the labels, and what is wrong with the items."""
        first = True
        for position, item in self._items(log):
            if first and isinstance(item, list):
                self.kind = list
            first = False
            if not isinstance(item, self.kind):
                log.add("not-a-table", position, kind=_kind_name(item))
            elif isinstance(item, dict) and item.keys() - self.labels.keys():
                self.labels.update(dict.fromkeys(item))
                if len(self.labels) > self.limits.max_columns:
                    log.add("not-a-table", position, kind=f"{len(self.labels)} columns")
                    self.labels = dict(islice(self.labels.items(), self.limits.max_columns))
                    return

    def rows(self) -> Iterator[Row]:
        log = FindingLog(self.file.name)
        labels = list(self.labels)
        limit = self.limits.max_cell_characters
        for position, item in self._items(None):
            if not isinstance(item, self.kind):
                continue
            values = [item.get(label) for label in labels] if isinstance(item, dict) else item
            cells = [value or None if isinstance(value, str) else _text(value) for value in values]
            clean_cells(position, cells, limit, log)
            yield position, cells
        if not self.told:
            self.told = True
            self.findings += log.findings()

    def _items(self, log: FindingLog | None) -> Iterator[tuple[int, Any]]:
        """(position, item). What cannot be read ends an array, skips a line, and is told to `log`, if any."""
        log = log or FindingLog(self.file.name)
        return self._lines(log) if self.file.format == "jsonl" else self._array(log)

    def _array(self, log: FindingLog) -> Iterator[tuple[int, Any]]:
        position = 0
        with open_utf8(self.file.path, self.survey) as stream:
            items = ijson.items(stream, "item")
            while True:
                try:
                    item = next(items)
                except StopIteration:
                    return
                except (ijson.JSONError, ValueError, ArithmeticError) as error:
                    log.add("invalid-json", position=position + 1, reason=_reason(error))
                    return
                position += 1
                yield position, item

    def _lines(self, log: FindingLog) -> Iterator[tuple[int, Any]]:
        number = 0
        with open_text(self.file.path, self.survey) as text:
            while line := text.readline(MAX_LINE):
                number += 1
                if len(line) >= MAX_LINE:
                    log.add("value-too-long", number, length=_skip_line(text, line), limit=MAX_LINE)
                elif line.strip():
                    try:
                        item = json.loads(line, parse_float=Decimal, parse_int=_integer, parse_constant=str)
                    except (ValueError, ArithmeticError, RecursionError) as error:
                        log.add("invalid-json", number, position=number, reason=_reason(error))
                        continue
                    yield number, item


def _skip_line(text: Any, line: str) -> int:
    """Read to the end of a line; its length."""
    length = len(line)
    while line and not line.endswith(("\n", "\r")):
        line = text.readline(MAX_LINE)
        length += len(line)
    return length


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < _MAX_DIGITS else Decimal(text)


def _reason(error: Exception) -> str:
    """The kind of trouble; the parsers' own texts quote the data, which may name people."""
    return str(error).split("\n", 1)[0].split(":")[0][:100] or type(error).__name__


def _kind_name(item: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(item), "number")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return number_text(value)
    return _compact(value)


def _compact(value: Any) -> str:
    """JSON without spaces, numbers exact. Not recursive: depth is the sender's choice."""
    out: list[str] = []
    stack: list[Any] = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, _Literal):
            out.append(part)
        elif isinstance(part, dict):
            pieces: list[Any] = [_Literal("{")]
            for index, (key, inner) in enumerate(part.items()):
                pieces += [
                    _Literal("," if index else ""),
                    _Literal(json.dumps(key, ensure_ascii=False) + ":"),
                    inner,
                ]
            stack += reversed([*pieces, _Literal("}")])
        elif isinstance(part, list):
            pieces = [_Literal("[")]
            for index, inner in enumerate(part):
                pieces += [_Literal("," if index else ""), inner]
            stack += reversed([*pieces, _Literal("]")])
        elif isinstance(part, str):
            out.append(json.dumps(part, ensure_ascii=False))
        else:
            out.append(_text(part) or "null")
    return "".join(out)


class _Literal(str):
    """Text that is JSON already."""

    __slots__ = ()
