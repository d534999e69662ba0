"""The workbook: recognised again when it comes back, with dropdowns, complete, small, always the same."""

import datetime as dt
import re
from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook import Workbook
from python_calamine import CalamineWorkbook

from pipelines.catalogue import LANGUAGES, Catalogue, Table
from pipelines.exceptions import CatalogueError
from pipelines.intake.labels import LabelIndex
from pipelines.templates import guide_sheets, problem_sheets, write_workbook
from pipelines.templates.columns import LONG_LIST, range_name
from pipelines.templates.texts import load_examples, load_words
from pipelines.templates.workbook import template_tables

EVERY = [(name, language) for name in ("procurement", "activity") for language in LANGUAGES]
every = pytest.mark.parametrize(("package_type", "language"), EVERY)


@pytest.fixture(scope="session")
def books(written: Path) -> dict[tuple[str, str], Workbook]:
    return {key: openpyxl.load_workbook(written / f"{key[0]}.{key[1]}.xlsx") for key in EVERY}


def sheets(book: Workbook, catalogue: Catalogue, package_type: str) -> list[tuple[str, Table]]:
    """(sheet name, table) of the sheets to fill in."""
    names = [name for name in book.sheetnames if name not in guide_sheets()]
    return list(zip(names, template_tables(catalogue.package_type(package_type)), strict=True))


def validations(sheet) -> dict[str, object]:
    """Column letter -> data validation."""
    return {re.match(r"[A-Z]+", str(each.sqref))[0]: each for each in sheet.data_validations.dataValidation}


def column_formats(sheet) -> dict[int, str]:
    """Column number -> number format; openpyxl keeps equal neighbours as one."""
    return {
        column: each.number_format
        for each in sheet.column_dimensions.values()
        for column in range(each.min, each.max + 1)
    }


def filled(language: str, catalogue: Catalogue, path: Path, **options) -> Workbook:
    write_workbook(catalogue, "procurement", language, path, **options)
    return openpyxl.load_workbook(path)


@every
def test_every_heading_and_sheet_is_recognised_when_the_workbook_comes_back(
    package_type: str, language: str, books, catalogue: Catalogue
) -> None:
    index = LabelIndex.build(catalogue, catalogue.package_type(package_type))
    for name, table in sheets(books[package_type, language], catalogue, package_type):
        cells = [cell.value for cell in books[package_type, language][name][1]]
        known, unknown = index.match(table, cells)
        assert unknown == {}
        assert list(known.values()) == list(table.by_name), f"{name}: a heading means another field"
        hits = {each.name: index.hits(each.name, cells) for each in index.package_type.tables}
        told_by_name = index.table_named(name) == table.name
        assert told_by_name or max(hits, key=hits.__getitem__) == table.name, (
            f"{name} is taken for another table"
        )


@every
def test_the_flat_table_comes_first_and_guides_surround_the_tables(
    package_type: str, language: str, books, catalogue: Catalogue
) -> None:
    book, words = books[package_type, language], load_words()[language]
    names = book.sheetnames
    assert names[0] == words.guide_sheet
    assert names[-2:] == [words.dictionary_sheet, words.codes_sheet]
    flat = catalogue.package_type(package_type).flat
    first = sheets(book, catalogue, package_type)[0][1]
    assert first.name == (flat or "activities")
    assert all(len(name) <= 31 for name in names)


@every
def test_coded_columns_have_dropdowns_with_labels(
    package_type: str, language: str, books, catalogue: Catalogue
) -> None:
    book, words = books[package_type, language], load_words()[language]
    codes = book[words.codes_sheet]
    for name, table in sheets(book, catalogue, package_type):
        found = validations(book[name])
        for cell, field in zip(book[name][1], table.fields, strict=True):
            if field.codelist not in catalogue.codelists:
                continue
            validation = found[cell.column_letter]
            assert validation.type == "list"
            assert validation.formula1 == range_name(field.codelist)
            codelist = catalogue.codelists[field.codelist]
            strict = codelist.closed and field.type == "string" and len(codelist.codes) <= LONG_LIST
            assert validation.showErrorMessage == strict, f"{table.name}.{field.name}"
            where = book.defined_names[range_name(field.codelist)].attr_text.split("!")[1].replace("$", "")
            labels = {row[0].value for row in codes[where]}
            active = [code.code for code in codelist.codes.values() if code.status == "active"]
            assert labels == {catalogue.texts.code(language, codelist.name, code) for code in active}


