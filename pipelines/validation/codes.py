"""Codes of open codelists and of lists of codes, and recommended columns (OG-40, 41, 51)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pipelines.catalogue import Codelist, Field, Table
from pipelines.engine import fetch_one, quote_text
from pipelines.validation.workspace import Workspace, json_object


def quoted_list(values: list[str]) -> str:
    """A list of texts in SQL."""
    return "[" + ", ".join(quote_text(value) for value in values) + "]::VARCHAR[]"


def declared_codes(understood: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Codes that the sender explains in the mapping file or the descriptor, by codelist (OG-41).

    They make the codes of an open list known; a closed list stays as it is.
    """
    lists = understood.get("instructions", {}).get("codelists", {})
    return {name: tuple(each["code"] for each in codes) for name, codes in lists.items()}


def check_codes(
    space: Workspace, table: Table, declared: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> None:
    """Codes that Frictionless does not judge: open lists (a warning), and the elements of lists.

    declared: codes that the sender explains, by codelist.
    """
    for name in space.columns[table.name]:
        field = table.by_name[name]
        codelist = space.catalogue.codelists.get(field.codelist or "")
        if codelist is None or (codelist.closed and field.type == "string"):
            continue
        if name.endswith("identifier_scheme") or codelist.name == "identifierScheme":
            continue
        known = [*codelist.codes, *(() if codelist.closed else declared.get(codelist.name, ()))]
        _check_codelist(space, table, field, codelist, known)


def _check_codelist(
    space: Workspace, table: Table, field: Field, codelist: Codelist, codes: list[str]
) -> None:
    elements = f"string_split(\"{field.name}\", ';')" if field.type == "list" else f'["{field.name}"]'
    known = quoted_list(codes)
    unknown = f"list_filter({elements}, lambda e: NOT list_contains({known}, e))"
    distinct = space.con.execute(
        f'SELECT DISTINCT unnest({unknown}) FROM "{table.name}" WHERE "{field.name}" IS NOT NULL'
    ).fetchall()
    if not distinct:
        return
    nearest = {value: space.near_codes.find(codelist.name, value) for (value,) in distinct[:500]}
    whens = " ".join(
        f"WHEN {quote_text(value)} THEN {quote_text(near)}" for value, near in nearest.items() if near
    )
    suggestion = f"CASE {unknown}[1] {whens} ELSE '' END" if whens else "''"
    parameters = json_object(codelist=f"'{codelist.name}'", suggestion=suggestion)
    space.add_findings_sql(
        "constraint-enum" if codelist.closed else "code-unknown",
        table.name,
        f'SELECT rid, {unknown}[1] AS value, {parameters} AS parameters FROM "{table.name}" '
        f'WHERE "{field.name}" IS NOT NULL AND len({unknown}) > 0',
        field=field.name,
    )


def check_recommended(space: Workspace, table: Table) -> None:
    """Recommended columns that are empty: told once a column, with the share of rows (OG-51)."""
    rows = space.rows(table.name)
    recommended = [field.name for field in table.fields if field.level == "recommended"]
    if not rows or not recommended:
        return
    filled = {}
    sent = [name for name in recommended if space.has(table.name, name)]
    if sent:
        counts = ", ".join(f'count("{name}")' for name in sent)
        values = fetch_one(space.con, f'SELECT {counts} FROM "{table.name}"')
        filled = dict(zip(sent, values, strict=True))
    for name in recommended:
        empty = rows - filled.get(name, 0)
        if empty * 5 > rows:
            space.tell(
                "recommended-empty", table.name, name, {"name": name, "share": round(100 * empty / rows)}
            )
