"""Fifty errors seeded by hand: each coloured where it stands, and nothing else coloured."""

import datetime as dt
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter, range_boundaries

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import Severity, StagedPackage
from pipelines.returning import problem_sheets, return_file
from pipelines.templates import load_words
from pipelines.validation import validate_package
from pipelines.zones import Zones

HEADINGS = [
    "contract_id", "buyer_name", "supplier_name", "contract_date_signed", "contract_value_amount",
    "contract_value_currency", "item_quantity",
]  # fmt: skip
OTHER = [
    "contract_id",
    "Mis notas",
    "buyer_name",
    "supplier_name",
    "contract_date_signed",
    "contract_value_amount",
]
BLANK = (20, 33, 34)
SEEDED = {
    **{f"D{row}": text for row, text in zip(range(6, 16), ["algún día", "2024-02-31", "ayer", "31/31/2024", "x", "mañana", "99/99/9999", "s.f.", "hoy", "¿?"], strict=True)},
    **{f"E{row}": text for row, text in zip(range(16, 20), ["mil", "doce", "USD 5 mil", "1.2.3,4"], strict=True)},
    **{f"E{row}": text for row, text in zip(range(21, 27), ["mucho", "100 aprox", "=", "uno", "dos", "tres"], strict=True)},
    **{f"F{row}": text for row, text in zip(range(27, 33), ["DOLARES", "US$", "SOLES", "BOBO", "X", "EURITO"], strict=True)},
    **{f"B{row}": None for row in range(35, 39)},
    **{f"C{row}": None for row in range(39, 43)},
    **{f"G{row}": text for row, text in zip(range(43, 47), ["varios", "una", "lote", "3 cajas"], strict=True)},
}  # fmt: skip
SEEDED_OTHER = {
    **{f"G{row}": text for row, text in zip(range(5, 10), ["nunca", "2024-13-01", "abc", "x1", "domingo"], strict=True)},
    **{f"H{row}": text for row, text in zip(range(10, 14), ["mil", "cien", "poco", "caro"], strict=True)},
    **{f"E{row}": None for row in range(14, 17)},
}  # fmt: skip


def write_seeded(path: Path) -> None:
    """Two sheets with title rows, merged cells and blank rows, one that begins in column C, and a hidden one."""
    book = Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.title = "Oculta"
    hidden["A1"] = "borrador"
    hidden.sheet_state = "hidden"
    sheet = book.create_sheet("Contratos 'A'")
    sheet["A1"] = "Ministerio de Obras"
    sheet.merge_cells("A1:G2")
    sheet["A3"] = "Listado de contratos"
    sheet.merge_cells("A3:C3")
    for column, heading in enumerate(HEADINGS, 1):
        cell = sheet.cell(5, column, heading)
        cell.fill, cell.font = PatternFill("solid", fgColor="1F3864"), Font(color="FFFFFF")
    for row in range(6, 60):
        if row not in BLANK:
            values = [f"ocds-213czf-{row}", "Obras", "Uno", dt.date(2024, 1, 1), 10.5 * row, "USD", row]
            for column, value in enumerate(values, 1):
                sheet.cell(row, column, value)
    for place, text in SEEDED.items():
        sheet[place] = text
        if text == "=":
            sheet[place].data_type = "s"
    sheet["D6"].comment = Comment("revisar con Ana", "Ana")
    sheet["A7"].comment = Comment("nota mía", "Ana")
    sheet["D8"].fill = PatternFill("solid", fgColor="00FF00")
    sheet.conditional_formatting.add(
        "E6:E60", CellIsRule(operator="greaterThan", formula=["500"], font=Font(b=True))
    )
    sheet.freeze_panes = "A6"
    sheet.auto_filter.ref = "A5:G59"
    sheet.print_title_rows = "5:5"
    sheet.column_dimensions["B"].width = 33
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=7, min_row=5, max_row=12), titles_from_data=True)
    sheet.add_chart(chart, "J5")
    other = book.create_sheet("Otros")
    other["C2"] = "Segundo listado"
    other.merge_cells("C2:H2")
    for column, heading in enumerate(OTHER, 3):
        other.cell(4, column, heading)
    for row in range(5, 18):
        for column, value in enumerate(
            [f"ocds-213czf-9{row}", "n", "Salud", "Dos", dt.date(2024, 2, 1), 99], 3
        ):
            other.cell(row, column, value)
    for place, text in SEEDED_OTHER.items():
        other[place] = text
    book.save(path)


def judge(
    folder: Path, paths: list[Path], catalogue: Catalogue, **told: object
) -> tuple[StagedPackage, Path]:
    zones = Zones(folder / "zones")
    staged = receive_submission(paths, MemberCode("XZZ"), zones, catalogue, instructions=told)
    report = zones.report_folder(staged.submission.submission_id)
    validate_package(staged, catalogue, report, memory_limit="1GB", threads=1)
    return staged, report


def give_back(
    folder: Path, paths: list[Path], catalogue: Catalogue, language: str = "es", **told: object
) -> list[Path]:
    staged, report = judge(folder, paths, catalogue, **told)
    return return_file(
        Path(staged.folder) / "original", report, staged, catalogue, language, folder / "returned"
    )


def coloured(path: Path) -> dict[tuple[str, str], int]:
    """(sheet, cell) -> number of the differential style of our condition on it."""
    found = {}
    for sheet in load_workbook(path).worksheets:
        for area, rules in sheet.conditional_formatting._cf_rules.items():
            for rule in rules:
                if any("INGP" in formula for formula in rule.formula):
                    for each in str(area.sqref).split():
                        left, top, right, bottom = range_boundaries(each)
                        for row in range(top, bottom + 1):
                            for column in range(left, right + 1):
                                found[sheet.title, f"{get_column_letter(column)}{row}"] = rule.dxfId
    return found


