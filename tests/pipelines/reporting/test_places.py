"""Addresses as the program that the officer has open says them."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from pipelines.records import Finding
from pipelines.reporting.places import place, where
from pipelines.reporting.visible import visible
from pipelines.validation import read_report


@pytest.mark.parametrize(
    ("finding", "shown"),
    [
        (
            Finding("x", source_file="a.xlsx", sheet="Contratos", row_number=1042, column="F"),
            "Contratos!F1042",
        ),
        (Finding("x", source_file="a.xlsx", sheet="Hoja 1", row_number=7, column="AA"), "'Hoja 1'!AA7"),
        (Finding("x", source_file="a.xlsx", sheet="d'Aval", row_number=7, column="A"), "'d''Aval'!A7"),
        (Finding("x", source_file="a.xlsx", sheet="AB12", row_number=7, column="A"), "'AB12'!A7"),
        (Finding("x", source_file="a.xlsx", sheet="Año", row_number=7, column="A"), "Año!A7"),
        (Finding("x", source_file="a.xlsx", sheet="Hoja 1", row_number=7), "Hoja 1, fila 7"),
        (Finding("x", source_file="a.xlsx", sheet="Hoja 1", column="E"), "Hoja 1, columna E"),
        (Finding("x", source_file="a.xlsx", sheet="Hoja 1"), "Hoja 1"),
        (Finding("x", source_file="a.csv", row_number=17, column="D"), "fila 17, columna D"),
        (Finding("x", source_file="a.csv", row_number=17), "fila 17"),
        (Finding("x", source_file="a.csv"), ""),
        (
            Finding("x", source_file="a.json", row_number=3, parameters={"path": "/tender/value"}),
            "registro 3, /tender/value",
        ),
        (Finding("x", source_file="a.jsonl", row_number=3), "registro 3"),
    ],
)
def test_where(finding: Finding, shown: str) -> None:
    assert where(finding, "es") == shown


def test_the_file_stands_before_the_place() -> None:
    finding = Finding("x", source_file="a.csv", row_number=17, column="D")
    assert [place(finding, language) for language in ("es", "en", "pt", "fr")] == [
        "a.csv, fila 17, columna D",
        "a.csv, row 17, column D",
        "a.csv, linha 17, coluna D",
        "a.csv, ligne 17, colonne D",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ñ 漢字 عربي", "plain ñ 漢字 عربي"),
        ("two\r\nlines\tand a tab", "two↵lines⇥and a tab"),
        ("\x1b[31mred", "[U+001B][31mred"),
        ("abc\u202etxt.exe", "abc[U+202E]txt.exe"),
        ("a\u200bb", "a[U+200B]b"),
        ("\udc80", "[U+DC80]"),
        ("x" * 1_000_000, "x" * 79 + "…"),
    ],
)
def test_foreign_text_is_made_visible(text: str, shown: str) -> None:
    assert visible(text, 80) == shown


def test_addresses_in_a_workbook_as_officers_make_them(tmp_path: Path, judge) -> None:
    """Two title rows, a merged cell over the heading, blank rows, a hidden sheet before and one after."""
    book = Workbook()
    hidden = book.active
    hidden.title = "Listas"
    hidden.append(["x"])
    hidden.sheet_state = "hidden"
    sheet = book.create_sheet("Contratos 2024")
    sheet.append(["Ministerio de Obras"])
    sheet.append(["Contratos firmados en 2024"])
    sheet.merge_cells("A1:D1")
    sheet.append([None, "contract_id", "buyer_name", "supplier_name", "contract_date_signed"])
    sheet.append([None, "C1", "Obras", "Uno", "2024-05-01"])
    sheet.append([])
    sheet.append([None, "C2", "Obras\nPúblicas", "Dos", "31/02/2025"])
    sheet.append([])
    sheet.append([])
    sheet.append([None, "C3", None, "Tres", "2024-05-01"])
    after = book.create_sheet("Notas")
    after.append(["y"])
    after.sheet_state = "hidden"
    path = tmp_path / "t.xlsx"
    book.save(path)

    report = read_report(judge(path))
    found = {
        (group.code, where(example, "en"))
        for group in report.groups
        for example in group.examples
        if group.severity == "error"
    }
    assert found == {
        ("type-error", "'Contratos 2024'!E6"),
        ("constraint-required", "'Contratos 2024'!C9"),
    }


def test_addresses_in_a_csv_with_quoted_line_ends_are_a_spreadsheets(tmp_path: Path, judge) -> None:
    path = tmp_path / "q.csv"
    path.write_text(
        "contract_id,buyer_name,supplier_name,contract_date_signed\n"
        'C1,"Obras\nPúblicas\nde Aurelia",Uno,2024-05-01\n\nC2,"Obras ""A""\n",Dos,someday\n',
        encoding="utf-8",
    )
    report = read_report(judge(path))
    (group,) = [group for group in report.groups if group.severity == "error"]
    assert [where(example, "en") for example in group.examples] == ["row 4, column D"]
