"""Raw tables -> parts: the rows of one source, under the names of the standard, still as the sender wrote them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue import Table
from pipelines.intake.plan import ColumnPlan, TablePlan, column_letter
from pipelines.intake.ragged import Neighbours, joined_at
from pipelines.intake.sources import Block, RawTable, Row
from pipelines.intake.staging import TableWriter
from pipelines.records import Finding

BATCH_ROWS = 20_000


@dataclass(slots=True)
class Part:
    """Rows of one source for one table of the standard, as text, before numbers and dates are read.

    letters: field -> column letter in the source, for the address of a cell in findings.
    """

    table: Table
    path: Path
    columns: tuple[str, ...]
    rows: int
    source_file: str
    sheet: str | None = None
    typed: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"{self.source_file}#{self.sheet}" if self.sheet else self.source_file


@dataclass(slots=True)
class Staged:
    """What reading one raw table gave. rows: data rows read; blank rows are counted apart."""

    parts: list[Part]
    findings: list[Finding]
    rows: int
    blank_rows: int


class _PlanWriter:
    """Turns batches of source rows into rows of one part."""

    def __init__(self, plan: TablePlan, raw: RawTable, path: Path) -> None:
        self.plan = plan
        self.raw = raw
        names = [*plan.columns, "path", "value"] if plan.leftovers else list(plan.columns)
        self.names = tuple(name for name in plan.table.by_name if name in names)
        self.writer = TableWriter(path, plan.table.name, self.names)

    def write(self, columns: Sequence[pa.Array], numbers: pa.Array) -> None:
        if self.plan.leftovers:
            for index, path in self.plan.leftovers.items():
                constants = {"path": pa.scalar(path, pa.string()), "value": columns[index]}
                self._append(columns, numbers, _filled(columns[index]), constants)
            return
        keep = None
        for index in self.plan.only_if:
            filled = _filled(columns[index])
            keep = filled if keep is None else pc.or_(keep, filled)
        self._append(columns, numbers, keep, {})

    def _append(
        self,
        columns: Sequence[pa.Array],
        numbers: pa.Array,
        keep: pa.Array | None,
        given: dict[str, pa.Array | pa.Scalar],
    ) -> None:
        """Append the rows of `keep`, all when None. given: columns of the part that are not planned."""
        values = [
            given[name] if name in given else self._values(self.plan.columns[name], columns)
            for name in self.names
        ]
        values = [pa.repeat(each, len(numbers)) if isinstance(each, pa.Scalar) else each for each in values]
        origin = pa.repeat(pa.scalar(self.raw.origin, pa.string()), len(numbers))
        batch = pa.Table.from_arrays([*values, origin, numbers], schema=self.writer.schema)
        self.writer.append_arrow(batch if keep is None else batch.filter(keep))

    @staticmethod
    def _values(column: ColumnPlan, columns: Sequence[pa.Array]) -> pa.Array | pa.Scalar:
        if column.constant is not None:
            return pa.scalar(column.constant, pa.string())
        if len(column.indexes) == 1:
            return columns[column.indexes[0]]
        parts = [pc.if_else(_filled(columns[index]), columns[index], None) for index in column.indexes]
        joined = pc.binary_join_element_wise(*parts, column.joiner, null_handling="skip")
        return pc.if_else(_filled(joined), joined, None)

    def close(self) -> Part:
        self.writer.__exit__()
        # Objects of a JSON file have names and no letters.
        single = (
            {}
            if self.raw.labels is not None
            else {
                name: column_letter(plan.indexes[0])
                for name, plan in self.plan.columns.items()
                if len(plan.indexes) == 1
            }
        )
        return Part(
            self.plan.table,
            self.writer.path,
            self.names,
            self.writer.rows,
            self.raw.source_file,
            self.raw.sheet,
            self.raw.typed,
            dict(self.plan.told),
            single,
        )


class _Grid:
    """Data rows of a raw table in rectangular batches; ragged and blank rows are told, never dropped unseen."""

    def __init__(self, raw: RawTable, heading_row: int, width: int, table: str | None) -> None:
        self.raw = raw
        self.heading_row = heading_row
        self.width = width
        self.table = table
        self.findings: list[Finding] = []
        self.rows = 0
        self.blank_rows = 0
        self.neighbours = Neighbours(width)

    def __iter__(self) -> Iterator[tuple[list[pa.Array], pa.Array]]:
        """(columns, row numbers) of the rows that hold something."""
        pending_blank = 0
        for columns, numbers in self._rectangles():
            filled = _filled(columns[0])
            for column in columns[1:]:
                if filled.true_count == len(filled):
                    break
                filled = pc.or_(filled, _filled(column))
            rows = filled.true_count
            if rows:
                # Blank rows at the end of a sheet are no rows at all.
                last = pc.indices_nonzero(filled)[-1].as_py()
                self.blank_rows += pending_blank + last + 1 - rows
                pending_blank = len(filled) - 1 - last
            else:
                pending_blank += len(filled)
                continue
            if rows < len(filled):
                columns, numbers = [column.filter(filled) for column in columns], numbers.filter(filled)
            self.rows += rows
            yield columns, numbers

    def _rectangles(self) -> Iterator[tuple[list[pa.Array], pa.Array]]:
        """The rows after the heading as columns of the table's width."""
        for block in self._blocks():
            if isinstance(block, Block):
                gone = max(self.heading_row + 1 - block.first, 0)
                columns = [column.slice(gone) for column in block.columns]
                if len(columns) >= self.width and not any(
                    _filled(each).true_count for each in columns[self.width :]
                ):
                    first = block.first + gone
                    if gone < block.rows:
                        numbers = pa.array(range(first, block.first + block.rows), pa.int64())
                        yield columns[: self.width], numbers
                    continue
                block = list(block.to_rows())
            yield from self._fitted(row for row in block if row[0] > self.heading_row)

    def _blocks(self) -> Iterator[Block | list[Row]]:
        if self.raw.blocks is not None:
            return self.raw.blocks()
        rows = self.raw.rows()
        return iter(lambda: list(islice(rows, BATCH_ROWS)), [])

    def _fitted(self, rows: Iterable[Row]) -> Iterator[tuple[list[pa.Array], pa.Array]]:
        batch: list[list[str | None]] = []
        numbers: list[int] = []
        for number, cells in rows:
            if len(cells) == self.width:
                self.neighbours.add(cells)
            else:
                cells = self._fit(number, cells) if any(cells) else [None] * self.width
            batch.append(cells)
            numbers.append(number)
        if batch:
            columns = [pa.array(values, pa.string()) for values in zip(*batch, strict=True)]
            yield columns, pa.array(numbers, pa.int64())

    def _fit(self, number: int, cells: list[str | None]) -> list[str | None]:
        if len(cells) < self.width:
            if not self.raw.typed:
                self._tell("missing-cell", number, cells, self._where_missing(cells))
            return cells + [None] * (self.width - len(cells))
        if any(cell and cell.strip() for cell in cells[self.width :]):
            self._tell("extra-cell", number, cells)
        return cells[: self.width]

    def _where_missing(self, cells: list[str | None]) -> dict[str, str]:
        if len(cells) == self.width - 1 and (place := joined_at(cells)) is not None:
            return {"joined_column": column_letter(place)}
        place = self.neighbours.missing_at(cells)
        return {} if place is None else {"missing_column": column_letter(place)}

    def _tell(
        self, code: str, number: int, cells: list[str | None], told: dict[str, str] | None = None
    ) -> None:
        self.findings.append(
            Finding(
                code,
                table=self.table,
                source_file=self.raw.source_file,
                sheet=self.raw.sheet,
                row_number=number,
                parameters={"expected": self.width, "found": len(cells), **(told or {})},
            )
        )


