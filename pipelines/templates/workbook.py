"""The workbook that a member fills in: what to read first, a sheet per table, dictionary, codes."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.catalogue import Catalogue, Field, Member, PackageType, Table
from pipelines.exceptions import CatalogueError
from pipelines.templates.columns import Template
from pipelines.templates.guide import COLOURS, add_codes, add_dictionary, add_guide
from pipelines.templates.texts import load_words

Value = str | int | float | Decimal | bool | dt.date | dt.datetime | None
"""A value of a filled-in row. Codes are given as codes (several: joined by ``;``) and written as labels."""

LAST_ROW = 100_000
"""Rows that are prepared with dropdowns and checks; further rows are taken, they only have no help."""

_MOST_NAME = 31
_PAGE_CHARACTERS = 160
"""Characters across a printed page before it becomes too small to read."""

_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_CREATED = dt.datetime(2026, 1, 1)
"""Date in the properties of every workbook: the same standard gives the same bytes."""

_OPTIONS = {
    "default_date_format": "yyyy-mm-dd",
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_TAB_COLOURS = {"first": "#1F3864", "minimum": "#2E75B6", "other": "#BFBFBF"}


def write_workbook(
    catalogue: Catalogue,
    package_type_name: str,
    language: str,
    path: Path,
    *,
    member: Member | None = None,
    flat_only: bool = False,
    rows: Mapping[str, Sequence[Mapping[str, Value]]] | None = None,
) -> None:
    """Write the workbook of a package type in one language; the same catalogue gives the same bytes.

    member: names its institution, and puts its currency, country, languages and registers first in the lists.
    flat_only: only the flat table (raises CatalogueError when the package type has none).
    rows: table -> rows (field -> value) to fill in; empty sheets by default.
    """
    package_type = catalogue.package_type(package_type_name)
    if language not in load_words():
        raise CatalogueError(f"no templates in language {language!r}")
    template = Template(catalogue, package_type.name, language, member)
    words = template.words
    tables = _sheets(
        template,
        _chosen_tables(package_type, flat_only),
        (words.guide_sheet, words.dictionary_sheet, words.codes_sheet),
    )
    book = Workbook(str(path), dict(_OPTIONS))
    try:
        book.set_properties(
            {
                "title": words.title.format(package_type=words.package_types[package_type.name]),
                "created": _CREATED,
            }
        )
        guide = book.add_worksheet(words.guide_sheet)
        guide.set_tab_color(COLOURS["required"][0])
        writer = _TableWriter(book, template)
        for name, table in tables.items():
            sheet = book.add_worksheet(name)
            first = table.name == package_type.flat
            kind = "first" if first else "minimum" if table.name in package_type.minimum else "other"
            sheet.set_tab_color(_TAB_COLOURS[kind])
            writer.write(sheet, table, (rows or {}).get(table.name, ()))
        add_guide(book, guide, template, package_type, tables)
        add_dictionary(book, book.add_worksheet(words.dictionary_sheet), template, tables)
        add_codes(book, book.add_worksheet(words.codes_sheet), template, tables)
    finally:
        book.close()


def template_tables(package_type: PackageType) -> tuple[Table, ...]:
    """Tables that a member fills in, the flat one first; those that are never published are none of them."""
    tables = [table for table in package_type.tables if table.is_published]
    return tuple(sorted(tables, key=lambda table: table.name != package_type.flat))


def _chosen_tables(package_type: PackageType, flat_only: bool) -> tuple[Table, ...]:
    if not flat_only:
        return template_tables(package_type)
    if package_type.flat is None:
        raise CatalogueError(f"package type {package_type.name!r} has no flat table")
    return (package_type.table(package_type.flat),)


def _sheets(template: Template, tables: Iterable[Table], taken: Iterable[str]) -> dict[str, Table]:
    """Sheet name -> table: titles without forbidden signs, at most 31 characters, unique."""
    names: dict[str, Table] = {}
    used = {name.casefold() for name in taken}
    for table in tables:
        title = _FORBIDDEN.sub(" ", template.title(table)).strip("' ")
        name = _cut(title, _MOST_NAME)
        number = 1
        while name.casefold() in used:
            number += 1
            name = f"{_cut(title, _MOST_NAME - 3)} {number}"
        used.add(name.casefold())
        names[name] = table
    return names


def _cut(title: str, most: int) -> str:
    """The title, or as many of its first words as fit, without a last little word (``de``, ``of``)."""
    if len(title) <= most:
        return title
    words = title[: most + 1].split(" ")[:-1] or [title[:most]]
    while len(words) > 1 and len(words[-1]) < 4:
        words.pop()
    return " ".join(words)


class _TableWriter:
    """Writes the sheets of tables; formats are shared by all of them."""

    def __init__(self, book: Workbook, template: Template) -> None:
        self.book = book
        self.template = template
        self._headings = {
            level: book.add_format(
                {
                    "bold": True,
                    "bg_color": fill,
                    "font_color": letters,
                    "text_wrap": True,
                    "valign": "vcenter",
                    "border": 1,
                    "border_color": "#FFFFFF",
                }
            )
            for level, (fill, letters) in COLOURS.items()
        }
        self._cells: dict[str, Format] = {}

    def _cell_format(self, number_format: str) -> Format:
        if number_format not in self._cells:
            self._cells[number_format] = self.book.add_format({"num_format": number_format, "valign": "top"})
        return self._cells[number_format]

    def write(self, sheet: Worksheet, table: Table, rows: Sequence[Mapping[str, Value]]) -> None:
        template = self.template
        lines, characters = 1, 0
        for column, field in enumerate(table.fields):
            width = template.width(table, field)
            characters += width
            cell_format = self._cell_format(template.cell_format(field))
            heading = template.heading(table, field)
            sheet.set_column(column, column, width, cell_format)
            sheet.write_string(0, column, heading, self._headings[field.level])
            note = template.comment(table, field)
            sheet.write_comment(0, column, note, _note_options(note))
            validation = template.validation(field)
            if validation:
                sheet.data_validation(1, column, LAST_ROW, column, validation)
            lines = max(lines, -(-(len(heading) + 3) // (width - 2)))
            for row, values in enumerate(rows, 1):
                self._write_cell(sheet, row, column, field, values.get(field.name), cell_format)
        sheet.set_row(0, 16 * lines + 6)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(LAST_ROW, len(rows)), len(table.fields) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(-(-characters // _PAGE_CHARACTERS), 0)
        sheet.repeat_rows(0)
        sheet.repeat_columns(0)

    def _write_cell(
        self, sheet: Worksheet, row: int, column: int, field: Field, value: Value, cell_format: Format
    ) -> None:
        if value is None or value == "":
            return
        codelist = self.template.codelist(field)
        if isinstance(value, bool):
            sheet.write_string(row, column, self.template.words.booleans[0 if value else 1], cell_format)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(row, column, value, cell_format)
        elif isinstance(value, dt.date):
            sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()), cell_format)
        elif isinstance(value, str):
            if codelist is not None:
                labels = (
                    self.template.label(codelist.name, code) if code in codelist.codes else code
                    for code in value.split(";")
                )
                value = "; ".join(labels)
            sheet.write_string(row, column, value, cell_format)
        else:
            sheet.write_number(row, column, float(value), cell_format)


def _note_options(text: str) -> dict[str, object]:
    """Size of a note that shows all of its text; no author."""
    lines = sum(-(-max(len(line), 1) // 46) for line in text.split("\n"))
    return {"author": "", "width": 300, "height": 16 * lines + 14, "font_size": 9, "color": "#FFFBE6"}