@every
def test_cells_take_dates_numbers_and_texts_as_the_standard_has_them(
    package_type: str, language: str, books, catalogue: Catalogue
) -> None:
    book = books[package_type, language]
    kinds = {"date": "date", "datetime": "date", "integer": "whole", "year": "whole", "number": "decimal"}
    for name, table in sheets(book, catalogue, package_type):
        found, formats = validations(book[name]), column_formats(book[name])
        for cell, field in zip(book[name][1], table.fields, strict=True):
            number_format = formats[cell.column]
            if field.type in kinds:
                validation = found[cell.column_letter]
                assert validation.type == kinds[field.type]
                assert validation.prompt and validation.error and validation.showErrorMessage
                assert number_format != "@"
            elif field.type == "boolean":
                assert found[cell.column_letter].formula1 == f'"{",".join(load_words()[language].booleans)}"'
            else:
                assert number_format == "@", f"{table.name}.{field.name}: zeros in front would be lost"


@every
def test_headings_carry_a_note_a_colour_and_stay_in_sight(
    package_type: str, language: str, books, catalogue: Catalogue
) -> None:
    book = books[package_type, language]
    colours: dict[str, set[str]] = {}
    for name, table in sheets(book, catalogue, package_type):
        assert book[name].freeze_panes == "B2"
        assert book[name].auto_filter.ref
        for cell, field in zip(book[name][1], table.fields, strict=True):
            description = catalogue.texts.field(language, package_type, table.name, field.name).description
            assert description in cell.comment.text
            assert cell.comment.author in ("", "None"), "openpyxl reads an empty author as None"
            assert cell.value.endswith(" *") == (field.level == "required")
            colours.setdefault(field.level, set()).add(cell.fill.fgColor.rgb)
    assert all(len(each) == 1 for each in colours.values())
    assert len(set.union(*colours.values())) == len(colours)


@every
def test_the_dictionary_explains_every_column(
    package_type: str, language: str, books, catalogue: Catalogue
) -> None:
    book, words = books[package_type, language], load_words()[language]
    rows = list(book[words.dictionary_sheet].iter_rows(min_row=2, values_only=True))
    expected = [
        (name, field.name) for name, table in sheets(book, catalogue, package_type) for field in table.fields
    ]
    assert [(row[0], row[2]) for row in rows] == expected
    assert all(row[1] and row[3] and row[4] and row[5] for row in rows)
    fields = [field for _, table in sheets(book, catalogue, package_type) for field in table.fields]
    for row, field in zip(rows, fields, strict=True):
        assert (row[7] or None) == field.codelist
        assert bool(row[6]) == bool(field.descriptor.get("example"))


@every
def test_the_codes_sheet_lists_every_code_in_force(
    package_type: str, language: str, books, catalogue: Catalogue
) -> None:
    book, words = books[package_type, language], load_words()[language]
    found = {tuple(row) for row in book[words.codes_sheet].iter_rows(min_row=2, values_only=True)}
    used = {
        field.codelist
        for _, table in sheets(book, catalogue, package_type)
        for field in table.fields
        if field.codelist
    }
    expected = {
        (name, code.code, catalogue.texts.code(language, name, code.code))
        for name in used
        for code in catalogue.codelists[name].codes.values()
        if code.status == "active"
    }
    assert found == expected


@every
def test_a_workbook_is_small_and_names_nobody(package_type: str, language: str, books, written: Path) -> None:
    path = written / f"{package_type}.{language}.xlsx"
    assert path.stat().st_size < 400_000
    properties = books[package_type, language].properties
    assert not properties.creator and not properties.lastModifiedBy
    assert properties.created == dt.datetime(2026, 1, 1)
    names = CalamineWorkbook.from_path(path).sheet_names
    assert names == books[package_type, language].sheetnames


