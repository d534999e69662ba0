"""Rows that somebody asked for (a filtered table, the answer of a query) as a file for a spreadsheet.

The rows come as Parquet. ``python -m pipelines.publication.formats.answer`` writes in a process of its own, so that
whoever serves pages is not kept busy by a large workbook.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.catalogue import LANGUAGES, Catalogue, load_catalogue
from pipelines.engine import connect, quote_name, quote_text
from pipelines.publication.files import ReleaseFolder
from pipelines.publication.formats.lines import Profile, line_batches
from pipelines.publication.formats.stream import MEMORY_LIMIT, ReleasedTable
from pipelines.publication.formats.workbook import Book
from pipelines.publication.gather import PublishedColumn
from pipelines.publication.metadata.places import described_at

FORMS = {"excel": "csv", "xlsx": "xlsx"}
"""Form -> extension of the file."""

MOST_ROWS = 200_000
"""Rows of a workbook made while its reader waits; more are offered in the other formats."""

_BATCH = 2_000
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_KINDS = {
    "VARCHAR": "string", "BOOLEAN": "boolean", "DATE": "date", "FLOAT": "number", "DOUBLE": "number",
    **dict.fromkeys(_WHOLE, "integer"), **dict.fromkeys((f"U{name}" for name in _WHOLE), "integer"),
}  # fmt: skip


def _kind(duckdb_type: str) -> str:
    """Type of Table Schema; "" for what is written as text."""
    if duckdb_type.startswith("DECIMAL"):
        return "number"
    return "datetime" if duckdb_type.startswith("TIMESTAMP") else _KINDS.get(duckdb_type, "")


def write_answer(
    release: ReleaseFolder, catalogue: Catalogue, source: Path, target: Path, form: str, language: str, place: str, question: str,
) -> int:  # fmt: skip
    """Write the rows of a Parquet file; returns how many.

    place: address of the page below the release (``ingp/…``); question: the filter or query, as it is told to the
    reader. Columns that the standard knows are called and described as there.
    """
    described = described_at(release.descriptor, catalogue, place)
    table = next((name for name in release.tables if place.split("?")[0].startswith(f"ingp/{name}")), "")
    with connect(MEMORY_LIMIT, 1) as con:
        con.execute("SET preserve_insertion_order = true")
        parquet = f"read_parquet({quote_text(str(source))})"
        types = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {parquet}").fetchall()}
        (rows,) = con.execute(f"SELECT count(*) FROM {parquet}").fetchall()[0]
        plain = ", ".join(
            quote_name(name) if _kind(kind) else f"CAST({quote_name(name)} AS VARCHAR) AS {quote_name(name)}"
            for name, kind in types.items()
        )
        columns = tuple(
            PublishedColumn(name, kind if _kind(kind) else "VARCHAR", None) for name, kind in types.items()
        )
        sql = f"SELECT {plain} FROM {parquet}"
        if form == "excel":
            profile = Profile("excel", language)
            with target.open("wb") as file:
                file.write(profile.heading(columns))
                for block, _count in line_batches(con, f"SELECT {profile.line(columns)} FROM ({sql})"):
                    file.write(block)
            return int(rows)
        digest = hashlib.sha256(Profile("csv").heading(columns))
        for block, _count in line_batches(con, f"SELECT {Profile('csv').line(columns)} FROM ({sql})"):
            digest.update(block)
        fields = [_field(column, release.fields(table).get(column.name)) for column in columns]
        con.execute(sql)
        book = Book(
            target, ReleasedTable(table, columns, {"fields": fields}, rows), catalogue, described, language
        )
        try:
            shortened = book.write_rows(_rows(con), rows)
            book.write_dictionary()
            book.write_about(question, rows, rows, (1, 1), digest.hexdigest(), shortened)
        finally:
            book.close()
    return int(rows)


def _rows(con: Any) -> Iterator[tuple[Any, ...]]:
    while batch := con.fetchmany(_BATCH):
        yield from batch


def _field(column: PublishedColumn, known: dict[str, Any] | None) -> dict[str, Any]:
    """Table Schema field of a column: that of the standard, else what its type says."""
    if known:
        return known
    kind = _kind(column.duckdb_type)
    return {
        "name": column.name, "type": kind, "titles": dict.fromkeys(LANGUAGES, column.name),
        "descriptions": dict.fromkeys(LANGUAGES, ""),
    }  # fmt: skip


def main(arguments: list[str]) -> None:
    """Release folder, source, target, form, language, place, question, folders ``schemas`` and ``datapackages``."""
    folder, source, target, form, language, place, question, schemas, datapackages = arguments
    os.nice(10)
    catalogue = load_catalogue(Path(schemas), Path(datapackages))
    write_answer(
        ReleaseFolder(Path(folder)), catalogue, Path(source), Path(target), form, language, place, question
    )


if __name__ == "__main__":
    main(sys.argv[1:])
