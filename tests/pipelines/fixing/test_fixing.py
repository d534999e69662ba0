"""Safe fixes: what is certain is mended in a new file, what is not is left, and nothing else changes."""

import csv
import datetime as dt
import io
from pathlib import Path

import duckdb
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import PatternFill

from pipelines.catalogue import Catalogue
from pipelines.fixing import Proposal, UnfixableError, checked_fixes, split_flat
from pipelines.fixing.rendering import FixWords, combined, diff_lines, refusal
from pipelines.fixing.texts import repaired, trimmed
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import AcceptancePolicy, ValidationReport
from pipelines.validation import validate_package
from pipelines.zones import Zones

HEADINGS = [
    "contract_id", "buyer_name", "supplier_name", "contract_date_signed", "contract_value_amount",
    "contract_value_currency", "procurement_method", "award_date", "contract_period_end",
]  # fmt: skip
ROWS = [
    ["C1", " Obras ", 'Uno "SA"', "31/12/2024", "1.234,56", "usd", "OPEN", "03/04/2024", "15/06/2025"],
    ["C2", "InscripciÃ³n", "Dos\ntres", "05/11/2024", "12,5", "USD", "Licitación abierta", "04/05/2024", "14/06/2025 10:30"],
    ["C3", "Obras\u200b", "=1+1", "2024-05-05", "1.500", "USD", "open", "05/06/2024", "13/06/2025 10:30-05:00"],
    ["C4", "\xa0Obras\xa0", "X", "20/05/24", "700", "BOB", "lo de siempre", "2024-01-01", "2025-06-12"],
]  # fmt: skip


def write_csv(path: Path, rows: list[list[str]], **form: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=form.get("end", "\n"), delimiter=form.get("delimiter", ";")).writerows(
        [HEADINGS, *rows]
    )
    path.write_bytes(text.getvalue().encode(form.get("encoding", "utf-8")))


def fix(folder: Path, path: Path, catalogue: Catalogue, **told: object) -> tuple[Proposal, Path]:
    return checked_fixes(path, catalogue, told, folder / f"work-{path.name}-{len(list(folder.iterdir()))}")


def validated(
    folder: Path, path: Path, catalogue: Catalogue
) -> tuple[ValidationReport, list[tuple[object, ...]]]:
    """The report, and the typed rows of the flat table."""
    zones = Zones(folder / f"zones-{len(list(folder.iterdir()))}")
    staged = receive_submission([path], MemberCode("XZZ"), zones, catalogue)
    report_folder = zones.report_folder(staged.submission.submission_id)
    report = validate_package(
        staged, catalogue, report_folder, policy=AcceptancePolicy.ROWS, memory_limit="1GB", threads=1
    )
    rows = duckdb.execute(
        "SELECT * EXCLUDE (source_file) FROM read_parquet(?) ORDER BY source_row_number",
        [str(report_folder / report.typed["contracts_flat"])],
    ).fetchall()
    return report, rows


def found(proposal: Proposal) -> dict[str, tuple[str, str, str]]:
    return {each.cell: (each.kind, each.before, each.after) for each in proposal.fixes()}


def test_what_is_certain_is_proposed_and_what_is_not_is_left(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, ROWS)
    before = path.read_bytes()
    with fix(tmp_path, path, catalogue)[0] as proposal:
        assert found(proposal) == {
            "B2": ("trim", " Obras ", "Obras"),
            "B3": ("encoding", "InscripciÃ³n", "Inscripción"),
            "B4": ("trim", "Obras\u200b", "Obras"),
            "B5": ("trim", "\xa0Obras\xa0", "Obras"),
            "D2": ("dates", "31/12/2024", "2024-12-31"),
            "D3": ("dates", "05/11/2024", "2024-11-05"),
            "D5": ("dates", "20/05/24", "2024-05-20"),
            "E2": ("numbers", "1.234,56", "1234.56"),
            "E3": ("numbers", "12,5", "12.5"),
            "E4": ("numbers", "1.500", "1500"),
            "F2": ("codes", "usd", "USD"),
            "G2": ("codes", "OPEN", "open"),
            "G3": ("codes", "Licitación abierta", "open"),
            "I2": ("dates", "15/06/2025", "2025-06-15"),
            "I3": ("dates", "14/06/2025 10:30", "2025-06-14T10:30:00"),
        }
        assert [(each.reason, each.field) for each in proposal.left] == [("dates-ambiguous", "award_date")]
        assert "03/04/2024" in FixWords(catalogue, proposal.read.package_type, "es").left(
            combined(proposal.left)[0]
        )
    assert path.read_bytes() == before