def _filled(column: pa.Array) -> pa.Array:
    """Which cells hold something."""
    return pc.fill_null(pc.not_equal(column, ""), False)


def stage_raw_table(
    raw: RawTable, plans: Sequence[TablePlan], folder: Path, serial: int, heading_row: int = 0
) -> Staged:
    """Read a raw table once and write a part per plan below `folder`.

    Without plans the rows after `heading_row` are only counted: the caller says that they were refused, and how many.
    """
    heading_row = plans[0].heading_row if plans else heading_row
    if plans:
        width = len(plans[0].labels)
        while width and not plans[0].labels[width - 1]:
            width -= 1
    else:
        width = max((len(cells) for _, cells in raw.rows()), default=1)
    grid = _Grid(raw, heading_row, width, plans[0].table.name if len(plans) == 1 else None)
    writers = [
        _PlanWriter(plan, raw, folder / f"{serial:04d}-{position:02d}-{plan.table.name}.parquet")
        for position, plan in enumerate(plans)
    ]
    for columns, numbers in grid:
        for writer in writers:
            writer.write(columns, numbers)
    findings = grid.findings + raw.findings
    if grid.blank_rows:
        findings.append(
            Finding(
                "blank-row",
                source_file=raw.source_file,
                sheet=raw.sheet,
                parameters={"count": grid.blank_rows},
            )
        )
    if plans and not grid.rows:
        findings.append(Finding("no-rows", table=grid.table, source_file=raw.source_file, sheet=raw.sheet))
    return Staged([writer.close() for writer in writers], findings, grid.rows, grid.blank_rows)
