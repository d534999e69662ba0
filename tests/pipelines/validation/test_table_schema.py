"""``uniqueKeys`` and ``categories`` of a made-up table: frictionless 5.21 reads over both."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pipelines.catalogue import Catalogue, Field, PackageType, Table
from pipelines.engine import connect
from pipelines.validation.table_schema import check_table_schema
from pipelines.validation.workspace import Workspace

ROWS = [
    {"number": "1", "office": "A", "size": "small"}, {"number": "2", "office": "A", "size": "huge"}, {"number": "1", "office": "B", "size": None},
    {"number": "1", "office": "A", "size": "large"}, {"number": None, "office": "A", "size": "small"}, {"number": None, "office": "A", "size": "small"},
]  # fmt: skip


def judge(
    catalogue: Catalogue, schema: dict[str, Any], categories: list[Any] | None = None
) -> list[tuple[Any, ...]]:
    """(code, field, row, value, parameters) of what is found in `ROWS`."""
    fields = tuple(
        Field(name, "string", "optional", {"name": name, "type": "string", **({"categories": categories} if name == "size" and categories else {})})
        for name in ROWS[0]
    )  # fmt: skip
    table = Table("made-up", "offers", fields, (), (), (), schema)
    package_type = PackageType("made-up", "1.0", (table,), (), None, {})
    with connect(memory_limit="500MB", threads=1) as con:
        space = Workspace(con, replace(catalogue, package_types={"made-up": package_type}), package_type)
        rows = [
            {**row, "source_file": "a.csv", "source_row_number": number} for number, row in enumerate(ROWS, 2)
        ]
        con.register("sent", pa.Table.from_pylist(rows))
        space.add_table("offers", "SELECT * FROM sent", list(ROWS[0]))
        check_table_schema(space, table)
        return [
            (group.code, group.field, each.row_number, each.value, dict(each.parameters))
            for group in space.groups()
            for each in group.examples
        ]


@pytest.mark.parametrize("keys", [[["number", "office"]], [["office", "number"], ["absent"]]])
def test_a_unique_key_is_unique_and_empty_parts_equal_nothing(
    catalogue: Catalogue, keys: list[list[str]]
) -> None:
    ((code, field, row, value, parameters),) = judge(catalogue, {"uniqueKeys": keys})
    assert (code, field, row) == ("unique-key-duplicate", keys[0][-1], 5)
    assert value == " / ".join({"number": "1", "office": "A"}[name] for name in keys[0]) == parameters["key"]
    assert parameters["first_row"] == 2


def test_a_key_of_one_column(catalogue: Catalogue) -> None:
    assert [found[2] for found in judge(catalogue, {"uniqueKeys": ["number"]})] == [4, 5]


@pytest.mark.parametrize(
    "categories", [["small", "large"], [{"value": "small", "label": "Small"}, {"value": "large"}]]
)
def test_values_outside_the_categories(catalogue: Catalogue, categories: list[Any]) -> None:
    found = judge(catalogue, {}, categories)
    assert [each[:4] for each in found] == [("constraint-enum", "size", 3, "huge")]
    assert found[0][4]["allowed"] == ["small", "large"]


def test_nothing_is_asked_of_a_table_without_them(catalogue: Catalogue) -> None:
    assert judge(catalogue, {}) == []


def test_no_table_of_the_standard_has_them(catalogue: Catalogue) -> None:
    """Why ``unique-key-duplicate`` has no example; with the first of them it needs one."""
    for package_type in catalogue.package_types.values():
        for table in package_type.tables:
            assert "uniqueKeys" not in table.descriptor
            assert not any("categories" in field.descriptor for field in table.fields)
