"""The published tables: rows of all members' accepted versions under one heading, without what is withheld."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.catalogue import LANGUAGES, PROVENANCE, Catalogue, Field, PackageType, Table
from pipelines.engine import fetch_one
from pipelines.publication.origins import Origins, origin_of
from pipelines.publication.years import YEAR, create_process_years, has_platform_year, year_join, year_sql
from pipelines.records import AcceptedVersion

DECIMAL_TEXT = "CASE WHEN contains({0}, '.') THEN rtrim(rtrim({0}, '0'), '.') ELSE {0} END"


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """A column of a published table. `field` is None for the provenance columns that the platform adds."""

    name: str
    duckdb_type: str
    field: Field | None


PROVENANCE_COLUMNS = (
    PublishedColumn("member_code", "VARCHAR", None),
    PublishedColumn("version_number", "INTEGER", None),
    PublishedColumn("source_file", "VARCHAR", None),
    PublishedColumn("source_row_number", "BIGINT", None),
)
YEAR_COLUMN = PublishedColumn(YEAR, "INTEGER", None)


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of a release: `name` as readers see it, its columns, its rows in DuckDB, and its key.

    replaced: rows of an earlier submission that a later one, for another period, brought again under the same key.
    """

    name: str
    table: Table
    columns: tuple[PublishedColumn, ...]
    rows: int
    members: tuple[str, ...]
    replaced: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """Key of the published rows: the member, then the key of the standard; () for a table without one."""
        return ("member_code", *self.table.primary_key) if self.table.primary_key else ()

    @property
    def has_year(self) -> bool:
        return any(column.name == YEAR for column in self.columns)

    @property
    def order(self) -> tuple[str, ...]:
        """What the rows are sorted by: member, year where there is one, key, place in the submission."""
        year = (YEAR,) if self.has_year else ()
        names = ("member_code", *year, *self.table.primary_key, "source_file", "source_row_number")
        return tuple(dict.fromkeys(names))


def published_columns(table: Table) -> tuple[PublishedColumn, ...]:
    """Member, version and year first, the fields of the standard that are not withheld, where the row came from last."""
    fields = tuple(PublishedColumn(field.name, field.duckdb_type, field) for field in table.published_fields)
    year = (YEAR_COLUMN,) if has_platform_year(table) else ()
    return (*PROVENANCE_COLUMNS[:2], *year, *fields, *PROVENANCE_COLUMNS[2:])


def gather_tables(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    versions: Sequence[AcceptedVersion],
    paths: Mapping[str, Path],
    origins: Origins,
) -> list[PublishedTable]:
    """Create each published table in `con` (a database of the release under construction), sorted by member, year and key.

    paths: lake path of a version's table -> local file. origins: what brought the rows of each period. Tables without a row in any version are left out.
    """
    published = []
    for package_type in catalogue.package_types.values():
        own = [version for version in versions if version.package_type == package_type.name]
        create_process_years(con, own, paths, package_type.by_name)
        for table in package_type.tables:
            if table.is_published:
                gathered = _gather(con, table, own, paths, origins)
                if gathered:
                    published.append(gathered)
        _withhold(con, package_type, own, paths, origins, published)
    return published


def _gather(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    versions: Sequence[AcceptedVersion],
    paths: Mapping[str, Path],
    origins: Origins,
) -> PublishedTable | None:
    columns = published_columns(table)
    name = table.published_name
    order = ", ".join(f'"{each}"' for each in PublishedTable(name, table, columns, 0, ()).order)
    values = ", ".join(
        f'{year_sql(table)} AS "{YEAR}"' if column is YEAR_COLUMN else f'r."{column.name}"'
        for column in columns
    )
    sent, begun = 0, False
    # Member by member: sorting takes the memory of the largest one, not of all.
    for version in sorted(versions, key=lambda each: str(each.member)):
        selects = []
        # Lake paths begin with the version that brought the file: in their order, the later one stands.
        for age, each in enumerate(sorted(version.tables, key=lambda part: part.path)):
            if each.table == table.name and each.rows:
                sent += each.rows
                fields = ", ".join(f'"{field.name}"' for field in table.published_fields)
                provenance = ", ".join(PROVENANCE)
                number = origin_of(version, each.period, origins).number
                selects.append(
                    f"SELECT '{version.member}' AS member_code, {number} AS version_number, {fields}, {provenance}, {age} AS age "
                    f"FROM read_parquet('{paths[each.path]}')"
                )
        if not selects:
            continue
        rows_of_member = _newest(con, " UNION ALL ".join(selects), table if len(selects) > 1 else None)
        con.execute(
            f'{"INSERT INTO" if begun else "CREATE TABLE"} "{name}" {"" if begun else "AS"} '
            f"SELECT {values} FROM ({rows_of_member}) AS r {year_join(table)} ORDER BY {order}"
        )
        begun = True
    if not begun:
        return None
    (rows,) = fetch_one(con, f'SELECT count(*) FROM "{name}"')
    members = con.execute(f'SELECT DISTINCT member_code FROM "{name}" ORDER BY 1').fetchall()
    return PublishedTable(name, table, columns, rows, tuple(code for (code,) in members), sent - rows)


