"""Files given back in each form, hostile ones among them."""

import csv
import io
import random
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.dom import minidom

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment

from pipelines.catalogue import Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.intake.limits import Limits
from pipelines.intake.readers.delimited import read_delimited
from pipelines.intake.sources import SourceFile
from pipelines.returning import problem_labels, problem_sheets, return_file
from pipelines.returning import returned as module
from pipelines.returning.records import DelimitedFile
from pipelines.templates import load_words
from pipelines.validation import validate_package
from pipelines.zones import Zones

HEADING = "contract_id,buyer_name,supplier_name,contract_date_signed\n"


def give_back(folder: Path, paths: list[Path], catalogue: Catalogue, language: str = "en") -> list[Path]:
    zones = Zones(folder / "zones")
    staged = receive_submission(paths, MemberCode("XZZ"), zones, catalogue)
    report = zones.report_folder(staged.submission.submission_id)
    validate_package(staged, catalogue, report, memory_limit="1GB", threads=1)
    return return_file(Path(staged.folder) / "original", report, staged, catalogue, language, folder / "back")


def rows_of(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(encoding)), delimiter=delimiter))


def test_a_csv_with_quoted_newlines_names_the_row_that_excel_shows(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "contracts.csv"
    path.write_text(
        'Report\n"a title\nof two lines"\n' + HEADING + 'C1,A,"B\nB",2024-01-01\n\nC2,"A\nA\nA",B,someday\n',
        encoding="utf-8",
    )
    own, view = give_back(tmp_path, [path], catalogue)
    assert own.name == "contracts.csv"
    last = rows_of(own)[-1]
    assert last[:4] == ["C2", "A\nA\nA", "B", "someday"] and last[4].startswith("INGP: ") and "D: " in last[4]
    book = load_workbook(view)
    # Row 6 in Excel: title, title of two lines, heading, first record, blank, second record.
    assert book["contracts"]["D6"].value == "someday" and book["contracts"]["D6"].comment is not None
    assert book["contracts"].freeze_panes == "A4"


@pytest.mark.parametrize(
    ("encoding", "mark", "delimiter", "end", "quoted"),
    [
        ("utf-8", b"\xef\xbb\xbf", ";", "\r\n", True),
        ("cp1252", b"", ";", "\n", False),
        ("utf-16-le", b"\xff\xfe", "\t", "\r\n", False),
        ("utf-8", b"", "|", "\r", False),
    ],
)
def test_a_csv_comes_back_byte_for_byte_with_one_more_column(
    tmp_path: Path, catalogue: Catalogue, encoding: str, mark: bytes, delimiter: str, end: str, quoted: bool
) -> None:
    rows = [HEADING.strip().split(","), ["C1", "Año, «ñ»", "B", "2024-01-01"], ["C2", "É", "B", "someday"]]
    text = io.StringIO()
    csv.writer(
        text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    ).writerows(rows)
    path = tmp_path / "c.csv"
    path.write_bytes(mark + text.getvalue().encode(encoding))
    own, _ = give_back(tmp_path, [path], catalogue, "fr")
    back = own.read_bytes()
    assert back.startswith(mark)
    before, after = (
        each.removeprefix(mark).decode(encoding).split(end) for each in (path.read_bytes(), back)
    )
    assert len(before) == len(after)
    for one, two in zip(before[:-1], after[:-1], strict=True):
        assert two.startswith(one + delimiter)
    assert after[0].strip('"').endswith(load_words()["fr"].problems_column)
    sign = '"' if quoted else ""
    assert after[2].endswith(sign) and (f"{delimiter}{sign}INGP: " if quoted else "INGP: ") in after[2]


def test_a_returned_csv_is_read_as_before_and_returned_with_fresh_messages(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        HEADING + "C1,A,B,2024-01-01\nC2,A,B,someday\nC3,A,B\nC4,A,B,2024-01-01,x\n", encoding="utf-8"
    )
    own, _ = give_back(tmp_path, [path], catalogue)
    second = tmp_path / "again" / "c.csv"
    second.parent.mkdir()
    second.write_text(own.read_text(encoding="utf-8").replace("someday", "2024-05-05"), encoding="utf-8")
    zones = Zones(tmp_path / "z2")
    staged = receive_submission([second], MemberCode("XZZ"), zones, catalogue)
    codes = sorted(finding.code for finding in staged.findings)
    # The message is no column, and a ragged row stays one: what is missing in it must not be hidden.
    assert (
        codes.count("missing-cell") == 1 and codes.count("extra-cell") == 1 and "column-unknown" not in codes
    )
    third, _ = give_back(tmp_path / "again", [second], catalogue, "es")
    rows = rows_of(third)
    assert [row[-1] in problem_labels() for row in rows] == [True, False, False, False, False]
    assert rows[1] == ["C1", "A", "B", "2024-01-01", rows[1][4]] and len(rows[0]) == 5
    assert len(rows[3]) == 4 and len(rows[4]) == 6 and "someday" not in third.read_text(encoding="utf-8")


def test_an_unclosed_quote_is_not_closed_by_our_message(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    path.write_text(HEADING + 'C1,A,"B,2024-01-01\nC2,A,B,2024-01-01\nC3,A,B,2024-01-01\n', encoding="utf-8")
    own, _ = give_back(tmp_path, [path], catalogue)
    staged = receive_submission([own], MemberCode("XZZ"), Zones(tmp_path / "z2"), catalogue)
    found = [(finding.code, finding.row_number) for finding in staged.findings if finding.row_number]
    assert ("unclosed-quote", 2) in found and {row for _, row in found} == {2}


def test_damaged_bytes_survive(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(HEADING.encode() + "C1,Año,Ñandú,someday\nC2,".encode() + b"A\xff\xc3,B,2024-01-01\n")
    own, view = give_back(tmp_path, [path], catalogue)
    assert b"C2,A\xff\xc3,B,2024-01-01," in own.read_bytes()
    assert load_workbook(view)["c"]["B3"].value == "A\ufffd\ufffd"


def test_hostile_contents_neither_run_nor_break_the_workbook(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "=cmd.csv"
    nasty = [
        "=1+1",
        "@SUM(A1)",
        "-2+3|cmd!A0",
        "x" * 40_000,
        "\x01\x0b<b>&\"'",
        "_x0041_",
        "]]>",
        "\u202e\ud83d\ude00",
    ]
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADING.strip().split(","))
        writer.writerows([text, text, text, text] for text in nasty)
    own, view = give_back(tmp_path, [path], catalogue)
    with zipfile.ZipFile(view) as archive:
        for name in archive.namelist():
            markup = archive.read(name)
            if name.endswith((".xml", ".rels", ".vml")):
                minidom.parseString(markup)
            assert b"<f>" not in markup
    book = load_workbook(view)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert len(book.worksheets[-1]["A5"].value) == 32_767 and own.exists()


def test_many_problems_are_bounded_and_told(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_NOTES", 5)
    monkeypatch.setattr(module, "MAX_AREAS", 3)
    monkeypatch.setattr("pipelines.returning.overview.MAX_LISTED", 7)
    path = tmp_path / "c.csv"
    lines = "".join(f"C{n},A,B,{'bad' if n % 2 else '2024-01-01'}\n" for n in range(40))
    path.write_text(HEADING + lines, encoding="utf-8")
    _, view = give_back(tmp_path, [path], catalogue)
    book = load_workbook(view)
    words = load_words()["en"]
    text = " ".join(str(row[0].value) for row in book[words.problems_sheet].iter_rows(max_row=12))
    assert "first 5 cells" in text and "too many bad cells" in text and "first 7 places of" in text
    assert sum(cell.comment is not None for row in book["c"].iter_rows() for cell in row) == 5
    assert book[words.places_sheet].max_row == 8


def test_a_zip_gives_back_each_table_and_json_its_list(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in/contracts_flat.csv", HEADING + "C1,A,B,someday\n")
        archive.writestr(
            "in/records.json",
            '[{"contract_id": "C9", "buyer_name": "A", "supplier_name": "B", "contract_date_signed": "x"}]',
        )
    written = give_back(tmp_path, [path], catalogue)
    assert {each.name for each in written} == {"contracts_flat.csv", "contracts_flat.xlsx", "records.xlsx"}
    book = load_workbook(tmp_path / "back" / "records.xlsx")
    assert set(book.sheetnames) <= problem_sheets()
    assert any("record" in str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)


def test_what_cannot_be_read_has_its_list_and_nothing_is_overwritten(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "c.xlsx"
    path.write_bytes(b"PK\x03\x04 not a workbook")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "c.xlsx").write_bytes(b"mine")
    written = give_back(tmp_path, [path], catalogue)
    assert [each.name for each in written] == ["c (2).xlsx"]
    assert (tmp_path / "back" / "c.xlsx").read_bytes() == b"mine"
    assert set(load_workbook(written[0]).sheetnames) <= problem_sheets()


def test_a_workbook_of_an_unusual_make_comes_back_as_values(tmp_path: Path, catalogue: Catalogue) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADING.strip().split(","))
    sheet.append(["C1", "A", "B", "someday"])
    sheet["A1"].comment = Comment("mine", "Ana")
    sheet.merge_cells("A4:B5")
    plain = tmp_path / "plain.xlsx"
    book.save(plain)
    path = tmp_path / "c.xlsx"
    with zipfile.ZipFile(plain) as read, zipfile.ZipFile(path, "w") as write:
        for entry in read.infolist():
            data = read.read(entry)
            if "sheet1.xml" in entry.filename and "rels" not in entry.filename:
                data = data.replace(b"<sheetData>", b"<sheetData><!-- who did this -->")
            write.writestr(entry.filename, data)
    (back,) = give_back(tmp_path, [path], catalogue)
    again = load_workbook(back)
    assert again["Sheet"]["D2"].value == "someday" and again["Sheet"]["D2"].comment is not None
    assert [str(each) for each in again["Sheet"].merged_cells.ranges] == ["A4:B5"]


def test_records_are_those_of_the_intake(tmp_path: Path) -> None:
    """Our splitting into records must agree with the intake's on any text, or addresses would be wrong."""
    chance = random.Random(7)
    for number in range(150):
        pieces = chance.choices(
            ['"', '""', ",", "\n", "\r\n", "\r", "a", " ", "ñ", '"x"', ",\n", "b,c"], k=chance.randint(5, 60)
        )
        path = tmp_path / f"{number}.csv"
        path.write_bytes(("h1,h2,h3\n" + "".join(pieces)).encode())
        file = SourceFile(path.name, path, "csv")
        told = {"delimiter": ","}
        expected = list(read_delimited(file, told, Limits()).rows())
        own = DelimitedFile(path, told)
        found = [(record.number, [cell or None for cell in record.cells]) for record in own.records()]
        assert found == expected, path.read_bytes()
        whole = own.head() + b"".join(own.encode(record.text + record.end) for record in own.records())
        assert whole == path.read_bytes()


def test_it_opens_in_libreoffice(tmp_path: Path, catalogue: Catalogue) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed")
    path = tmp_path / "contracts.csv"
    path.write_text(HEADING + "C1,A,B,someday\n", encoding="utf-8")
    _, view = give_back(tmp_path, [path], catalogue)
    command = [
        "soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf",
        "--outdir", str(tmp_path), str(view),
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=180, check=True)
    assert (tmp_path / "contracts.pdf").read_bytes().startswith(b"%PDF")
