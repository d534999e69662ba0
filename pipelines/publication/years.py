"""The year that a published row belongs to: what readers filter by, and what files are sorted by after the member.

A row that has a date of its own (signature, award, payment) takes the year of that date. Every other row of a
contracting process takes the year of the process: its tender, else its earliest award, else its earliest contract.
All in UTC, as dates are published. A row without any date has no year. Tables whose standard has a column
``year`` keep that one; tables that speak of no time (topics, supporters) get none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from pipelines.catalogue import Table
from pipelines.engine import quote_name, quote_text
from pipelines.records import AcceptedVersion

YEAR = "year"
UNDATED = "undated"
"""Folder of rows without a year, where files are made by year."""

PROCESS_YEARS = "process_years"

OWN_DATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("procurement", "processes"): (
        "tender_period_start",
        "tender_period_end",
        "award_period_start",
        "tender_contract_period_start",
    ),
    ("procurement", "awards"): ("date", "contract_period_start"),
    ("procurement", "contracts"): ("date_signed", "period_start"),
    ("procurement", "transactions"): ("date",),
    ("procurement", "contracts_flat"): (
        "contract_date_signed",
        "contract_period_start",
        "award_date",
        "tender_period_start",
    ),
    ("activity", "activities"): ("start_date", "end_date"),
    ("activity", "courses"): ("start_date", "end_date"),
    ("activity", "exchanges"): ("exchange_date",),
    ("activity", "technical_assistance"): ("start_date",),
}
"""(package type, table) -> columns that tell the year of a row, the first that is filled."""

_PROCESS_SOURCES = ("processes", "awards", "contracts")


def has_platform_year(table: Table) -> bool:
    """Whether the platform adds a column ``year`` to a published table."""
    if YEAR in table.by_name:
        return False
    return (table.package_type, table.name) in OWN_DATES or _of_process(table)


def _of_process(table: Table) -> bool:
    return table.package_type == "procurement" and "ocid" in table.by_name


def _own(table: Table) -> str:
    dates = OWN_DATES.get((table.package_type, table.name), ())
    years = [f"year({quote_name(name)})" for name in dates]
    return f"coalesce({', '.join(years)})" if years else "NULL"


def year_sql(table: Table) -> str:
    """SQL of the year of a row of `table`, where ``process_years`` is joined as ``p`` by `year_join`."""
    own = _own(table)
    return (
        f"CAST(coalesce({own}, p.process_year) AS INTEGER)"
        if _of_process(table)
        else f"CAST({own} AS INTEGER)"
    )


def year_join(table: Table) -> str:
    """SQL that joins the years of processes to rows named ``r``; empty for tables that are not of a process."""
    if not _of_process(table):
        return ""
    return f"LEFT JOIN {PROCESS_YEARS} AS p ON p.member_code = r.member_code AND p.process = r.ocid"


def create_process_years(
    con: duckdb.DuckDBPyConnection,
    versions: Sequence[AcceptedVersion],
    paths: Mapping[str, Path],
    tables: Mapping[str, Table],
) -> None:
    """Create ``process_years`` (member_code, process, process_year) from the accepted versions of procurement data."""
    selects = []
    for version in versions:
        for each in version.tables:
            if each.table in _PROCESS_SOURCES and each.rows:
                rank = _PROCESS_SOURCES.index(each.table)
                selects.append(
                    f"SELECT '{version.member}' AS member_code, ocid AS process, {rank} AS rank, "
                    f"{_own(tables[each.table])} AS found FROM read_parquet({quote_text(paths[each.path])})"
                )
    union = (
        " UNION ALL ".join(selects)
        or "SELECT '' AS member_code, '' AS process, 0 AS rank, NULL::BIGINT AS found"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {PROCESS_YEARS} AS SELECT member_code, process, "
        f"arg_min(found, (rank, found)) AS process_year FROM ({union}) WHERE found IS NOT NULL GROUP BY ALL"
    )
