"""The sheets of a workbook that explain: read first, dictionary, codes."""

from collections.abc import Mapping, Sequence
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.catalogue import PackageType, Table
from pipelines.templates.columns import Template, range_name

COLOURS = {
    "required": ("#1F3864", "#FFFFFF"),
    "recommended": ("#BDD7EE", "#1F3864"),
    "optional": ("#EDEDED", "#404040"),
}
"""Level of a column -> (fill, letters) of its heading; each pair has a contrast of at least 7 to 1."""

_ACCENT = "#1F3864"
_TEXT_WIDTH = 96
_LINE = 15.5


def add_guide(
    book: Workbook,
    sheet: Worksheet,
    template: Template,
    package_type: PackageType,
    tables: Mapping[str, Table],
) -> None:
    """The first sheet. tables: sheet name -> table, in the order of the workbook."""
    words = template.words
    title = book.add_format({"bold": True, "font_size": 20, "font_color": _ACCENT, "valign": "vcenter"})
    heading = book.add_format(
        {"bold": True, "font_size": 13, "font_color": _ACCENT, "bottom": 1, "bottom_color": _ACCENT}
    )
    text = book.add_format({"text_wrap": True, "valign": "vcenter"})
    number = book.add_format({"bold": True, "font_color": _ACCENT, "valign": "vcenter", "align": "center"})
    link = book.add_format({"font_color": "#0B5394", "underline": 1, "valign": "vcenter", "text_wrap": True})
    strong = book.add_format({"bold": True, "valign": "top"})

    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 4)
    sheet.set_column(1, 1, 32)
    sheet.set_column(2, 2, _TEXT_WIDTH)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 1 if len(tables) == 1 else 0)

    row = 0
    sheet.set_row(row, 34)
    sheet.write_string(row, 0, words.title.format(package_type=words.package_types[package_type.name]), title)
    if template.member is not None:
        row += 1
        sheet.write_string(row, 0, words.prepared_for.format(institution=template.member.institution), strong)

    def section(label: str) -> None:
        nonlocal row
        row += 2
        sheet.set_row(row, 20)
        for column in range(3):
            sheet.write_blank(row, column, None, heading)
        sheet.write_string(row, 0, label, heading)

    def paragraph(content: str) -> None:
        nonlocal row
        row += 1
        sheet.merge_range(row, 0, row, 2, "", text)
        sheet.write_string(row, 0, content, text)
        sheet.set_row(row, _height(content, _TEXT_WIDTH + 36))

    def chip(fill: str, letters: str) -> Format:
        return book.add_format(
            {"bold": True, "bg_color": fill, "font_color": letters, "valign": "vcenter", "indent": 1}
        )

    section(words.about_heading)
    paragraph(words.about)

    section(words.steps_heading)
    choice = _which_sheets(template, package_type, tables)
    for position, step in enumerate(words.steps, 1):
        row += 1
        sheet.write_number(row, 0, position, number)
        sheet.merge_range(row, 1, row, 2, "", text)
        sheet.write_string(row, 1, step or choice, text)
        sheet.set_row(row, _height(step or choice, _TEXT_WIDTH + 32))

    section(words.colours_heading)
    for level, (fill, letters) in COLOURS.items():
        row += 1
        label = words.levels[level] + (" *" if level == "required" else "")
        sheet.write_string(row, 1, label, chip(fill, letters))
        sheet.write_string(row, 2, words.level_meanings[level], text)
        sheet.set_row(row, _LINE + 5)

    section(words.sheets_heading)
    for name, table in tables.items():
        row += 1
        description = template.catalogue.texts.table(
            template.language, package_type.name, table.name
        ).description
        mark = ""
        if table.name == package_type.flat:
            mark = f"{words.flat_mark} "
        elif table.name in package_type.minimum:
            mark = f"{words.minimum_mark} "
        place = name.replace("'", "''")
        sheet.write_url(row, 1, f"internal:'{place}'!A1", link, string=name)
        sheet.write_string(row, 2, mark + description, text)
        sheet.set_row(row, _height(mark + description, _TEXT_WIDTH))

    section(words.licence_heading)
    paragraph(words.licence)
    section(words.send_heading)
    paragraph(words.send)


def _which_sheets(template: Template, package_type: PackageType, tables: Mapping[str, Table]) -> str:
    words = template.words
    flat = next((name for name, table in tables.items() if table.name == package_type.flat), None)
    if flat is None:
        return words.step_without_flat
    return (words.step_flat_alone if len(tables) == 1 else words.step_with_flat).format(flat=flat)


def _height(text: str, width: int) -> float:
    """Points that a text takes when it wraps in so many characters: not every program fits rows by itself."""
    lines = max(1, -(-len(text) * 20 // (width * 21)))
    return _LINE * lines + 5


def _add_list(
    book: Workbook,
    sheet: Worksheet,
    headings: Sequence[str],
    widths: Sequence[int],
    rows: Sequence[Sequence[str]],
) -> None:
    fill, letters = COLOURS["required"]
    head = book.add_format({"bold": True, "bg_color": fill, "font_color": letters, "valign": "vcenter"})
    body: Format = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    for column, (label, width) in enumerate(zip(headings, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, label, head)
    for row, cells in enumerate(rows, 1):
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, cell, body)
        sheet.set_row(row, max(_height(cell, width) for cell, width in zip(cells, widths, strict=True)))
    sheet.set_row(0, 22)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows), len(headings) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def add_dictionary(book: Workbook, sheet: Worksheet, template: Template, tables: Mapping[str, Table]) -> None:
    """One row per column of every sheet."""
    words = template.words
    rows = []
    for name, table in tables.items():
        for field in table.fields:
            codelist = template.codelist(field)
            cells = (
                name,
                template.field_title(table, field),
                field.name,
                words.types[field.type],
                words.levels[field.level],
                template.field_description(table, field),
                template.example(field),
                codelist.name if codelist else "",
            )
            rows.append(cells)
    _add_list(book, sheet, words.dictionary, (28, 34, 32, 20, 15, 76, 40, 28), rows)


def add_codes(book: Workbook, sheet: Worksheet, template: Template, tables: Mapping[str, Table]) -> None:
    """All codes that the sheets use, and a named range of labels per codelist: what the dropdowns show."""
    names = {
        field.codelist for table in tables.values() for field in table.fields if template.codelist(field)
    }
    rows: list[tuple[str, str, str]] = []
    place = sheet.get_name().replace("'", "''")
    for name in sorted(each for each in names if each):
        choices = template.choices(template.catalogue.codelists[name])
        first = len(rows) + 2
        rows += [(name, code, label) for code, label in choices]
        book.define_name(range_name(name), f"='{place}'!$C${first}:$C${len(rows) + 1}")
    _add_list(book, sheet, template.words.codes, (30, 26, 80), rows)
    # Without a password: it only keeps a slip of the hand from breaking the dropdowns.
    options: dict[str, Any] = {"autofilter": True, "format_columns": True, "format_rows": True}
    sheet.protect("", options)
