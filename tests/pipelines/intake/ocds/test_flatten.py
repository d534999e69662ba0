"""Compiled releases -> rows: the columns of the catalogue, and every other value in additional_fields."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.catalogue import PackageType
from pipelines.intake.ocds.flatten import ADDITIONAL_FIELDS, Flattener
from pipelines.intake.ocds.merge import merge_process
from pipelines.intake.ocds.read import FoundRelease
from pipelines.intake.ocds.shape import Leaf, ReleaseSchema, Repair, Shape, leaves
from pipelines.intake.ocds.spill import ReleaseSpill

OCID = "ocds-213czf-1"


@pytest.fixture(scope="module")
def flattener(procurement: PackageType) -> Flattener:
    return Flattener(procurement)


@pytest.fixture
def flat(procurement: PackageType, flattener: Flattener) -> Any:
    """Rows of a release with these members: by table, only the filled cells of each."""

    def run(**members: Any) -> dict[str, list[dict[str, str]]]:
        rows = flattener.rows({"ocid": OCID, **members})
        names = {table.name: list(table.by_name) for table in procurement.tables}
        return {
            table: [
                {name: cell for name, cell in zip(names[table], row, strict=True) if cell is not None}
                for row in of_table
            ]
            for table, of_table in rows.items()
        }

    return run


def test_the_release_itself(flat: Any) -> None:
    rows = flat(
        id="r-1",
        tag=["tender", "award"],
        tender={
            "id": " T ",
            "value": {"amount": "1500.50", "currency": "USD"},
            "hasEnquiries": False,
            "submissionMethod": ["in;person", "", None, "written"],
            "title": "",
            "description": None,
        },
    )
    assert rows == {
        "processes": [
            {
                "ocid": OCID,
                "release_id": "r-1",
                "release_tag": "tender;award",
                "tender_id": "T",
                "tender_value_amount": "1500.50",
                "tender_value_currency": "USD",
                "has_enquiries": "false",
                "submission_method": "in,person;written",
            }
        ]
    }


def test_arrays_inside_arrays_know_what_encloses_them(flat: Any) -> None:
    code = {"scheme": "UNSPSC", "id": "44", "description": "Paper; ink"}
    rows = flat(
        tender={"items": [{"id": "1", "additionalClassifications": [code]}]},
        awards=[
            {
                "id": "A",
                "suppliers": [{"id": "S", "name": "Uno"}],
                "items": [{"id": "2", "unit": {"name": "kg"}}],
            }
        ],
        contracts=[
            {
                "id": "C",
                "awardID": "A",
                "items": [{"id": "3", "additionalClassifications": [code, {**code, "id": "55"}]}],
                "implementation": {"transactions": [{"id": "P", "value": {"amount": "1"}}]},
            }
        ],
    )
    assert rows["award_suppliers"] == [{"ocid": OCID, "award_id": "A", "party_id": "S", "name": "Uno"}]
    assert rows["transactions"] == [
        {"ocid": OCID, "contract_id": "C", "transaction_id": "P", "value_amount": "1"}
    ]
    codes = {"additional_classifications": "UNSPSC:44"}
    assert rows["items"] == [
        {"ocid": OCID, "stage": "tender", "item_id": "1", **codes},
        {"ocid": OCID, "stage": "award", "parent_id": "A", "item_id": "2", "unit_name": "kg"},
        {
            "ocid": OCID,
            "stage": "contract",
            "parent_id": "C",
            "item_id": "3",
            "additional_classifications": "UNSPSC:44;UNSPSC:55",
        },
    ]
    assert [(row["stage"], row.get("parent_id"), row["item_id"]) for row in rows["item_classifications"]] == [
        ("tender", None, "1"),
        ("contract", "C", "3"),
        ("contract", "C", "3"),
    ]
    assert rows["item_classifications"][0]["description"] == "Paper; ink"
    assert ADDITIONAL_FIELDS not in rows


def test_what_no_column_takes_is_kept_with_its_place(flat: Any) -> None:
    rows = flat(
        **{"x/y": {"~": "1"}},
        awards=[
            {
                "id": "A",
                "items": [{"id": "I", "colour": ["red;dark", "blue"], "lots": [{"id": "L", "n": True}]}],
            }
        ],
    )
    assert rows[ADDITIONAL_FIELDS] == [
        {"ocid": OCID, "path": "/x~1y/~0", "value": "1"},
        {"ocid": OCID, "path": "/awards/items/colour", "parent_id": "A/I", "value": "red;dark"},
        {"ocid": OCID, "path": "/awards/items/colour", "parent_id": "A/I", "value": "blue"},
        {"ocid": OCID, "path": "/awards/items/lots/id", "parent_id": "A/I/L", "value": "L"},
        {"ocid": OCID, "path": "/awards/items/lots/n", "parent_id": "A/I/L", "value": "true"},
    ]


def test_objects_that_only_hold_other_tables_are_no_row(flat: Any) -> None:
    rows = flat(planning={"documents": [{"id": "D"}]}, awards=[{}, {"id": None}, {"items": [{"id": "1"}]}])
    assert "planning" not in rows
    assert rows["documents"] == [{"ocid": OCID, "stage": "planning", "document_id": "D"}]
    assert rows["awards"] == [{"ocid": OCID, "award_id": "#3"}]


def test_a_list_in_a_single_column_is_one_cell(flat: Any) -> None:
    assert flat(tender={"title": ["one", "two"]})["processes"][0]["tender_title"] == "one;two"


@pytest.mark.parametrize(
    ("members", "pointer", "value"),
    [
        ({"buyer": {"name": {"es": "Uno"}}}, "/buyer/name/es", "Uno"),
        ({"tender": "text"}, "/tender", "text"),
        ({"awards": ["text"]}, "/awards", "text"),
        ({"awards": [{"id": "A"}, "text"]}, "/awards", "text"),
        ({"parties": [{"id": "1", "details": {"scale": [["sme"]]}}]}, "/parties/details/scale", "sme"),
        ({"tender": {"value": [{"amount": "1"}, {"amount": "2"}]}}, "/tender/value/amount", "2"),
    ],
)
def test_shapes_that_fit_no_column_are_kept_and_told(
    flat: Any, flattener: Flattener, members: dict[str, Any], pointer: str, value: str
) -> None:
    rows = flat(**members)
    assert [(row["path"], row["value"]) for row in rows[ADDITIONAL_FIELDS]] == [(pointer, value)]
    assert [(leaf.pointer, leaf.value) for leaf in flattener.unplaced] == [(pointer, value)]


def test_leaves_from_elsewhere_are_kept_too(flattener: Flattener) -> None:
    rows = flattener.rows({"ocid": OCID}, [Leaf("/x", "1", "v")])
    assert rows[ADDITIONAL_FIELDS] == [[OCID, "/x", "1", "v"]]


def test_a_flattener_forgets_the_release_before(flat: Any) -> None:
    flat(tender={"title": "t", "x": "y"}, awards=[{"id": "A", "items": [{"id": "1"}]}])
    assert flat() == {"processes": [{"ocid": OCID}]}


TEXTS = ["a;b", " 1 ", "0.10", "x", "", "  ", "ñ水", ";", "a:b", True, False, None]
NAMES = ["id", "a/b", "name", "x~y", "scheme"]


def anything(dice: Random, depth: int = 0) -> Any:
    kind = dice.choice(["text", "list", "object"]) if depth < 4 else "text"
    if kind == "list":
        return [anything(dice, depth + 1) for _ in range(dice.randrange(4))]
    if kind == "object":
        return {dice.choice(NAMES): anything(dice, depth + 1) for _ in range(dice.randrange(4))}
    return text(dice)


def text(dice: Random) -> Any:
    return dice.choice(TEXTS) if dice.random() < 0.5 else f"{dice.random()}"


def like(shape: Shape, dice: Random, depth: int = 0) -> Any:
    """A value that mostly has the shape of the schema, with wrong shapes and unknown members among them."""
    if dice.random() < 0.1:
        return anything(dice)
    if shape.kind == "list":
        return [text(dice) for _ in range(dice.randrange(3))]
    if shape.kind == "object":
        return like_object(shape, dice, depth)
    if shape.kind == "objects":
        return [like_object(shape, dice, depth) for _ in range(dice.randrange(4))]
    return text(dice)


def like_object(shape: Shape, dice: Random, depth: int) -> dict[str, Any]:
    chosen = [name for name in sorted(shape.children) if dice.random() < 0.5 / (depth + 1) or name == "id"]
    value = {name: like(shape.children[name], dice, depth + 1) for name in chosen}
    return {**value, "extension": anything(dice)} if dice.random() < 0.2 else value


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_no_value_of_any_release_is_lost(schema: ReleaseSchema, flattener: Flattener, seed: int) -> None:
    release = like_object(schema.shape, Random(seed), 0)
    release["ocid"] = OCID
    expected = {leaf.value for leaf in leaves("", release, ())}
    repair = Repair(schema.shape)
    repair.release(release)
    rows = flattener.rows(release, repair.misplaced)
    cells = {cell for of_table in rows.values() for row in of_table for cell in row if cell}
    pieces = {piece for cell in cells for piece in cell.split(";")}
    assert {each for each in expected if each not in cells and each.replace(";", ",") not in pieces} == set()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), shared=st.booleans())
def test_no_value_of_the_newest_of_two_releases_is_lost_by_merging(
    schema: ReleaseSchema,
    flattener: Flattener,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    shared: bool,
) -> None:
    dice = Random(seed)
    older, newer = (like_object(schema.shape, dice, 0) for _ in range(2))
    older |= {"ocid": OCID, "id": "1", "date": "2026-01-01"}
    newer |= {"ocid": OCID, "id": "1" if shared else "2", "date": "2026-01-02", "tag": ["tender"]}
    expected = {leaf.value for leaf in leaves("", {**newer, "id": "", "tag": ""}, ())}
    with ReleaseSpill(tmp_path_factory.mktemp("spill") / "spill.sqlite") as spill:
        spill.add(OCID, FoundRelease(older, 1), 0)
        spill.add(OCID, FoundRelease(newer, 2), 0)
        ((_, group),) = spill.processes()
        process = merge_process(group, spill.load, schema)
    rows = flattener.rows(process.release, [*process.unplaced, *process.outside])
    cells = {cell for of_table in rows.values() for row in of_table for cell in row if cell}
    pieces = {piece for cell in cells for piece in cell.split(";")}
    assert {each for each in expected if each not in cells and each.replace(";", ",") not in pieces} == set()


def test_elements_without_an_id_get_their_place_and_references_follow(flat: Any) -> None:
    rows = flat(
        awards=[
            {
                "title": "Uno",
                "items": [{"description": "a"}, {"description": "b", "id": "x"}, {"description": "c"}],
            }
        ],
        parties=[{"name": "Sin número"}],
    )
    assert [row["award_id"] for row in rows["awards"]] == ["#1"]
    assert [(row["parent_id"], row["item_id"]) for row in rows["items"]] == [
        ("#1", "#1"),
        ("#1", "x"),
        ("#1", "#3"),
    ]
    assert "party_id" not in rows["parties"][0], "an organization is never numbered by its place"
