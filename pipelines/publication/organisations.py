"""Buyers and suppliers, counted once at assembly: ``site/organisations.db``, which the site attaches to the release's SQLite.

An organisation is what one member says it is. With an identifier it is (member, scheme, identifier); without, it is
(member, name without accents, case and signs). Nothing is merged across members. Its address holds a digest, never
the identifier or the name: both may be a person's (classes P2 and P3 of the standard).

Tables: ``organisations`` (numbered buyers first, those with most contracts first), ``names``, ``amounts`` (per year and
currency; exact decimals as text), ``methods``, ``partners`` (the most frequent), ``biggest`` (contracts per
currency), ``links`` (organisation -> number of its rows) and ``names_fts``.
"""

import sqlite3
from pathlib import Path

import adbc_driver_sqlite.dbapi
import duckdb

from pipelines.engine import quote_name, quote_text
from pipelines.publication.gather import DECIMAL_TEXT

ORGANISATIONS = Path("site") / "organisations.db"
PROCESS, AWARD, CONTRACT = 0, 1, 2
"""What a link leads to: a row of the processes, the awards, the contracts in one table."""

TABLES = {
    PROCESS: "procurement_processes",
    AWARD: "procurement_awards",
    CONTRACT: "procurement_contracts_flat",
}
SOURCES = frozenset(
    f"procurement_{name}"
    for name in ("processes", "contracts_flat", "awards", "award_suppliers", "contract_suppliers", "parties")
)
"""Tables that the organisations, their names and identifiers are read from."""

TOP_PARTNERS, TOP_CONTRACTS = 20, 5
BATCH_ROWS = 100_000

_SCHEMA = """
PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE organisations (number INTEGER PRIMARY KEY, id TEXT, role TEXT, member_code TEXT, scheme TEXT,
  identifier TEXT, name TEXT, kind TEXT, processes INTEGER, awards INTEGER, contracts INTEGER, partners INTEGER,
  first_day TEXT, last_day TEXT);
CREATE TABLE names (organisation INTEGER, name TEXT, rows INTEGER);
CREATE TABLE amounts (organisation INTEGER, what INTEGER, year INTEGER, currency TEXT, rows INTEGER,
  amount TEXT, without_amount INTEGER);
CREATE TABLE methods (organisation INTEGER, method TEXT, contracts INTEGER);
CREATE TABLE partners (organisation INTEGER, place INTEGER, partner INTEGER, contracts INTEGER);
CREATE TABLE biggest (organisation INTEGER, currency TEXT, place INTEGER, row INTEGER, amount TEXT);
CREATE TABLE links (organisation INTEGER, what INTEGER, row INTEGER, PRIMARY KEY (organisation, what, row)) WITHOUT ROWID;
"""
_INDEXES = """
CREATE UNIQUE INDEX organisations_id ON organisations (role, id);
CREATE INDEX organisations_member ON organisations (role, member_code, number);
CREATE INDEX organisations_identifier ON organisations (role, scheme, identifier);
CREATE INDEX names_organisation ON names (organisation);
CREATE INDEX amounts_organisation ON amounts (organisation);
CREATE INDEX methods_organisation ON methods (organisation);
CREATE INDEX partners_organisation ON partners (organisation, place);
CREATE INDEX biggest_organisation ON biggest (organisation, currency, place);
CREATE INDEX links_row ON links (what, row);
CREATE VIRTUAL TABLE names_fts USING fts5(name, content='', tokenize='unicode61 remove_diacritics 2');
INSERT INTO names_fts (rowid, name)
  SELECT organisation, group_concat(name, ' ') FROM names GROUP BY organisation ORDER BY organisation;
ANALYZE;
"""


def _party(scheme: str, identifier: str) -> str:
    """SQL of the party id that `pipelines.flat` gives to an organization of the flat table."""
    return (
        f"CASE WHEN {scheme} IS NULL OR starts_with({identifier}, {scheme} || '-') THEN {identifier} "
        f"ELSE {scheme} || '-' || {identifier} END"
    )


