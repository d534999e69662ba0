"""Delimited text (CSV, TSV and their relatives) -> raw table, whatever program wrote it.

Row numbers count records, headings and blank rows included, so that they are the rows of a spreadsheet program
that opens the file: a record with line breaks inside quotes is one row, and a leading ``sep=;`` is none.

Three ways to cut a line, fastest first, all with the same result (tested against each other): without quotes,
`str.split`; with whole cells quoted, `str.split` at the quotes; anything else, `csv.reader`.
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.intake.limits import Limits
from pipelines.intake.readers.cleaning import clean_cells
from pipelines.intake.readers.dialect import SAMPLE_CHARACTERS, Dialect, find_dialect
from pipelines.intake.readers.log import FindingLog
from pipelines.intake.readers.long_lines import LongLines
from pipelines.intake.readers.text import BLOCK, TextSurvey, open_text, survey_text
from pipelines.intake.sources import Instructions, RawTable, Row, SourceFile
from pipelines.records import Finding

MAX_QUOTED_LINES = 100
"""A quoted cell with more lines is a quote that somebody forgot to close."""

MAX_UNCLOSED = 1_000
"""After so many unclosed quotes, quotes must close on their own line: no file can make us read it over and over."""


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
    return RawTable(file.name, file.stem, reader.rows, understood=understood, findings=findings)


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
        self.bounded = survey.long_lines or limits.max_cell_characters < 2 * BLOCK
        self.careful = bool(survey.damaged or survey.controls or self.bounded)

    def rows(self) -> Iterator[Row]:
        log = FindingLog(self.file.name)
        with open_text(self.file.path, self.survey) as text:
            lines: Iterable[str] = text
            long_lines = None
            if self.bounded:
                lines = long_lines = LongLines(text, self.dialect, self.limits)
            if self.dialect.separator_line:
                next(iter(lines), None)
            yield from self._records(iter(lines), long_lines, log)
        if not self.told:
            self.told = True
            self.findings += log.findings()

    def _records(self, source: Iterator[str], long_lines: LongLines | None, log: FindingLog) -> Iterator[Row]:
        # Everything that is done for each row stands in this one loop: a call per row would cost a tenth of the time.
        delimiter, quote, skip, careful = self.dialect.delimiter, self.dialect.quote, self.skip, self.careful
        back: list[str] = []
        number = 0
        while True:
            lines = _with_back(source, back)
            for line in lines:
                number += 1
                cells: list[Any] | None
                if quote is None or quote not in line:
                    line = line.rstrip("\r\n")
                    cells = line.split(delimiter) if line else []
                    look = careful
                else:
                    cells = _split_quoted(line.rstrip("\r\n"), delimiter, quote)
                    look = careful
                    if cells is None:
                        cells = self._parse(line, lines, back, long_lines, log, number)
                        look = True
                if look:
                    self._inspect(number, cells, long_lines, log)
                if number <= skip:
                    continue
                if empty := cells.count(""):
                    position = -1
                    for _ in range(empty):
                        position = cells.index("", position + 1)
                        cells[position] = None
                yield number, cells
            if not back:
                return

    def _parse(
        self,
        line: str,
        lines: Iterator[str],
        back: list[str],
        long_lines: LongLines | None,
        log: FindingLog,
        number: int,
    ) -> list[str]:
        """A record that needs the whole grammar; takes further lines while a quote is open.

        When too many would be taken, or the file ends first, they are given back and the line is cut at its
        delimiters as it stands.
        """
        taken: list[str] = []
        unfinished = False
        most = MAX_QUOTED_LINES if log.count("unclosed-quote") < MAX_UNCLOSED else 1

        def feed() -> Iterator[str]:
            nonlocal unfinished
            yield line
            # The parser asks for another line only inside an open quote.
            if long_lines:
                long_lines.inside_quotes = True
            while len(taken) < most and (further := next(lines, None)) is not None:
                taken.append(further)
                yield further
            unfinished = True

        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        cells = next(csv.reader(feed(), delimiter=delimiter, quotechar=quote))
        if long_lines:
            long_lines.inside_quotes = False
        if not unfinished:
            return cells
        log.add("unclosed-quote", number)
        back.extend(reversed(taken))
        return line.rstrip("\r\n").split(delimiter)

    def _inspect(self, number: int, cells: list[Any], long_lines: LongLines | None, log: FindingLog) -> None:
        """Take out of a row what does not belong into a table, and tell it."""
        limit = self.limits.max_cell_characters
        if long_lines is None:
            clean_cells(number, cells, limit, log)
            return
        if long_lines.dropped:
            log.add("value-too-long", number, length=long_lines.dropped, limit=long_lines.max_line)
            long_lines.dropped = 0
        clean_cells(number, cells, limit, log, lambda cell: long_lines.take_length(len(cell)))


def _with_back(source: Iterator[str], back: list[str]) -> Iterator[str]:
    """The lines given back (last first), then those of the source."""
    while back:
        yield back.pop()
    for line in source:
        yield line
        while back:
            yield back.pop()


def _split_quoted(line: str, delimiter: str, quote: str) -> list[str] | None:
    """The cells of a line in which every quote opens or closes a whole cell; None for any other line."""
    parts = line.split(quote)
    last = len(parts) - 1
    if last % 2:
        return None
    cells: list[str] = []
    for index in range(0, last + 1, 2):
        between = parts[index]
        if index == 0:
            if between:
                if between[-1] != delimiter:
                    return None
                cells = between[:-1].split(delimiter)
        elif index == last:
            if between:
                if between[0] != delimiter:
                    return None
                cells += between[1:].split(delimiter)
            break
        elif between != delimiter:
            # Nothing between two quoted cells is a doubled quote; a lone sign other than the delimiter, stray text.
            if len(between) < 2 or between[0] != delimiter or between[-1] != delimiter:
                return None
            cells += between[1:-1].split(delimiter)
        cells.append(parts[index + 1])
    return cells
