"""Raw tables -> parts: the rows of one source, under the names of the standard, still as the sender wrote them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.catalogue import Table
from pipelines.intake.plan import ColumnPlan, TablePlan, column_letter
from pipelines.intake.sources import RawTable, Row
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

    def write(self, columns: Sequence[Sequence[str | None]], numbers: Sequence[int]) -> None:
        if self.plan.leftovers:
            for index, path in self.plan.leftovers.items():
                if any(columns[index]):
                    self._write_leftover(columns, numbers, index, path)
            return
        keep: list[int] | None = None
        if self.plan.only_if:
            keep = [
                row for row in range(len(numbers)) if any(columns[index][row] for index in self.plan.only_if)
            ]
            numbers = [numbers[row] for row in keep]
        values = [self._values(self.plan.columns[name], columns, keep, len(numbers)) for name in self.names]
        self.writer.append(values, [self.raw.origin] * len(numbers), numbers)

    def _write_leftover(
        self, columns: Sequence[Sequence[str | None]], numbers: Sequence[int], index: int, path: str
    ) -> None:
        keep = [row for row, value in enumerate(columns[index]) if value]
        values: list[Sequence[str | None]] = []
        for name in self.names:
            if name == "path":
                values.append([path] * len(keep))
            elif name == "value":
                values.append([columns[index][row] for row in keep])
            else:
                values.append(self._values(self.plan.columns[name], columns, keep, len(keep)))
        self.writer.append(values, [self.raw.origin] * len(keep), [numbers[row] for row in keep])

    @staticmethod
    def _values(
        column: ColumnPlan, columns: Sequence[Sequence[str | None]], keep: list[int] | None, size: int
    ) -> Sequence[str | None]:
        if column.constant is not None:
            return [column.constant] * size
        if len(column.indexes) == 1:
            source = columns[column.indexes[0]]
            return source if keep is None else [source[row] for row in keep]
        rows = range(size) if keep is None else keep
        sources = [columns[index] for index in column.indexes]
        return [
            column.joiner.join(cell for source in sources if (cell := source[row])) or None for row in rows
        ]

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

    def __iter__(self) -> Iterator[tuple[list[tuple[str | None, ...]], list[int]]]:
        batch: list[list[str | None]] = []
        numbers: list[int] = []
        pending_blank = 0
        for number, cells in self._after_heading():
            if not any(cells):
                pending_blank += 1
                continue
            self.blank_rows += pending_blank
            pending_blank = 0
            if len(cells) != self.width:
                cells = self._fit(number, cells)
            batch.append(cells)
            numbers.append(number)
            if len(batch) >= BATCH_ROWS:
                yield list(zip(*batch, strict=True)), numbers
                self.rows += len(batch)
                batch, numbers = [], []
        if batch:
            yield list(zip(*batch, strict=True)), numbers
            self.rows += len(batch)

    def _after_heading(self) -> Iterator[Row]:
        for row in self.raw.rows():
            if row[0] > self.heading_row:
                yield row

    def _fit(self, number: int, cells: list[str | None]) -> list[str | None]:
        if len(cells) < self.width:
            if not self.raw.typed:
                self._tell("missing-cell", number, cells)
            return cells + [None] * (self.width - len(cells))
        if any(cell and cell.strip() for cell in cells[self.width :]):
            self._tell("extra-cell", number, cells)
        return cells[: self.width]

    def _tell(self, code: str, number: int, cells: list[str | None]) -> None:
        self.findings.append(
            Finding(
                code,
                table=self.table,
                source_file=self.raw.source_file,
                sheet=self.raw.sheet,
                row_number=number,
                parameters={"expected": self.width, "found": len(cells)},
            )
        )


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
        width = max((len(cells) for _, cells in raw.rows()), default=0)
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
