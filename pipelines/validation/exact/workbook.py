"""XLSX to the letter and ten times as fast: frictionless validates, but reads and judges only what it must.

Two things are exchanged under a `TableResource` before its own `validate()` runs, nothing else:

- its parser: rows come from `pipelines.xlsx`, equal to openpyxl's by construction, those of a large file from a process of its own;
- the errors of rows in which every cell has been found clean: an empty list, instead of 600 calls a row that end in one.
  A cell is clean when frictionless's own cell reader said so of an equal value of the same type in the same column.

Header, dialect, keys, foreign keys, limits, checks, statistics and the report are frictionless's own code.
"""

import datetime
import hashlib
import re
import sys
import warnings
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from frictionless import Checklist, Field, FrictionlessException, Report, Resource
from frictionless.formats.excel.control import ExcelControl
from frictionless.formats.excel.parsers.xlsx import XlsxParser
from frictionless.resources import TableResource
from frictionless.table import create_cell_handlers

from pipelines.xlsx.apart import rows_apart
from pipelines.xlsx.parts import Unproved
from pipelines.xlsx.sheet import open_sheet

BLOCK = 2_000
"""Rows that are judged together, column by column."""
LARGE_BYTES = 4 << 20
"""Size of a workbook that is read in a process of its own; starting one takes half a second."""
REMEMBERED = 100_000
"""Distinct clean values kept for each column and type."""

_PLAIN_URI = re.compile(r"https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/=&?%-]*)?")
_PLAIN_INSTANT = re.compile(
    r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?"
)
_STEPS = ("buffer", "sample", "dialect", "labels", "fragment", "schema", "header", "lookup", "row_stream")
"""What `TableResource.open` does after its parser is open."""
_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_LENGTHS = {"minLength", "maxLength"}
_NEVER_MISSING = (bool, int, float, datetime.datetime, datetime.date, datetime.time, datetime.timedelta)


def validate_sheet(resource: Resource, checklist: Checklist | None = None, **options: Any) -> Report | None:
    """The report of `resource.validate(checklist, **options)` for an XLSX resource, or None where only frictionless
    itself can give it.

    The resource is left as it was, but for its labels: a copy is validated.
    """
    if not isinstance(resource, TableResource) or not _fit(resource):
        return None
    try:
        own = resource.to_copy()
    except FrictionlessException:
        return None
    own.__class__ = _SheetResource
    try:
        return own.validate(checklist, **options)
    except Unproved:
        own.close()
        return None
    finally:
        resource._TableResource__labels = own._TableResource__labels  # type: ignore[attr-defined]


def _fit(resource: TableResource) -> bool:
    """A local workbook, read without the options that look at formats or merged cells."""
    if type(resource) is not TableResource or resource.format != "xlsx" or not resource.closed:
        return False
    if resource.compression or resource.extrapaths or resource.remote or resource.data is not None:
        return False
    if not resource.path or not resource.normpath or not Path(resource.normpath).is_file():
        return False
    try:
        control = ExcelControl.from_dialect(resource.dialect)
    except FrictionlessException:
        return False
    return not (control.fill_merged_cells or control.preserve_formatting or control.workbook_cache)


class _SheetParser(XlsxParser):
    """Rows from `pipelines.xlsx`; once `columns` are set, blocks of rows are judged before they are handed on."""

    columns: "list[_Column] | None" = None
    clean: frozenset[int] | set[int] = frozenset()
    """Numbers of the rows of the block in hand that have no error of their own."""
    reading: "Generator[list[Any], None, None] | None" = None
    """Rows that another process reads; it is ended with this parser, however far it came."""

    def close(self) -> None:
        if self.reading is not None:
            self.reading.close()
        super().close()

    def read_cell_stream_create(self) -> Iterator[list[Any]]:
        control = ExcelControl.from_dialect(self.resource.dialect)
        warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
        path = Path(str(self.resource.normpath))
        rows: Iterator[list[Any]]
        if path.stat().st_size >= LARGE_BYTES:
            rows = self.reading = rows_apart(path, control.sheet)
        else:
            rows = open_sheet(self.loader.byte_stream, control.sheet).rows()
        if control.stringified:
            rows = ([str(cell) if cell is not None else cell for cell in row] for row in rows)
        number = 0
        while True:
            # Before the columns are known (the sample) and soon after: few rows, so that a sample costs no block.
            block = list(islice(rows, BLOCK if self.columns else 50))
            if not block:
                break
            if self.columns:
                self.clean = _clean_rows(self.columns, block, number + 1)
            number += len(block)
            yield from block
        self._take_sizes()

    def _take_sizes(self) -> None:
        """Size and hashes of the file, which `XlsxParser` takes when the rows are at their end."""
        stats, path = self.resource.stats, Path(str(self.resource.normpath))
        stats.bytes = path.stat().st_size
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                md5.update(chunk)
                sha256.update(chunk)
        stats.md5, stats.sha256 = md5.hexdigest(), sha256.hexdigest()


