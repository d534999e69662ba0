"""Staged tables: Parquet with every cell as text, plus source_file and source_row_number."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.catalogue import PROVENANCE
from pipelines.records import StagedTable


class TableWriter:
    """Writes one staged table in constant memory; use as a context manager.

    columns: fields of the standard that are delivered, in the order of the table's schema.
    """

    def __init__(self, path: Path, name: str, columns: Sequence[str]) -> None:
        self.path = path
        self.name = name
        self.columns = tuple(columns)
        self.rows = 0
        self.schema = pa.schema(
            [(column, pa.string()) for column in self.columns]
            + [(PROVENANCE[0], pa.string()), (PROVENANCE[1], pa.int64())]
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, self.schema, compression="zstd", compression_level=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def append(
        self, columns: Sequence[Sequence[str | None]], source_files: Sequence[str], row_numbers: Sequence[int]
    ) -> None:
        """Append a batch, column by column: one sequence per entry of `columns`, all of the same length."""
        arrays = [pa.array(values, pa.string()) for values in columns]
        arrays += [pa.array(source_files, pa.string()), pa.array(row_numbers, pa.int64())]
        self.append_arrow(pa.Table.from_arrays(arrays, schema=self.schema))

    def append_arrow(self, batch: pa.Table) -> None:
        """Append a batch that already has the columns of `schema`."""
        if batch.num_rows:
            self._writer.write_table(batch.select(self.schema.names).cast(self.schema))
            self.rows += batch.num_rows

    def staged(self) -> StagedTable:
        return StagedTable(self.name, str(self.path), self.rows, self.columns)