@pytest.mark.parametrize("form", [{}, {"delimiter": ",", "end": "\r\n"}, {"encoding": "cp1252"}])
def test_only_the_cells_change_and_the_values_are_the_same(
    tmp_path: Path, catalogue: Catalogue, form: dict[str, str]
) -> None:
    path = tmp_path / "c.csv"
    rows = [[cell.replace("\u200b", "") for cell in row] for row in ROWS]
    rows[1][1] = "Obras"
    write_csv(path, rows, **form)
    proposal, mended = fix(tmp_path, path, catalogue)
    fixes = found(proposal)
    proposal.con.close()
    encoding, delimiter = form.get("encoding", "utf-8"), form.get("delimiter", ";")
    one, two = (
        list(csv.reader(io.StringIO(each.read_bytes().decode(encoding), newline=""), delimiter=delimiter))
        for each in (path, mended)
    )
    for row, (before, after) in enumerate(zip(one, two, strict=True), 1):
        for letter, old, new in zip("ABCDEFGHI", before, after, strict=True):
            assert new == fixes.get(f"{letter}{row}", ("", "", old))[2]
    assert mended.read_bytes().count(form.get("end", "\n").encode()) == path.read_bytes().count(
        form.get("end", "\n").encode()
    )
    report_before, values_before = validated(tmp_path, path, catalogue)
    report_after, values_after = validated(tmp_path, mended, catalogue)
    assert values_before == values_after and values_before
    assert sum(group.count for group in report_after.groups) <= sum(
        group.count for group in report_before.groups
    )


def test_a_second_run_finds_nothing(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, ROWS)
    proposal, mended = fix(tmp_path, path, catalogue)
    proposal.con.close()
    with fix(tmp_path, mended, catalogue)[0] as again:
        assert again.count == 0


