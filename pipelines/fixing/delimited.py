"""Fixes written into a CSV: the cells that change, and not one byte beside them."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.fixing.proposals import TYPED, Fix, Fixes
from pipelines.intake.readers.dialect import Dialect
from pipelines.returning.records import DelimitedFile, Record


def write_delimited(source: Path, target: Path, fixes: Fixes, told: Mapping[str, Any]) -> list[Fix]:
    """Write the file with its fixes; returns those that could not be made."""
    file = DelimitedFile(source, told)
    rows = groupby(fixes.of_sheet(None), lambda fix: fix.row)
    pending = next(rows, None)
    left: list[Fix] = []
    with target.open("xb") as out:
        out.write(file.head())
        for record in file.records():
            text = record.text
            if pending is not None and pending[0] == record.number:
                text, refused = _changed(record, list(pending[1]), file.dialect)
                left += refused
                pending = next(rows, None)
            while pending is not None and pending[0] <= record.number:
                left += pending[1]
                pending = next(rows, None)
            out.write(file.encode(text + record.end))
    while pending is not None:
        left += pending[1]
        pending = next(rows, None)
    return left


def _changed(record: Record, fixes: list[Fix], dialect: Dialect) -> tuple[str, list[Fix]]:
    cells = list(raw_cells(record.text, dialect))
    if not record.closed or len(cells) != len(record.cells):
        return record.text, fixes
    refused = []
    for fix in fixes:
        if fix.column >= len(cells) or (fix.kind != TYPED and record.cells[fix.column] != fix.before):
            refused.append(fix)
        else:
            cells[fix.column] = _written(fix.after, cells[fix.column], dialect)
    return dialect.delimiter.join(cells), refused


def raw_cells(text: str, dialect: Dialect) -> Iterator[str]:
    """The cells of a record as they are written, quotes and all."""
    start, quote = 0, dialect.quote
    while True:
        at = start
        if quote and text.startswith(quote, start):
            at = _closing(text, start + 1, quote)
        end = text.find(dialect.delimiter, at)
        if end < 0:
            yield text[start:]
            return
        yield text[start:end]
        start = end + len(dialect.delimiter)


def _closing(text: str, at: int, quote: str) -> int:
    """Behind the quote that ends a quoted cell."""
    while (found := text.find(quote, at)) >= 0:
        if not text.startswith(quote, found + 1):
            return found + 1
        at = found + 2
    return len(text)


def _written(value: str, before: str, dialect: Dialect) -> str:
    quote = dialect.quote
    if not quote:
        return value
    needs = any(sign in value for sign in (dialect.delimiter, quote, "\n", "\r"))
    if needs or before.startswith(quote):
        return quote + value.replace(quote, quote * 2) + quote
    return value
