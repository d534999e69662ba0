"""Codes of open codelists, of lists of codes, and identifiers against the form that their register gives (OG-40, 41, 46, 47)."""

import re
from difflib import get_close_matches

from pipelines.catalogue import Codelist, Field, Table
from pipelines.engine import fetch_one
from pipelines.validation.workspace import Workspace, json_object


def _sql_list(values: list[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


def check_codes(space: Workspace, table: Table) -> None:
    """Codes that Frictionless does not judge: open lists (a warning), and the elements of lists."""
    for name in space.columns[table.name]:
        field = table.by_name[name]
        codelist = space.catalogue.codelists.get(field.codelist or "")
        if codelist is None or (codelist.closed and field.type == "string"):
            continue
        if name.endswith("identifier_scheme") or codelist.name == "identifierScheme":
            continue
        _check_codelist(space, table, field, codelist)


def _check_codelist(space: Workspace, table: Table, field: Field, codelist: Codelist) -> None:
    elements = f"string_split(\"{field.name}\", ';')" if field.type == "list" else f'["{field.name}"]'
    known = _sql_list(list(codelist.codes))
    unknown = f"list_filter({elements}, lambda e: NOT list_contains({known}, e))"
    distinct = space.con.execute(
        f'SELECT DISTINCT unnest({unknown}) FROM "{table.name}" WHERE "{field.name}" IS NOT NULL'
    ).fetchall()
    if not distinct:
        return
    nearest = {
        value: get_close_matches(value, codelist.codes, n=1, cutoff=0.7) for (value,) in distinct[:500]
    }
    whens = " ".join(
        "WHEN '" + value.replace("'", "''") + f"' THEN '{near[0]}'" for value, near in nearest.items() if near
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


def check_identifiers(space: Workspace, table: Table) -> None:
    """Schemes that no register knows, and identifiers without the form of their scheme."""
    codelist = space.catalogue.codelists["identifierScheme"]
    own = {each for member in space.catalogue.members.values() for each in member.identifier_schemes}
    known = _sql_list(sorted(set(codelist.codes) | own))
    for scheme, identifier in _scheme_pairs(space, table):
        parameters = json_object(scheme=f'"{scheme}"')
        space.add_findings_sql(
            "identifier-scheme-unknown",
            table.name,
            f'SELECT rid, "{scheme}" AS value, {parameters} AS parameters FROM "{table.name}" '
            f'WHERE "{scheme}" IS NOT NULL AND NOT list_contains({known}, "{scheme}")',
            field=scheme,
        )
        used = space.con.execute(
            f'SELECT DISTINCT "{scheme}" FROM "{table.name}" WHERE "{scheme}" IS NOT NULL'
        ).fetchall()
        for (name,) in used:
            pattern = codelist.codes[name].extra.get("pattern", "") if name in codelist.codes else ""
            if pattern:
                _check_form(space, table, scheme, identifier, name, pattern)


def _check_form(
    space: Workspace, table: Table, scheme: str, identifier: str, name: str, pattern: str
) -> None:
    """Identifiers of one scheme against the pattern of its register.

    A scheme written in front does not count, nor do the dots, strokes and blanks with which registers group
    digits (``15.413.826/0001-50`` is a CNPJ, ``61.202.000-0`` a RUT).
    """
    bare = (
        f'regexp_replace(CASE WHEN starts_with("{identifier}", \'{name}-\') THEN "{identifier}"[{len(name) + 2}:] '
        f"ELSE \"{identifier}\" END, '[./ ]', '', 'g')"
    )
    parameters = json_object(scheme=f"'{name}'", example=f"'{_shape(pattern)}'")
    form = pattern.removeprefix("^").removesuffix("$")
    space.add_findings_sql(
        "identifier-malformed",
        table.name,
        f'SELECT rid, "{identifier}" AS value, {parameters} AS parameters FROM "{table.name}" '
        f"WHERE \"{scheme}\" = '{name}' AND \"{identifier}\" IS NOT NULL AND NOT regexp_full_match({bare}, '{form}')",
        field=identifier,
    )


def _scheme_pairs(space: Workspace, table: Table) -> list[tuple[str, str]]:
    pairs = []
    for scheme, identifier in (
        ("identifier_scheme", "identifier_id"),
        ("scheme", "identifier_id"),
        ("buyer_id_scheme", "buyer_id"),
        ("supplier_id_scheme", "supplier_id"),
    ):
        if space.has(table.name, scheme, identifier) and table.by_name[scheme].codelist == "identifierScheme":
            pairs.append((scheme, identifier))
    return pairs


def _shape(pattern: str) -> str:
    """``^\\d{8}-\\d$`` -> ``99999999-9``: the form to type, for people."""
    text = re.sub(r"\\d\{(\d+)(?:,\d+)?\}", lambda found: "9" * int(found[1]), pattern.strip("^$"))
    return re.sub(r"[?+]", "", text.replace("\\d", "9")).replace("'", "")


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
