"""Rows in long runs of one form, which one expression reads, and everything that may break such a run."""

import io
import re
import zipfile

import openpyxl
import pytest

from pipelines.xlsx.parts import Unproved
from pipelines.xlsx.sheet import open_sheet
from tests.pipelines.validation.exact.test_workbook import of_openpyxl, told

SHEET = "xl/worksheets/sheet1.xml"
ROWS = 40


def inline(number: int) -> str:
    return (
        f'<row r="{number}" spans="1:3"><c r="A{number}" t="inlineStr"><is><t>n{number} &amp; ñ</t></is></c>'
        f'<c r="B{number}"><v>{number}.5</v></c><c r="C{number}" t="b"><v>{number % 2}</v></c></row>'
    )


def dotted(number: int) -> str:
    """Characters with a meaning in expressions, in the names of attributes and in styles."""
    return (
        f'<row r="{number}" spans="1:3" x14ac:dyDescent="0.25"><c r="A{number}" s="0" t="str"><v>a.b{number}</v></c>'
        f'<c r="B{number}"/><c r="C{number}"><f>SUM(A1:A{number})</f><v>1E{number}</v></c></row>'
    )


def book(rows: list[str]) -> bytes:
    """A workbook whose first sheet has these rows of XML."""
    target, empty = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(empty)
    with zipfile.ZipFile(empty) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name == SHEET:
                text = data.decode().replace(
                    "<sheetData></sheetData>", "<sheetData>" + "".join(rows) + "</sheetData>"
                )
                # With lxml openpyxl writes no space there, without it one.
                text = re.sub('<dimension ref="A1:A1" ?/>', "", text)
                text = text.replace(
                    "<worksheet ",
                    '<worksheet xmlns:x14ac="http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac" ',
                )
                assert "<row" in text
                data = text.encode()
            archive.writestr(name, data)
    return target.getvalue()


@pytest.mark.parametrize("form", [inline, dotted])
def test_a_long_run_is_read_as_openpyxl_reads_it(form: object) -> None:
    assert callable(form)
    data = book([form(number) for number in range(1, 3 * 2_000)])
    rows = told(open_sheet(io.BytesIO(data), 1).rows())
    assert len(rows) == 5_999 and rows == of_openpyxl(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<row r="20"', '<row r="21"'),
        ('<row r="20"', '<row r="19"'),
        ('<row r="20"', '<row r="020"'),
        ('<row r="20"', "<row"),
        ('<row r="20"', '<row r="x"'),
        ('<row r="20"', '<row hidden="1" r="20"'),
        ('<c r="A20"', '<c r="A21"'),
        ('<c r="B20"', '<c r="A20"'),
        ('<c r="B20"', '<c r="B020"'),
        ('<c r="B20"', '<c r="D20"'),
        ('<c r="B20"', '<c r="b20"'),
        ('<c r="B20"', "<c"),
        ("<v>20.5</v>", "<v>20.5</v><v>7</v>"),
        ("<v>20.5</v>", "<v>20<x/>.5</v>"),
        ("<v>20.5</v>", "<v>&#50;0.5</v>"),
        ("<v>20.5</v>", "<v>&lt;20.5</v>"),
        ("<v>20.5</v>", "<v>20.5"),
        ("<v>20.5</v>", "<v></v>"),
        ("<v>20.5</v>", "<v/>"),
        ("<v>20.5</v></c>", "<v>20.5</v></c> "),
        ("<is><t>n20", "<is><t> n20"),
        ("<is><t>n20", '<is><t xml:space="preserve"> n20'),
        ("<is><t>n20", "<is><r><t>n20"),
        ("<is><t>n20 &amp; ñ</t></is>", "<is><t>n20</t><t>b</t></is>"),
        ("<is><t>n20 &amp; ñ</t></is>", "<v>20</v>"),
        ("n20 &amp; ñ", "n20 & ñ"),
        ("n20 &amp; ñ", "n20 ]]> ñ"),
        ('<row r="20" spans="1:3">', '<row r="20" spans="1:3"/><row r="20" spans="1:3">'),
        ('<row r="20" spans="1:3">', '\n <row r="20" spans="1:3">'),
        ('<row r="20" spans="1:3">', 'x<row r="20" spans="1:3">'),
        ('<row r="20" spans="1:3">', '</row><row r="20" spans="1:3">'),
        ('<row r="20" spans="1:3">', '<row r="20" spans="1:3" spans="1:3">'),
        ('<row r="20" spans="1:3">', '<row r="20" spans="1:3" zz:a="1">'),
        ('t="b"><v>0</v></c></row><row r="21"', 't="b"><v>0</v></c><row r="21"'),
    ],
)
def test_whatever_breaks_a_run_is_read_as_openpyxl_reads_it_or_not_at_all(old: str, new: str) -> None:
    text = "".join(inline(number) for number in range(1, ROWS))
    assert old in text
    data = book([text.replace(old, new, 1)])
    try:
        rows = told(open_sheet(io.BytesIO(data), 1).rows())
    except Unproved:
        return
    assert rows == of_openpyxl(data)