@pytest.fixture(scope="module")
def returned(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("seeded")
    write_seeded(folder / "contratos.xlsx")
    (path,) = give_back(folder, [folder / "contratos.xlsx"], catalogue)
    return folder / "contratos.xlsx", path


def _errors(path: Path) -> set[tuple[str, str]]:
    own = coloured(path)
    first = min(own.values())
    return {place for place, style in own.items() if style == first}


def test_the_coloured_cells_are_the_seeded_ones(returned: tuple[Path, Path]) -> None:
    seeded = {("Contratos 'A'", place) for place in SEEDED} | {("Otros", place) for place in SEEDED_OTHER}
    assert len(seeded) == 50
    assert _errors(returned[1]) == seeded


def test_every_coloured_error_has_a_note_and_the_officers_notes_stay(returned: tuple[Path, Path]) -> None:
    book = load_workbook(returned[1])
    for sheet, place in _errors(returned[1]):
        note = book[sheet][place].comment
        assert note is not None and "→" in note.text, (sheet, place)
    mine = book["Contratos 'A'"]["D6"].comment
    assert mine.author == "Ana" and mine.text.startswith("revisar con Ana") and "algún día" in mine.text
    assert book["Contratos 'A'"]["A7"].comment.text == "nota mía"


def test_all_links_of_the_list_lead_to_seeded_cells_or_warnings(returned: tuple[Path, Path]) -> None:
    book = load_workbook(returned[1])
    words = load_words()["es"]
    assert book.sheetnames[0] == words.problems_sheet and book.active.title == words.problems_sheet
    places = set(coloured(returned[1]))
    listed = set()
    for name in (words.problems_sheet, words.places_sheet):
        for link in (each for row in book[name].iter_rows() for cell in row if (each := cell.hyperlink)):
            sheet, _, cell = link.location.rpartition("!")
            listed.add((sheet[1:-1].replace("''", "'"), cell))
    headings = {("Contratos 'A'", f"{column}5") for column in "ABCDEFG"} | {
        ("Otros", f"{column}4") for column in "CDEFGH"
    }
    assert listed <= places | headings
    assert _errors(returned[1]) <= listed


def test_the_officers_own_book_is_untouched(returned: tuple[Path, Path]) -> None:
    before, after = load_workbook(returned[0]), load_workbook(returned[1])
    own = [name for name in after.sheetnames if name not in problem_sheets()]
    assert own == before.sheetnames
    for name in own:
        one, two = before[name], after[name]
        assert one.sheet_state == two.sheet_state
        assert sorted(map(str, one.merged_cells.ranges)) == sorted(map(str, two.merged_cells.ranges))
        assert [[cell.value for cell in row] for row in one.iter_rows()] == [
            [cell.value for cell in row] for row in two.iter_rows()
        ]
        for row in one.iter_rows():
            for cell in row:
                same = two[cell.coordinate]
                assert (cell.fill.fgColor.rgb, cell.font.color and cell.font.color.rgb, cell.number_format) == (
                    same.fill.fgColor.rgb, same.font.color and same.font.color.rgb, same.number_format,
                )  # fmt: skip
    one, two = before["Contratos 'A'"], after["Contratos 'A'"]
    assert (two.freeze_panes, two.auto_filter.ref, two.print_title_rows, len(two._charts)) == (
        "A6",
        "A5:G59",
        "$5:$5",
        1,
    )
    assert two.column_dimensions["B"].width == one.column_dimensions["B"].width
    assert sum("500" in rule.formula for rules in two.conditional_formatting for rule in rules.rules) == 1


def test_sent_again_it_is_read_as_before_and_old_marks_go(
    returned: tuple[Path, Path], tmp_path: Path, catalogue: Catalogue
) -> None:
    book = load_workbook(returned[1])
    book["Contratos 'A'"]["D6"] = dt.date(2024, 1, 6)
    again = tmp_path / "contratos.xlsx"
    book.save(again)
    (path,) = give_back(tmp_path, [again], catalogue, language="fr")
    before, after = _errors(returned[1]), _errors(path)
    assert before - after == {("Contratos 'A'", "D6")} and after <= before
    second = load_workbook(path)
    assert second.sheetnames[0] == load_words()["fr"].problems_sheet
    assert len(set(second.sheetnames) & problem_sheets()) == 2
    assert second["Contratos 'A'"]["D6"].comment.text.strip() == "revisar con Ana"
    assert second["Contratos 'A'"]["D7"].comment.text.count("2024-02-31") == 1
    assert second["Contratos 'A'"].print_title_rows == "$5:$5"


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_the_language(tmp_path: Path, catalogue: Catalogue, language: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "contract_id,buyer_name,supplier_name,contract_date_signed\nC1,A,B,someday\n", encoding="utf-8"
    )
    own, view = give_back(tmp_path, [path], catalogue, language=language)
    what = catalogue.texts.finding(language, "type-error").what.split("{")[0]
    assert what in own.read_text(encoding="utf-8")
    sheet = load_workbook(view).worksheets[0]
    assert any(what in str(cell.value) for row in sheet.iter_rows() for cell in row)
    assert load_workbook(view)["c"]["D2"].comment is not None


def test_severities_look_different(returned: tuple[Path, Path]) -> None:
    styles = load_workbook(returned[1])._differential_styles.styles
    ours = {
        style.fill.bgColor.rgb: style.border.left.style
        for style in styles
        if style.border and style.border.left
    }
    assert len(ours) == len(set(ours.values())) == len(Severity)
