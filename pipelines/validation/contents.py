"""Cells: what cannot be proved clean goes to Frictionless, and Frictionless writes the errors."""

import re
from collections.abc import Iterator
from typing import Any

from frictionless import Checklist, Resource, Schema

from pipelines.catalogue import Table
from pipelines.engine import quote_text
from pipelines.records import Finding, Severity
from pipelines.validation.near import near_date
from pipelines.validation.screen import suspect_row
from pipelines.validation.workspace import REFUSED, VALUE_CHARACTERS, Workspace, json_object

SHOWN_CODES = 12
"""Allowed codes that a finding names."""

JUDGE_ROWS = 50_000
"""Rows given to Frictionless at a time: bounds memory however bad a file is."""

FORMULA = r"[=@][A-Za-z+(\-].*|[=+\-@].*\|.*!.*"
"""Text that a spreadsheet would run (CSV injection, OWASP): a call or name after ``=`` or ``@``, or a DDE link."""

_SHIFTED = "('missing-cell', 'extra-cell', 'unclosed-quote')"
"""Rows refused by the intake for this have cells in the wrong columns: what they hold there means nothing."""

_CONSTRAINT = re.compile(r'constraint "(\w+)" is "(.*)"', re.DOTALL)
_CODES = {
    "required": "constraint-required",
    "enum": "constraint-enum",
    "pattern": "constraint-pattern",
    "minimum": "constraint-minimum",
    "maximum": "constraint-maximum",
    "minLength": "constraint-length",
    "maxLength": "constraint-length",
}


def check_contents(space: Workspace, table: Table) -> None:
    """Judge every cell of a staged table: types and constraints by Frictionless, then what only storage knows."""
    columns = space.columns[table.name]
    descriptor = space.catalogue.frictionless_schema(table, columns)
    suspects = suspect_row(descriptor["fields"])
    listed = ", ".join(f"coalesce(\"{column}\", '')" for column in columns)
    cursor = space.con.cursor()
    cursor.execute(
        f'SELECT rid, source_file, source_row_number, {listed} FROM "{table.name}" WHERE {suspects} '
        f"AND rid NOT IN (SELECT rid FROM {REFUSED} WHERE table_name = '{table.name}' AND reason IN {_SHIFTED}) ORDER BY rid"
    )
    schema = Schema.from_descriptor(descriptor)
    while rows := cursor.fetchmany(JUDGE_ROWS):
        findings, refused = [], set()
        for position, finding in _judge(space, table, columns, schema, rows):
            findings.append(finding)
            if space.catalogue.severity(finding.code) is Severity.ERROR:
                refused.add(rows[position][0])
        space.add_findings(findings)
        if refused:
            # As one list: row by row, 100,000 of them take DuckDB two minutes.
            space.con.execute(
                f"INSERT INTO {REFUSED} SELECT ?, unnest(CAST(? AS BIGINT[])), 'contents'",
                [table.name, sorted(refused)],
            )
    cursor.close()
    _check_storage(space, table)


def _judge(
    space: Workspace, table: Table, columns: tuple[str, ...], schema: Schema, rows: list[tuple[Any, ...]]
) -> Iterator[tuple[int, Finding]]:
    """(position in rows, finding) for everything that Frictionless says of these rows."""
    data = [list(columns), *[list(row[3:]) for row in rows]]
    resource = Resource(data=data, schema=schema)
    report = resource.validate(
        Checklist(skip_errors=["blank-row"]), limit_errors=len(columns) * len(rows) + 1
    )
    for task in report.tasks:
        for error in task.errors:
            number = getattr(error, "row_number", None)
            if number is None:
                raise AssertionError(f"{table.name}: Frictionless objects to our own table: {error.message}")
            position = number - 2
            _, origin, source_row, *cells = rows[position]
            source_file, sheet = space.place(origin)
            field = getattr(error, "field_name", None)
            value = str(cells[columns.index(field)]) if field else None
            code, parameters = _translate(space, table, field, error.type, error.note, value)
            yield (
                position,
                Finding(
                    code,
                    table=table.name,
                    field=field,
                    source_file=source_file,
                    sheet=sheet,
                    row_number=source_row,
                    value=value,
                    parameters=parameters,
                ),
            )


