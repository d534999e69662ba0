"""XLSX, XLS and ODS: cells as canonical text at their addresses, and workbooks made to break readers."""

import datetime as dt
import struct
import time
import zipfile

import openpyxl
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.style import Style, TableProperties
from odf.table import Table, TableCell, TableRow
from odf.text import P

from pipelines.intake.limits import Limits
from pipelines.intake.readers import workbook as workbook_module
from pipelines.intake.readers.sheets import column_number, scan_sheets


def cells_of(table):
    return [cells for _, cells in table.rows()]


def found(table):
    return [(each.code, each.sheet, each.cell) for each in table.findings]


@pytest.fixture
def book():
    book = openpyxl.Workbook()
    book.active.title = "Contratos"
    return book


@pytest.fixture
def read_book(read, tmp_path):
    def read_book(book, **told):
        book.save(tmp_path / "book.xlsx")
        return read(tmp_path / "book.xlsx", **told)

    return read_book


VALUES = [
    ("texto", "texto"),
    ("007", "007"),
    (" a\nb ", " a\nb "),
    (7.0, "7"),
    (0.1, "0.1"),
    (1e-7, "0.0000001"),
    (1e20, "100000000000000000000"),
    (123456789.12, "123456789.12"),
    (-0.0, "0"),
    (True, "true"),
    (False, "false"),
    (dt.date(2021, 5, 6), "2021-05-06"),
    (dt.datetime(2021, 5, 6, 13, 29, 59), "2021-05-06T13:29:59"),
    (dt.datetime(2021, 5, 6), "2021-05-06"),
    (dt.time(3, 4, 5), "03:04:05"),
    (dt.timedelta(hours=30, minutes=2), "30:02:00"),
]


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_typed_cells_become_canonical_text(book, read_book, value, text):
    book.active.append([value, "end"])
    [table] = read_book(book)
    assert cells_of(table) == [[text, "end"]]
    assert table.typed


def test_every_second_of_a_day_is_read_back(book, read_book):
    moments = [dt.datetime(2020, 2, 29) + dt.timedelta(seconds=each) for each in range(1, 86_400, 7)]
    for moment in moments:
        book.active.append([moment])
    [table] = read_book(book)
    assert cells_of(table) == [[moment.isoformat()] for moment in moments]


def test_rows_and_columns_are_those_of_the_sheet(book, read_book):
    book.active["C3"] = "a"
    book.active["D5"] = "b"
    [table] = read_book(book)
    assert list(table.rows()) == [
        (1, []),
        (2, []),
        (3, [None, None, "a", None]),
        (4, []),
        (5, [None, None, None, "b"]),
    ]
    [table] = read_book(book, skip_rows=3)
    assert [number for number, _ in table.rows()] == [4, 5]


def test_trailing_rows_without_content_are_left_out(book, read_book):
    book.active["A1"] = "a"
    book.active["A4"] = ""
    book.active["A4"].data_type = "inlineStr"
    [table] = read_book(book)
    assert list(table.rows()) == [(1, ["a"])]


def test_formulas_and_errors_have_addresses(book, read_book):
    sheet = book.active
    sheet.append(["a", "b"])
    sheet.append(["=1+1", 2])
    sheet.append([3, "=A2"])
    for address, error in (("A4", "#N/A"), ("B4", "#REF!")):
        sheet[address] = error
        sheet[address].data_type = "e"
    [table] = read_book(book)
    assert found(table) == [("formula-in-cell", "Contratos", "A2"), ("formula-in-cell", "Contratos", "B3")]
    assert cells_of(table)[3] == [None, "#REF!"]


def test_formula_findings_are_bounded(book, read_book):
    for number in range(1, 1_502):
        book.active.cell(number, 1).value = "=1"
    book.active["B1"] = "x"
    [table] = read_book(book)
    assert len(table.findings) == 1_000
    assert table.findings[-1].parameters["further"] == 501


def test_hidden_and_empty_sheets(book, read_book):
    book.active["A1"] = "shown"
    secret = book.create_sheet("Listas")
    secret["A1"] = "hidden"
    secret.sheet_state = "hidden"
    book.create_sheet("Hoja3")
    other = book.create_sheet("Adendas")
    other["A1"] = "also shown"
    tables = read_book(book)
    assert [(table.name, table.sheet, cells_of(table)) for table in tables] == [
        ("Contratos", "Contratos", [["shown"]]),
        ("Adendas", "Adendas", [["also shown"]]),
    ]
    assert [each for table in tables for each in found(table)] == [("file-ignored", "Listas", None)]


def test_a_workbook_without_any_cell(book, read_book):
    [table] = read_book(book)
    assert (cells_of(table), [each.code for each in table.findings]) == ([], ["empty-file"])