class _Pages:
    """The tables of the pages that this release has, with NULL for the columns that are not published."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.columns: dict[str, set[str]] = {}
        for table, column in con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'pages'"
        ).fetchall():
            self.columns.setdefault(table, set()).add(column)

    def has(self, name: str) -> bool:
        return f"procurement_{name}" in self.columns

    def table(self, name: str, *columns: str) -> str:
        """A FROM item with the number of each row and these columns; without rows when the release lacks the table."""
        whole = f"procurement_{name}"
        own = self.columns.get(whole)
        if own is None:
            nulls = ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in columns)
            return f"(SELECT CAST(NULL AS BIGINT) AS _rowid, {nulls} WHERE false)"
        values = ", ".join(
            quote_name(column) if column in own else f"CAST(NULL AS VARCHAR) AS {column}"
            for column in columns
        )
        return f"(SELECT _rowid, {values} FROM pages.{whole})"


def _named(pages: _Pages) -> list[str]:
    """SELECTs of (role, what, row, member_code, ocid, party, scheme, own, name, kind): every way to take part."""
    processes = pages.table("processes", "member_code", "ocid", "buyer_id", "buyer_name")
    flat = pages.table(
        "contracts_flat", "member_code", "ocid", "contract_id", "award_id", "buyer_id", "buyer_id_scheme",
        "buyer_name", "supplier_id", "supplier_id_scheme", "supplier_name", "supplier_kind",
    )  # fmt: skip
    awards = pages.table("awards", "member_code", "ocid", "award_id")
    of_awards = pages.table("award_suppliers", "member_code", "ocid", "award_id", "party_id", "name")
    of_contracts = pages.table("contract_suppliers", "member_code", "ocid", "contract_id", "party_id", "name")
    selects = [
        f"SELECT 'buyer' AS role, {PROCESS} AS what, _rowid AS row, member_code, ocid, buyer_id AS party, "
        f"NULL AS scheme, buyer_id AS own, buyer_name AS name, NULL AS kind FROM {processes}",
        f"SELECT 'buyer', {CONTRACT}, f._rowid, f.member_code, f.ocid, "
        f"coalesce(p.buyer_id, {_party('f.buyer_id_scheme', 'f.buyer_id')}), f.buyer_id_scheme, f.buyer_id, "
        f"coalesce(f.buyer_name, p.buyer_name), NULL FROM {flat} f LEFT JOIN {processes} p USING (member_code, ocid)",
        f"SELECT 'buyer', {AWARD}, a._rowid, a.member_code, a.ocid, p.buyer_id, NULL, p.buyer_id, p.buyer_name, NULL "
        f"FROM {awards} a JOIN {processes} p USING (member_code, ocid)",
        f"SELECT 'supplier', {AWARD}, a._rowid, a.member_code, a.ocid, s.party_id, NULL, s.party_id, s.name, NULL "
        f"FROM {awards} a JOIN {of_awards} s USING (member_code, ocid, award_id)",
    ]
    own = (
        f"SELECT 'supplier', {CONTRACT}, f._rowid, f.member_code, f.ocid, "
        f"{_party('f.supplier_id_scheme', 'f.supplier_id')}, f.supplier_id_scheme, f.supplier_id, f.supplier_name, "
        f"f.supplier_kind FROM {flat} f"
    )
    if pages.has("award_suppliers") or pages.has("contract_suppliers"):
        # Several suppliers of a contract share a cell of the flat table: the linked ones tell them apart.
        selects.append(
            f"SELECT 'supplier', {CONTRACT}, row, member_code, ocid, party_id, NULL, party_id, any_value(name), NULL "
            f"FROM (SELECT f._rowid AS row, member_code, ocid, s.party_id, s.name FROM {flat} f "
            f"JOIN {of_awards} s USING (member_code, ocid, award_id) UNION ALL "
            f"SELECT f._rowid, member_code, ocid, s.party_id, s.name FROM {flat} f "
            f"JOIN {of_contracts} s USING (member_code, ocid, contract_id)) GROUP BY ALL"
        )
        own += (
            f" WHERE NOT EXISTS (FROM {of_awards} s WHERE s.member_code = f.member_code AND s.ocid = f.ocid "
            "AND s.award_id = f.award_id) "
            f"AND NOT EXISTS (FROM {of_contracts} s WHERE s.member_code = f.member_code AND s.ocid = f.ocid "
            "AND s.contract_id = f.contract_id)"
        )
    return [*selects, own]


def _identify(con: duckdb.DuckDBPyConnection, pages: _Pages) -> None:
    """Tables ``spelled`` (names of each), ``organised`` (numbered organisations) and ``linked`` (which rows are theirs)."""
    parties = pages.table(
        "parties",
        "member_code",
        "ocid",
        "party_id",
        "name",
        "identifier_scheme",
        "identifier_id",
        "party_kind",
    )
    plain = r"trim(regexp_replace(lower(strip_accents(name)), '[^\p{L}\p{N}]+', ' ', 'g'))"
    con.execute(
        "CREATE TEMP TABLE raw AS SELECT n.role, n.what, n.row, n.member_code, coalesce(nullif(n.name, ''), p.name) AS name, "
        "coalesce(n.kind, p.party_kind) AS kind, "
        "CASE WHEN p.party_id IS NOT NULL THEN p.identifier_scheme ELSE n.scheme END AS scheme, "
        "nullif(CASE WHEN p.party_id IS NOT NULL THEN p.identifier_id WHEN starts_with(n.own, 'name-') THEN NULL "
        "WHEN starts_with(n.own, n.scheme || '-') THEN substr(n.own, length(n.scheme) + 2) ELSE n.own END, '') "
        f"AS identifier FROM ({' UNION ALL '.join(_named(pages))}) n LEFT JOIN {parties} p ON p.member_code = n.member_code "
        "AND p.ocid = n.ocid AND p.party_id = n.party"
    )
    # Folding and digesting is done once for each spelling, not for each row.
    con.execute(
        "CREATE TEMP TABLE spellings AS SELECT row_number() OVER () AS spelling, *, "
        "member_code || '-' || left(sha256(CASE WHEN identifier IS NOT NULL "
        "THEN concat_ws('|', 'identifier', member_code, coalesce(scheme, ''), upper(identifier)) "
        f"ELSE concat_ws('|', 'name', member_code, {plain}) END), 16) AS id FROM "
        "(SELECT DISTINCT member_code, scheme, identifier, name FROM raw) WHERE coalesce(identifier, name, '') <> ''"
    )
    con.execute(
        "CREATE TEMP TABLE named AS SELECT role, what, row, kind, spelling FROM raw r JOIN spellings s "
        "ON r.member_code = s.member_code AND r.scheme IS NOT DISTINCT FROM s.scheme "
        "AND r.identifier IS NOT DISTINCT FROM s.identifier AND r.name IS NOT DISTINCT FROM s.name"
    )
    con.execute("DROP TABLE temp.raw")
    con.execute(
        "CREATE TEMP TABLE spelled AS SELECT role, id, spelling, rows, kind, member_code, scheme, identifier, name FROM "
        "(SELECT role, spelling, count(*) AS rows, max(kind) AS kind FROM named GROUP BY ALL) JOIN spellings USING (spelling)"
    )
    con.execute(
        "CREATE TEMP TABLE known AS SELECT row_number() OVER (ORDER BY role, id) AS body, role, id, "
        "any_value(member_code) AS member_code, any_value(scheme) AS scheme, min(identifier) AS identifier, "
        "coalesce(arg_max(name, {'rows': rows, 'name': name}), min(identifier)) AS name, max(kind) AS kind FROM spelled GROUP BY role, id"
    )
    days = f"SELECT _rowid, left(coalesce(contract_date_signed, award_date), 10) AS day FROM {pages.table('contracts_flat', 'contract_date_signed', 'award_date')}"
    con.execute(
        "CREATE TEMP TABLE found AS SELECT DISTINCT body, role, what, row FROM named JOIN "
        "(SELECT role, spelling, body FROM spelled JOIN known USING (role, id)) USING (role, spelling)"
    )
    con.execute("DROP TABLE temp.named")
    con.execute(
        "CREATE TEMP TABLE organised AS SELECT row_number() OVER (ORDER BY role, contracts DESC, processes DESC, id) AS number, * FROM known JOIN "
        f"(SELECT body, count(*) FILTER (what = {PROCESS}) AS processes, count(*) FILTER (what = {AWARD}) AS awards, "
        f"count(*) FILTER (what = {CONTRACT}) AS contracts, min(day) AS first_day, max(day) AS last_day "
        f"FROM found LEFT JOIN ({days}) ON what = {CONTRACT} AND row = _rowid GROUP BY 1) USING (body)"
    )
    con.execute(
        "CREATE TEMP TABLE linked AS SELECT number AS organisation, found.role, what, row FROM found JOIN organised USING (body)"
    )
    con.execute("DROP TABLE temp.found")


def _selects(pages: _Pages) -> dict[str, str]:
    """Table -> SQL of its rows, in the order in which they are written."""
    flat = pages.table(
        "contracts_flat", "procurement_method", "contract_value_amount", "contract_value_currency", "year"
    )
    awards = pages.table("awards", "value_amount", "value_currency", "year")

    def amounts(what: int, rows: str, amount: str, currency: str) -> str:
        return (
            f"SELECT organisation, {what} AS what, TRY_CAST(year AS BIGINT) AS year, {currency} AS currency, count(*) AS rows, "
            f"sum(TRY_CAST({amount} AS DECIMAL(38, 18))) AS total, count(*) - count({amount}) AS without_amount "
            f"FROM linked JOIN {rows} ON row = _rowid WHERE what = {what} GROUP BY ALL"
        )

    both = f"{amounts(AWARD, awards, 'value_amount', 'value_currency')} UNION ALL {amounts(CONTRACT, flat, 'contract_value_amount', 'contract_value_currency')}"
    text = DECIMAL_TEXT.format("CAST(total AS VARCHAR)")
    pairs = (
        "SELECT b.organisation AS buyer, s.organisation AS supplier, count(*) AS contracts FROM linked b JOIN linked s USING (row) "
        f"WHERE b.role = 'buyer' AND s.role = 'supplier' AND b.what = {CONTRACT} AND s.what = {CONTRACT} GROUP BY ALL"
    )
    sides = (
        f"WITH pairs AS MATERIALIZED ({pairs}), sides AS (SELECT buyer AS organisation, supplier AS partner, contracts "
        "FROM pairs UNION ALL SELECT supplier, buyer, contracts FROM pairs)"
    )
    return {
        "organisations": f"{sides} SELECT number, id, role, member_code, scheme, identifier, name, kind, processes, awards, contracts, "
        "coalesce(partners, 0) AS partners, first_day, last_day FROM organised LEFT JOIN "
        "(SELECT organisation, count(*) AS partners FROM sides GROUP BY 1) ON organisation = number ORDER BY number",
        "names": "SELECT number AS organisation, s.name AS name, CAST(sum(s.rows) AS BIGINT) AS rows FROM spelled s JOIN organised USING (role, id) "
        "WHERE s.name IS NOT NULL GROUP BY ALL ORDER BY 1, 3 DESC, 2",
        "amounts": f"SELECT organisation, what, year, currency, rows, {text} AS amount, without_amount FROM ({both}) "
        "ORDER BY organisation, what, year, currency",
        "methods": f"SELECT organisation, procurement_method AS method, count(*) AS contracts FROM linked JOIN {flat} ON row = _rowid "
        f"WHERE what = {CONTRACT} GROUP BY ALL ORDER BY 1, 3 DESC, 2",
        "partners": f"{sides} SELECT organisation, row_number() OVER (PARTITION BY organisation ORDER BY contracts DESC, partner) AS place, "
        f"partner, contracts FROM sides QUALIFY place <= {TOP_PARTNERS} ORDER BY 1, 2",
        "biggest": f"SELECT organisation, currency, place, row, {text} AS amount FROM (SELECT organisation, contract_value_currency AS currency, "
        "row_number() OVER (PARTITION BY organisation, contract_value_currency ORDER BY contract_value_amount DESC, row) AS place, "
        f"row, contract_value_amount AS total FROM linked JOIN {flat} ON row = _rowid WHERE what = {CONTRACT} "
        f"AND contract_value_amount IS NOT NULL AND contract_value_currency IS NOT NULL QUALIFY place <= {TOP_CONTRACTS}) ORDER BY 1, 2, 3",
        "links": "SELECT organisation, CAST(what AS BIGINT) AS what, row FROM linked ORDER BY 1, 2, 3",
    }


def write_organisations(con: duckdb.DuckDBPyConnection, pages: Path, path: Path) -> None:
    """Write the file from the pages of the release (`write_pages`), whose row numbers it uses."""
    database = sqlite3.connect(path)
    database.executescript(_SCHEMA)
    database.close()
    con.execute(f"ATTACH {quote_text(pages)} AS pages (READ_ONLY); SET preserve_insertion_order = true")
    try:
        found = _Pages(con)
        _identify(con, found)
        with adbc_driver_sqlite.dbapi.connect(str(path)) as target:
            for name, sql in _selects(found).items():
                with target.cursor() as cursor:
                    cursor.adbc_ingest(name, con.sql(sql).to_arrow_reader(BATCH_ROWS), mode="append")
            target.commit()
    finally:
        for name in ("raw", "spellings", "named", "spelled", "known", "found", "organised", "linked"):
            con.execute(f"DROP TABLE IF EXISTS temp.{name}")
        con.execute("SET preserve_insertion_order = false; DETACH pages")
    database = sqlite3.connect(path)
    database.executescript(_INDEXES)
    database.close()
