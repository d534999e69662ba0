"""Delimited text (CSV, TSV and their relatives) -> raw table, whatever program wrote it.

Row numbers count records, headings and blank rows included, so that they are the rows of a spreadsheet
program that opens the file: a record with line breaks inside quotes is one row, and a leading ``sep=;`` is
none.

Two ways to read, with the same result (tested against each other): `blocks` for everything plain, and
record by record for blocks in which anything is unusual.
"""

import csv
import io
from collections.abc import Callable, Iterator
from typing import IO, Any

import pyarrow as pa

from pipelines.intake.limits import Limits
from pipelines.intake.readers.blocks import BlockParser
from pipelines.intake.readers.cleaning import clean_cells
from pipelines.intake.readers.dialect import SAMPLE_CHARACTERS, Dialect, find_dialect
from pipelines.intake.readers.log import FindingLog
from pipelines.intake.readers.long_lines import LongLines
from pipelines.intake.readers.text import TextSurvey, has_controls, open_text, survey_text
from pipelines.intake.sources import Block, Instructions, RawTable, Row, SourceFile
from pipelines.records import Finding

MAX_QUOTED_LINES = 100
"""A quoted cell with more lines is a quote that somebody forgot to close."""

LARGE_BLOCK = 2**23
SMALL_BLOCK = 2**16
"""Bytes read at a time; a large block that is not plain is read again in small ones, so that one odd record costs little."""

LINES = 1_000
"""Records that are handed on together when they have to be read one by one."""

MAX_UNCLOSED = 1_000
"""After so many unclosed quotes, quotes must close on their line: no file makes us read it over and over."""


def read_delimited(file: SourceFile, instructions: Instructions, limits: Limits) -> RawTable:
    """The table of a delimited file. Instructions: ``encoding``, ``delimiter``, ``quote``, ``skip_rows``."""
    survey = survey_text(file.path, instructions.get("encoding"))
    with open_text(file.path, survey) as text:
        dialect = find_dialect(text.read(SAMPLE_CHARACTERS), instructions)
    findings: list[Finding] = []
    if survey.codec != "utf-8":
        findings.append(
            Finding("encoding-not-utf8", source_file=file.name, parameters={"encoding": survey.encoding})
        )
    skip = instructions.get("skip_rows", 0)
    reader = _Reader(file, survey, dialect, limits, skip if isinstance(skip, int) else 0, findings)
    understood: dict[str, Any] = {
        "format": "csv",
        "encoding": survey.encoding,
        "byte_order_mark": bool(survey.mark_bytes),
        "delimiter": dialect.delimiter,
        "quote": dialect.quote or "",
        "line_end": survey.line_end,
    }
    if reader.skip:
        understood["skip_rows"] = reader.skip
    return RawTable(
        file.name, file.stem, reader.rows, blocks=reader.blocks, understood=understood, findings=findings
    )


class _Reader:
    """Reads the records of one file, as often as asked."""

    def __init__(
        self,
        file: SourceFile,
        survey: TextSurvey,
        dialect: Dialect,
        limits: Limits,
        skip: int,
        findings: list[Finding],
    ) -> None:
        self.file = file
        self.survey = survey
        self.dialect = dialect
        self.limits = limits
        self.skip = skip
        self.findings = findings
        self.told = False
        self.parser = BlockParser(dialect)
        self.bounded = survey.long_lines or limits.max_cell_characters < 2 * SMALL_BLOCK
        by_lines = self.bounded or survey.is_wide or survey.line_end == "cr" or not self.parser.usable
        self.by_blocks = not by_lines

    def rows(self) -> Iterator[Row]:
        for block in self.blocks():
            yield from block.to_rows() if isinstance(block, Block) else block

    def blocks(self) -> Iterator[Block | list[Row]]:
        """All rows after those to skip."""
        log = FindingLog(self.file.name)
        for block in self._from_blocks(log) if self.by_blocks else self._batches(self._from_text(log), 1):
            if isinstance(block, Block):
                gone = max(self.skip + 1 - block.first, 0)
                if gone < block.rows:
                    yield Block(block.first + gone, [column.slice(gone) for column in block.columns])
            else:
                yield [row for row in block if row[0] > self.skip]
        if not self.told:
            self.told = True
            self.findings += log.findings()

    @staticmethod
    def _batches(records: Iterator[list[Any]], first: int) -> Iterator[list[Row]]:
        batch: list[Row] = []
        for row in enumerate(records, first):
            batch.append(row)
            if len(batch) == LINES:
                yield batch
                batch = []
        yield batch

    def _from_text(self, log: FindingLog) -> Iterator[list[Any]]:
        """All records, line by line."""
        with open_text(self.file.path, self.survey) as text:
            long_lines = LongLines(text, self.dialect, self.limits) if self.bounded else None
            source = iter(long_lines or text)
            if self.dialect.separator_line:
                next(source, None)
            yield from _Records(self, source, lambda: None, long_lines, log, 1)

    def _from_blocks(self, log: FindingLog) -> Iterator[Block | list[Row]]:
        """All records, block by block, and those blocks line by line that are not plain."""
        with self.file.path.open("rb", buffering=2**20) as file:
            file.seek(self.survey.mark_bytes)
            if self.dialect.separator_line:
                file.readline()
            number, small_until = 1, 0
            while True:
                start = file.tell()
                is_small = start < small_until
                block = self._block(file, SMALL_BLOCK if is_small else LARGE_BLOCK)
                if not block:
                    return
                columns = self._parse(block)
                if columns is not None:
                    yield Block(number, columns)
                    number += len(columns[0])
                elif not is_small and len(block) > 2 * SMALL_BLOCK:
                    small_until = file.tell()
                    file.seek(start)
                else:
                    records = _Records(
                        self, self._lines(block), lambda: self._next_lines(file), None, log, number
                    )
                    for batch in self._batches(iter(records), number):
                        yield batch
                        number += len(batch)

    def _block(self, file: IO[bytes], size: int) -> bytes:
        """The next bytes of the file up to a line end outside quotes, if there is one near."""
        block = file.read(size)
        if block:
            block += file.readline()
        if self.parser.is_open(block):
            lines = [block]
            for _ in range(MAX_QUOTED_LINES):
                lines.append(line := file.readline())
                if not line or self.parser.is_open(line):
                    break
            block = b"".join(lines)
        return block

    def _parse(self, block: bytes) -> list[pa.Array] | None:
        """The columns of a block; None when it has to be read line by line."""
        if self.survey.controls and has_controls(block):
            return None
        if self.survey.damaged or self.survey.codec != "utf-8":
            errors = "strict" if self.survey.damaged else self.survey.errors
            try:
                block = block.decode(self.survey.codec, errors).encode()
            except UnicodeDecodeError:
                return None
        return self.parser.parse(block, self.limits.max_cell_characters)

    def _lines(self, block: bytes) -> Iterator[str]:
        return io.StringIO(block.decode(self.survey.codec, self.survey.errors), newline="")

    def _next_lines(self, file: IO[bytes]) -> Iterator[str] | None:
        block = self._block(file, SMALL_BLOCK)
        return self._lines(block) if block else None


