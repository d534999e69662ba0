"""The dialect of a delimited file: which sign separates cells, which one quotes them."""

import csv
import re
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pipelines.intake.sources import Instructions

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_CHARACTERS = 2**18
SAMPLE_RECORDS = 200
MIN_SCORE = 0.25
"""Below this a sign is punctuation, not a delimiter."""

_SEPARATOR_LINE = re.compile(r"\"?sep=([^\r\n])\"?(\r\n|\r|\n|$)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"\s*-?[\d.]*\d,\d+\s*")

# The limit of the csv module, 131,072 characters a cell, is global and raises; ours becomes a finding.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


@dataclass(frozen=True, slots=True)
class Dialect:
    """delimiter: one character. quote: one character, or None when quotes mean nothing.

    separator_line: the file begins with the line ``sep=;`` that spreadsheet programs take as an order and
    never show.
    score: 0 when no sign separates cells (a single column), else the higher the surer.
    """

    delimiter: str
    quote: str | None = '"'
    separator_line: bool = False
    score: float = 0.0


def told_delimiter(instructions: Instructions) -> str | None:
    """The delimiter the sender named; ``tab`` and ``\\t`` are tabs."""
    told: Any = instructions.get("delimiter")
    if told in ("tab", "\\t"):
        return "\t"
    usable = isinstance(told, str) and len(told) == 1 and told not in '\r\n"' and told.isprintable()
    return told if usable or told == "\t" else None


def told_quote(instructions: Instructions) -> str | None:
    """The quote the sender named; empty text switches quoting off."""
    told: Any = instructions.get("quote", '"')
    if told == "":
        return None
    return told if isinstance(told, str) and len(told) == 1 and told not in "\r\n" else '"'


def find_dialect(sample: str, instructions: Instructions) -> Dialect:
    """The dialect of a text by its beginning (up to `SAMPLE_CHARACTERS`)."""
    quote = told_quote(instructions)
    order = _SEPARATOR_LINE.match(sample)
    told = told_delimiter(instructions)
    if told and told != quote:
        return Dialect(told, quote, bool(order), 1.0)
    if order and order[1] != quote:
        return Dialect(order[1], quote, True, 1.0)
    lines = (
        sample.splitlines(keepends=True) if "\r" not in sample else re.split(r"(?<=\n)|(?<=\r)(?!\n)", sample)
    )
    if len(sample) >= SAMPLE_CHARACTERS and len(lines) > 1:
        lines = lines[:-1]
    scores = {delimiter: _score(lines, delimiter, quote) for delimiter in DELIMITERS}
    best = max(scores, key=scores.__getitem__)
    if scores[best] < MIN_SCORE:
        # One column: nothing separates, so take a sign that cuts no text.
        return Dialect(next((sign for sign in DELIMITERS if sign not in sample), ","), quote)
    return Dialect(best, quote, False, scores[best])


def _score(lines: list[str], delimiter: str, quote: str | None) -> float:
    """0 to 1: how many records have the same number of cells, more than one; more cells and a first record
    that agrees with the others count for the delimiter."""
    form: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(lines, delimiter=delimiter, **form)
    records = [record for record in islice(reader, SAMPLE_RECORDS) if record]
    widths = Counter(len(record) for record in records if len(record) > 1)
    if not widths:
        return 0.0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    share = count / len(records)
    fits_first = len(records[0]) == width
    if delimiter == "," and not fits_first and width == 2:
        pairs = [",".join(record) for record in records if len(record) == 2]
        if sum(1 for pair in pairs if _DECIMAL_COMMA.fullmatch(pair)) > 0.9 * len(pairs):
            return 0.0  # one column of amounts with decimal commas
    return share * (1.0 if fits_first else 0.6) * width / (width + 1)
