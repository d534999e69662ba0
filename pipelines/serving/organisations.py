"""Questions about buyers and suppliers, answered from ``site/organisations.db`` attached as ``organisations``.

Every answer comes from an index: the counting was done when the release was made.
"""

import re
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pipelines.publication.organisations import AWARD, CONTRACT

Row = dict[str, Any]

PROCESS_NUMBER = "coalesce(nullif(ocid, ''), local_process_id, contract_id)"
"""SQL: the number of the process of a row of the flat table, as `pipelines.flat` gives it to the linked tables."""


def _rows(con: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    cursor = con.cursor()
    cursor.row_factory = None
    cursor.execute(sql, parameters)
    names = [each[0] for each in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def match_words(text: str) -> str:
    """FTS5 expression for names that have a word beginning with each of the words asked; '' for none."""
    return " ".join(f'"{word}"*' for word in re.findall(r"\w+", text))


def listed(
    con: sqlite3.Connection, role: str, limit: int, after: int = 0, member: str | None = None, words: str = ""
) -> list[Row]:
    """Organisations behind the number `after`, those with most contracts first, with their ``totals`` by currency."""
    conditions, parameters = ["role = ?", "number > ?"], [role, after]
    source = "organisations.organisations"
    expression = match_words(words)
    if words.strip():
        if not expression:
            return []
        # The index of names is read in the order of the numbers until the page is full.
        source = "organisations.names_fts CROSS JOIN organisations.organisations ON number = names_fts.rowid"
        conditions += ["names_fts MATCH ?", "names_fts.rowid > ?"]
        parameters += [expression, after]
    if member:
        conditions.append("member_code = ?")
        parameters.append(member)
    order = "names_fts.rowid" if expression else "number"
    found = _rows(
        con,
        f"SELECT organisations.* FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?",
        [*parameters, limit],
    )
    totals: dict[int, list[Row]] = {row["number"]: [] for row in found}
    marks = ", ".join("?" * len(totals))
    for row in _rows(
        con, f"SELECT * FROM organisations.amounts WHERE what = {CONTRACT} AND organisation IN ({marks})", [*totals]
    ):  # fmt: skip
        totals[row["organisation"]].append(row)
    return [{**row, "totals": by_currency(totals[row["number"]])} for row in found]


def by_currency(amounts: Sequence[Row]) -> list[Row]:
    """Rows and exact sums per currency, over the years; currencies are never added to each other."""
    sums: dict[str, Row] = {}
    for row in amounts:
        own = sums.setdefault(row["currency"] or "", {"currency": row["currency"], "rows": 0, "sum": None})
        own["rows"] += row["rows"]
        if row["amount"] is not None:
            own["sum"] = (own["sum"] or Decimal(0)) + Decimal(row["amount"])
    return [
        {"currency": own["currency"], "rows": own["rows"], "amount": plain(own["sum"])}
        for own in sums.values()
    ]


def plain(amount: Decimal | None) -> str | None:
    """An exact decimal without padding, never in powers of ten."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def summary(con: sqlite3.Connection, role: str, identifier: str) -> Row | None:
    """Everything that the page of an organisation says; None for an unknown one."""
    found = _rows(
        con, "SELECT * FROM organisations.organisations WHERE role = ? AND id = ?", [role, identifier]
    )
    if not found:
        return None
    (own,) = found
    number = own["number"]

    def of(sql: str) -> list[Row]:
        return _rows(con, sql, [number])

    amounts = of(
        "SELECT what, year, currency, rows, amount, without_amount FROM organisations.amounts WHERE organisation = ? "
        "ORDER BY what DESC, year IS NULL, year DESC, currency"
    )
    elsewhere = []
    if own["identifier"] and own["scheme"]:
        elsewhere = _rows(
            con,
            "SELECT id, member_code, name FROM organisations.organisations WHERE role = ? AND scheme = ? AND identifier = ? AND number <> ?",
            [role, own["scheme"], own["identifier"], number],
        )
    return own | {
        "names": of("SELECT name, rows FROM organisations.names WHERE organisation = ? ORDER BY rowid LIMIT 20"),
        "names_count": of("SELECT count(*) AS n FROM organisations.names WHERE organisation = ?")[0]["n"],
        "years": [row for row in amounts if row["what"] == CONTRACT],
        "award_years": [row for row in amounts if row["what"] == AWARD],
        "totals": by_currency([row for row in amounts if row["what"] == CONTRACT]),
        "methods": of("SELECT method, contracts FROM organisations.methods WHERE organisation = ? ORDER BY contracts DESC, method"),
        "counterparties": of(
            "SELECT o.id, o.name, o.kind, p.contracts FROM organisations.partners p JOIN organisations.organisations o ON o.number = p.partner "
            "WHERE p.organisation = ? ORDER BY p.place"
        ),
        "biggest": of("SELECT currency, place, row, amount FROM organisations.biggest WHERE organisation = ? ORDER BY currency, place"),
        "elsewhere": elsewhere,
    }  # fmt: skip


def contracts_by_number(con: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Row]:
    """Number -> what a list of contracts says of a row of the flat table."""
    marks = ", ".join("?" * len(numbers))
    rows = _rows(
        con,
        f"SELECT rowid AS number, member_code, {PROCESS_NUMBER} AS ocid, contract_id, coalesce(contract_title, tender_title) AS title, buyer_name, supplier_name, "
        f"coalesce(contract_date_signed, award_date) AS day FROM procurement_contracts_flat WHERE rowid IN ({marks})",
        numbers,
    )
    return {row["number"]: row for row in rows}


def of_row(con: sqlite3.Connection, role: str, what: int, row: int) -> list[str]:
    """Ids of the organisations that a row belongs to."""
    found = _rows(
        con,
        "SELECT o.id FROM organisations.links l JOIN organisations.organisations o ON o.number = l.organisation "
        "WHERE l.what = ? AND l.row = ? AND o.role = ? ORDER BY o.number",
        [what, row, role],
    )
    return [each["id"] for each in found]


def suppliers_of(con: sqlite3.Connection, what: int, rows: Sequence[int], limit: int) -> list[Row]:
    """Id and name of the suppliers of these rows, those with most contracts first."""
    marks = ", ".join("?" * len(rows))
    return _rows(
        con,
        "SELECT DISTINCT o.number, o.id, o.name FROM organisations.links l JOIN organisations.organisations o ON o.number = l.organisation "
        f"WHERE l.what = ? AND l.row IN ({marks}) AND o.role = 'supplier' ORDER BY o.number LIMIT ?",
        [what, *rows, limit],
    )
