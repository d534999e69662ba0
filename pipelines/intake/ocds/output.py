"""Rows of several tables -> staged tables, in constant memory."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.catalogue import PROVENANCE
from pipelines.intake.staging import TableWriter
from pipelines.records import StagedTable

_BATCH = 20_000


class TableOutput:
    """One staged table whose delivered columns are known only at the end.

    All columns are written to a working file first; `finish` copies those that hold something, and the
    `keys`, to the staged table.
    """

    def __init__(self, folder: Path, name: str, columns: Sequence[str], keys: Sequence[str]) -> None:
        self._path = folder / f"{name}.parquet"
        self._raw = TableWriter(folder / f".{name}.raw.parquet", name, columns)
        self._kept = set(keys)
        self._batch: list[Sequence[str | None]] = []
        self._files: list[str] = []
        self._row_numbers: list[int] = []

    def extend(self, rows: Sequence[Sequence[str | None]], source_file: str, row_number: int) -> None:
        """Add rows of one origin: cells in the order of the columns."""
        self._batch += rows
        self._files += [source_file] * len(rows)
        self._row_numbers += [row_number] * len(rows)
        if len(self._batch) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._batch:
            return
        cells = list(zip(*self._batch, strict=True))
        self._kept |= {name for name, values in zip(self._raw.columns, cells, strict=True) if any(values)}
        self._raw.append(cells, self._files, self._row_numbers)
        self._batch, self._files, self._row_numbers = [], [], []

    def finish(self) -> StagedTable:
        """Write the staged table and remove the working file."""
        self._flush()
        with self._raw:
            pass
        columns = [name for name in self._raw.columns if name in self._kept]
        with (
            TableWriter(self._path, self._raw.name, columns) as writer,
            pq.ParquetFile(self._raw.path) as raw,
        ):
            for batch in raw.iter_batches(batch_size=5 * _BATCH, columns=[*columns, *PROVENANCE]):
                writer.append_arrow(pa.Table.from_batches([batch]))
        self.discard()
        return writer.staged()

    def discard(self) -> None:
        """Remove the working file, finished or not."""
        with self._raw:
            pass
        self._raw.path.unlink(missing_ok=True)
