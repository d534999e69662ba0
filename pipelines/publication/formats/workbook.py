"""XLSX for people: real dates and numbers, identifiers as text, a dictionary, the codes, and what the file is.

Rows are written one by one and forgotten (``constant_memory``). A sheet of Excel holds 1,048,576 rows: what is more
goes into numbered workbooks, and the "about" sheet of each says which part it is. Nothing of the data is ever a
formula or a link.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.catalogue import Catalogue
from pipelines.engine import connect, quote_text
from pipelines.publication.formats.lines import Profile
from pipelines.publication.formats.stream import (
    MEMORY_LIMIT,
    Filters,
    ReleasedTable,
    count_rows,
    file_name,
    released_table,
    source_file,
    stream_rows,
    where,
)
from pipelines.publication.metadata.citation import apa
from pipelines.publication.metadata.described import Described
from pipelines.publication.texts import load_texts

MOST_ROWS = 1_048_575
"""Rows of data below the heading."""

MOST_CHARACTERS = 32_767
_MOST_DIGITS = 10**15
_BATCH = 2_000
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
    "remove_timezone": True,
    # A sheet of a million rows may have more than 2 GiB before it is packed: without this, it ends in an error.
    "use_zip64": True,
}
_WIDTHS = {"date": 12, "datetime": 19, "number": 18, "integer": 12, "year": 8, "boolean": 12}
_FORMATS = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss", "number": "#,##0.00##########", "integer": "0", "year": "0", "boolean": "General"}  # fmt: skip


def write_workbooks(
    release_folder: Path, catalogue: Catalogue, described: Described, table: str, folder: Path,
    filters: Filters | None = None, language: str = "en", most_rows: int = MOST_ROWS,
) -> list[Path]:  # fmt: skip
    """Write the rows that match as one workbook, or as several numbered ones; the same release gives the same bytes.

    described: of the table, or of the member's part of it. Raises UnknownError for a table or column that the
    release has not.
    """
    filters = filters or {}
    released = released_table(release_folder, table)
    total = count_rows(release_folder, table, filters)
    digest = hashlib.sha256()
    for block in stream_rows(release_folder, table, filters):
        digest.update(block)
    parts = max(1, -(-total // most_rows))
    stem = file_name(release_folder, table, filters, Profile("csv")).removesuffix(".csv")
    folder.mkdir(parents=True, exist_ok=True)
    rows = _rows(release_folder, released, filters)
    chosen = "; ".join(f"{name} = {value}" for name, value in filters.items())
    paths = []
    for part in range(1, parts + 1):
        number = f"-{part}" if parts > 1 else ""
        path = folder / f"{stem}-{language}{number}.xlsx"
        count = min(most_rows, total - most_rows * (part - 1))
        book = Book(path, released, catalogue, described, language)
        try:
            shortened = book.write_rows(rows, count)
            book.write_dictionary()
            book.write_about(chosen, count, total, (part, parts), digest.hexdigest(), shortened)
        finally:
            book.close()
        paths.append(path)
    return paths


def _rows(folder: Path, table: ReleasedTable, filters: Filters) -> Iterator[tuple[Any, ...]]:
    condition, parameters = where(table, filters)
    source = quote_text(source_file(folder, table.name, filters))
    with connect(MEMORY_LIMIT, 1) as con:
        con.execute("SET preserve_insertion_order = true")
        con.execute(f"SELECT * FROM read_parquet({source}){condition}", parameters)
        while batch := con.fetchmany(_BATCH):
            yield from batch


class Book:
    """One workbook: sheets of data, dictionary, codes and about, in this order."""

    def __init__(
        self, path: Path, table: ReleasedTable, catalogue: Catalogue, described: Described, language: str
    ) -> None:
        self.words, self.language = load_texts()[language], language
        self.table, self.catalogue, self.described = table, catalogue, described
        self.fields = table.schema["fields"]
        # Sheets grow on the disk of the file itself: the system's own folder for such things is often memory.
        self.book = Workbook(str(path), {**_OPTIONS, "tmpdir": str(path.parent)})
        created = dt.datetime.fromisoformat(described.released_at).replace(tzinfo=None, microsecond=0)
        self.book.set_properties({"title": described.titles[language], "created": created})
        names = ("data_sheet", "dictionary_sheet", "codes_sheet", "about_sheet")
        self.data, self.dictionary, self.codes, self.about = (
            self.book.add_worksheet(self.words[name]) for name in names
        )
        self.head = self.book.add_format({"bold": True, "bg_color": "#1F3864", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"})  # fmt: skip
        self.body = self.book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})

    def close(self) -> None:
        self.book.close()

    def write_rows(self, rows: Iterator[tuple[Any, ...]], count: int) -> int:
        """Write the next `count` rows; returns how many texts had to be shortened."""
        sheet, formats, shortened = self.data, [], 0
        sheet.freeze_panes(1, 0)
        sheet.set_row(0, 32)
        titles = self._titles()
        for column, field in enumerate(self.fields):
            kind = field["type"]
            formats.append(self._format(kind))
            sheet.set_column(
                column, column, _WIDTHS.get(kind, 28 if len(titles[column]) < 28 else 36), formats[-1]
            )
            sheet.write_string(0, column, titles[column], self.head)
        for row in range(1, count + 1):
            for column, value in enumerate(next(rows)):
                if value is not None:
                    shortened += _write(sheet, row, column, value, formats[column])
        sheet.autofilter(0, 0, max(count, 1), len(self.fields) - 1)
        return shortened

    def _format(self, kind: str) -> Format:
        return self.book.add_format({"num_format": _FORMATS.get(kind, "@"), "valign": "top"})

    def _titles(self) -> list[str]:
        """Titles in the language; where two are the same, with the name of the column."""
        titles = [field["titles"][self.language] for field in self.fields]
        return [
            title if titles.count(title) == 1 else f"{title} ({field['name']})"
            for title, field in zip(titles, self.fields, strict=True)
        ]

    def write_dictionary(self) -> None:
        """What every column means, and the labels of all codes that it may hold."""
        rows, codes = [], []
        for title, field in zip(self._titles(), self.fields, strict=True):
            name = field.get("codelist", "")
            description = field["descriptions"][self.language]
            rows.append((title, field["name"], description, self.words["types"].get(field["type"], ""), name))
            codes += [name] if name in self.catalogue.codelists else []
        labels = [
            (name, code, self.catalogue.texts.code(self.language, name, code))
            for name in dict.fromkeys(codes)
            for code in self.catalogue.codelists[name].codes
        ]
        self._list(self.dictionary, self.words["dictionary"], (34, 32, 80, 24, 28), rows)
        self._list(self.codes, self.words["codes"], (30, 26, 80), labels)

    def write_about(
        self, chosen: str, count: int, total: int, part: tuple[int, int], sha256: str, shortened: int
    ) -> None:
        """What this file is: enough to cite it, to check it, and to know that nothing is missing.

        chosen: what was asked for, in the reader's sight; "" for everything. part: number of the file, of how many.
        """
        words, described = self.words, self.described
        notes = [words["note_empty"], words["note_dates"], words["note_digits"]]
        values = (
            described.titles[self.language],
            described.release_id,
            described.day,
            f"{described.licence_titles[self.language]} ({described.licence['path']})",
            apa(described, self.language),
            "; ".join((*described.members, *described.agencies)),
            chosen or words["all"],
            str(count),
            str(total),
            words["part"].format(number=part[0], count=part[1]),
            described.landing,
            sha256,
            "\n".join([*notes, words["note_text"].format(count=shortened)]),
        )
        self.about.set_column(0, 0, 28, self.body)
        self.about.set_column(1, 1, 110, self.body)
        for row, (label, value) in enumerate(zip(words["about"], values, strict=True)):
            self.about.set_row(row, 16 * (1 + value.count("\n") + len(value) // 110))
            self.about.write_string(row, 0, label, self.head)
            self.about.write_string(row, 1, value[:MOST_CHARACTERS], self.body)

    def _list(
        self, sheet: Worksheet, headings: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[str]]
    ) -> None:
        for column, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            sheet.set_column(column, column, width, self.body)
            sheet.write_string(0, column, heading, self.head)
        for row, cells in enumerate(rows, 1):
            for column, cell in enumerate(cells):
                sheet.write_string(row, column, cell, self.body)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(rows), 1), len(headings) - 1)


def _write(sheet: Worksheet, row: int, column: int, value: Any, cell: Format) -> int:
    """Write a cell by its type; 1 when its text had to be shortened."""
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, cell)
    elif isinstance(value, str):
        sheet.write_string(row, column, value[:MOST_CHARACTERS], cell)
        return len(value) > MOST_CHARACTERS
    elif (isinstance(value, int) and abs(value) >= _MOST_DIGITS) or value in (inf, -inf) or value != value:
        sheet.write_string(row, column, str(value), cell)
    elif isinstance(value, int | Decimal | float):
        sheet.write_number(row, column, float(value), cell)
    elif value.year < 1900:  # Excel counts days from 1900 on
        sheet.write_string(row, column, value.isoformat(), cell)
    else:
        sheet.write_datetime(row, column, value, cell)
    return 0
