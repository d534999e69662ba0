"""Parquet: typed, sorted by member, year and key, zstd, the Table Schema and the release in the file's metadata.

Three files are written in one pass over the sorted rows: the whole table, one per member, one per member and year.
Row groups end where a member's year ends, so a reader who filters by both fetches the footer and the groups of that
year and nothing else; the statistics of ``member_code`` and ``year`` in the footer tell which.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine import quote_name
from pipelines.exceptions import PublicationError
from pipelines.publication.gather import PublishedTable
from pipelines.publication.years import UNDATED, YEAR

LARGEST_GROUP = 100_000
"""Rows of a row group: what a writer holds in memory."""

_ORDERED = ("member_code", YEAR, "ocid")

SMALLEST_SHARE = 100
"""A row group holds at least one part in so many of a file's rows: neighbouring small years share one."""


class WrittenParquet(NamedTuple):
    path: Path
    rows: int
    member: str | None
    year: str | None


class _Writer:
    """One Parquet file; rows come in order, a member's year at a time."""

    def __init__(
        self, path: Path, schema: pa.Schema, rows: int, member: str | None, year: str | None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.facts = WrittenParquet(path, rows, member, year)
        self._smallest = min(rows // SMALLEST_SHARE, LARGEST_GROUP)
        # Statistics of free text skip nothing and make the footer, which every reader fetches, half as large again.
        told = [each.name for each in schema if each.name in _ORDERED or not pa.types.is_string(each.type)]
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", write_statistics=told)
        self._pending: list[pa.Table] = []
        self._count = 0

    def write(self, rows: pa.Table) -> None:
        """Rows of one member and year, at most LARGEST_GROUP."""
        if self._count and (rows.num_rows >= self._smallest or self._count + rows.num_rows > LARGEST_GROUP):
            self._flush()
        self._pending.append(rows)
        self._count += rows.num_rows
        if self._count >= self._smallest:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.concat_tables(self._pending), row_group_size=LARGEST_GROUP)
        self._pending, self._count = [], 0

    def close(self) -> None:
        if self._count:
            self._flush()
        self._writer.close()


def write_parquet(
    con: duckdb.DuckDBPyConnection,
    table: PublishedTable,
    folder: Path,
    facts: dict[str, Any],
    schema: dict[str, Any],
) -> list[WrittenParquet]:
    """Write ``<table>.parquet``, ``<MEMBER>/<table>.parquet`` and ``<MEMBER>/<year>/<table>.parquet`` below `folder`.

    facts: release id, licence, source, for the metadata. Files by year only for tables that have one; rows
    without a year are in ``<MEMBER>/undated/``. Raises PublicationError when rows do not come sorted.
    """
    members: dict[str, int] = {}
    parts = _parts(con, table)
    for member, _, rows in parts:
        members[member] = members.get(member, 0) + rows
    # The table was created sorted: told to keep its order, a scan has not to sort again.
    con.execute("SET preserve_insertion_order = true")
    reader = con.sql(f"SELECT * FROM {quote_name(table.name)}").to_arrow_reader(LARGEST_GROUP // 4)
    metadata = {
        "ingp": json.dumps(facts, ensure_ascii=False),
        "tableschema": json.dumps(schema, ensure_ascii=False),
    }
    arrow = reader.schema.with_metadata(metadata)
    chunks = _chunks(reader)
    name = f"{table.name}.parquet"
    whole = _Writer(folder / name, arrow, table.rows, None, None)
    done, of_member = [whole], None
    try:
        with ThreadPoolExecutor(2) as pool:
            for member, year, rows in parts:
                if of_member is None or of_member.facts.member != member:
                    if of_member:
                        of_member.close()
                    of_member = _Writer(folder / member / name, arrow, members[member], member, None)
                    done.append(of_member)
                writers = [whole, of_member]
                if table.has_year:
                    label = UNDATED if year is None else str(year)
                    writers.append(_Writer(folder / member / label / name, arrow, rows, member, label))
                    done.append(writers[-1])
                for chunk in chunks(rows):
                    _check(chunk, table, member, year)
                    chunk = chunk.replace_schema_metadata(metadata)
                    list(pool.map(lambda writer, chunk=chunk: writer.write(chunk), writers))
                if table.has_year:
                    writers[-1].close()
    finally:
        whole.close()
        if of_member:
            of_member.close()
        reader.close()
        con.execute("SET preserve_insertion_order = false")
    return [writer.facts for writer in done]


def _parts(con: duckdb.DuckDBPyConnection, table: PublishedTable) -> list[tuple[str, int | None, int]]:
    year = quote_name(YEAR) if table.has_year else "NULL"
    return con.execute(
        f"SELECT member_code, {year} AS part, count(*) FROM {quote_name(table.name)} GROUP BY ALL ORDER BY member_code, part NULLS LAST"
    ).fetchall()


def _chunks(reader: pa.RecordBatchReader) -> Callable[[int], Iterator[pa.Table]]:
    """A function that takes the next rows of a reader, as many as it is asked for, in tables of a row group at most."""
    held: list[pa.RecordBatch] = []

    def take(rows: int) -> Iterator[pa.Table]:
        while rows:
            wanted = min(rows, LARGEST_GROUP)
            taken, count = [], 0
            while count < wanted:
                batch = held.pop() if held else reader.read_next_batch()
                if count + batch.num_rows > wanted:
                    held.append(batch.slice(wanted - count))
                    batch = batch.slice(0, wanted - count)
                taken.append(batch)
                count += batch.num_rows
            yield pa.Table.from_batches(taken)
            rows -= wanted

    return take


def _check(rows: pa.Table, table: PublishedTable, member: str, year: int | None) -> None:
    for place in (0, rows.num_rows - 1):
        found = rows["member_code"][place].as_py(), rows[YEAR][place].as_py() if table.has_year else None
        if found != (member, year):
            raise PublicationError(f"{table.name}: rows of {found} where those of {(member, year)} were due")
