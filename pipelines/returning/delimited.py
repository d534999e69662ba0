"""A CSV given back: the same bytes, and one last column that says per row what is wrong."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from pipelines.returning.overview import Overview
from pipelines.returning.problems import Found
from pipelines.returning.records import DelimitedFile, Record
from pipelines.templates import problem_labels

MESSAGE_CHARACTERS = 800
SIGN = "INGP: "
"""Every message begins with it, so that the next return knows the messages of this one."""

_SAFE = {",": ";", ";": ",", "|": "/", '"': "'"}


def return_delimited(file: DelimitedFile, target: Path, overview: Overview, heading_row: int) -> None:
    """Write the CSV with its last column. Nothing else of it changes: encoding, signs, line ends, quoting.

    Rows that are too short or too long stay so: the message stands behind their last cell, never in place of
    a missing one.
    """
    label = overview.words.problems_column
    # A quote of ours would close one that somebody forgot to close some rows before.
    may_quote = not overview.problems.has(overview.file, "unclosed-quote")
    messages = _messages(overview)
    pending = next(messages, None)
    width, earlier, quoted = 0, False, False
    with target.open("wb") as out:
        out.write(file.head())
        for record in file.records():
            while pending is not None and pending[0] < record.number:
                pending = next(messages, None)
            own = pending[1] if pending is not None and pending[0] == record.number else ""
            if record.number == heading_row:
                earlier = bool(record.cells) and record.cells[-1].strip() in problem_labels()
                width = len(record.cells)
                quote = file.dialect.quote
                quoted = may_quote and quote is not None and record.text.endswith(quote)
                out.write(_line(file, record, label, earlier, quoted, may_quote))
            elif record.number < heading_row or not record.cells:
                out.write(file.encode(record.text + record.end))
            else:
                has_old = earlier and _has_message(record, width)
                message = f"{SIGN}{own}" if own else ""
                out.write(_line(file, record, message, has_old, quoted, may_quote))


def _messages(overview: Overview) -> Iterator[tuple[int, str]]:
    """(row, what is wrong in it), from the first row to the last."""

    def row_of(found: Found) -> int:
        return found.finding.row_number or 0

    for row, found in groupby(overview.problems.by_row(overview.file), row_of):
        yield row, overview.row_message(list(found))


def _has_message(record: Record, width: int) -> bool:
    last = record.cells[-1]
    return last.startswith(SIGN) or (not last and len(record.cells) == width)


def _line(
    file: DelimitedFile, record: Record, message: str, replace: bool, quoted: bool, may_quote: bool
) -> bytes:
    """A record with the message as its last cell, in place of the one of an earlier return."""
    delimiter, quote = file.dialect.delimiter, file.dialect.quote
    text = record.text
    if replace:
        text = _without_last(text, record.cells[-1], delimiter, quote)
    said = " ".join(file.sayable(message[:MESSAGE_CHARACTERS]).split())
    if quote and may_quote and (quoted or delimiter in said or quote in said):
        said = quote + said.replace(quote, quote * 2) + quote
    else:
        for sign in (delimiter, quote or '"'):
            said = said.replace(sign, _SAFE.get(sign, " "))
    return file.encode(text + delimiter) + file.encode_ours(said) + file.encode(record.end)


def _without_last(text: str, last: str, delimiter: str, quote: str | None) -> str:
    doubled = f"{delimiter}{quote}{last.replace(quote, quote * 2)}{quote}" if quote else ""
    for written in (delimiter + last, doubled):
        if written and text.endswith(written):
            return text.removesuffix(written)
    return text
