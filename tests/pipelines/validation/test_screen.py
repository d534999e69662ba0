"""The screen may suspect a clean cell; it never clears one that Frictionless would report."""

import random

import pyarrow as pa
import pytest
from frictionless import Resource, Schema

from pipelines.engine import connect
from pipelines.validation.screen import clean_cell, suspect_row

NASTY = (
    "", " ", "0", "-0", "007", "+7", "1_000", "1e5", "1E400", ".5", "5.", "1.5", "-1.5", "1,5", "NaN", "Infinity", "١٢", "１２",
    "9" * 21, "1." + "9" * 19, "true", "True", "TRUE", "tRue", "1", "yes", "false", "2024-01-05", "2024-1-5", "2024-02-30",
    "0000-01-01", "0999-01-01", "9999-12-31", "2024-01-05T10:00:00Z", "2024-01-05T10:00:00", "2024-01-05 10:00:00Z",
    "2024-01-05T24:00:00Z", "2024-01-05T10:00:60Z", "2024-01-05T10:00:00.123456Z", "2024-01-05T10:00:00.1234567Z",
    "2024-01-05T10:00:00+05:00", "2024-01-05T10:00:00+24:00", "2024-01-05T10:00:00-0500", "2024-13-05T10:00:00Z", "2024", "202",
    "20240", "https://example.org/a b", "https://example.org/é", "http://", "www.example.org", "mailto:x@example.org", "x@example.org",
    "x@@example.org", "open", "Open", "open ", "direct", "PYG", "pyg", "a;b", ";", "buyer;supplier", "x" * 300, "á" * 255, "á" * 256,
    "a\nb", "'; DROP TABLE contracts; --", '"', "=1+1", "\u00a0", "2024-01-05T10:00:00Z\n", "12\n", "-", "None",
)  # fmt: skip
"""Spellings around every border that Table Schema draws."""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name",
    ["procurement.contracts_flat", "procurement.processes", "procurement.parties", "activity.activities"],
)
def test_what_frictionless_reports_is_suspected(name: str, seed: int, catalogue) -> None:
    package_type, table_name = name.split(".")
    table = catalogue.package_type(package_type).table(table_name)
    descriptor = catalogue.frictionless_schema(table)
    dice = random.Random(f"{name}{seed}")
    names = list(table.by_name)
    rows = []
    for _ in range(400):
        row = [str(table.by_name[each].descriptor["example"]) for each in names]
        for position in dice.sample(range(len(names)), k=dice.choice((0, 1, 1, 3))):
            row[position] = dice.choice(NASTY)
        rows.append(row)
    report = Resource(data=[names, *rows], schema=Schema.from_descriptor(descriptor)).validate(
        limit_errors=100_000
    )
    judged = {error.row_number - 2 for task in report.tasks for error in task.errors}

    columns = {
        each: pa.array([row[at] or None for row in rows], pa.string()) for at, each in enumerate(names)
    }
    with connect() as con:
        con.register("cells", pa.table(columns | {"rid": list(range(len(rows)))}))
        suspects = {
            rid
            for (rid,) in con.execute(
                f"SELECT rid FROM cells WHERE {suspect_row(descriptor['fields'])}"
            ).fetchall()
        }
    assert judged - suspects == set()
    assert len(suspects) < len(rows), "a screen that suspects every row proves nothing"


@pytest.mark.parametrize(
    ("field", "clean", "suspect"),
    [
        (
            {"name": "v", "type": "number"},
            ["0", "-1.5", "12345678901234567890"],
            ["1e5", "1,5", "NaN", "9" * 21, " 1"],
        ),
        ({"name": "v", "type": "integer", "constraints": {"minimum": 0}}, ["0", "7"], ["-1", "007", "1.0"]),
        ({"name": "v", "type": "string", "constraints": {"maxLength": 3}}, ["abc", "áéí"], ["abcd"]),
        (
            {"name": "v", "type": "string", "constraints": {"pattern": r"[A-Z]{2}-\d+"}},
            ["AB-1"],
            ["ab-1", "AB-1\n"],
        ),
        ({"name": "v", "type": "string", "constraints": {"pattern": r"a|b"}}, [], ["a", "b"]),
        ({"name": "v", "type": "datetime"}, ["2024-01-05T10:00:00Z"], ["2024-01-05", "2024-01-05T10:00Z"]),
        ({"name": "v", "type": "geopoint"}, [], ["1,2"]),
        ({"name": "v", "type": "string", "constraints": {"required": True}}, ["x"], [None]),
    ],
)
def test_clean_cell(field: dict, clean: list[str | None], suspect: list[str | None]) -> None:
    with connect() as con:
        for value, expected in [(value, True) for value in clean] + [(value, False) for value in suspect]:
            found = con.execute(
                f"SELECT {clean_cell(field)} FROM (SELECT CAST(? AS VARCHAR) AS v)", [value]
            ).fetchall()
            assert found == [(expected,)], value
