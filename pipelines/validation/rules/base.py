"""What a rule is, and how it is applied."""

import dataclasses
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from pipelines.records import SkippedCheck
from pipelines.validation.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Rule:
    """A check over the tables of one package type.

    code: its finding code (severity and source are in ``schemas/findings.csv``).
    version: changes when its meaning changes; part of the ruleset version of every report.
    table, field: where the finding is shown. needs: table -> columns without which it is not applied.
    sql: rows that fail, with columns rid (of `table`), value, parameters (JSON text).
    """

    code: str
    version: str
    package_type: str
    table: str
    field: str | None
    needs: Mapping[str, tuple[str, ...]]
    sql: str
    optional: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Columns that the SQL names but can do without: they read as NULL when not sent."""


@cache
def load_rules() -> tuple[Rule, ...]:
    """All rules of this folder (module attribute ``RULES``), in the order of their file names."""
    rules: list[Rule] = []
    for module in sorted(each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if module != "base":
            rules += import_module(f"pipelines.validation.rules.{module}").RULES
    return tuple(rules)


def apply_rule(space: Workspace, rule: Rule) -> SkippedCheck | None:
    """Apply a rule; the reason when it does not apply to what was sent."""
    if rule.package_type != space.package_type.name:
        return None
    for table, columns in rule.needs.items():
        if table not in space.columns:
            return SkippedCheck(rule.code, "table-not-sent", {"table": table})
        missing = [column for column in columns if not space.has(table, column)]
        if missing:
            return SkippedCheck(rule.code, "column-not-sent", {"table": table, "column": missing[0]})
    views = []
    for table, columns in {**rule.needs, **rule.optional}.items():
        wanted = [*rule.needs.get(table, ()), *rule.optional.get(table, ())]
        shown = ", ".join(
            f'"{column}"' if space.has(table, column) else f'CAST(NULL AS VARCHAR) AS "{column}"'
            for column in wanted
        )
        if table in space.columns:
            views.append(f'{table} AS (SELECT rid, source_row_number, {shown} FROM main."{table}")')
        else:
            nulls = ", ".join(f'CAST(NULL AS VARCHAR) AS "{column}"' for column in columns)
            views.append(
                f"{table} AS (SELECT CAST(NULL AS BIGINT) AS rid, CAST(NULL AS BIGINT) AS source_row_number, {nulls} WHERE false)"
            )
    query = rule.sql.strip()
    query = f", {query.removeprefix('WITH ')}" if query.startswith("WITH ") else f" {query}"
    space.add_findings_sql(rule.code, rule.table, f"WITH {', '.join(views)}{query}", field=rule.field)
    return None
