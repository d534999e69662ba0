"""Any part of a table of a finished release, as a stream: counted first, never cut, in constant memory.

The source is the release's own Parquet, so nothing of the site is needed. Whoever serves a stream announces
`count_rows` before the first byte; `stream_rows` raises when it could not give exactly so many, and the server then
breaks the connection instead of ending it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from pipelines.engine import connect, fetch_one, quote_name, quote_text
from pipelines.exceptions import PublicationError, UnknownError
from pipelines.publication.formats.lines import Profile, line_batches
from pipelines.publication.gather import PublishedColumn
from pipelines.publication.years import UNDATED, YEAR

Filters = Mapping[str, str | int | bool | Sequence[str | int] | None]
"""Column -> the value, or any of several values; None for empty cells."""

PROFILES = ("csv", "excel", "jsonl")
MEMORY_LIMIT = "160MB"

_ARROW_TYPES = {"string": "VARCHAR", "large_string": "VARCHAR", "int64": "BIGINT", "int32": "INTEGER", "bool": "BOOLEAN", "date32[day]": "DATE"}  # fmt: skip


class ReleasedTable(NamedTuple):
    """A table of a finished release. `schema` is its Table Schema, with titles in all languages."""

    name: str
    columns: tuple[PublishedColumn, ...]
    schema: dict[str, Any]
    rows: int


@lru_cache(maxsize=256)
def released_table(release_folder: Path, table: str) -> ReleasedTable:
    """A table by its published name; UnknownError when the release has none."""
    path = release_folder / "parquet" / f"{table}.parquet"
    if not table.isidentifier() or not path.exists():
        raise UnknownError(f"release {release_folder.name} has no table {table!r}")
    with pq.ParquetFile(path) as file:
        arrow = file.schema_arrow
        columns = tuple(PublishedColumn(each.name, _duckdb_type(str(each.type)), None) for each in arrow)
        return ReleasedTable(
            table, columns, json.loads(arrow.metadata[b"tableschema"]), file.metadata.num_rows
        )


def _duckdb_type(arrow_type: str) -> str:
    if arrow_type.startswith("decimal"):
        return "DECIMAL(38,18)"
    return "TIMESTAMP WITH TIME ZONE" if arrow_type.startswith("timestamp") else _ARROW_TYPES[arrow_type]


def source_file(release_folder: Path, table: str, filters: Filters) -> Path:
    """The smallest Parquet file of the release that holds all rows that the filters can match."""
    folder = release_folder / "parquet"
    member, year = filters.get("member_code"), filters.get(YEAR, ())
    path = folder / f"{table}.parquet"
    if isinstance(member, str) and member.isalnum():
        path = folder / member / f"{table}.parquet"
        if path.exists() and (
            year is None or isinstance(year, int) or (isinstance(year, str) and year.isdigit())
        ):
            by_year = folder / member / (UNDATED if year is None else str(int(year))) / f"{table}.parquet"
            path = by_year if by_year.exists() else path
    return path if path.exists() else folder / f"{table}.parquet"


def where(table: ReleasedTable, filters: Filters) -> tuple[str, list[object]]:
    """SQL condition and its parameters; UnknownError for a column that the table has not."""
    types = {column.name: column.duckdb_type for column in table.columns}
    conditions: list[str] = []
    parameters: list[object] = []
    for name, value in filters.items():
        if name not in types:
            raise UnknownError(f"{table.name} has no column {name!r}")
        column = quote_name(name)
        if value is None:
            conditions.append(f"{column} IS NULL")
            continue
        values = [value] if isinstance(value, str | int) else list(value)
        marks = ", ".join(f"CAST(? AS {types[name]})" for _ in values)
        conditions.append(f"{column} IN ({marks})" if values else "false")
        parameters += [str(each) for each in values]
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), parameters


def count_rows(release_folder: Path, table: str, filters: Filters | None = None) -> int:
    """How many rows `stream_rows` will send."""
    filters = filters or {}
    released = released_table(release_folder, table)
    condition, parameters = where(released, filters)
    if not condition:
        return released.rows
    source = quote_text(source_file(release_folder, table, filters))
    with connect(MEMORY_LIMIT, 1) as con:
        return int(fetch_one(con, f"SELECT count(*) FROM read_parquet({source}){condition}", parameters)[0])


def stream_rows(
    release_folder: Path,
    table: str,
    filters: Filters | None = None,
    profile: str = "csv",
    language: str = "en",
) -> Iterator[bytes]:
    """The rows that match, in the order of the release, heading first, as blocks of bytes.

    profile: ``csv``, ``excel`` (for the spreadsheet of `language`) or ``jsonl``. Without filters, the plain CSV is
    byte for byte the file of the release. Raises UnknownError before the first block for what does not exist, and
    PublicationError where a block should follow when the rows are not those that were counted.
    """
    filters = filters or {}
    if profile not in PROFILES:
        raise UnknownError(f"no profile {profile!r}; known: {', '.join(PROFILES)}")
    announced = count_rows(release_folder, table, filters)
    return _blocks(
        release_folder, released_table(release_folder, table), filters, Profile(profile, language), announced
    )


def _blocks(
    folder: Path, table: ReleasedTable, filters: Filters, profile: Profile, announced: int
) -> Iterator[bytes]:
    condition, parameters = where(table, filters)
    source = quote_text(source_file(folder, table.name, filters))
    yield profile.heading(table.columns)
    sent = 0
    with connect(MEMORY_LIMIT, 1) as con:
        con.execute("SET preserve_insertion_order = true")
        sql = f"SELECT {profile.line(table.columns)} FROM read_parquet({source}){condition}"
        for block, count in line_batches(con, sql, parameters):
            sent += count
            yield block
    if sent != announced:
        raise PublicationError(f"{table.name}: {sent} rows instead of {announced}")


def file_name(release_folder: Path, table: str, filters: Filters | None, profile: Profile) -> str:
    """Name of a download: what it is, of whom, of which year, of which release."""
    filters = filters or {}
    parts = [table]
    parts += [
        str(filters[name]) for name in ("member_code", YEAR) if isinstance(filters.get(name), str | int)
    ]
    parts += ["filtered"] if set(filters) - {"member_code", YEAR} else []
    parts += [release_folder.name] + ([profile.language] if profile.name == "excel" else [])
    return "-".join(parts) + f".{profile.extension}"
