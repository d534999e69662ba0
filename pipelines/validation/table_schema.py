"""Features of Table Schema v2 that frictionless 5.21 reads over: ``uniqueKeys`` and ``categories``.

No table of the standard has them in version 1.0. They are checked here, so that a later version, or a table added by
an installation, may say them and be believed.
"""

from typing import Any

from pipelines.catalogue import Table
from pipelines.engine import quote_text
from pipelines.validation.codes import quoted_list
from pipelines.validation.workspace import Workspace, json_object


def check_table_schema(space: Workspace, table: Table) -> None:
    """``unique-key-duplicate`` for rows that repeat a unique key, ``constraint-enum`` for values outside categories."""
    for key in table.descriptor.get("uniqueKeys", ()):
        columns = (key,) if isinstance(key, str) else tuple(key)
        if columns and space.has(table.name, *columns):
            _check_unique_key(space, table, columns)
    for name in space.columns[table.name]:
        categories = table.by_name[name].descriptor.get("categories")
        if categories:
            _check_categories(space, table, name, categories)


def _check_unique_key(space: Workspace, table: Table, columns: tuple[str, ...]) -> None:
    """Unlike in a primary key, a key with an empty part equals no other (as in SQL)."""
    listed = ", ".join(f'"{column}"' for column in columns)
    filled = " AND ".join(f'"{column}" IS NOT NULL' for column in columns)
    order = "ORDER BY source_file, source_row_number, rid"
    parameters = json_object(key=f"concat_ws(' / ', {listed})", first_row="first_row")
    space.add_findings_sql(
        "unique-key-duplicate",
        table.name,
        f"SELECT rid, concat_ws(' / ', {listed}) AS value, {parameters} AS parameters FROM (SELECT rid, {listed}, "
        f"first_value(source_row_number) OVER (PARTITION BY {listed} {order}) AS first_row, "
        f'row_number() OVER (PARTITION BY {listed} {order}) AS copy FROM "{table.name}" t SEMI JOIN (SELECT {listed} FROM "{table.name}" '
        f"WHERE {filled} GROUP BY ALL HAVING count(*) > 1) k USING ({listed})) WHERE copy > 1",
        field=columns[-1],
    )


def _check_categories(space: Workspace, table: Table, name: str, categories: list[Any]) -> None:
    """Categories are values, or objects with ``value`` and ``label``."""
    values = [str(each["value"] if isinstance(each, dict) else each) for each in categories]
    nothing = "''"
    allowed = f"[{', '.join(quote_text(value) for value in values[:12])}]"
    parameters = json_object(codelist=nothing, suggestion=nothing, allowed=allowed)
    space.add_findings_sql(
        "constraint-enum",
        table.name,
        f'SELECT rid, "{name}" AS value, {parameters} AS parameters FROM "{table.name}" '
        f'WHERE "{name}" IS NOT NULL AND NOT list_contains({quoted_list(values)}, "{name}")',
        field=name,
    )
