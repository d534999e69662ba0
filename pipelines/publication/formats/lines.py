"""Rows as lines of text, made by DuckDB: one SQL expression a row, one buffer of bytes a batch.

A profile says how cells are written. The same expression makes the files of a release and what is streamed on
demand, so that both have the same bytes. A batch of lines lies in one Arrow buffer and goes out as it is.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine import quote_name, quote_text
from pipelines.publication.gather import PublishedColumn, text_of

BATCH_ROWS = 16_384
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()

BOOLEANS = {
    "es": ("VERDADERO", "FALSO"),
    "en": ("TRUE", "FALSE"),
    "pt": ("VERDADEIRO", "FALSO"),
    "fr": ("VRAI", "FAUX"),
}
"""What Excel of a language reads as a logical value."""

# Signs that make a spreadsheet run a cell (their full-width forms too), unless the whole cell is a plain number.
_RUNS = "^[=+@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH COMMERCIAL AT}\N{FULLWIDTH HYPHEN-MINUS}-]"
_PLAIN_NUMBER = "^-[0-9]+([.,][0-9]+)*$"
_MONTHS = "(?i:jan|ene|janv|feb|fev|fév|févr|mar|mars|apr|abr|avr|may|mai|jun|juin|jul|juil|aug|ago|août|sep|sept|set|oct|out|nov|dec|dic|dez|déc)"
# Texts that a spreadsheet would take for a number, a date or an hour, and show as something else: a contract "001-2024"
# becomes a month. A whole number as Excel itself writes it, and a day as ISO 8601 has it, stay what they are.
_FORMS = (
    "0[0-9]+", "[0-9]{16,}",
    "[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+",
    "[0-9]+([.,][0-9]+)+", "[0-9]+([.,][0-9]+)? ?%",
    "[0-9]{1,4}[-/.][0-9]{1,4}", "[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{1,4}",
    "[0-9]{1,4}:[0-9]{1,2}(:[0-9]{1,2})?",
    rf"{_MONTHS}[-/. ]?[0-9]{{1,4}}", rf"[0-9]{{1,2}}[-/. ]?{_MONTHS}([-/. ]?[0-9]{{1,4}})?",
)  # fmt: skip
_SPOILT = rf"^\s*({'|'.join(_FORMS)})\s*$"


@dataclass(frozen=True, slots=True)
class Profile:
    """How rows are written: ``csv`` for programs, ``excel`` for a spreadsheet of a language, ``jsonl``."""

    name: str
    language: str = "en"

    @property
    def separator(self) -> str:
        return ";" if self.name == "excel" and self.language != "en" else ","

    @property
    def media_type(self) -> str:
        return "application/jsonl" if self.name == "jsonl" else "text/csv; charset=utf-8; header=present"

    @property
    def extension(self) -> str:
        return "jsonl" if self.name == "jsonl" else "csv"

    def heading(self, columns: Sequence[PublishedColumn]) -> bytes:
        """What stands before the first row: the names of the columns, which never change with the language."""
        if self.name == "jsonl":
            return b""
        line = self.separator.join(self._name(column.name) for column in columns) + "\r\n"
        return (BOM if self.name == "excel" else b"") + line.encode()

    def _name(self, name: str) -> str:
        """A name in the heading; the columns of a stranger's query may be called anything."""
        if self.name == "excel" and re.match(_RUNS, name):
            name = f"'{name}"
        return f'"{name.replace(chr(34), chr(34) * 2)}"' if re.search(r'[",;\r\n\t]', name) else name

    def line(self, columns: Sequence[PublishedColumn], *, ended: bool = True) -> str:
        """SQL of a row as one line. ended: with its line feed, which `COPY` writes by itself."""
        if self.name == "jsonl":
            return _json_line(columns) + (" || chr(10)" if ended else "")
        cell = self._excel_cell if self.name == "excel" else _csv_cell
        cells = f" || {quote_text(self.separator)} || ".join(
            f"coalesce({cell(column)}, '')" for column in columns
        )
        return f"{cells} || chr(13)" + (" || chr(10)" if ended else "")

    def _excel_cell(self, column: PublishedColumn) -> str:
        name = quote_name(column.name)
        if column.duckdb_type.startswith("DECIMAL"):
            text = text_of(column)
            return text if self.language == "en" else f"replace({text}, '.', ',')"
        if column.duckdb_type in ("DOUBLE", "FLOAT"):
            text = f"CAST({name} AS VARCHAR)"
            return text if self.language == "en" else f"replace({text}, '.', ',')"
        if column.duckdb_type == "BOOLEAN":
            true, false = BOOLEANS[self.language]
            return f"CASE WHEN {name} THEN '{true}' WHEN NOT {name} THEN '{false}' END"
        if column.duckdb_type.startswith("TIMESTAMP"):
            # Every Excel takes this form for a date, whatever its language; `T` and `Z` would leave a text.
            # The columns behind the pages hold instants as texts, hence the cast.
            return f"strftime(CAST({name} AS TIMESTAMP WITH TIME ZONE), '%Y-%m-%d %H:%M:%S')"
        if column.duckdb_type != "VARCHAR":
            return text_of(column)
        runs = f"(regexp_matches({name}, {quote_text(_RUNS)}) AND NOT regexp_matches({name}, {quote_text(_PLAIN_NUMBER)}))"
        spoilt = f"regexp_matches({name}, {quote_text(_SPOILT)})"
        return _quoted(
            f"CASE WHEN {runs} OR {spoilt} THEN chr(39) || {name} ELSE {name} END", '";,\r\n\t', name
        )


