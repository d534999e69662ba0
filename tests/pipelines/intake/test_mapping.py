"""Mapping files: what can be followed, what is told of the rest, and which entry speaks of which table."""

from typing import Any

import pytest

from pipelines.intake.mapping import all_instructions_for, check_instructions, instructions_for
from pipelines.intake.sources import RawTable

TABLES = ("contracts_flat", "awards", "contracts")

GOOD = {
    "title": "Ours",
    "package_type": "procurement",
    "missing": ["-"],
    "codelists": {
        "documentType": [{"code": "socialWitnessReport", "title": "Report", "description": "By law."}]
    },
    "tables": [
        {
            "file": "c*.csv",
            "sheet": "One",
            "table": "contracts_flat",
            "time_zone": "America/Lima",
            "decimal": ",",
            "date_order": "mdy",
            "join": "",
            "heading_row": 3,
            "encoding": "windows-1252",
            "delimiter": ";",
            "quote": "'",
            "columns": {"a": "A", "b": ["A", "B"], "c": {"value": 5}},
            "codes": {"a": {"x": "y", "z": ""}},
            "ignore": ["C"],
            "others": "tell",
        }
    ],
}


def raw(name: str, sheet: str | None = None) -> RawTable:
    return RawTable(name, name, lambda: iter(()), sheet)


def test_a_mapping_file_with_every_key_is_followed_as_it_is() -> None:
    assert check_instructions(GOOD, TABLES) == (GOOD, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("time_zone", "Foo/Bar"),
        ("time_zone", "UTC'; DROP TABLE x"),
        ("time_zone", 5),
        ("decimal", "'"),
        ("date_order", "ymd"),
        ("join", 5),
        ("heading_row", 0),
        ("heading_row", "1"),
        ("heading_row", True),
        ("encoding", "klingon"),
        ("encoding", None),
        ("delimiter", "<>"),
        ("quote", ""),
        ("columns", []),
        ("columns", {"a": 5}),
        ("columns", {"a": []}),
        ("columns", {"a": {"value": []}}),
        ("columns", {"a": {"value": "x", "more": 1}}),
        ("codes", {"a": ["x"]}),
        ("codes", {"a": {"x": 5}}),
        ("codelists", {"documentType": ["socialWitnessReport"]}),
        ("codelists", {"documentType": [{"code": "socialWitnessReport"}]}),
        ("codelists", {"documentType": []}),
        ("missing", "-"),
        ("ignore", [1]),
        ("others", "drop"),
        ("table", "nothing"),
        ("table", ["x"]),
        ("file", 5),
        ("sheet", []),
        ("colums", {}),
    ],
)
def test_what_cannot_be_followed_is_left_out_and_told(key: str, value: Any) -> None:
    kept, findings = check_instructions({"tables": [{"title": "x", key: value}]}, TABLES)
    assert kept == {"tables": [{"title": "x"}]}
    assert [(each.code, each.parameters["key"]) for each in findings] == [
        ("mapping-invalid", f"tables[0].{key}")
    ]


@pytest.mark.parametrize("told", [{"tables": {}}, {"tables": "x"}, {"package_type": []}, {"unknown": 1}, []])
def test_mapping_files_of_any_form(told: Any) -> None:
    kept, findings = check_instructions(told, TABLES)
    assert kept == {}
    assert [each.code for each in findings] == ["mapping-invalid"]


def test_an_entry_that_is_no_object_says_nothing() -> None:
    kept, findings = check_instructions({"tables": [5]}, TABLES)
    assert kept == {"tables": [{}]}
    assert len(findings) == 1


def test_the_entry_wins_over_the_general_part_and_the_first_that_fits_counts() -> None:
    told = {"decimal": ",", "tables": [{"file": "a.csv", "decimal": "."}, {"file": "*.csv", "join": "/"}]}
    assert instructions_for(raw("a.csv"), told)["decimal"] == "."
    assert "join" not in instructions_for(raw("folder/a.csv"), told)
    assert instructions_for(raw("b.csv"), told) == {"decimal": ",", "file": "*.csv", "join": "/"}
    assert instructions_for(raw("b.xlsx"), told) == {"decimal": ","}


def test_entries_of_the_same_file_and_sheet_make_several_tables() -> None:
    told = {
        "tables": [
            {"file": "a.csv", "table": "awards", "columns": {"x": "X"}},
            {"file": "a.csv", "table": "contracts", "columns": {"x": "X"}},
            {"file": "a*.csv", "table": "contracts_flat", "columns": {"x": "X"}},
            {"file": "a.csv", "encoding": "utf-8"},
        ]
    }
    assert [each["table"] for each in all_instructions_for(raw("a.csv"), told)] == ["awards", "contracts"]


def test_a_name_with_brackets_is_itself_before_it_is_a_pattern() -> None:
    told = {"tables": [{"file": "[x].csv", "table": "awards"}]}
    assert instructions_for(raw("[x].csv"), told)["table"] == "awards"
