"""What a rule is, and how it is applied."""

import dataclasses
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from pipelines.engine import fetch_one, quote_text
from pipelines.flat import FLAT
from pipelines.records import Finding, SkippedCheck
from pipelines.validation.workspace import Workspace

_FIELD_TOKEN = re.compile(r"<<(\w+)\.(\w+)>>")
_MADE_OF_OTHERS = {"ocid", "award_id", "supplier_id", "buyer_id"}
"""Flat columns whose linked ones have content even when they were not sent: other columns stand in (see `flat.base`)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A check over the tables of one package type.

    code: its finding code (severity and source are in ``schemas/findings.csv``).
    version: changes when its meaning changes; part of the ruleset version of every report.
    table, field: where the finding is shown. needs: table -> columns without which it is not applied.
    sql: rows that fail, with columns rid (of `table`), value, parameters (JSON text); without rid when `general`.
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
    one_of: tuple[str, ...] = ()
    """Optional tables of which one at least must be there."""
    codelists: tuple[str, ...] = ()
    """Codelists that the SQL reads as tables ``codelist_<name>``: code, and their further columns."""
    general: bool = False
    """About a whole column and not about rows."""
    population: str = ""
    """SQL that counts what is judged, for rules that say nothing of fewer than `minimum`."""
    minimum: int = 0
    shape: str = ""
    """``linked``: tables made from a flat one agree by the way they are made; ``flat``: linked ones are told otherwise."""


def field_name(table: str, field: str) -> str:
    """SQL text of the name of a field of the rule's table, in the parameters of a finding, as the sender knows it."""
    return f"'<<{table}.{field}>>'"


def day_before(earlier: str, later: str) -> str:
    """SQL: a day lies before another; false when one of the two is no date.

    Canonical dates compare as text, which costs a tenth of reading them; only what differs is then read.
    """
    first, second = f"{earlier}[:10]", f"{later}[:10]"
    return f"({first} < {second} AND try_cast({first} AS DATE) IS NOT NULL AND try_cast({second} AS DATE) IS NOT NULL)"


def amount(expression: str) -> str:
    """SQL of a number of the standard, NULL when it is none."""
    return f"try_cast({expression} AS DECIMAL(38,18))"


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
    if rule.package_type != space.package_type.name or (rule.shape and rule.shape != _shape(space)):
        return None
    skipped = _not_sent(space, rule)
    if skipped:
        return skipped
    views = f"WITH {', '.join((*_views(space, rule), *_codelists(space, rule)))}"
    if rule.population:
        (found,) = fetch_one(space.con, f"{views} {rule.population}")
        if found < rule.minimum:
            return SkippedCheck(
                rule.code, "too-few-rows", {"table": rule.table, "needed": rule.minimum, "found": found}
            )
    query = _name_fields(space, rule).strip()
    query = f"{views}, {query.removeprefix('WITH ')}" if query.startswith("WITH ") else f"{views} {query}"
    if rule.general:
        _tell_generally(space, rule, query)
    else:
        space.add_findings_sql(rule.code, rule.table, query, field=rule.field)
    return None


def _shape(space: Workspace) -> str:
    return "flat" if FLAT in space.columns and FLAT not in space.derived else "linked"


def _not_sent(space: Workspace, rule: Rule) -> SkippedCheck | None:
    """The first table or column that a rule needs and nobody sent."""
    for table, columns in rule.needs.items():
        if table not in space.columns:
            return SkippedCheck(rule.code, "table-not-sent", {"table": table})
        for column in columns:
            if not space.has(table, column):
                return SkippedCheck(rule.code, "column-not-sent", {"table": table, "column": column})
            shown_table, shown_field = space.shown(table, column)
            # A derived table has every column that a flat one can have, sent or not.
            derived = shown_table != table and shown_field and shown_field not in _MADE_OF_OTHERS
            if derived and not space.has(FLAT, str(shown_field)):
                return SkippedCheck(rule.code, "column-not-sent", {"table": FLAT, "column": shown_field})
    if rule.one_of and not set(rule.one_of) & set(space.columns):
        return SkippedCheck(rule.code, "table-not-sent", {"table": rule.one_of[0]})
    return None


def _views(space: Workspace, rule: Rule) -> Iterator[str]:
    """The tables of a rule with the columns that it names, as common table expressions."""
    for table in {**rule.needs, **rule.optional}:
        wanted = [*rule.needs.get(table, ()), *rule.optional.get(table, ())]
        shown = ", ".join(
            f'"{column}"' if space.has(table, column) else f'CAST(NULL AS VARCHAR) AS "{column}"'
            for column in wanted
        )
        if table in space.columns:
            yield f'{table} AS (SELECT rid, source_row_number, {shown} FROM main."{table}")'
        else:
            nulls = ", ".join(f'CAST(NULL AS VARCHAR) AS "{column}"' for column in wanted)
            yield (
                f"{table} AS (SELECT CAST(NULL AS BIGINT) AS rid, CAST(NULL AS BIGINT) AS source_row_number, {nulls} WHERE false)"
            )


def _codelists(space: Workspace, rule: Rule) -> Iterator[str]:
    for name in rule.codelists:
        codes = space.catalogue.codelists[name].codes.values()
        extra = sorted({column for code in codes for column in code.extra})
        rows = ", ".join(
            "("
            + ", ".join(
                quote_text(value) for value in (each.code, *(each.extra.get(column, "") for column in extra))
            )
            + ")"
            for each in codes
        )
        yield f"codelist_{name} ({', '.join(('code', *extra))}) AS (VALUES {rows})"


def _name_fields(space: Workspace, rule: Rule) -> str:
    """The SQL of a rule with the fields that it names as the sender knows them."""
    return _FIELD_TOKEN.sub(lambda found: space.shown(found[1], found[2])[1] or found[2], rule.sql)


def _tell_generally(space: Workspace, rule: Rule, query: str) -> None:
    table, field = space.shown(rule.table, rule.field)
    found = space.con.execute(query).fetchall()
    space.add_findings(
        Finding(rule.code, table=table, field=field, value=value, parameters=json.loads(parameters))
        for value, parameters in found
    )
