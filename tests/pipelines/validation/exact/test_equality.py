"""The report is Frictionless' own: same descriptor but for the seconds, on files made to be read wrongly."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import frictionless
import pytest
from frictionless import Checklist, Package, Resource

from pipelines.validation.exact import Outcome, explain, source

TEXT, WHOLE, AMOUNT = ({"name": name, "type": kind} for name, kind in
                       (("a", "string"), ("b", "integer"), ("c", "number")))  # fmt: skip


def told(report: Any) -> dict[str, Any]:
    descriptor = report.to_descriptor()
    for stats in [descriptor["stats"], *(task["stats"] for task in descriptor["tasks"])]:
        stats.pop("seconds", None)
    return descriptor


def compare(
    folder: Path,
    data: bytes,
    fields: list[dict[str, Any]],
    *,
    schema: Mapping[str, Any] | None = None,
    resource: Mapping[str, Any] | None = None,
    others: list[dict[str, Any]] | None = None,
    checklist: dict[str, Any] | None = None,
    **limits: Any,
) -> Outcome:
    """Both reports of one file; returns ours."""
    described = {"name": "t", "path": "t.csv", "type": "table", "encoding": "utf-8"} | dict(resource or {})
    (folder / described["path"]).write_bytes(data)
    described["schema"] = {"fields": fields} | dict(schema or {})
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "p",
        "resources": [described, *(others or [])],
    }
    (folder / "datapackage.json").write_text(json.dumps(package))

    def ask() -> Checklist | None:
        return Checklist.from_descriptor(checklist) if checklist else None

    path = str(folder / "datapackage.json")
    expected = told(Package(path).validate(ask(), **limits))
    outcome = explain(path, checklist=ask(), small_bytes=0, **limits)
    assert told(outcome.report) == expected
    return outcome


@pytest.mark.parametrize(
    ("data", "route"),
    [
        (b"a,b,c\nx,1,2.5\n", "fast"),
        (b"a,b,c\nx,1,2.5", "fast"),
        (b"a,b,c\r\nx,1,2.5\r\ny,2,3\r\n", "fast"),
        (b"a,b,c\nx,1,2.5\n\ny,2,3\n", "fast"),
        (b"a,b,c\nx,1\ny,2,3\n", "fast"),
        (b"a,b,c\nx,1,2,3,4\ny,2,3\n", "fast"),
        (b"a,b,c\n,,\nx,,\n", "fast"),
        (b'a,b,c\n"x, y",1,2.5\n"line\nbreak",2,3\n"say ""hi""",3,4\n', "fast"),
        (b'a,b,c\n"x\r\ny",1,2.5\n', "fast"),
        (b'a,b,c\n"","",""\n', "fast"),
        (b'a,b,c\n"a\rb",1,2\n', "fast"),
        ("a,b,c\nñandú,1,2.5\n日本,2,3\n".encode(), "fast"),
        (b"\xef\xbb\xbfa,b,c\nx,1,2.5\n", "fast"),
        (b"a,b,c\nx\x00y,1,2\n\x00,1,\n", "fast"),
        (b'a,b,c\n "x",1,2.5\ny,z,3\n', "rewritten"),
        (b'a,b,c\n"x" ,1,2.5\ny,z,3\n', "rewritten"),
        (b'a,b,c\n"x"y,1,2.5\ny,z,3\n', "rewritten"),
        (b'a,b,c\nx"y,1,2.5\ny,z,3\n', "rewritten"),
        (b'a,b,c\nx,1,2.5\n"y,z,3\nmore\n', "rewritten"),
        (b"a,b,c\nx,1,2.5\r\ny,z,3\n", "rewritten"),
        (b"a,b,c\nx,1,2.5\ry,z,3\n", "rewritten"),
        (b"a,b,c\nx,1,2.5\n\xffy,z,3\n", "frictionless"),
        (b"a,b,c\n" + b"x,q,2.5\n" * 4000 + b"\xffy,z,3\nx,y,z\n", "rewritten"),
        (b"a,b,c\n" + b"x,1,2.5\n" * 4000 + b"\xff\n", "rewritten"),
        (b"a,b,c\n", "fast"),
        (b"a,b\nx,1\n", "fast"),
        (b"a,b,c,d\nx,1,2,3\n", "fast"),
        (b"b,a,c\nx,1,2\n", "fast"),
        (b"a,,c\nx,1,2\n", "fast"),
        (b"a,a,c\nx,1,2\n", "fast"),
    ],
)
def test_structure(tmp_path: Path, data: bytes, route: str) -> None:
    outcome = compare(
        tmp_path, data, [TEXT, WHOLE, AMOUNT], resource={"dialect": {"csv": {"delimiter": ","}}}
    )
    assert [each.path for each in outcome.routes] == [route]