def _csv_cell(column: PublishedColumn) -> str:
    text = text_of(column)
    return _quoted(text, '",\r\n') if column.duckdb_type == "VARCHAR" else text


def _quoted(text: str, special: str, looked_at: str = "") -> str:
    """SQL of a text in double quotes where RFC 4180 asks for them: where it holds one of the signs in `special`.

    looked_at: a cheaper expression that holds the same of these signs.
    """
    holds = " OR ".join(f"contains({looked_at or text}, chr({ord(sign)}))" for sign in special)
    return (
        f"CASE WHEN {holds} "
        f"THEN chr(34) || replace({text}, chr(34), chr(34) || chr(34)) || chr(34) ELSE {text} END"
    )


def _json_line(columns: Sequence[PublishedColumn]) -> str:
    """A JSON object with the cells that are filled; amounts are numbers with all their decimals."""
    cells = []
    for column in columns:
        key, name = json.dumps(column.name), quote_name(column.name)
        if column.duckdb_type in ("BIGINT", "INTEGER", "BOOLEAN", "HUGEINT") or column.duckdb_type.startswith(
            "DECIMAL"
        ):
            value = text_of(column)
        elif column.duckdb_type == "VARCHAR":
            value = f"CAST(to_json({name}) AS VARCHAR)"
        else:
            value = f"chr(34) || {text_of(column)} || chr(34)"
        cells.append(f"{quote_text(key + ':')} || {value}")
    return f"'{{' || concat_ws(',', {', '.join(cells)}) || '}}'"


def line_batches(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> Iterator[tuple[bytes, int]]:
    """Bytes and number of the lines of each batch of a query with one text column, in the order of the query.

    The next query on `con` ends it: give it a connection or cursor of its own.
    """
    for block, ends in line_ends(con, sql, parameters):
        yield block, len(ends)


def line_ends(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> Iterator[tuple[bytes, npt.NDArray[np.int64]]]:
    """As `line_batches`, with the place in the bytes of the batch where each line ends."""
    reader = con.sql(sql, params=list(parameters)).to_arrow_reader(BATCH_ROWS)
    try:
        for batch in reader:
            if batch.num_rows:
                yield _bytes(batch.column(0))
    finally:
        reader.close()


def _bytes(lines: pa.Array) -> tuple[bytes, npt.NDArray[np.int64]]:
    """The texts of an Arrow array without nulls, one behind the other, and where each ends."""
    _, offsets, data = lines.buffers()
    kind = np.int64 if str(lines.type).startswith("large") else np.int32
    places = np.frombuffer(offsets, kind, len(lines) + 1, lines.offset * np.dtype(kind).itemsize)
    first, last = int(places[0]), int(places[-1])
    return data.slice(first, last - first).to_pybytes(), places[1:].astype(np.int64) - first