class _Records:
    """Records from lines, by the whole grammar; an unclosed quote gives back the lines it swallowed.

    source: lines; only inside a quoted cell that goes on after its end, more: further lines, None at the
    end of the file. number: of the first record.
    """

    def __init__(
        self,
        reader: _Reader,
        source: Iterator[str],
        more: Callable[[], Iterator[str] | None],
        long_lines: LongLines | None,
        log: FindingLog,
        number: int,
    ) -> None:
        self.dialect = reader.dialect
        self.limit = reader.limits.max_cell_characters
        self.source = source
        self.more = more
        self.long_lines = long_lines
        self.log = log
        self.number = number
        self.back: list[str] = []

    def __iter__(self) -> Iterator[list[Any]]:
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        while (line := self._next_line(inside=False)) is not None:
            cells: list[Any]
            if quote is None or quote not in line:
                line = line.rstrip("\r\n")
                cells = line.split(delimiter) if line else []
            else:
                cells = self._parse(line, delimiter, quote)
            self._inspect(cells)
            yield [cell or None for cell in cells]
            self.number += 1

    def _next_line(self, *, inside: bool) -> str | None:
        if self.back:
            return self.back.pop()
        line = next(self.source, None)
        if line is None and inside and (source := self.more()) is not None:
            self.source = source
            line = next(source, None)
        return line

    def _parse(self, line: str, delimiter: str, quote: str) -> list[str]:
        """A record that begins on this line; takes further lines while a quote is open.

        When too many would be taken, or the file ends first, they are given back and the line is cut at its
        delimiters as it stands.
        """
        taken: list[str] = []
        unfinished = False
        most = MAX_QUOTED_LINES if self.log.count("unclosed-quote") < MAX_UNCLOSED else 1

        def feed() -> Iterator[str]:
            nonlocal unfinished
            yield line
            # The parser asks for another line only inside an open quote.
            if self.long_lines:
                self.long_lines.inside_quotes = True
            while len(taken) < most and (further := self._next_line(inside=True)) is not None:
                taken.append(further)
                yield further
            unfinished = True

        cells = next(csv.reader(feed(), delimiter=delimiter, quotechar=quote))
        if self.long_lines:
            self.long_lines.inside_quotes = False
        if not unfinished:
            return cells
        self.log.add("unclosed-quote", self.number)
        self.back += reversed(taken)
        return line.rstrip("\r\n").split(delimiter)

    def _inspect(self, cells: list[Any]) -> None:
        """Take out of a row what does not belong into a table, and tell it."""
        long_lines = self.long_lines
        if long_lines is None:
            clean_cells(self.number, cells, self.limit, self.log)
            return
        if long_lines.dropped:
            self.log.add("value-too-long", self.number, length=long_lines.dropped, limit=long_lines.max_line)
            long_lines.dropped = 0
        clean_cells(self.number, cells, self.limit, self.log, lambda cell: long_lines.take_length(len(cell)))