def test_examples_are_in_the_language_of_the_reader(catalogue: Catalogue) -> None:
    """An example in words has a translation, except where the column itself is in a certain language."""
    for package_type in catalogue.package_types.values():
        for table in template_tables(package_type):
            for field in table.fields:
                example = str(field.descriptor.get("example") or "")
                worded = field.type in ("string", "list") and not field.codelist and " " in example
                if worded and not field.name.endswith(("_es", "_pt", "_fr")):
                    for language in LANGUAGES:
                        assert load_examples()[language, example], f"{table.name}.{field.name}: {example}"


def test_words_are_complete_and_fit_the_windows_of_a_spreadsheet(catalogue: Catalogue) -> None:
    keys = {language: set(words.validation) for language, words in load_words().items()}
    assert all(each == keys["en"] for each in keys.values())
    for words in load_words().values():
        assert set(words.package_types) == set(catalogue.package_types)
        assert len(words.steps) == 8 and words.steps.count("") == 1
        assert set(words.types) == {
            field.type
            for each in catalogue.package_types.values()
            for table in each.tables
            for field in table.fields
        }
        for title, text in words.validation.values():
            assert len(title) <= 32 and len(text) <= 255, title
    assert len(guide_sheets() - problem_sheets()) == 10, "some names are the same in two languages"


def test_a_member_finds_its_own_codes_first(catalogue: Catalogue, tmp_path: Path) -> None:
    member = catalogue.members["XAA"]
    book = filled("es", catalogue, tmp_path / "own.xlsx", member=member, flat_only=True)
    assert any(member.institution in str(row[0]) for row in book["Lea primero"].iter_rows(values_only=True))
    rows = list(book["Códigos"].iter_rows(min_row=2, values_only=True))
    first = {row[0]: row[1] for row in reversed(rows)}
    assert first["currency"] == "USD"
    assert [row[1] for row in rows if row[0] == "identifierScheme"][:3] == ["XA-GOV", "XA-TIN", "XA-REG"]
    assert [row[1] for row in rows if row[0] == "currency"].count("USD") == 1


def test_flat_only_has_one_table_and_needs_a_flat_one(catalogue: Catalogue, tmp_path: Path) -> None:
    book = filled("pt", catalogue, tmp_path / "flat.xlsx", flat_only=True)
    assert len([name for name in book.sheetnames if name not in guide_sheets()]) == 1
    with pytest.raises(CatalogueError):
        write_workbook(catalogue, "activity", "pt", tmp_path / "none.xlsx", flat_only=True)
    with pytest.raises(CatalogueError):
        write_workbook(catalogue, "activity", "de", tmp_path / "none.xlsx")


def test_rows_are_written_as_people_would_write_them(catalogue: Catalogue, tmp_path: Path) -> None:
    row = {
        "contract_id": "0042",
        "procurement_method": "open",
        "contract_value_amount": 1234.5,
        "award_date": dt.date(2025, 3, 9),
        "supplier_women_owned": False,
        "item_classification_scheme": "OWN",
        "contract_title": "=1+1",
    }
    book = filled("es", catalogue, tmp_path / "rows.xlsx", flat_only=True, rows={"contracts_flat": [row]})
    sheet = book["Contratos en una tabla"]
    table = catalogue.package_type("procurement").table("contracts_flat")
    cells = dict(zip(table.by_name, sheet[2], strict=True))
    assert cells["contract_id"].value == "0042"
    assert cells["procurement_method"].value == "Licitación abierta"
    assert cells["contract_value_amount"].value == 1234.5
    assert cells["award_date"].value == dt.datetime(2025, 3, 9)
    assert cells["award_date"].number_format == "dd/mm/yyyy"
    assert cells["supplier_women_owned"].value == "No"
    assert cells["item_classification_scheme"].value == "OWN"
    assert cells["contract_title"].data_type == "s", "text, never a formula"


def test_the_same_standard_gives_the_same_bytes(catalogue: Catalogue, written: Path, tmp_path: Path) -> None:
    write_workbook(catalogue, "activity", "fr", tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == (written / "activity.fr.xlsx").read_bytes()
