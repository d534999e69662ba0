"""The XLSX path: values as openpyxl reads them, reports as frictionless gives them, doubt handed on."""

import datetime
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from frictionless import Resource, Schema

from pipelines.validation.exact import explain
from pipelines.validation.exact.workbook import validate_sheet
from pipelines.xlsx.parts import Unproved
from pipelines.xlsx.sheet import open_sheet
from tests.fuzz import schemas, workbooks
from tests.fuzz.compare import first_difference, plain
from tests.fuzz.leaks import collected

__all__ = ["collected"]
pytestmark = pytest.mark.filterwarnings("ignore")

ROWS: list[list[Any]] = [
    ["text", "whole", "broken", "truth", "day", "instant", "hour", "nothing"],
    ["uno & <dos>", 7, 1.5, True, datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 1, 10, 30), datetime.time(8, 5), None],
    ["line\nbreak ", -3, 0.1, False, datetime.date(1999, 1, 1), datetime.datetime(2024, 1, 1), datetime.time(0, 0), None],
    [None, 9_007_199_254_740_993, 1e300, True, None, None, None, None],
    ["_x000D_ _x005F_", 0, -0.0, None, datetime.date(2100, 12, 31), datetime.datetime(2030, 6, 1, 23, 59, 59), None, "x"],
]  # fmt: skip


