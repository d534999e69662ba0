"""A contracting process as one thing: its rows from every table, what happened when, what is missing.

Rows are dictionaries of texts, as the CSV has them (exact amounts), with ``_rowid`` and, where they were made from
the flat table, ``_table``: the table in which the row really stands.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.catalogue import PackageType
from pipelines.engine import quote_name
from pipelines.publication.gather import DECIMAL_TEXT

Row = dict[str, Any]

FLAT = "contracts_flat"
STAGES = (
    "planning", "processes", "tenderers", "awards", "award_suppliers", "contracts", "contract_suppliers", "amendments",
    "milestones", "transactions", "items", "documents", "parties", "related_processes", "withheld",
)  # fmt: skip
"""Tables of a process in the order of its life."""

EXPECTED = (
    "planning",
    "tenderers",
    "awards",
    "contracts",
    "amendments",
    "milestones",
    "transactions",
    "items",
    "documents",
)
"""Tables whose absence a reader should know about."""

ASKED_FIRST = (
    "buyer_name", "tender_title", "procurement_method", "main_procurement_category", "tender_status", "tender_value_amount",
    "tender_period_start", "tender_period_end",
)  # fmt: skip
"""What everybody asks of a process: who buys what, how, for how much, when."""

NOT_EVENTS = {"release_date", "date_modified"}
SHOWN = 50
"""Rows of a table that the page of a process shows."""


class Place(NamedTuple):
    """Where rows of a process lie. rows: all of them; numbers: of the first."""

    rows: int
    numbers: tuple[int, ...]


class Event(NamedTuple):
    """Something that happened, or is due: the column of the standard says what."""

    day: str
    table: str
    column: str
    row: Row


def find_process(
    con: sqlite3.Connection, tables: Sequence[str], ocid: str, member: str | None, limit: int | None
) -> tuple[list[str], dict[str, Place]]:
    """(members with rows of this ocid, table without its prefix -> place); places only when there is one member.

    tables: published names. limit: rows to find in each table, None for all. Each answer comes from the index on ocid.
    """
    members: set[str] = set()
    for table in tables:
        rows = con.execute(f"SELECT DISTINCT member_code FROM {quote_name(table)} WHERE ocid = ?", [ocid])
        members |= {code for (code,) in rows}
    if member is not None:
        members &= {member}
    if len(members) != 1:
        return sorted(members), {}
    (owner,) = members
    places = {}
    for table in tables:
        where = f"FROM {quote_name(table)} WHERE ocid = ? AND member_code = ?"
        (count,) = con.execute(f"SELECT count(*) {where}", [ocid, owner]).fetchone()
        if count:
            found = con.execute(
                f"SELECT rowid {where} ORDER BY rowid LIMIT ?", [ocid, owner, -1 if limit is None else limit]
            )
            places[table.partition("_")[2]] = Place(count, tuple(number for (number,) in found))
    return [owner], places


def rows_sql(table: str, kinds: Mapping[str, str], numbers: Sequence[int]) -> str:
    """SQL on the columns of the pages: these rows of a published table as texts, in the order of their numbers."""
    values = []
    for name, kind in kinds.items():
        text = f"CAST({quote_name(name)} AS VARCHAR)"
        values.append(DECIMAL_TEXT.format(text) if kind.startswith("DECIMAL") else text)
    listed = ", ".join(map(str, numbers))
    return (
        f"SELECT {', '.join(values)} FROM {quote_name(table)} WHERE _rowid BETWEEN {min(numbers)} AND {max(numbers)} "
        f"AND _rowid IN ({listed}) ORDER BY _rowid"
    )


def from_flat(package_type: PackageType, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Linked rows of a process that is known from the flat table only, by the standard's own ``linkedField``."""
    made: dict[str, dict[tuple[str, ...], Row]] = {}
    fields = [
        (field.name, *field.linked_field.split("."))
        for field in package_type.table(FLAT).fields
        if field.linked_field
    ]
    for row in rows:
        contract = row["contract_id"]
        award = row.get("award_id") or contract
        ids = {
            "processes": {}, "awards": {"award_id": award}, "contracts": {"contract_id": contract, "award_id": award},
            "award_suppliers": {"award_id": award},
            "items": {"stage": "contract", "parent_id": contract, "item_id": "1"},
            "documents": {"stage": "contract", "parent_id": contract, "document_id": "1"},
        }  # fmt: skip
        for table, own in ids.items():
            values = {
                name: row[flat]
                for flat, of, name in fields
                if of == table and row.get(flat) not in (None, "")
            }
            if table in ("items", "documents", "award_suppliers") and not values:
                continue
            key = (
                (*own.values(), values.get("name", "")) if table == "award_suppliers" else tuple(own.values())
            )
            source = {
                name: row.get(name) for name in ("ocid", "member_code", "version_number", "source_file", "source_row_number")
            }  # fmt: skip
            whole = {**source, **values, **own, "_rowid": row["_rowid"], "_table": FLAT}
            made.setdefault(table, {})
            # The first row that says something about a process or an award stands, the others fill its gaps.
            made[table][key] = {**whole, **made[table].get(key, {})}
    return {table: list(own.values()) for table, own in made.items()}


def events(package_type: PackageType, tables: Mapping[str, Sequence[Row]]) -> list[Event]:
    """Every date that the rows have, in the order of time; those of one day in the order of a process's life."""
    found = []
    for table in STAGES:
        if table not in tables or table not in package_type.by_name:
            continue
        days = [
            field.name
            for field in package_type.table(table).fields
            if field.type in ("datetime", "date")
            and field.name not in NOT_EVENTS
            and not field.name.endswith("_max_extent")
        ]
        found += [
            Event(row[name][:10], table, name, row) for row in tables[table] for name in days if row.get(name)
        ]
    return sorted(found, key=lambda event: event.day)


def missing(tables: Mapping[str, Sequence[Row]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(tables, columns of the process) of which the member sent nothing."""
    head = next(iter(tables.get("processes", ())), {})
    return (
        tuple(name for name in EXPECTED if not tables.get(name)),
        tuple(name for name in ASKED_FIRST if not head.get(name)),
    )