class _SheetResource(TableResource):
    """Opens as `TableResource` opens, step by step, with the parser and the rows exchanged."""

    def open(self) -> "_SheetResource":
        self.close()
        own: Any = self  # the names below are private to `TableResource`
        try:
            parser = _SheetParser(self)
            own._TableResource__parser = parser
            parser.open()
            for step in _STEPS:
                getattr(own, f"_TableResource__open_{step}")()
            parser.columns = _columns(self.header.get_expected_fields())
            own._TableResource__row_stream = self._skimmed(parser, own._TableResource__row_stream)
        except (Exception, Unproved):
            self.close()
            raise
        return self

    def to_copy(self, **options: Any) -> Any:
        """As a plain `TableResource`: frictionless copies a resource to look up keys in it."""
        copy: Any = super().to_copy(**options)
        copy.__class__ = TableResource
        return copy

    def _skimmed(self, parser: _SheetParser, rows: Iterator[Any]) -> Iterator[Any]:
        """The rows, with the verdict on clean ones already in the place where `Row.errors` keeps it."""
        for row in rows:
            kept = row.__dict__
            # A key error has been added already: that row has been judged in full.
            if "errors" not in kept and row.row_number in parser.clean:
                kept["errors"] = []
            yield row


def _columns(fields: list[Field]) -> "list[_Column] | None":
    """The columns to judge by; None where rows cannot be told clean by their cells alone."""
    handlers = create_cell_handlers(fields)
    if not fields or len(handlers) != len(fields):
        return None
    return [_Column(field, handler.reader) for field, handler in zip(fields, handlers.values(), strict=True)]


def _length_test(field: Field) -> Callable[[str], bool] | None:
    least, most = field.constraints.get("minLength", 0), field.constraints.get("maxLength", sys.maxsize)
    if type(least) is not int or type(most) is not int:
        return None
    return lambda text: least <= len(text) <= most


class _Column:
    """What is known of one column: which values its reader has passed."""

    def __init__(self, field: Field, reader: Callable[[Any], Any]) -> None:
        self.reader = reader
        missing = field.missing_values
        if not field.has_defined("missing_values") and field.schema:
            missing = field.schema.missing_values
        self.missing = frozenset(missing)
        self.passed: dict[type, set[Any]] = {}
        limits = set(field.constraints) - {"required", "unique"}
        self.any_text = not limits and field.type in ("string", "any") and field.format == "default"
        self.sure: Callable[[str], Any] | None = None
        """A test of texts that none passes which the reader refuses."""
        if not limits and (field.type, field.format) == ("string", "uri"):
            self.sure = _PLAIN_URI.fullmatch
        elif not limits and (field.type, field.format) == ("datetime", "default"):
            self.sure = _PLAIN_INSTANT.fullmatch
        elif limits and not limits - _LENGTHS and (field.type, field.format) == ("string", "default"):
            self.sure = _length_test(field)
        elif limits == {"pattern"} and (field.type, field.format) == ("string", "default"):
            self.sure = re.compile(f"^{field.constraints['pattern']}$").match
        # What these readers take of one type is all that lies between two bounds: if the least and the greatest pass, all do.
        ordered = {"number": (int, float), "integer": (int,), "year": (int,)}.get(field.type, ())
        self.ordered = ordered if not limits - _BOUNDS and self.missing <= {""} else ()
        # 0.0 and -0.0 are equal and one of them may be a missing value: no set can tell them apart.
        self.signed = any(text.startswith("-0") for text in self.missing)

    def faults(self, values: tuple[Any, ...]) -> list[int]:
        """Positions of the values that are not clean."""
        kinds = set(map(type, values))
        if len(kinds) == 1:
            bad = self._refused(kinds.pop(), set(values))
            return [at for at, value in enumerate(values) if value in bad] if bad else []
        found: list[int] = []
        for kind in kinds:
            own = [(at, value) for at, value in enumerate(values) if type(value) is kind]
            if bad := self._refused(kind, {value for _, value in own}):
                found += [at for at, value in own if value in bad]
        return found

    def _refused(self, kind: type, distinct: set[Any]) -> set[Any]:
        """Those of some values of one type that the reader has not passed."""
        if kind is str and self.any_text and self.missing.isdisjoint(distinct):
            return set()
        passed = self.passed.setdefault(kind, set())
        fresh = distinct - passed
        if kind in self.ordered and self._passes(min(distinct)) and self._passes(max(distinct)):
            return set()
        if kind is str and self.sure:
            sure = self.sure
            fresh = {each for each in fresh if each in self.missing or not sure(each)}
        bad = {each for each in fresh if not self._passes(each)}
        if kind is float and self.signed and 0.0 in distinct:
            bad.add(0.0)
            fresh.discard(0.0)
        passed |= fresh - bad
        if len(passed) > REMEMBERED:
            passed.clear()
        return bad

    def _passes(self, value: Any) -> bool:
        try:
            _, notes = self.reader(value)
        except Exception:  # frictionless will meet it at the same cell
            return False
        return not notes

    def fills(self, values: tuple[Any, ...]) -> bool:
        """Whether certainly none of the values is blank."""
        return None not in values and all(self._present(each) for each in values)

    def _present(self, value: Any) -> bool:
        if type(value) is str:
            return value not in self.missing
        return isinstance(value, _NEVER_MISSING) and (self.missing <= {""} or str(value) not in self.missing)


def _clean_rows(columns: list[_Column], block: list[list[Any]], first: int) -> set[int]:
    """Numbers of the rows of a block (its first has the number `first`) that have no error of their own."""
    width = len(columns)
    whole = [at for at, row in enumerate(block) if len(row) == width]
    if not whole:
        return set()
    turned = list(zip(*(block[at] for at in whole), strict=True))
    faulty: set[int] = set()
    for column, values in zip(columns, turned, strict=True):
        faulty.update(column.faults(values))
    if not any(column.fills(values) for column, values in zip(columns, turned, strict=True)):
        for at, place in enumerate(whole):
            row = block[place]
            if not any(column._present(cell) for column, cell in zip(columns, row, strict=True)):
                faulty.add(at)
    return {first + place for at, place in enumerate(whole) if at not in faulty}
