"""Keys within and across tables, in DuckDB (Table Schema primaryKey and foreignKeys; OG-43, OG-44).

Empty parts of a composite key compare as equal, as Table Schema has it: a key is missing only when all of it is.
"""

from pipelines.catalogue import Table
from pipelines.catalogue.model import ForeignKey
from pipelines.records import Severity, SkippedCheck
from pipelines.validation.workspace import REFUSED, Workspace, json_object


def _quoted(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _text(columns: tuple[str, ...], alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return "concat_ws(' / ', " + ", ".join(f'{prefix}"{column}"' for column in columns) + ")"


def check_primary_key(space: Workspace, table: Table) -> None:
    """Empty keys, rows that are word for word the same, and different rows with the same key."""
    key = tuple(column for column in table.primary_key if column in space.columns[table.name])
    if not key:
        return
    name = table.name
    required = {
        field.name for field in table.fields if field.descriptor.get("constraints", {}).get("required")
    }
    # A required part that is empty has been told at its cell; only keys without such parts are told here.
    if not required & set(key):
        empty = " AND ".join(f'"{column}" IS NULL' for column in key)
        parameters = json_object(key=f"'{', '.join(key)}'")
        space.add_findings_sql(
            "primary-key-empty",
            name,
            f'SELECT rid, NULL AS value, {parameters} AS parameters FROM "{name}" WHERE {empty}',
        )
    whole = _quoted(space.columns[name])
    # Duplicated keys are few: everything dearer than one GROUP BY looks at those rows only.
    filled = " OR ".join(f'"{column}" IS NOT NULL' for column in key)
    space.con.execute(
        f'CREATE OR REPLACE TEMP TABLE twins AS SELECT t.* FROM "{name}" t JOIN (SELECT {_quoted(key)} FROM "{name}" '
        f"WHERE {filled} GROUP BY ALL HAVING count(*) > 1) k ON "
        + " AND ".join(f't."{column}" IS NOT DISTINCT FROM k."{column}"' for column in key)
    )
    first = f"first_value(source_row_number) OVER (PARTITION BY {whole} ORDER BY source_file, source_row_number, rid)"
    space.add_findings_sql(
        "duplicate-row",
        name,
        f"SELECT rid, {_text(key)} AS value, {json_object(first_row='first_row')} AS parameters FROM (SELECT *, {first} AS first_row, "
        f"row_number() OVER (PARTITION BY {whole} ORDER BY source_file, source_row_number, rid) AS copy FROM twins) WHERE copy > 1",
        refuse=True,
    )
    first = f"first_value(source_row_number) OVER (PARTITION BY {_quoted(key)} ORDER BY source_file, source_row_number, rid)"
    space.add_findings_sql(
        "primary-key-duplicate",
        name,
        f"SELECT rid, key AS value, {json_object(key='key', first_row='first_row')} AS parameters FROM (SELECT *, {_text(key)} AS key, "
        f"{first} AS first_row, row_number() OVER (PARTITION BY {_quoted(key)} ORDER BY source_file, source_row_number, rid) AS copy FROM twins "
        f"WHERE rid NOT IN (SELECT rid FROM {REFUSED} WHERE table_name = '{name}' AND reason = 'duplicate-row')) WHERE copy > 1",
        field=key[-1],
    )


def check_foreign_key(space: Workspace, table: Table, key: ForeignKey) -> SkippedCheck | None:
    """References into a table of the same package, or into rows of it that were accepted for other periods.

    Skipped, with the reason, when that table is in neither.
    """
    name = table.name
    check = f"reference {name}.{'+'.join(key.fields)} -> {key.table}"
    if not space.has(name, key.fields[0]):
        return None
    first = key.reference_fields[0]
    is_sent, is_earlier = space.has(key.table, first), first in space.earlier.get(key.table, ())
    if not is_sent and not is_earlier:
        return SkippedCheck(check, "table-not-sent", {"table": key.table})
    there = set(space.columns[key.table] if is_sent else space.earlier[key.table])
    pairs = [
        (own, other)
        for own, other in zip(key.fields, key.reference_fields, strict=True)
        if space.has(name, own) and other in there
    ]
    others = _quoted(tuple(other for _, other in pairs))
    refused = f"(SELECT rid FROM {REFUSED} WHERE table_name = '{key.table}' AND reason <> 'duplicate-row')"
    sent, earlier, sound = [], [], []
    if is_sent:
        sent = [f'SELECT {others} FROM "{key.table}"']
        sound = [f"{sent[0]} WHERE rid NOT IN {refused}"]
    if is_earlier and {other for _, other in pairs} <= set(space.earlier[key.table]):
        earlier = [f'SELECT {others} FROM "earlier_{key.table}"']
    parents, standing = (f"({' UNION ALL '.join(each + earlier)})" for each in (sent, sound))
    filled = " AND ".join(f'c."{own}" IS NOT NULL' for own, _ in pairs if own not in ("parent_id",))
    match = " AND ".join(f'p."{other}" IS NOT DISTINCT FROM c."{own}"' for own, other in pairs)
    own_columns = tuple(own for own, _ in pairs)
    parameters = json_object(parent=f"'{key.table}'", key=_text(own_columns, "c"))
    code = "reference-missing" if key.severity is Severity.ERROR else "party-reference-missing"
    space.add_findings_sql(
        code,
        name,
        f'SELECT c.rid, {_text(own_columns, "c")} AS value, {parameters} AS parameters FROM "{name}" c '
        f"ANTI JOIN {parents} p ON {match} WHERE {filled}",
        field=key.fields[-1],
    )
    if key.severity is Severity.ERROR and is_sent:
        # The parent is there but refused: its children cannot stand without it.
        space.add_findings_sql(
            "reference-refused",
            name,
            f'SELECT c.rid, {_text(own_columns, "c")} AS value, {parameters} AS parameters FROM "{name}" c '
            f"SEMI JOIN {parents} p ON {match} ANTI JOIN {standing} p ON {match} "
            f"WHERE {filled} AND c.rid NOT IN (SELECT rid FROM {REFUSED} WHERE table_name = '{name}')",
            field=key.fields[-1],
        )
    return None
