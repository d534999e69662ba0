"""Indicators, flags and what can be computed, worked out when a release is made and published with it.

Reference tables ``indicators``, ``indicator_flags``, ``indicator_computability``, ``indicator_next_fields`` and
``indicator_definitions``; as CSV and Parquet in the folder ``indicators/`` of the release.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.engine import fetch_one, quote_name, quote_text
from pipelines.indicators import Settings, load_indicators
from pipelines.indicators.frames import TABLES, compute_tables
from pipelines.indicators.tables import PACKAGE_TYPE, close_tables
from pipelines.publication.formats.csv import PLAIN
from pipelines.publication.formats.lines import line_ends
from pipelines.publication.gather import PublishedColumn, PublishedTable

DEFINITIONS = "indicator_definitions"
INDICATOR_TABLES = (*TABLES, DEFINITIONS)
FOLDER = "indicators"


def create_indicators(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    tables: Sequence[PublishedTable],
    released_at: datetime,
) -> tuple[str, ...]:
    """Create the tables from the published ones in `con`'s current database; their names, none without procurement data."""
    relations = {
        table.table.name: quote_name(table.name)
        for table in tables
        if table.table.package_type == PACKAGE_TYPE
    }
    if "processes" not in relations:
        return ()
    compute_tables(con, catalogue, relations, Settings(as_of=released_at.replace(tzinfo=None)))
    close_tables(con)
    _create_definitions(con, catalogue)
    return INDICATOR_TABLES


def _create_definitions(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """What each figure means, so that it can be read, and checked, from the release alone."""
    rows = []
    for each in load_indicators(catalogue.folder).values():
        row: dict[str, str | int | None] = {
            "indicator": each.code,
            "kind": each.kind,
            "method": each.method or None,
            "unit": each.unit or None,
            "minimum_n": each.minimum or None,
            "needs": ";".join("|".join("+".join(choice) for choice in need) for need in each.needs) or None,
            "absent": ";".join(each.absent) or None,
            "parameters": ";".join(f"{name}={value}" for name, value in each.parameters.items()) or None,
            "formula": each.formula or None,
            "source": each.source,
            "sql": each.sql if each.is_computed else None,
        }
        for language in LANGUAGES:
            words = each.texts[language]
            row[f"title_{language}"] = words.title
            row[f"meaning_{language}"] = words.meaning
            row[f"caveats_{language}"] = words.caveats or None
        rows.append(row)
    con.register("told_indicators", pa.Table.from_pylist(rows))
    con.execute(f"CREATE TABLE {DEFINITIONS} AS SELECT * FROM told_indicators")
    con.unregister("told_indicators")


def write_indicators(
    con: duckdb.DuckDBPyConnection, names: Sequence[str], folder: Path
) -> list[tuple[Path, int, str]]:
    """The tables as ``<name>.parquet`` and ``<name>.csv`` in a folder; (file, rows, table) of each."""
    written = []
    for name in names:
        folder.mkdir(parents=True, exist_ok=True)
        columns = [
            PublishedColumn(column, kind, None)
            for column, kind, *_ in con.execute(f"DESCRIBE {quote_name(name)}").fetchall()
        ]
        ordered = f"(SELECT * FROM {quote_name(name)} ORDER BY ALL)"
        (rows,) = fetch_one(con, f"SELECT count(*) FROM {quote_name(name)}")
        con.execute("SET preserve_insertion_order = true")
        try:
            parquet = folder / f"{name}.parquet"
            con.execute(f"COPY {ordered} TO {quote_text(parquet)} (FORMAT parquet, COMPRESSION zstd)")
            plain = folder / f"{name}.csv"
            with plain.open("wb") as file:
                file.write(PLAIN.heading(columns))
                for block, _ends in line_ends(con, f"SELECT {PLAIN.line(columns)} FROM {ordered}"):
                    file.write(block)
        finally:
            con.execute("SET preserve_insertion_order = false")
        written += [(parquet, rows, name), (plain, rows, name)]
    return written
