"""Tables of a few rows, given to the rules of one code."""

from collections.abc import Callable
from datetime import date

import pyarrow as pa
import pytest

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.records import FindingGroup, SkippedCheck
from pipelines.validation.rules import apply_rule, load_rules
from pipelines.validation.workspace import Workspace

DAY = date(2026, 11, 22)
Tables = dict[str, list[dict[str, str | None]]]
Applied = tuple[list[FindingGroup], list[SkippedCheck | None]]


@pytest.fixture
def apply_code(catalogue: Catalogue) -> Callable[[str, Tables], Applied]:
    """(groups of findings of the code, what each of its rules said of not being applied)."""

    def run(code: str, tables: Tables) -> Applied:
        activity = set(tables) & set(catalogue.package_type("activity").by_name)
        package_type = catalogue.package_type("activity" if activity else "procurement")
        with connect() as con:
            con.execute(
                f"SET VARIABLE received_on = DATE '{DAY}'; SET VARIABLE own_prefixes = ['ocds-lcuori']"
            )
            space = Workspace(con, catalogue, package_type)
            for name, rows in tables.items():
                columns = list(dict.fromkeys(column for row in rows for column in row)) or ["other"]
                batch = pa.table(
                    {column: pa.array([row.get(column) for row in rows], pa.string()) for column in columns}
                    | {
                        "source_file": ["f.csv"] * len(rows),
                        "source_row_number": list(range(2, 2 + len(rows))),
                    }
                )
                con.register("sent", batch)
                space.add_table(name, "SELECT * FROM sent", columns)
                con.unregister("sent")
            said = [
                apply_rule(space, rule)
                for rule in load_rules()
                if rule.code == code and rule.package_type == package_type.name
            ]
            return [group for group in space.groups() if group.code == code], said

    return run
