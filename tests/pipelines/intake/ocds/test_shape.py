"""Releases put into the shape of the schema: what has a place is placed, the rest is kept as leaves."""

import copy
from typing import Any

import pytest

from pipelines.intake.ocds.shape import Leaf, ReleaseSchema, Repair, drop_twins, leaves, strip_to_schema


def repaired(
    schema: ReleaseSchema, release: dict[str, Any], *, for_merging: bool = False
) -> tuple[Any, list[Leaf]]:
    release = copy.deepcopy(release)
    repair = Repair(schema.shape, for_merging=for_merging)
    repair.release(release)
    return release, repair.misplaced


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tender": {"submissionMethod": "Electrónica"}}, {"tender": {"submissionMethod": ["Electrónica"]}}),
        ({"tag": "tender"}, {"tag": ["tender"]}),
        ({"awards": {"id": "1"}}, {"awards": [{"id": "1"}]}),
        ({"buyer": [{"id": "1"}]}, {"buyer": {"id": "1"}}),
        ({"tender": {"title": ["one"]}}, {"tender": {"title": "one"}}),
        ({"tender": {"title": ["one", "two"]}}, {"tender": {"title": ["one", "two"]}}),
        (
            {"awards": [{"items": {"unit": [{"name": "kg"}]}}]},
            {"awards": [{"items": [{"unit": {"name": "kg"}}]}]},
        ),
        ({"tender": None, "awards": None}, {"tender": None, "awards": None}),
        ({"tender": {"submissionMethod": ""}}, {"tender": {}}),
        ({"lots": "unknown", "x": {"y": [1, {}]}}, {"lots": "unknown", "x": {"y": [1, {}]}}),
    ],
)
def test_what_can_be_placed_is_placed(
    schema: ReleaseSchema, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert repaired(schema, given) == (expected, [])


@pytest.mark.parametrize(
    ("given", "expected", "misplaced"),
    [
        ({"tender": "text"}, {}, [("/tender", "", "text")]),
        ({"awards": "none"}, {}, [("/awards", "", "none")]),
        ({"awards": [{"id": "1"}, "two"]}, {"awards": [{"id": "1"}]}, [("/awards", "", "two")]),
        (
            {"parties": [{"id": "1", "name": {"es": "Uno"}}]},
            {"parties": [{"id": "1"}]},
            [("/parties/name/es", "1", "Uno")],
        ),
        ({"buyer": [{"id": "1"}, {"id": "2"}]}, {"buyer": {"id": "1"}}, [("/buyer/id", "2", "2")]),
        ({"buyer": "Ministerio"}, {}, [("/buyer", "", "Ministerio")]),
        ({"tag": ["tender", {"x": "y"}]}, {"tag": ["tender"]}, [("/tag/x", "", "y")]),
        ({"tag": {"x": "y"}}, {}, [("/tag/x", "", "y")]),
        (
            {"contracts": [{"id": "C", "implementation": {"transactions": [{"id": "T", "value": "5"}]}}]},
            {"contracts": [{"id": "C", "implementation": {"transactions": [{"id": "T"}]}}]},
            [("/contracts/implementation/transactions/value", "C/T", "5")],
        ),
    ],
)
def test_what_has_no_place_is_kept_as_leaves(
    schema: ReleaseSchema,
    given: dict[str, Any],
    expected: dict[str, Any],
    misplaced: list[tuple[str, str, str]],
) -> None:
    assert repaired(schema, given) == (expected, [Leaf(*each) for each in misplaced])


def test_ids_are_made_safe_to_merge_by(schema: ReleaseSchema) -> None:
    items = [
        {"id": None, "description": "a"},
        {"id": "", "description": "b"},
        {"id": " 7 ", "description": "c"},
    ]
    lots = [{"id": None, "title": "x"}, {"id": {"odd": "1"}, "title": "y"}]
    release, misplaced = repaired(schema, {"tender": {"items": items, "lots": lots}}, for_merging=True)
    assert release["tender"]["items"] == [
        {"description": "a"},
        {"description": "b"},
        {"id": "7", "description": "c"},
    ]
    assert release["tender"]["lots"] == [{"title": "x"}, {"title": "y"}]
    assert misplaced == [Leaf("/tender/lots/id/odd", "", "1")]


def test_of_a_repeated_id_the_last_stays_and_the_other_is_kept(schema: ReleaseSchema) -> None:
    awards = [{"id": "1", "title": "first"}, {"id": "1", "title": "second"}, {"id": "1", "title": "second"}]
    release, misplaced = repaired(schema, {"awards": awards}, for_merging=True)
    assert release == {"awards": [{"id": "1", "title": "second"}]}
    assert misplaced == [Leaf("/awards/id", "1", "1"), Leaf("/awards/title", "1", "first")]


def test_arrays_that_merge_as_a_whole_may_repeat_ids(schema: ReleaseSchema) -> None:
    codes = [{"scheme": "CPV", "id": "1"}, {"scheme": "UNSPSC", "id": "1"}]
    given = {"tender": {"items": [{"id": "1", "additionalClassifications": codes}]}}
    assert repaired(schema, given, for_merging=True) == (given, [])


def test_the_core_alone(schema: ReleaseSchema) -> None:
    release = {
        "ocid": "x",
        "a/b": {"c": "1"},
        "tender": {"id": "T", "lots": [{"id": "L", "title": "t"}]},
        "awards": None,
    }
    out: list[Leaf] = []
    strip_to_schema(release, schema.shape, out)
    assert release == {"ocid": "x", "tender": {"id": "T"}, "awards": None}
    assert out == [
        Leaf("/a~1b/c", "", "1"),
        Leaf("/tender/lots/id", "L", "L"),
        Leaf("/tender/lots/title", "L", "t"),
    ]


def test_leaves_skip_what_is_empty() -> None:
    value = {"a": [None, "", "  ", {}, [], True, {"id": "1", "b~c": " x "}]}
    assert list(leaves("", value, ())) == [
        Leaf("/a", "", "true"),
        Leaf("/a/id", "1", "1"),
        Leaf("/a/b~0c", "1", "x"),
    ]


def test_equal_elements_without_an_id_are_kept_once() -> None:
    value = {
        "a": [{"x": "1"}, {"x": "1"}, {"id": "1"}, {"x": "2", "y": [{"z": "1"}, {"z": "1"}]}],
        "b": ["1", "1"],
    }
    drop_twins(value)
    assert value == {"a": [{"x": "1"}, {"id": "1"}, {"x": "2", "y": [{"z": "1"}]}], "b": ["1", "1"]}


def test_the_schema_says_how_arrays_merge(schema: ReleaseSchema) -> None:
    assert schema.merge_rules["tender", "items", "additionalClassifications"] == "wholeListMerge"
    assert schema.merge_rules["tag",] == "omitWhenMerged"
    assert schema.shape.children["tender"].children["items"].kind == "objects"
    assert schema.shape.children["tender"].children["value"].kind == "object"
    assert schema.shape.children["tag"].kind == "list"
    assert schema.shape.children["ocid"].kind == "scalar"