def test_a_merged_cell_is_its_first_and_a_link_its_text(book, read_book):
    sheet = book.active
    sheet["A1"] = "Título"
    sheet.merge_cells("A1:C1")
    sheet["A2"], sheet["C2"] = "expediente", "x"
    sheet["A2"].hyperlink = "https://example.org/1"
    [table] = read_book(book)
    assert cells_of(table) == [["Título", None, None], ["expediente", None, "x"]]


def test_control_characters_and_long_cells(book, read_book):
    book.active.append(["a_x0001_b", "y" * 200])
    [table] = read_book(book, limits=Limits(max_cell_characters=100))
    assert cells_of(table) == [["ab", None]]
    assert found(table) == [("value-too-long", "Contratos", "B1"), ("control-characters", "Contratos", "A1")]


def test_a_cell_in_the_last_corner_is_told_and_not_read(book, read_book):
    book.active["A1"] = "a"
    book.active["XFD1048576"] = "b"
    other = book.create_sheet("Sound")
    other["A1"] = "c"
    refused, sound = read_book(book)
    assert found(refused) == [("unreadable-file", "Contratos", None)]
    assert (cells_of(refused), cells_of(sound)) == ([], [["c"]])


def test_a_million_formatted_rows_are_not_slow(book, tmp_path, read):
    book.active.append(["a", "b"])
    book.save(tmp_path / "small.xlsx")
    rows = b"".join(b'<row r="%d" s="1" customFormat="1"/>' % number for number in range(2, 1_048_577))
    with (
        zipfile.ZipFile(tmp_path / "small.xlsx") as old,
        zipfile.ZipFile(tmp_path / "big.xlsx", "w", 8) as new,
    ):
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", rows + b"</sheetData>")
            new.writestr(entry.filename, content)
    started = time.process_time()
    [table] = read(tmp_path / "big.xlsx")
    assert list(table.rows()) == [(1, ["a", "b"])]
    assert time.process_time() - started < 20


def rewrite(path, part, change):
    """The workbook with one part changed."""
    target = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", 8) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if entry.filename == part else content)
    return target


def test_a_formatted_cell_without_content_in_the_last_corner_does_no_harm(book, tmp_path, read):
    book.active.append(["a", "b"])
    book.save(tmp_path / "book.xlsx")
    corner = b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    path = rewrite(
        tmp_path / "book.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda content: content.replace(b"</sheetData>", corner),
    )
    [table] = read(path)
    assert list(table.rows()) == [(1, ["a", "b"])]
    assert not table.findings


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/workbook.xml", lambda content: b"<broken"),
        ("xl/worksheets/sheet1.xml", lambda content: content[: len(content) // 2]),
        ("xl/_rels/workbook.xml.rels", lambda content: content.replace(b"sheet1.xml", b"nowhere.xml")),
        (
            "xl/workbook.xml",
            lambda content: b'<!DOCTYPE a [<!ENTITY b "b">]>' + content[content.index(b"<workbook") :],
        ),
    ],
)
def test_damaged_workbooks_are_findings(book, tmp_path, read, part, change):
    book.active.append(["=1", "b"])
    book.save(tmp_path / "book.xlsx")
    tables = read(rewrite(tmp_path / "book.xlsx", part, change))
    assert {each.code for table in tables for each in table.findings} == {"unreadable-file"}
    assert [cells_of(table) for table in tables] == [[] for _ in tables]


def test_addresses_with_spaces_and_other_quotes_are_measured(book, tmp_path, read):
    book.active["A1"], book.active["B2"] = 1, 2
    book.save(tmp_path / "book.xlsx")
    far = rewrite(
        tmp_path / "book.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda content: content.replace(b'r="B2"', b"r = 'XFD1048576'"),
    )
    [table] = read(far)
    assert [each.code for each in table.findings] == ["unreadable-file"]


def test_a_workbook_under_another_name_is_read_by_content(book, tmp_path, read):
    book.active.append(["a"])
    book.save(tmp_path / "book.xlsx")
    (tmp_path / "book.xlsx").rename(tmp_path / "book.ods")
    [table] = read(tmp_path / "book.ods")
    assert (table.understood["format"], cells_of(table)) == ("xlsx", [["a"]])


def test_sheets_are_read_again_when_memory_was_given_back(book, read_book, monkeypatch):
    monkeypatch.setattr(workbook_module, "CACHED_CELLS", 1)
    book.active.append(["a", "b"])
    book.create_sheet("Two").append(["c", "d"])
    first, second = read_book(book)
    for _ in range(2):
        assert cells_of(first) == [["a", "b"]]
        assert cells_of(second) == [["c", "d"]]


def test_column_numbers():
    assert [column_number(letters) for letters in ("A", "Z", "AA", "XFD")] == [0, 25, 26, 16_383]


# ODS ----------------------------------------


def ods_row(*cells, **attributes):
    row = TableRow(**attributes)
    for cell in cells:
        row.addElement(cell)
    return row


def ods_text(text, **attributes):
    cell = TableCell(valuetype="string", **attributes)
    cell.addElement(P(text=text))
    return cell


