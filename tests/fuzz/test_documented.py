"""Every row of the two tables of docs/frictionless.md, made to happen with the frictionless that is installed.

A row that a newer frictionless has mended fails here, and leaves the table.
"""

import datetime
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frictionless import Package, Report

from pipelines.validation.exact import explain
from tests.fuzz.known import KNOWN, recognise
from tests.fuzz.leaks import collected

__all__ = ["collected"]
pytestmark = pytest.mark.filterwarnings("ignore")

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "frictionless.md"
TEXT, WHOLE = {"name": "a", "type": "string"}, {"name": "b", "type": "integer"}
Fields = list[dict[str, Any]]
Told = list[tuple[str, int | None]]


@dataclass(frozen=True)
class Documented:
    """A table; `errors` are type and row number of each error that frictionless reports of it."""

    data: bytes
    fields: Fields
    errors: Told = field(default_factory=list)
    schema: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)


def _one(kind: str, cells: str, **constraints: Any) -> Documented:
    """A table of one column `b`; a cell a line."""
    described = {"name": "b", "type": kind, "constraints": constraints}
    return Documented(f"b\n{cells}\n".encode(), [described])


def _instant(cells: str, **more: Any) -> Documented:
    (told,) = (described := _one("datetime", cells, minimum="2020-01-01T00:00:00Z")).fields
    return Documented(described.data, [told | more])


RAISES: dict[str, list[Documented]] = {
    "unhashable-key": [
        _one("list", "x\nx", unique=True),
        _one("array", "[]\n[]", unique=True),
        Documented(b"b\n{}\n", [{"name": "b", "type": "object"}], schema={"primaryKey": ["b"]}),
        _one("geojson", '"{""type"":""Point"",""coordinates"":[1,2]}"', unique=True),
    ],
    "naive-and-aware": [
        _instant("2024-01-01T00:00:00"),
        _one("datetime", "2024-01-01T00:00:00Z", minimum="2020-01-01T00:00:00"),
    ],
    "pattern-no-regex": [_one("string", "x", pattern="(?i)abc")],
    "signalling-nan": [
        _one("number", "1\nsNaN", minimum=0),
        _one("number", "1\nsNaN", enum=["1"]),
        _one("number", "1\nsNaN", unique=True),
    ],
    "bound-without-value": [_one("integer", "1", minimum="x")],
    "offset-of-a-day": [_instant("2024-01-01T00:00:00+24:00", format="any")],
}


def _workbook(change: Callable[[bytes], bytes]) -> bytes:
    """300 sound rows, more than frictionless samples; `change` gets the XML of the sheet."""
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    for number in range(300):
        book.active.append([f"row {number}", number])
    (written := io.BytesIO()) and book.save(written)
    changed = io.BytesIO()
    with zipfile.ZipFile(written) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            after.writestr(name, change(part) if name == "xl/worksheets/sheet1.xml" else part)
    return changed.getvalue()


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(sheet: bytes) -> bytes:
        assert old in sheet
        return sheet.replace(old, new)

    return change


def _parquet(cells: list[Any], kind: pa.DataType) -> bytes:
    pq.write_table(pa.table({"b": pa.array(cells, type=kind)}), written := io.BytesIO())
    return written.getvalue()


def _required(kind: str, data: bytes, errors: Told) -> Documented:
    described = {"name": "b", "type": kind, "constraints": {"required": True}}
    return Documented(data, [described], errors, resource={"path": "t.parquet"})


XLSX = {"path": "t.xlsx"}
REPORTS: dict[str, list[Documented]] = {
    "pattern-with-alternatives": [
        Documented(
            b"a\nax\nb\nbx\nxb\n",
            [TEXT | {"constraints": {"pattern": "a|b"}}],
            [("constraint-error", 4), ("constraint-error", 5)],
        )
    ],
    "broken-byte": [
        Documented(
            b"a,b\n" + b"sound,1\n" * 20_000 + b"\xff,1\n" + b"sound,no number\n" * 20_000,
            [TEXT, WHOLE],
            [("encoding-error", None)],
            resource={"encoding": "utf-8"},
        )
    ],
    "descriptor-ignored": [
        Documented(b"a\nx\n", [TEXT | {"categories": ["y"]}]),
        Documented(b"a\nx\nx\n", [TEXT], schema={"uniqueKeys": [["a"]]}),
        Documented(b'b\n"1,000"\n', [WHOLE | {"groupChar": ","}], [("type-error", 2)]),
        Documented(b"b\n1\n-\n", [WHOLE], [("type-error", 3)], resource={"dialect": {"csv": {"nullSequence": "-"}}}),
    ],
    "half-a-key": [
        Documented(
            b"b,a,c\n1,,x\n2,,x\n,,x\n,,x\n",
            [WHOLE, TEXT, {"name": "c", "type": "string"}],
            [("primary-key", 4), ("primary-key", 5)],
            {"primaryKey": ["b", "a"]},
        )
    ],
    "dimension-too-small": [
        Documented(
            _workbook(_replaced(b'ref="A1:B301"', b'ref="A1:A11"')),
            [TEXT, WHOLE | {"constraints": {"maximum": 5}}],
            [("missing-label", None)],
            resource=XLSX,
        )
    ],
    "sheet-with-a-broken-end": [
        Documented(
            _workbook(_replaced(b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="?"/></mergeCells>')),
            [TEXT, WHOLE | {"constraints": {"maximum": 298}}],
            [("constraint-error", 301), ("source-error", None)],
            resource=XLSX,
        )
    ],
    "empty-in-parquet": [
        _required("datetime", _parquet([datetime.datetime(2024, 1, 1), None], pa.timestamp("us")), []),
        _required("integer", _parquet([1, None], pa.int64()), [("type-error", 3)]),
    ],
}  # fmt: skip


def _both(folder: Path, case: Documented) -> tuple[Callable[[], Report], Callable[[], Report]]:
    described = {"name": "t", "path": "t.csv", "type": "table"} | case.resource
    (folder / described["path"]).write_bytes(case.data)
    schema = {"fields": case.fields} | case.schema
    path = folder / "datapackage.json"
    path.write_text(json.dumps({"name": "p", "resources": [described | {"schema": schema}]}))
    return lambda: Package(str(path)).validate(), lambda: explain(str(path), small_bytes=0).report


def _rows(cases: dict[str, list[Documented]]) -> list[Any]:
    return [
        pytest.param(code, case, id=f"{code}-{number}")
        for code, several in cases.items()
        for number, case in enumerate(several)
    ]


@pytest.mark.parametrize(("code", "case"), _rows(RAISES))
def test_frictionless_raises_and_so_do_we(tmp_path: Path, code: str, case: Documented) -> None:
    theirs, ours = _both(tmp_path, case)
    with pytest.raises(Exception) as expected:
        theirs()
    known = recognise(expected.value)
    assert known is not None and known.code == code
    with pytest.raises(type(expected.value), match=re.escape(str(expected.value))):
        ours()


@pytest.mark.parametrize(("code", "case"), _rows(REPORTS))
def test_frictionless_reports_and_so_do_we(tmp_path: Path, code: str, case: Documented) -> None:
    for validate in _both(tmp_path, case):
        (task,) = validate().tasks
        assert [(each.type, getattr(each, "row_number", None)) for each in task.errors] == case.errors


def test_the_tables_of_the_document_are_these() -> None:
    told = re.findall(
        r"^\| `([a-z-]+)` \|", DOCUMENT.read_text("utf-8").partition("## Where frictionless")[2], re.M
    )
    assert told == [*RAISES, *REPORTS]
    assert [each.code for each in KNOWN] == list(RAISES)