@pytest.mark.parametrize("part", [1, 40, 300])
def test_a_file_of_many_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """Whatever a record begins or ends with, a boundary before or behind it changes nothing."""
    monkeypatch.setattr(source, "SMALLEST_PART", part)
    odd = ["\n", "\ufeffx,1,2\n", '"\ufeffsay ""hi""\nand ""bye""",1,2\n', 'a "b,1,2\n', "x,1\n", "x,1,2,,\n", "x,1,2,3\n", ",,\n",
           '"a\n\n\nb",1,2\n', '"1,2\n3,4,5",x,2\n', "y,1,2\n"]  # fmt: skip
    rows = [odd[(k * k + k // 7) % len(odd)] for k in range(120)]
    for kept in (rows, [row for row in rows if '"b' not in row], ["x,1,2\n"] * 300):
        for begin in ("", "\ufeff"):
            data = f"{begin}a,b,c\n{''.join(kept)}".encode()
            compare(tmp_path, data, [TEXT, WHOLE, AMOUNT], schema={"primaryKey": ["a"]})


def test_one_column_takes_blank_lines_for_what_they_are(tmp_path: Path) -> None:
    outcome = compare(
        tmp_path, b'a\nx\n\n""\ny\n\n', [TEXT], resource={"dialect": {"csv": {"delimiter": ","}}}
    )
    assert outcome.routes[0].path == "fast"


CELLS: dict[str, list[str]] = {
    "integer": ["1", "-1", "+7", "007", "1_0", " 7", "7 ", "1.0", "1e3", "-0", "٣", "９", "9" * 30, "0x1F", "", "NA"],
    "number": ["1", "1.5", "1e5", ".5", "5.", "NaN", "-Infinity", "1_000", "٣", "1,5", "1.000,5", "+-1", "0e0.", "100", "100.0",
               "99.999999999999999999", "100.00000000000000001", "1E400", "$5", "", "NA"],
    "boolean": ["true", "True", "TRUE", "tRue", "1", "0", "yes", "false", "", "NA"],
    "year": ["2020", " 202", "2_20", "0001", "20200", "-200", "", "NA"],
    "yearmonth": ["2020-01", "2020-1", "2020-13", "2020", "20200-1", ""],
    "date": ["2020-01-05", "2020-1-5", "2020-02-30", "２020-01-05", "0000-01-01", "0999-12-31", "2020/01/05", "05/01/2020",
             "-infinity", "10000-01-01", "2020-01-05 ", "2020-01-5 ", "2020-01-5\n", "", "NA"],
    "datetime": ["2020-01-05T10:00:00Z", "2020-01-05 10:00:00", "2020-01-05x10:00:00", "2020-01-05T24:00:00Z", "2020-W01-5T10:00:00",
                 "2020-01-05T10:00:00,5Z", "2020-01-05T10:00:00+05", "2020-02-30T10:00:00Z", "2020-01-05", "2020-01-31T10:00:00Z", ""],
    "time": ["10:00:00", "10:00:00Z", "24:00:00", "10:00", "25:00:00", ""],
    "string": ["a", "b", "ab", "a\n", "A1", "12", "١٢", "a,b", "http://x", "x:y", "http://a\nb", "x@y.example", "a@", "é" * 4, "é" * 5,
               "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "YQ==", "Y", "", "NA"],
    "any": ["a", "1", ""],
    "list": ["a,b", "a", ",", "1,2", ""],
    "geopoint": ["1,2", "200,2", "a", ""],
    "duration": ["P1D", "P", "x", ""],
    "object": ['{"a": 1}', "{", '{"a": NaN}', '{"a": 1,}', ""],
    "array": ["[1]", "[1,]", "[NaN]", ""],
}  # fmt: skip

VARIANTS: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": "integer", "constraints": {"minimum": 0, "maximum": 7}},
    {"type": "integer", "bareNumber": False},
    {"type": "integer", "constraints": {"enum": [1, "007"]}},
    {"type": "integer", "constraints": {"required": True}},
    {"type": "integer", "missingValues": ["NA", "1"]},
    {"type": "integer", "missingValues": []},
    {"type": "number"},
    {"type": "number", "constraints": {"minimum": 0, "maximum": 100}},
    {"type": "number", "constraints": {"exclusiveMinimum": 1, "exclusiveMaximum": 100}},
    {"type": "number", "floatNumber": True, "constraints": {"maximum": 100}},
    {"type": "number", "decimalChar": ","},
    {"type": "number", "decimalChar": ",", "groupChar": ".", "constraints": {"minimum": 1}},
    {"type": "number", "groupChar": ","},
    {"type": "number", "bareNumber": False},
    {"type": "number", "constraints": {"enum": ["1.5", 1]}},
    {"type": "boolean"},
    {"type": "boolean", "trueValues": ["yes"], "falseValues": ["false"]},
    {"type": "boolean", "constraints": {"enum": ["true"]}},
    {"type": "year"},
    {"type": "year", "constraints": {"minimum": 1000, "maximum": 2020}},
    {"type": "yearmonth"},
    {"type": "yearmonth", "constraints": {"minimum": "2020-01"}},
    {"type": "date"},
    {"type": "date", "constraints": {"minimum": "2000-01-01", "maximum": "2020-01-05"}},
    {"type": "date", "format": "any"},
    {"type": "date", "format": "%d/%m/%Y"},
    {"type": "date", "constraints": {"enum": ["2020-01-05"]}},
    {"type": "datetime"},
    {"type": "datetime", "format": "any"},
    {"type": "time"},
    {"type": "time", "format": "any"},
    {"type": "string"},
    {"type": "string", "missingValues": ["", "NA"]},
    {"type": "string", "missingValues": ["NA"], "constraints": {"required": True}},
    {"type": "string", "constraints": {"pattern": "a|b"}},
    {"type": "string", "constraints": {"pattern": r"\d+"}},
    {"type": "string", "constraints": {"pattern": "[^\\d]+"}},
    {"type": "string", "constraints": {"pattern": "(?!b).+"}},
    {"type": "string", "constraints": {"pattern": "[a-z]{1,2}"}},
    {"type": "string", "constraints": {"minLength": 2, "maxLength": 4}},
    {"type": "string", "constraints": {"enum": ["a", "NA", 12]}},
    {"type": "string", "format": "uri"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "binary"},
    {"type": "any", "constraints": {"enum": ["a", 1]}},
    {"type": "list"},
    {"type": "list", "itemType": "integer"},
    {"type": "list", "constraints": {"minLength": 2}},
    {"type": "geopoint"},
    {"type": "duration"},
    {"type": "object"},
    {"type": "array"},
]  # fmt: skip


@pytest.mark.parametrize("field", VARIANTS, ids=json.dumps)
def test_cells(tmp_path: Path, field: dict[str, Any]) -> None:
    """Every border that Table Schema draws, between rows that are clean."""
    cells = [cell.replace('"', '""') for cell in CELLS[field["type"]]]
    lines = [f'{number},"{cell}"' for number, cell in enumerate(cells)]
    data = "\n".join(["id,v", *lines, ""]).encode()
    fields = [{"name": "id", "type": "integer"}, field | {"name": "v"}]
    outcome = compare(
        tmp_path, data, fields, resource={"dialect": {"csv": {"delimiter": ","}}}, limit_errors=0
    )
    assert outcome.routes[0].path == "fast"


KEYS = b"a,b,c\nx,1,1.0\ny,01,1.00\nx,1,2\n,2,3\n,,\nz, 1,1\nx,5,1e0\n"


@pytest.mark.parametrize(
    "schema",
    [
        {"primaryKey": ["a"]},
        {"primaryKey": ["b"]},
        {"primaryKey": ["c"]},
        {"primaryKey": ["a", "b"]},
        {"primaryKey": ["a"], "missingValues": ["x", ""]},
        {"primaryKey": ["a"], "missingValues": ["x"]},
        {"foreignKeys": [{"fields": ["a"], "reference": {"resource": "o", "fields": ["k"]}}]},
        {"foreignKeys": [{"fields": ["b"], "reference": {"resource": "o", "fields": ["n"]}}]},
        {"foreignKeys": [{"fields": ["c"], "reference": {"resource": "o", "fields": ["n"]}}]},
        {"foreignKeys": [{"fields": ["a"], "reference": {"resource": "o", "fields": ["n"]}}]},
        {"foreignKeys": [{"fields": ["a", "b"], "reference": {"resource": "o", "fields": ["k", "n"]}}]},
        {"foreignKeys": [{"fields": ["a"], "reference": {"resource": "", "fields": ["a"]}}]},
        {"foreignKeys": [{"fields": ["b"], "reference": {"resource": "t", "fields": ["c"]}}]},
        {"foreignKeys": [{"fields": ["a"], "reference": {"resource": "nobody", "fields": ["c"]}}]},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("unique", ["a", "b", "c"])
def test_keys(tmp_path: Path, schema: dict[str, Any], unique: str) -> None:
    (tmp_path / "o.csv").write_text("k,n\nx,1\ny,2\n,\nq,bad\n")
    other = {"name": "o", "path": "o.csv", "type": "table",
             "schema": {"fields": [{"name": "k", "type": "string"}, {"name": "n", "type": "integer"}]}}  # fmt: skip
    fields = [each | ({"constraints": {"unique": True}} if each["name"] == unique else {})
              for each in (TEXT, WHOLE, AMOUNT)]  # fmt: skip
    compare(tmp_path, KEYS, fields, schema=schema, others=[other])


MANY = b"a,b,c\n" + b"".join(f"x{k},{k if k % 3 else 'q'},{k}.5\n".encode() for k in range(400))


@pytest.mark.parametrize("limit_rows", [None, 1, 2, 399, 400, 401])
@pytest.mark.parametrize("limit_errors", [0, 1, 2, 50, 133, 134, 135, 1000])
def test_limits(tmp_path: Path, limit_errors: int, limit_rows: int | None) -> None:
    outcome = compare(tmp_path, MANY, [TEXT, WHOLE, AMOUNT], limit_errors=limit_errors, limit_rows=limit_rows)
    assert outcome.routes[0].path == "fast"


def test_a_heading_full_of_errors_ends_the_run_after_the_first_row(tmp_path: Path) -> None:
    outcome = compare(tmp_path, b"q,r,s\n" + MANY, [TEXT, WHOLE, AMOUNT], limit_errors=2)
    assert outcome.report.tasks[0].stats["rows"] == 1


@pytest.mark.parametrize(
    "dialect",
    [
        {"header": False},
        {"headerRows": [2]},
        {"headerRows": [1, 2], "headerJoin": "-"},
        {"headerCase": False},
        {"commentChar": "x1"},
        {"commentRows": [2, 5, 400]},
        {"skipBlankRows": True},
        {"csv": {"delimiter": ";"}},
        {"csv": {"quoteChar": "'"}},
        {"csv": {"escapeChar": "\\"}},
        {"csv": {"skipInitialSpace": True}},
    ],
    ids=json.dumps,
)
def test_dialects(tmp_path: Path, dialect: dict[str, Any]) -> None:
    data = MANY + b"\n,,\n'a,b',1,2\n a, 1, 2\na\\,b,1,2\n"
    compare(tmp_path, data, [TEXT, WHOLE, AMOUNT], resource={"dialect": dialect})


@pytest.mark.parametrize("match", ["exact", "equal", "subset", "superset", "partial"])
@pytest.mark.parametrize("heading", [b"a,b,c", b"c,b,a", b"a,b,c,d", b"b,a", b"x,y,z"])
def test_fields_match(tmp_path: Path, match: str, heading: bytes) -> None:
    width = heading.count(b",") + 1
    rows = b"".join(b",".join([b"1", b"x", b"", b"2.5"][:width]) + b"\n" for _ in range(20))
    compare(tmp_path, heading + b"\n" + rows, [TEXT, WHOLE, AMOUNT], schema={"fieldsMatch": match})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "iso8859-15"])
@pytest.mark.parametrize("declared", [True, False])
def test_encodings(tmp_path: Path, encoding: str, declared: bool) -> None:
    data = ("a,b,c\n" + "ñandú €,1,2\nx,y,z\n" * 30).encode(encoding)
    resource = {"dialect": {"csv": {"delimiter": ","}}} | (
        {"encoding": encoding} if declared else {"encoding": ""}
    )
    if not declared:
        resource.pop("encoding")
    compare(tmp_path, data, [TEXT, WHOLE, AMOUNT], resource=resource)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_tsv(tmp_path: Path, ending: bytes) -> None:
    data = ending.join([b"a\tb\tc", b'"x' + ending + b'y"\t1\t2', b"z\tq\t3", b""])
    compare(tmp_path, data, [TEXT, WHOLE, AMOUNT], resource={"path": "t.tsv"})


@pytest.mark.parametrize(
    "checklist",
    [{"skipErrors": ["type-error"]}, {"pickErrors": ["#row"]}, {"checks": [{"type": "duplicate-row"}]}],
    ids=json.dumps,
)
def test_checklists(tmp_path: Path, checklist: dict[str, Any]) -> None:
    outcome = compare(tmp_path, MANY, [TEXT, WHOLE, AMOUNT], checklist=checklist)
    assert (outcome.routes[0].path == "frictionless") == ("checks" in checklist)


@pytest.mark.parametrize(
    "stats",
    [
        {"bytes": 5},
        {"hash": "sha256:00"},
        {"hash": "md5:00"},
        {"hash": "sha1:00"},
        {"rows": 3},
        {"fields": 9},
    ],
    ids=json.dumps,
)
def test_declared_stats(tmp_path: Path, stats: dict[str, Any]) -> None:
    compare(tmp_path, MANY, [TEXT, WHOLE, AMOUNT], resource=stats)


def test_an_invalid_descriptor_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "datapackage.json"
    field = {"name": "a", "type": "integer", "constraints": {"maxLength": 3}}
    path.write_text(
        json.dumps(
            {"name": "p", "resources": [{"name": "t", "path": "t.csv", "schema": {"fields": [field]}}]}
        )
    )
    assert told(explain(path, small_bytes=0).report) == told(frictionless.validate(str(path)))
    lost = Resource(path="lost.csv", basepath=str(tmp_path))
    outcome = explain(tmp_path / "lost.csv", small_bytes=0)
    assert told(outcome.report) == told(lost.validate())


def test_without_a_schema(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(MANY)
    outcome = explain(tmp_path / "t.csv", small_bytes=0)
    assert told(outcome.report) == told(Resource(path="t.csv", basepath=str(tmp_path)).validate())
    assert outcome.routes[0].path == "fast"


@pytest.mark.parametrize("bound", ["minimum", "maximum", "exclusiveMinimum"])
@pytest.mark.parametrize("cell", [b"x", b""])
def test_a_bound_that_nothing_can_be_compared_with(tmp_path: Path, bound: str, cell: bytes) -> None:
    """Frictionless reports as long as no number meets the bound."""
    fields = [TEXT, {**AMOUNT, "constraints": {bound: "sNaN"}}]
    compare(tmp_path, b"a,c\nrow," + cell + b"\n", fields)
