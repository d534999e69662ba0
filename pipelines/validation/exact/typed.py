"""The rows as typed Parquet, written in the pass that proves them: the file is not parsed again.

DuckDB casts what it has proved to be spelled canonically; where Frictionless had to read the texts of a column, its
values are taken. Rows with an error are left out, and so are the few that are sound but do not fit the column.
"""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from frictionless import Field

from pipelines.engine import connect, quote_text
from pipelines.validation.exact.arrays import bits
from pipelines.validation.exact.keys import key_part
from pipelines.validation.exact.probe import Probe

ROW_NUMBER = "source_row_number"

GROUP_ROWS = 120_000
"""Rows of a row group, DuckDB's own default."""

_ARROW = {
    "integer": (pa.int64(), "BIGINT"),
    "year": (pa.int32(), "INTEGER"),
    "number": (pa.decimal128(38, 18), "DECIMAL(38, 18)"),
    "boolean": (pa.bool_(), "BOOLEAN"),
    "date": (pa.date32(), "DATE"),
    "datetime": (pa.timestamp("us", tz="UTC"), "TIMESTAMPTZ"),
}
"""Types of columns; every other type of field stays the text that it was."""


@dataclass(frozen=True, slots=True)
class TypedTable:
    """path: the Parquet file. rows: rows in it. left_out: numbers of rows with an error. unfit: numbers of sound rows
    with a value that the column cannot hold (NaN, a number of 30 digits). Numbers as in the report.
    """

    path: Path
    rows: int
    left_out: tuple[int, ...]
    unfit: tuple[int, ...]


