"""What a release says about itself, worked out once: how many rows, how full, what the checks found.

Reference tables ``coverage``, ``fill_rates`` and ``quality``. A combination without a line has no data; zero is
written only where something was counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipelines.engine import quote_name, quote_text
from pipelines.publication.gather import PublishedTable
from pipelines.publication.origins import Origins, origin_of
from pipelines.publication.years import YEAR
from pipelines.records import AcceptedVersion, FindingGroup

SUMMARIES = ("coverage", "fill_rates", "quality")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the checks found in what a submission brought to an accepted version."""

    period: str
    tables: tuple[str, ...]
    groups: tuple[FindingGroup, ...]


Judgements = Mapping[tuple[str, str], Sequence[Judgement]]
"""(member, package type) -> judgements of the submissions whose rows the version holds."""


def create_summaries(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[PublishedTable],
    versions: Sequence[AcceptedVersion],
    judgements: Judgements,
    origins: Origins,
) -> None:
    """Create the three tables from the published ones. Submissions without a report have no line in ``quality``."""
    con.execute(
        "CREATE TABLE coverage (table_name VARCHAR, member_code VARCHAR, year INTEGER, rows_count BIGINT)"
    )
    con.execute(
        "CREATE TABLE fill_rates (table_name VARCHAR, column_name VARCHAR, level VARCHAR, member_code VARCHAR, year INTEGER, "
        "rows_count BIGINT, filled_count BIGINT)"
    )
    for table in tables:
        _count(con, table)
    con.execute(
        "CREATE TABLE quality (member_code VARCHAR, package_type VARCHAR, version_number INTEGER, period VARCHAR, "
        "table_name VARCHAR, column_name VARCHAR, code VARCHAR, severity VARCHAR, findings_count BIGINT)"
    )
    rows = [
        (
            str(version.member),
            version.package_type,
            origin_of(version, judgement.period, origins).number,
            judgement.period,
            *line,
        )
        for version in versions
        for judgement in judgements.get((str(version.member), version.package_type), ())
        for line in _lines(version.package_type, judgement)
    ]
    if rows:
        con.executemany(f"INSERT INTO quality VALUES ({', '.join('?' * 9)})", rows)


def _count(con: duckdb.DuckDBPyConnection, table: PublishedTable) -> None:
    year = YEAR if table.has_year else "CAST(NULL AS INTEGER)"
    fields = [column for column in table.columns if column.field]
    # An empty text is a cell that was not filled: the key of a row may have one, a reader sees nothing in it.
    counts = ", ".join(
        f"count(nullif(CAST({quote_name(each.name)} AS VARCHAR), ''))"
        if each.duckdb_type == "VARCHAR"
        else f"count({quote_name(each.name)})"
        for each in fields
    )
    con.execute(
        f"CREATE TEMP TABLE counted AS SELECT member_code, {year} AS year, count(*) AS rows_count, [{counts}] AS filled "
        f"FROM {quote_name(table.name)} GROUP BY 1, 2"
    )
    name = quote_text(table.name)
    con.execute(
        f"INSERT INTO coverage SELECT {name}, member_code, year, rows_count FROM counted ORDER BY ALL"
    )
    names = ", ".join(quote_text(each.name) for each in fields)
    levels = ", ".join(quote_text(each.field.level) for each in fields if each.field)
    con.execute(
        f"INSERT INTO fill_rates SELECT {name}, ([{names}])[place], ([{levels}])[place], member_code, year, rows_count, filled[place] "
        f"FROM counted, range(1, {len(fields) + 1}) AS places(place) ORDER BY place, member_code, year"
    )
    con.execute("DROP TABLE counted")


def _lines(
    package_type: str, judgement: Judgement
) -> list[tuple[str | None, str | None, str | None, str | None, int]]:
    """(published table, column, code, severity, count); a checked table without findings has one line without a code."""
    lines: list[tuple[str | None, str | None, str | None, str | None, int]] = [
        (
            f"{package_type}_{group.table}" if group.table else None,
            group.field,
            group.code,
            group.severity.value,
            group.count,
        )
        for group in judgement.groups
    ]
    found = {group.table for group in judgement.groups}
    lines += [
        (f"{package_type}_{table}", None, None, None, 0) for table in judgement.tables if table not in found
    ]
    return sorted(lines, key=lambda line: tuple(part or "" for part in line[:3]))