def test_a_column_that_is_undecided_keeps_its_evidence(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    rows = [[f"C{n}", "A", "B", "2024-01-01", amount, "USD", "open", date, ""]
            for n, (amount, date) in enumerate([("1.500", "13/04/2024"), ("1,5", "04/13/2024"), ("2.5", "12/30/2024"), ("2,500", "01/02/2024")])]  # fmt: skip
    write_csv(path, rows)
    with fix(tmp_path, path, catalogue)[0] as proposal:
        assert proposal.count == 0
        assert {each.reason for each in proposal.left} == {"numbers-mixed", "dates-ambiguous"}


def test_told_in_a_mapping_it_is_no_longer_ambiguous(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, ROWS)
    with fix(tmp_path, path, catalogue, date_order="mdy")[0] as proposal:
        assert found(proposal)["H2"] == ("dates", "03/04/2024", "2024-03-04")


def write_book(path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Datos 'A'"
    sheet.append(["Título"])
    sheet.append([])
    sheet.append(HEADINGS)
    for row in ROWS:
        sheet.append(row)
        sheet.cell(sheet.max_row, 3).data_type = "s"
    sheet["B8"], sheet["C8"], sheet["A8"] = ' "x" ', '=TRIM(" y ")', "C9"
    sheet["D4"].number_format = "@"
    sheet["D4"].fill = PatternFill("solid", fgColor="FFEEAA")
    book.create_sheet("Oculta").sheet_state = "hidden"
    book.save(path)


def test_a_workbook_gets_real_dates_and_numbers_and_keeps_its_formats(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "c.xlsx"
    write_book(path)
    proposal, mended = fix(tmp_path, path, catalogue)
    proposal.con.close()
    book = load_workbook(mended)
    sheet = book["Datos 'A'"]
    assert sheet["D4"].value == dt.datetime(2024, 12, 31) and sheet["D4"].is_date
    assert sheet["D4"].fill.fgColor.rgb == "00FFEEAA"
    assert (sheet["E4"].value, sheet["E6"].value, sheet["B4"].value) == (1234.56, 1500, "Obras")
    assert sheet["I5"].value == dt.datetime(2025, 6, 14, 10, 30)
    assert sheet["C8"].value == '=TRIM(" y ")' and sheet["B8"].value == '"x"'
    assert sheet["C6"].value == "=1+1" and sheet["H4"].value == "03/04/2024"
    assert book["Oculta"].sheet_state == "hidden"
    with fix(tmp_path, mended, catalogue)[0] as again:
        assert again.count == 0


def test_typed_values_of_a_workbook_are_the_same(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.xlsx"
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADINGS)
    for row in ROWS:
        sheet.append(
            [cell.replace("\u200b", "").replace("InscripciÃ³n", "Obras").replace("=", "") for cell in row]
        )
    book.save(path)
    proposal, mended = fix(tmp_path, path, catalogue)
    assert proposal.count > 10
    proposal.con.close()
    assert validated(tmp_path, path, catalogue)[1] == validated(tmp_path, mended, catalogue)[1] != []


def test_texts_formatted_word_by_word_are_left(tmp_path: Path, catalogue: Catalogue) -> None:
    from xlsxwriter import Workbook as Writer

    path = tmp_path / "c.xlsx"
    with Writer(path) as book:
        sheet = book.add_worksheet("Hoja")
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ["C1", "A", "x", "2024-01-01"])
        sheet.write_rich_string(1, 2, " Uno ", book.add_format({"bold": True}), "SA ")
    with fix(tmp_path, path, catalogue)[0] as proposal:
        assert proposal.count == 0
        assert [(each.reason, each.example) for each in proposal.left] == [("formatted", " Uno SA ")]


def test_headings_in_a_wrong_encoding_are_mended(tmp_path: Path, catalogue: Catalogue) -> None:
    title = catalogue.texts.field("es", "procurement", "contracts_flat", "procurement_method").title
    garbled = title.encode().decode("latin-1")
    assert garbled != title
    path = tmp_path / "c.csv"
    path.write_text(f"contract_id;buyer_name;supplier_name;{garbled}\nC1;A;B;open\n", encoding="utf-8")
    proposal, mended = fix(tmp_path, path, catalogue)
    proposal.con.close()
    assert mended.read_text(encoding="utf-8").startswith(f"contract_id;buyer_name;supplier_name;{title}\n")


@pytest.mark.parametrize(
    "text", ["Año", "Ñandú “x”", "Ã", "Â", "NÂ° sin más Ã", "\ufffd", "plain", "Ã©tÃ© \ufffd"]
)
def test_what_is_no_mojibake_for_certain_stays(text: str) -> None:
    assert repaired(text) == text or repaired(text).encode().decode("latin-1", "replace") == text


def test_repair_and_trim() -> None:
    assert repaired("LICITACIÃ“N PÃšBLICA") == "LICITACIÓN PÚBLICA"
    assert trimmed("\u200b\xa0 a\u200bb \ufeff\u3000") == "a\u200bb"


def test_what_cannot_be_mended_is_refused_with_the_reason(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "a.json").write_text('[{"contract_id": "1"}]', encoding="utf-8")
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04")
    write_csv(tmp_path / "c.csv", ROWS)
    for name, told, reason in (
        ("a.json", {}, "kind"),
        ("b.xlsx", {}, "refused"),
        ("c.csv", {"decimal": "x"}, "mapping"),
    ):
        with pytest.raises(UnfixableError, match=reason) as caught:
            fix(tmp_path, tmp_path / name, catalogue, **told)
        assert "a.json" in refusal(caught.value, catalogue, "pt").format(file="a.json")


def test_a_workbook_with_macros_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    import zipfile

    write_book(tmp_path / "plain.xlsx")
    path = tmp_path / "m.xlsm"
    path.write_bytes((tmp_path / "plain.xlsx").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0")
    with pytest.raises(UnfixableError, match="refused") as caught:
        fix(tmp_path, path, catalogue)
    assert [finding.code for finding in caught.value.findings] == ["workbook-with-macros"]


def test_the_diff_is_whole_and_begins_no_formula(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    rows = [[f"C{n}", " =cmd", "B", "", "", "", "", "", ""] for n in range(30)]
    write_csv(path, rows)
    with fix(tmp_path, path, catalogue)[0] as proposal:
        text = b"".join(diff_lines(proposal, catalogue, "en")).decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text)))
        assert len(lines) == 31 and lines[1][2:] == ["B2", " =cmd", "'=cmd"]
        (group,) = proposal.groups()
        assert (group.count, len(group.first)) == (30, 10)


def test_one_wide_table_becomes_linked_ones(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, ROWS)
    staged = receive_submission([path], MemberCode("XZZ"), Zones(tmp_path / "z"), catalogue)
    package_type = catalogue.package_type("procurement")
    counts = split_flat(staged, package_type, tmp_path / "tables")
    assert counts == split_flat(staged, package_type, tmp_path / "tables.xlsx")
    assert {each.stem for each in (tmp_path / "tables").iterdir()} == set(counts) and counts["contracts"] == 4
    again = receive_submission([tmp_path / "tables"], MemberCode("XZZ"), Zones(tmp_path / "z2"), catalogue)
    assert {table.name: table.rows for table in again.tables} == counts
    with pytest.raises(UnfixableError, match="not-flat"):
        split_flat(again, package_type, tmp_path / "more")