@dataclass(slots=True)
class TypedWriter:
    """Collects the proved rows of one pass. by_value: columns whose values Frictionless reads, by distinct text."""

    probe: Probe
    path: Path
    by_value: frozenset[int]
    writer: pq.ParquetWriter | None = None
    pending: list[pa.Table] = field(default_factory=list)
    held: int = 0
    rows: int = 0
    again: list[int] = field(default_factory=list)
    unfit: list[int] = field(default_factory=list)
    known: dict[int, dict[str, Any]] = field(default_factory=dict)

    def expressions(self) -> list[str]:
        """SQL of the typed columns, and last whether a cast has lost a value."""
        columns, lost = [], []
        for place, described in enumerate(self.probe.fields):
            part = key_part(described, f"c{place}")
            if place in self.by_value or described.type not in _ARROW:
                columns.append(f"c{place}" if place in self.by_value else part)
                continue
            cast = _cast(described, part)
            columns.append(cast)
            lost.append(f"({part} IS NOT NULL AND {cast} IS NULL)")
        return [*columns, " OR ".join(lost) or "false"]

    def schema(self) -> pa.Schema:
        kinds = [
            (described.name, _ARROW.get(described.type, (pa.string(),))[0]) for described in self.probe.fields
        ]
        return pa.schema([*kinds, (ROW_NUMBER, pa.int64())])

    def add(
        self, columns: list[pa.Array], places: npt.NDArray[np.int64], flags: npt.NDArray[np.bool_], first: int
    ) -> None:
        """Take the rows of a batch that are not suspect. columns: those of `expressions`."""
        lost = bits(columns[-1])
        arrays = []
        for place, column in enumerate(columns[:-1]):
            if place in self.by_value:
                column, misfits = self._values(place, column)
                lost |= misfits
            arrays.append(column)
        sound = ~flags & (places >= first)
        # DuckDB's casts do not agree about every spelling (1_000); what one of them loses, Python reads.
        self.again += [int(place) for place in places[sound & lost]]
        chosen = pa.array(sound & ~lost)
        schema = self.schema()
        arrays = [each.filter(chosen).cast(kind.type) for each, kind in zip(arrays, schema, strict=False)] + [
            pa.array(places + 1).filter(chosen)
        ]
        self._keep(pa.Table.from_arrays(arrays, schema=schema))

    def _values(self, place: int, column: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
        """The column as Frictionless reads it, one reading per distinct text; and where that does not fit."""
        described = self.probe.fields[place]
        kind = _ARROW.get(described.type, (pa.string(),))[0]
        known = self.known.setdefault(place, {})
        reader = self.probe.handlers[described.name].reader
        encoded = column.fill_null("").dictionary_encode()
        values, fits = [], []
        for text in encoded.dictionary.to_pylist():
            if text not in known:
                known[text] = _fitting(_read(reader, text), text, kind)
            value, fit = known[text]
            values.append(value)
            fits.append(fit)
        taken = pa.array(values, kind).take(encoded.indices)
        return taken, ~np.asarray(fits, bool)[encoded.indices.to_numpy()] if fits else np.zeros(0, bool)

    def _keep(self, table: pa.Table) -> None:
        self.pending.append(table)
        self.held += table.num_rows
        self.rows += table.num_rows
        if self.held >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.path, self.schema(), compression="zstd")
        if self.pending:
            self.writer.write_table(pa.concat_tables(self.pending), row_group_size=GROUP_ROWS)
        self.pending, self.held = [], 0

    def discard(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.path.unlink(missing_ok=True)

    def finish(self, judged: Iterable[tuple[int, list[str]]], taken: set[int], bad: list[int]) -> TypedTable:
        """Add the judged rows that are sound, take away the proved ones that a key refused, and close.

        judged: (number, cells) of the rows that were suspects, or are in `again`. taken: numbers among `bad` that were written already.
        """
        refused = set(bad)
        rows: list[list[Any]] = []
        for number, cells in judged:
            if number in refused:
                continue
            row = self._typed_row(cells)
            if row is None:
                self.unfit.append(number)
            else:
                rows.append([*row, number])
        if rows:
            schema = self.schema()
            arrays = [
                pa.array(column, kind.type)
                for column, kind in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            self._keep(pa.Table.from_arrays(arrays, schema=schema))
        self._flush()
        assert self.writer is not None
        self.writer.close()
        if taken:
            self._take_away(taken)
        return TypedTable(self.path, self.rows, tuple(sorted(refused)), tuple(sorted(self.unfit)))

    def _typed_row(self, cells: list[str]) -> list[Any] | None:
        row = []
        for described, text in zip(self.probe.fields, cells, strict=True):
            value = self.probe.handlers[described.name].reader(text)[0]
            value, fit = _fitting(value, text, _ARROW.get(described.type, (pa.string(),))[0])
            if not fit:
                return None
            row.append(value)
        return row

    def _take_away(self, numbers: set[int]) -> None:
        """Rows whose key turned out to be another's, at the end of the file perhaps: seldom, and then a rewrite."""
        fresh = self.path.with_suffix(".rewritten")
        with connect("1GB") as con:
            con.register("refused_rows", pa.table({"number": sorted(numbers)}))
            con.execute(
                f"COPY (SELECT * FROM read_parquet({quote_text(self.path)}) WHERE {ROW_NUMBER} NOT IN "
                f"(SELECT number FROM refused_rows)) TO {quote_text(fresh)} (FORMAT parquet, COMPRESSION zstd)"
            )
        fresh.replace(self.path)
        self.rows -= len(numbers)


def reads_by_value(described: Field) -> bool:
    """Whether the values of a field have to be Frictionless' own, as its spelling is not DuckDB's."""
    if described.type not in _ARROW:
        return False
    plain = described.format == "default" and not set(described.list_defined()) & {
        "group_char",
        "decimal_char",
        "bare_number",
    }
    return not plain or "enum" in described.constraints


def _cast(described: Field, part: str) -> str:
    if described.type == "boolean":
        lists = [
            ", ".join(quote_text(text) for text in texts)
            for texts in (described.true_values, described.false_values)  # type: ignore[attr-defined]
        ]
        cases = [
            f"WHEN {part} IN ({texts}) THEN {value}"
            for texts, value in zip(lists, ("true", "false"), strict=True)
            if texts
        ]
        return f"CASE {' '.join(cases)} ELSE NULL END" if cases else "NULL::BOOLEAN"
    return f"try_cast({part} AS {_ARROW[described.type][1]})"


def _read(reader: Callable[[Any], tuple[Any, Any]], text: str) -> Any:
    try:
        return reader(text)[0]
    except Exception:
        return None  # the row is a suspect, and the exception is Frictionless' to raise


def _fitting(value: Any, text: str, kind: pa.DataType) -> tuple[Any, bool]:
    """The value as the column holds it, and whether it can."""
    if value is None:
        return None, True
    if kind == pa.string():
        return text, True
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value) >= Decimal(10) ** 20:
            return None, False
        value = round(value, 18)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return None, False
    if isinstance(value, datetime.datetime) and kind != pa.date32():
        value = value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value
    try:
        pa.scalar(value, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError):
        return None, False
    return value, True