@pytest.fixture
def ods(tmp_path, read):
    """Save rows as the one sheet of an ODS and read it."""

    def ods(*rows, hidden=False):
        document = OpenDocumentSpreadsheet()
        style = Style(name="ta", family="table")
        style.addElement(TableProperties(display="false" if hidden else "true"))
        document.automaticstyles.addElement(style)
        for name, content in {"Datos": rows, "Otra": [ods_row(ods_text("x"))]}.items():
            table = Table(name=name, stylename="ta") if name == "Datos" else Table(name=name)
            for row in content:
                table.addElement(row)
            document.spreadsheet.addElement(table)
        document.save(tmp_path / "book.ods")
        return read(tmp_path / "book.ods")

    return ods


def test_ods_values_repeats_and_formulas(ods):
    number = TableCell(valuetype="float", value="1234.5")
    day = TableCell(valuetype="date", datevalue="2021-05-06")
    formula = TableCell(valuetype="float", value="2", formula="of:=1+1")
    table, _ = ods(
        ods_row(ods_text("a"), ods_text("b", numbercolumnsrepeated=2)),
        ods_row(TableCell(numbercolumnsrepeated=1024), numberrowsrepeated=2),
        ods_row(number, day, formula),
        ods_row(TableCell(numbercolumnsrepeated=16384), numberrowsrepeated=1048570),
    )
    rows = list(table.rows())
    assert rows == [(1, ["a", "b", "b"]), (2, []), (3, []), (4, ["1234.5", "2021-05-06", "2"])]
    assert found(table) == [("formula-in-cell", "Datos", "C4")]


def test_ods_repeats_without_measure_are_told_and_not_read(ods):
    [refused] = ods(ods_row(ods_text("x", numbercolumnsrepeated=16384), numberrowsrepeated=1048576))
    assert [each.code for each in refused.findings] == ["unreadable-file"]


def test_ods_hidden_sheet(ods):
    [table] = ods(ods_row(ods_text("a")), hidden=True)
    assert table.name == "Otra"
    assert found(table) == [("file-ignored", "Datos", None)]


# XLS and peers ----------------------------------------


@pytest.mark.parametrize("format", ["csv", "tsv", "json", "ods", "xls", "xlsx"])
def test_one_table_in_all_formats(read, shared, format):
    [table] = read(shared / "conformance/frictionless-testsuite/data/resources" / f"table.{format}")
    assert list(table.rows()) == [(1, ["id", "name"]), (2, ["en", "english"]), (3, ["ch", "中国人"])]


def test_one_table_in_json_lines(read, shared):
    [table] = read(shared / "conformance/frictionless-testsuite/data/resources/table.ndjson")
    assert table.labels == ["id", "name"]
    assert cells_of(table) == [["en", "english"], ["ch", "中国人"]]


def test_xls_is_measured(shared, tmp_path, read):
    source = shared / "conformance/frictionless-testsuite/data/resources/table.xls"
    [scan] = scan_sheets(source, "xls").values()
    assert (scan.height, scan.width) == (3, 2)
    content = bytearray(source.read_bytes())
    # The last text cell (record LABELSST, row 2, column 1) goes to the last corner that the format can name.
    position = content.index(struct.pack("<4H", 0x00FD, 10, 2, 1))
    content[position + 4 : position + 8] = b"\xff\xff\xff\xff"
    (tmp_path / "far.xls").write_bytes(content)
    [table] = read(tmp_path / "far.xls")
    assert [each.code for each in table.findings] == ["unreadable-file"]


@pytest.mark.parametrize(
    "end", ["import os; os.abort()", "raise SystemExit(1)", "import time; time.sleep(9)"]
)
def test_an_xls_that_ends_the_process_that_tries_it_is_not_opened(shared, read, monkeypatch, end):
    monkeypatch.setattr(workbook_module, "_TRIAL", end)
    monkeypatch.setattr(workbook_module, "TRIAL_SECONDS", 2)
    [table] = read(shared / "conformance/frictionless-testsuite/data/resources/table.xls")
    assert ([each.code for each in table.findings], cells_of(table)) == (["unreadable-file"], [])


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.1])
def test_a_truncated_xls_is_a_finding(shared, tmp_path, read, keep):
    content = (shared / "conformance/frictionless-testsuite/data/resources/table.xls").read_bytes()
    (tmp_path / "cut.xls").write_bytes(content[: int(len(content) * keep)])
    for table in read(tmp_path / "cut.xls", format="xls"):
        assert cells_of(table) == [] or table.findings == []


def test_peru_as_workbook_says_what_its_csv_says(read, shared):
    folder = shared / "real/xlsx-peru-osce-conosce"
    [table] = read(folder / "DATA_CONSOLIDADA_120.xlsx")
    [text] = read(folder / "DATA_CONSOLIDADA_120.csv")
    assert [cells[1] for cells in cells_of(table)[1:]] == [cells[1] for cells in cells_of(text)[1:]]