def by_openpyxl(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(path)


def by_openpyxl_streaming(path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("uno")
    for row in ROWS:
        sheet.append(row)
    book.save(path)


def by_xlsxwriter(path: Path, **options: Any) -> None:
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yy hh:mm", **options}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(ROWS):
            for place, value in enumerate(row):
                sheet.write(number, place, value)
        sheet.write_rich_string(6, 0, "half ", book.add_format({"bold": True}), "bold")
        sheet.write_formula(6, 1, "=SUM(B2:B4)", None, 4)
        sheet.write_blank(6, 2, None, book.add_format({"bold": True}))


WRITERS: list[Callable[[Path], None]] = [
    by_openpyxl,
    by_openpyxl_streaming,
    by_xlsxwriter,
    lambda path: by_xlsxwriter(path, constant_memory=True),
    lambda path: by_xlsxwriter(path, date_1904=True),
]


def told(rows: Any) -> list[list[str]]:
    """Values with their types, as text: 1, 1.0 and True are not the same cell."""
    return [[f"{type(value).__name__} {value!r}" for value in row] for row in rows]


def of_openpyxl(data: bytes) -> list[list[str]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    return told([cell.value for cell in row] for row in book.worksheets[0].iter_rows())


@pytest.mark.parametrize("write", WRITERS)
def test_what_programs_write_is_read_as_openpyxl_reads_it(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "book.xlsx")
    data = (tmp_path / "book.xlsx").read_bytes()
    assert told(open_sheet(io.BytesIO(data), 1).rows()) == of_openpyxl(data)


def test_drawn_workbooks_are_read_as_openpyxl_reads_them_or_not_at_all() -> None:
    read = 0
    for seed in range(250):
        dice = random.Random(seed)
        _, files = workbooks.draw(dice, schemas.schema(dice, False, None))
        try:
            rows = told(open_sheet(io.BytesIO(files["table.xlsx"]), 1).rows())
        except Unproved:
            continue
        assert rows == of_openpyxl(files["table.xlsx"]), seed
        read += 1
    assert read > 180


def changed(path: Path, part: str, old: str, new: str) -> bytes:
    """The workbook with a change in the XML of one part."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            text = source.read(name)
            if name == part:
                assert old.encode() in text
                text = text.replace(old.encode(), new.encode(), 1)
            archive.writestr(name, text)
    return target.getvalue()


SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (SHEET, "<v>7</v>", "<v>7</v><!-- 8 -->"),
        (SHEET, "<v>7</v>", "<v>&#55;</v>"),
        (SHEET, "<v>7</v>", "<v>seven</v>"),
        (SHEET, "<v>7</v>", "<v>7&bad;</v>"),
        (SHEET, "<v>7</v>", "<v>7\x01</v>"),
        (SHEET, "<v>7</v>", "<v>7]]></v>"),
        (SHEET, "<v>7</v>", '<v xml:space="preserve">7</v>'),
        (SHEET, "<v>7</v>", '<x xmlns="y">1</x><v>7</v>'),
        (SHEET, "<v>7</v></c>", "<v>7</v></c></row>"),
        (SHEET, '<row r="2"', '<row r="2" r="3"'),
        (SHEET, '<row r="2"', '<row nothing:x="1" r="2"'),
        (SHEET, '<row r="2"', '<row r="9"'),
        (SHEET, '<row r="2"', "<row"),
        (SHEET, 'r="B2"', 'r="B22"'),
        (SHEET, 'r="B2"', 'r="B"'),
        (SHEET, 'r="B2"', 'r="C2"'),
        (SHEET, '"B2"', '"B2" xmlns="other"'),
        (SHEET, "</sheetData>", '</sheetData><dataValidations><dataValidation type="nonsense"/></dataValidations>'),
        (SHEET, "</sheetData>", "</sheetData><row><c><v>5</v></c></row>"),
        (SHEET, "<dimension ref=", "<dimension was="),
        (SHEET, "A1:H7", "A1:C3"),
        (SHEET, "A1:H7", "A1"),
        (SHEET, "schemas.openxmlformats.org/spreadsheetml", "purl.oclc.org/ooxml/spreadsheetml"),
        (STRINGS, "<si><t>", "<si><t/></si><si><t>"),
        (STRINGS, "<si><t>text</t></si>", "<si><r><t>te</t></r><r><t>xt</t></r></si>"),
        (STRINGS, "<si><t>text", "<si><t><![CDATA[text]]>"),
        (STRINGS, "<si><t>text", "<si><t>te\rxt\r\n"),
        (STRINGS, "</sst>", ""),
        (STRINGS, "</sst>", "</sst>more"),
        (STRINGS, "</sst>", "</sst><sst/>"),
        (STRINGS, "</sst>", "</sst><!-- the end -->"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>te & xt</t></si>"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>te]]>xt</t></si>"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>te>xt</t></si>"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>te&nbsp;xt</t></si>"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>te&#11;xt</t></si>"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>text</t></si>between"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>text</si></t>"),
        (STRINGS, "<si><t>text</t></si>", "</si><si><t>text</t><si>"),
        (STRINGS, "<si><t>text</t></si>", "<si><t>text</t></si></si>"),
    ],
)  # fmt: skip
def test_a_changed_workbook_gives_the_report_of_frictionless(
    tmp_path: Path, part: str, old: str, new: str
) -> None:
    by_xlsxwriter(tmp_path / "book.xlsx")
    (tmp_path / "other.xlsx").write_bytes(changed(tmp_path / "book.xlsx", part, old, new))
    fields = [{"name": name, "type": "any"} for name in ROWS[0]]
    fields[1] = {"name": "whole", "type": "integer", "constraints": {"unique": True, "minimum": 5}}

    def make() -> Resource:
        return Resource(
            path="other.xlsx", basepath=str(tmp_path), schema=Schema.from_descriptor({"fields": fields})
        )

    assert first_difference(plain(explain(make(), small_bytes=0).report), plain(make().validate())) is None


def test_the_way_is_told_and_limits_hold(tmp_path: Path) -> None:
    by_xlsxwriter(tmp_path / "book.xlsx")
    fields = [{"name": name, "type": "integer"} for name in ROWS[0]]

    def make() -> Resource:
        schema = Schema.from_descriptor({"fields": fields, "primaryKey": ["whole"]})
        return Resource(path="book.xlsx", basepath=str(tmp_path), schema=schema)

    for options in ({}, {"limit_errors": 3}, {"limit_rows": 2}):
        outcome = explain(make(), small_bytes=0, **options)
        assert first_difference(plain(outcome.report), plain(make().validate(**options))) is None
        assert [route.path for route in outcome.routes] == ["workbook"]


def test_options_that_look_at_formats_are_left_to_frictionless(tmp_path: Path) -> None:
    by_xlsxwriter(tmp_path / "book.xlsx")
    for option in ("fillMergedCells", "preserveFormatting"):
        told = {"name": "t", "path": "book.xlsx", "dialect": {"excel": {option: True}}}
        assert validate_sheet(Resource.from_descriptor(told, basepath=str(tmp_path))) is None
    told = {"name": "t", "path": "book.xlsx", "dialect": {"excel": {"stringified": True}}}
    report = validate_sheet(Resource.from_descriptor(told, basepath=str(tmp_path)))
    assert report is not None
    wanted = Resource.from_descriptor(told, basepath=str(tmp_path)).validate()
    assert first_difference(plain(report), plain(wanted)) is None
