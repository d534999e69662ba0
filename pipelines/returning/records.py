"""Delimited text as records with their own bytes: what the intake reads as a row, and how it is written."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines.intake.readers.delimited import MAX_QUOTED_LINES, MAX_UNCLOSED
from pipelines.intake.readers.dialect import SAMPLE_CHARACTERS, Dialect, find_dialect
from pipelines.intake.readers.text import TextSurvey, survey_text
from pipelines.intake.sources import Instructions


class UnreturnableError(Exception):
    """The file is no text that can be given back record by record; the text is a technical detail."""


@dataclass(frozen=True, slots=True)
class Record:
    """text: as in the file, without its line end. closed: False for a quote that is never closed."""

    number: int
    text: str
    end: str
    cells: list[str]
    closed: bool = True


class DelimitedFile:
    """A delimited file opened for giving it back: read with the eyes of the intake, written byte for byte.

    Bytes that are not of the encoding survive as they are.
    """

    def __init__(self, path: Path, instructions: Instructions) -> None:
        self.path = path
        self.survey: TextSurvey = survey_text(path, instructions.get("encoding"))
        if self.survey.long_lines:
            raise UnreturnableError("lines too long")
        self.errors = "surrogatepass" if self.survey.is_wide else "surrogateescape"
        with self._open() as text:
            self.dialect: Dialect = find_dialect(self._read(text, SAMPLE_CHARACTERS), instructions)

    def _open(self) -> IO[str]:
        file = self.path.open("rb", buffering=2**20)
        file.seek(self.survey.mark_bytes)
        return io.TextIOWrapper(file, encoding=self.survey.codec, errors=self.errors, newline="")

    def _read(self, text: IO[str], characters: int) -> str:
        try:
            return text.read(characters)
        except UnicodeError as error:
            raise UnreturnableError(str(error)) from error

    def head(self) -> bytes:
        """What stands before the first record: byte order mark and the line ``sep=;``."""
        with self.path.open("rb") as file:
            mark = file.read(self.survey.mark_bytes)
        if not self.dialect.separator_line:
            return mark
        with self._open() as text:
            return mark + self.encode(text.readline())

    def encode(self, text: str) -> bytes:
        return text.encode(self.survey.codec, self.errors)

    def encode_ours(self, text: str) -> bytes:
        """A text of ours; what the encoding does not know becomes a question mark."""
        return text.encode(self.survey.codec, "replace")

    def sayable(self, text: str) -> str:
        """A text of ours with plain signs where the encoding has no typographic ones."""
        try:
            text.encode(self.survey.codec)
        except UnicodeEncodeError:
            return text.translate(_PLAIN)
        return text

    def records(self) -> Iterator[Record]:
        """All records, blank ones among them, numbered as a spreadsheet program shows their rows."""
        with self._open() as text:
            lines = iter(text)
            if self.dialect.separator_line:
                next(lines, None)
            try:
                yield from split_records(lines, self.dialect)
            except UnicodeError as error:
                raise UnreturnableError(str(error)) from error


_PLAIN = str.maketrans(
    {"“": "'", "”": "'", "«": "'", "»": "'", "→": "->", "…": "...", "’": "'", "↵": " ", "⇥": " ", "\xa0": " "}
)


def split_records(lines: Iterable[str], dialect: Dialect) -> Iterator[Record]:
    """Records from lines by the grammar of the intake (`pipelines.intake.readers.delimited`), with their text."""
    source = iter(lines)
    back: list[str] = []
    unclosed = 0
    number = 0
    while (line := back.pop() if back else next(source, None)) is not None:
        number += 1
        if dialect.quote is None or dialect.quote not in line:
            text, end = cut_end(line)
            yield Record(number, text, end, text.rstrip("\r\n").split(dialect.delimiter) if text else [])
            continue
        taken = [line]
        most = MAX_QUOTED_LINES if unclosed < MAX_UNCLOSED else 1
        cells = _parse(taken, back, source, dialect, most)
        if cells is None:
            unclosed += 1
            back += reversed(taken[1:])
            text, end = cut_end(line)
            yield Record(number, text, end, text.rstrip("\r\n").split(dialect.delimiter), closed=False)
        else:
            text, end = cut_end("".join(taken))
            yield Record(number, text, end, cells)


def _parse(
    taken: list[str], back: list[str], source: Iterator[str], dialect: Dialect, most: int
) -> list[str] | None:
    """Cells of the record that begins with the line in `taken`, which gets the further lines; None when a
    quote stays open."""
    unfinished = False

    def feed() -> Iterator[str]:
        nonlocal unfinished
        yield taken[0]
        while len(taken) <= most and (further := back.pop() if back else next(source, None)) is not None:
            taken.append(further)
            yield further
        unfinished = True

    cells = next(csv.reader(feed(), delimiter=dialect.delimiter, quotechar=dialect.quote))
    return None if unfinished else cells


def cut_end(line: str) -> tuple[str, str]:
    """(line, its line end)."""
    for end in ("\r\n", "\n", "\r"):
        if line.endswith(end):
            return line[: -len(end)], end
    return line, ""
