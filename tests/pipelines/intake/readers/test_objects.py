"""JSON arrays and JSON Lines as tables."""

import json
from decimal import Decimal

import pytest

from pipelines.intake.limits import Limits


def cells_of(table):
    return [cells for _, cells in table.rows()]


@pytest.fixture(params=["json", "jsonl"])
def write(request, read):
    """Read the same objects as an array and as lines."""

    def write(*objects, **told):
        texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in objects]
        text = f"[{','.join(texts)}]" if request.param == "json" else "\n".join(texts)
        [table] = read(text, f"data.{request.param}", format=request.param, **told)
        return table

    return write


def test_labels_are_all_names_in_order_of_appearance(write):
    table = write({"b": 1, "a": "x"}, {"a": "y", "c": True}, {})
    assert table.labels == ["b", "a", "c"]
    assert list(table.rows()) == [(1, ["1", "x", None]), (2, [None, "y", "true"]), (3, [None, None, None])]
    assert table.typed


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.1", "0.1"),
        ("1.50", "1.5"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("1E5", "100000"),
        ("1e-7", "0.0000001"),
        ("-0.0", "0"),
        ("100", "100"),
        ("1e999999999", "1E+999999999"),
    ],
)
def test_numbers_are_exact(write, number, text):
    table = write(f'{{"a": {number}}}')
    [[cell]] = cells_of(table)
    assert cell == text
    assert Decimal(cell) == Decimal(number)


def test_nested_values_become_compact_json(write):
    table = write('{"a": {"x": [1.10, null, true, "ñ\\""], "y": {}}, "b": [], "c": null, "d": ""}')
    assert cells_of(table) == [['{"x":[1.1,null,true,"ñ\\""],"y":{}}', "[]", None, None]]


def test_control_characters_and_lone_surrogates(write):
    table = write('{"a": "x\\u0000y", "b": "z"}')
    assert cells_of(table) == [["xy", "z"]]
    assert [(each.code, each.row_number, each.column) for each in table.findings] == [
        ("control-characters", 1, "A")
    ]


def test_lone_surrogates_of_json_lines_cannot_be_stored(read):
    [table] = read('{"a": "x\\ud800"}\n{"a": "y"}\n', "data.jsonl")
    assert cells_of(table) == [["x\ufffd"], ["y"]]
    assert [each.code for each in table.findings] == ["invalid-bytes"]


def test_values_over_the_limit(write):
    table = write({"a": "x" * 50, "b": "y"}, limits=Limits(max_cell_characters=20))
    assert cells_of(table) == [[None, "y"]]
    assert table.findings[0].parameters == {"length": 50, "limit": 20}


def test_what_is_no_object_is_told(write):
    table = write({"a": 1}, 2, [3], {"a": 4})
    assert list(table.rows()) == [(1, ["1"]), (4, ["4"])]
    assert [(each.code, each.row_number) for each in table.findings] == [
        ("not-a-table", 2),
        ("not-a-table", 3),
    ]


def test_too_many_names(write):
    table = write(*({f"column {number}": 1} for number in range(10)), limits=Limits(max_columns=5))
    assert [(each.code, each.row_number) for each in table.findings] == [("not-a-table", 6)]
    assert len(table.labels) == 5


def test_a_broken_array_is_read_up_to_the_damage(read):
    [table] = read('[{"a": 1}, {"a": 2}, {"a": ', "data.json")
    assert cells_of(table) == [["1"], ["2"]]
    [finding] = table.findings
    assert (finding.code, finding.parameters["position"]) == ("invalid-json", 3)


def test_a_broken_line_does_not_hide_the_others(read):
    [table] = read('{"a": 1}\n{"a": }\n\n{"a": 3}\n', "data.jsonl")
    assert list(table.rows()) == [(1, ["1"]), (4, ["3"])]
    assert [(each.code, each.row_number) for each in table.findings] == [("invalid-json", 2)]


@pytest.mark.parametrize("number", ["9" * 10_000, "1e99999999999999999999"])
def test_absurd_numbers_end_in_a_finding_or_a_cell(write, number):
    table = write({"a": 1}, f'{{"a": {number}}}')
    rows = cells_of(table)
    assert [each.code for each in table.findings] == ["invalid-json"] or rows == [["1"], [number]]


def test_deep_nesting(write):
    table = write({"a": 1}, '{"a": ' + "[" * 50_000 + "]" * 50_000 + "}")
    assert cells_of(table) in ([], [["1"]])
    assert [each.code for each in table.findings] == ["invalid-json"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings(read, encoding):
    for name, text in {
        "a.json": '[{"año": "niñez"}]',
        "a.jsonl": '{"año": "niñez"}\n{"año": null}\n',
    }.items():
        [table] = read(text.encode(encoding), name)
        assert table.labels == ["año"]
        assert cells_of(table)[0] == ["niñez"]


def test_an_object_that_is_no_table(read):
    [table] = read('{"data": {"a": 1}}', "data.json")
    assert cells_of(table) == []
    assert [each.code for each in table.findings] == ["not-a-table"]


def test_an_empty_array_has_no_rows(read):
    [table] = read("[]", "data.json")
    assert (table.labels, cells_of(table), table.findings) == ([], [], [])


def test_peru(read, shared):
    [table] = read(shared / "real/json-peru-compras-covid19/dataset-2.json")
    rows = cells_of(table)
    assert (len(rows), len(table.labels)) == (1_368, 35)
    content = json.loads(
        (shared / "real/json-peru-compras-covid19/dataset-2.json").read_text(), parse_float=Decimal
    )
    for row, item in zip(rows, content, strict=True):
        for cell, label in zip(row, table.labels, strict=True):
            value = item.get(label)
            assert (
                cell == (value or None) if isinstance(value, str) else value is None or Decimal(cell) == value
            )