def _translate(
    space: Workspace, table: Table, field: str | None, kind: str, note: str, value: str | None
) -> tuple[str, dict[str, Any]]:
    """Our code and parameters for a Frictionless error."""
    if field is None:
        return kind, {}
    descriptor = table.by_name[field].descriptor
    if kind == "type-error" and descriptor.get("format") in ("uri", "email"):
        return "url-malformed", {"example": str(descriptor.get("example", ""))}
    if kind == "type-error":
        example = str(descriptor.get("example", ""))
        # People type a day; the time and the zone are ours to add.
        parameters: dict[str, Any] = {
            "type": descriptor["type"],
            "example": example[:10] if descriptor["type"] == "datetime" else example,
        }
        if descriptor["type"] in ("date", "datetime") and (near := near_date(value or "")):
            parameters["suggestion"] = near
        return kind, parameters
    found = _CONSTRAINT.search(note)
    if kind != "constraint-error" or not found:
        return kind, {}
    name, limit = found.groups()
    parameters = {}
    if name in ("minimum", "maximum", "minLength", "maxLength"):
        parameters = {"limit": limit}
    elif name == "pattern":
        parameters = {"example": str(descriptor.get("example", ""))}
    elif name == "enum":
        parameters = suggest_code(space, table, field, value or "")
    return _CODES[name], parameters


def suggest_code(space: Workspace, table: Table, field: str, value: str) -> dict[str, Any]:
    """Nearest code and some of the allowed ones, as codes: labels are for the renderer.

    Of a long list those that the column holds elsewhere, the most frequent first: the first of the alphabet help nobody.
    """
    codelist = table.by_name[field].codelist or ""
    codes = list(space.catalogue.codelists[codelist].codes) if codelist in space.catalogue.codelists else []
    if len(codes) > SHOWN_CODES:
        codes = space.codes_in_use(table.name, field, codes)[:SHOWN_CODES] or codes[:SHOWN_CODES]
    near = space.near_codes.find(codelist, value)
    return {"codelist": codelist, "suggestion": near, "allowed": codes}


def _check_storage(space: Workspace, table: Table) -> None:
    """What Table Schema allows and a column of the lake cannot hold, and text that a spreadsheet would run."""
    for name in space.columns[table.name]:
        field = table.by_name[name]
        column = f'"{name}"'
        if field.type in ("number", "integer"):
            cast = f"try_cast({column} AS {field.duckdb_type})"
            digits = f"length(regexp_replace(split_part({column}, '.', 1), '[^0-9]', '', 'g'))"
            space.add_findings_sql(
                "number-too-large",
                table.name,
                f'SELECT rid, {column} AS value, {json_object(digits=digits)} AS parameters FROM "{table.name}" '
                f"WHERE {column} IS NOT NULL AND {cast} IS NULL AND regexp_full_match({column}, '[-+]?\\d+(\\.\\d*)?([eE][-+]?\\d+)?')",
                field=name,
            )
            if field.type == "number":
                space.add_findings_sql(
                    "decimals-rounded",
                    table.name,
                    f"SELECT rid, {column} AS value, {json_object(stored=f'CAST({cast} AS VARCHAR)')} AS parameters "
                    f"FROM \"{table.name}\" WHERE {cast} IS NOT NULL AND regexp_matches({column}, '\\.\\d{{18}}\\d*[1-9]')",
                    field=name,
                )
        if field.duckdb_type != "VARCHAR":
            # Infinity, digits of other scripts, 1_000: Python's types, and so Frictionless, take them; a column cannot.
            parameters = json_object(
                type=quote_text(field.type), example=quote_text(str(field.descriptor.get("example", "")))
            )
            space.add_findings_sql(
                "type-error",
                table.name,
                f'SELECT rid, {column} AS value, {parameters} AS parameters FROM "{table.name}" '
                f"WHERE {column} IS NOT NULL AND try_cast({column} AS {field.duckdb_type}) IS NULL "
                f"AND rid NOT IN (SELECT rid FROM {REFUSED} WHERE table_name = '{table.name}')",
                field=name,
            )
        if field.type == "string" and not field.codelist:
            space.add_findings_sql(
                "formula-like-text",
                table.name,
                f"SELECT rid, left({column}, {VALUE_CHARACTERS}) AS value, '{{}}' AS parameters FROM \"{table.name}\" "
                f"WHERE {column}[1] IN ('=', '@', '+', '-') AND regexp_full_match({column}, '{FORMULA}', 's')",
                field=name,
            )