def _newest(con: duckdb.DuckDBPyConnection, union: str, table: Table | None) -> str:
    """SQL of a member's rows, of each key the one that came last. table: None when no key can come twice.

    Only the keys are looked through for some that come twice; rows are wide, and a window over all of them would have to
    fit into memory.
    """
    if table is None or not table.primary_key:
        return union
    key = ", ".join(f'"{column}"' for column in table.primary_key)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE twice AS SELECT {key} FROM ({union}) GROUP BY ALL HAVING count(*) > 1"
    )
    same = " AND ".join(f'u."{column}" IS NOT DISTINCT FROM t."{column}"' for column in table.primary_key)
    (count,) = fetch_one(con, "SELECT count(*) FROM twice")
    if not count:
        return union
    return (
        f"(SELECT u.* FROM ({union}) AS u ANTI JOIN twice AS t ON {same}) UNION ALL "
        f"(SELECT u.* FROM ({union}) AS u SEMI JOIN twice AS t ON {same} "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY age DESC) = 1)"
    )


def _withhold(
    con: duckdb.DuckDBPyConnection,
    package_type: PackageType,
    versions: Sequence[AcceptedVersion],
    paths: Mapping[str, Path],
    origins: Origins,
    published: list[PublishedTable],
) -> None:
    """Register in the published ``withheld`` table every column that the platform itself keeps back (OG-65)."""
    if "withheld" not in package_type.by_name:
        return
    register = package_type.table("withheld")
    rows = []
    for version in versions:
        for each in version.tables:
            table = package_type.table(each.table)
            for field in table.fields:
                if not field.is_withheld or not each.rows:
                    continue
                (count,) = fetch_one(
                    con, f'SELECT count("{field.name}") FROM read_parquet(?)', [str(paths[each.path])]
                )
                if count:
                    number = origin_of(version, each.period, origins).number
                    rows.append((str(version.member), number, table.name, field.name, count, each.period))
    if not rows:
        return
    name = register.published_name
    columns = published_columns(register)
    if not any(table.name == name for table in published):
        listed = ", ".join(f'"{column.name}" {column.duckdb_type}' for column in columns)
        con.execute(f'CREATE TABLE "{name}" ({listed})')
    con.executemany(
        f'INSERT INTO "{name}" (member_code, version_number, withheld_id, table_name, field, rationale, rationale_code, '
        "legal_basis, rows_affected, source_file) VALUES (?, ?, ?, ?, ?, ?, 'personalData', ?, ?, ?)",
        [
            (
                member,
                number,
                f"platform-{period}-{table}-{field}",
                table,
                field,
                "Direct contact data of persons is kept in the submission and not published.",
                "OAS Updated Principles on Privacy and Protection of Personal Data, CJI/RES. 266 (XCVIII/21)",
                count,
                "platform",
            )
            for member, number, table, field, count, period in rows
        ],
    )
    order = ", ".join(f'"{each}"' for each in PublishedTable(name, register, columns, 0, ()).order)
    con.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM "{name}" ORDER BY {order}')
    total, members = fetch_one(
        con, f'SELECT count(*), list(DISTINCT member_code ORDER BY member_code) FROM "{name}"'
    )
    published[:] = [table for table in published if table.name != name]
    published.append(PublishedTable(name, register, columns, total, tuple(members)))


def create_reference_tables(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    versions: Sequence[AcceptedVersion],
    origins: Origins,
) -> None:
    """``codelists`` (labels of all codes in four languages) and ``release_versions`` (what the release is made of)."""
    titles = ", ".join(f"title_{language} VARCHAR" for language in LANGUAGES)
    con.execute(f"CREATE TABLE codelists (codelist VARCHAR, code VARCHAR, {titles}, status VARCHAR)")
    rows = [
        {
            "codelist": name,
            "code": code.code,
            **{
                f"title_{language}": catalogue.texts.code(language, name, code.code) for language in LANGUAGES
            },
            "status": code.status,
        }
        for name, codelist in catalogue.codelists.items()
        for code in codelist.codes.values()
    ]
    con.register("codes_of_the_standard", pa.Table.from_pylist(rows))
    con.execute("INSERT INTO codelists BY NAME SELECT * FROM codes_of_the_standard")
    con.unregister("codes_of_the_standard")
    con.execute(
        "CREATE TABLE release_versions (member_code VARCHAR, member_name VARCHAR, institution VARCHAR, package_type VARCHAR, "
        "version_number INTEGER, period VARCHAR, submission_id VARCHAR, accepted_at TIMESTAMP WITH TIME ZONE, "
        "schema_version VARCHAR, table_name VARCHAR, is_derived BOOLEAN, rows_count BIGINT)"
    )
    parts = [
        (
            str(version.member),
            catalogue.members[version.member].names["en"],
            catalogue.members[version.member].institution,
            version.package_type,
            origin.number,
            each.period,
            origin.submission_id,
            origin.accepted_at,
            origin.schema_version,
            each.table,
            each.derived,
            each.rows,
        )
        for version in versions
        for each in version.tables
        for origin in (origin_of(version, each.period, origins),)
    ]
    if parts:
        con.executemany(f"INSERT INTO release_versions VALUES ({', '.join('?' * 12)})", parts)


def text_of(column: PublishedColumn) -> str:
    """SQL of a column as text: RFC 3339 instants in UTC, decimals without padding, ``true``/``false``."""
    return text_sql(f'"{column.name}"', column.duckdb_type)


def text_sql(value: str, duckdb_type: str) -> str:
    """As `text_of`, of any SQL that gives a value of a type."""
    if duckdb_type.startswith("DECIMAL"):
        return DECIMAL_TEXT.format(f"CAST({value} AS VARCHAR)")
    if duckdb_type.startswith("TIMESTAMP"):
        whole = f"strftime({value}, '%Y-%m-%dT%H:%M:%S')"
        fraction = f"CASE WHEN microsecond({value}) % 1000000 = 0 THEN '' ELSE strftime({value}, '.%f') END"
        return f"{whole} || {fraction} || 'Z'"
    return f"CAST({value} AS VARCHAR)"
