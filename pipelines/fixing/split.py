"""One wide table of contracts as the linked tables of the standard: a folder of CSV files, or a workbook."""

import csv
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from pipelines.catalogue import PackageType
from pipelines.engine import connect, quote_text
from pipelines.fixing.reading import UnfixableError
from pipelines.flat import FLAT, base, split_contracts_flat
from pipelines.records import StagedPackage


def split_flat(staged: StagedPackage, package_type: PackageType, target: Path) -> dict[str, int]:
    """Write the linked tables that a flat one holds; returns rows per table.

    target: a path ending in ``.xlsx``, or a folder that does not exist yet. Values are those that the intake
    read; a cell that it could not read is there as it was written. Raises UnfixableError without a flat table,
    or beside linked ones that were sent: what was submitted is never mixed with what is made.
    """
    flat = staged.table(FLAT)
    if flat is None or len(staged.tables) > 1:
        raise UnfixableError("not-flat")
    con = connect(memory_limit="2GB", threads=2)
    try:
        source = f"read_parquet({quote_text(flat.path)})"
        con.execute(f"CREATE TABLE flat_base AS {base(package_type, source, flat.columns)}")
        tables = split_contracts_flat(package_type, "flat_base")
        if target.suffix.lower() == ".xlsx":
            return _write_workbook(con, tables, target)
        return _write_folder(con, tables, target)
    finally:
        con.close()


def _query(con: Any, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns that hold anything, and the rows, in the order of the file."""
    cursor = con.execute(
        f"SELECT * EXCLUDE (source_file, source_row_number) FROM ({sql}) ORDER BY source_file, source_row_number"
    )
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    used = [at for at in range(len(names)) if any(row[at] is not None for row in rows)]
    return [names[at] for at in used], [tuple(row[at] for at in used) for row in rows]


def _write_folder(con: Any, tables: dict[str, str], folder: Path) -> dict[str, int]:
    folder.mkdir(parents=True)
    counts = {}
    for name, sql in tables.items():
        columns, rows = _query(con, sql)
        if rows:
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(rows)
            counts[name] = len(rows)
    return counts


def _write_workbook(con: Any, tables: dict[str, str], path: Path) -> dict[str, int]:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    counts = {}
    with Workbook(path, options) as book:
        heading = book.add_format({"bold": True, "bottom": 1})
        for name, sql in tables.items():
            columns, rows = _query(con, sql)
            if not rows:
                continue
            page = book.add_worksheet(name)
            page.freeze_panes(1, 0)
            page.set_column(0, len(columns) - 1, 22)
            for at, column in enumerate(columns):
                page.write_string(0, at, column, heading)
            for row, values in enumerate(rows, 1):
                for at, value in enumerate(values):
                    if value is not None:
                        page.write_string(row, at, str(value))
            counts[name] = len(rows)
    return counts
