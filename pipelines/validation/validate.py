"""staged -> ValidationReport, and the sound rows as typed Parquet."""

import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from pipelines.catalogue import PROVENANCE, Catalogue, PackageType, Table
from pipelines.engine import connect, fetch_one, quote_text
from pipelines.flat import FLAT, base, conflicting_fields, join_contracts_flat, split_contracts_flat
from pipelines.records import (
    AcceptancePolicy,
    EarlierRows,
    FindingGroup,
    Severity,
    SkippedCheck,
    SourceCounts,
    StagedPackage,
    TableCounts,
    ValidationReport,
    Verdict,
)
from pipelines.validation.codes import check_codes, check_recommended, declared_codes
from pipelines.validation.contents import check_contents
from pipelines.validation.garbled import check_garbled_text
from pipelines.validation.identifiers import check_identifiers
from pipelines.validation.references import check_foreign_key, check_primary_key
from pipelines.validation.report import write_report
from pipelines.validation.rules import apply_rule, load_rules
from pipelines.validation.table_schema import check_table_schema
from pipelines.validation.watch import Progress, Watch
from pipelines.validation.workspace import FINDINGS, REFUSED, Workspace, json_object

CHECKS_VERSION = 2
"""Changes when a check outside `pipelines.validation.rules` changes its meaning (cells, keys, codes, identifiers, text)."""


def ruleset_version(catalogue: Catalogue) -> str:
    """Digest of all checks, rules with their versions, codes and severities: two reports with the same one are comparable."""
    codes = {
        name: sorted((code.code, *sorted(code.extra.items())) for code in codelist.codes.values())
        for name, codelist in sorted(catalogue.codelists.items())
    }
    facts = sorted((rule.code, rule.version, rule.table, rule.field or "") for rule in load_rules())
    severities = sorted((code, policy.severity.value) for code, policy in catalogue.findings.items())
    return sha256(json.dumps([CHECKS_VERSION, codes, facts, severities]).encode()).hexdigest()[:12]


def validate_package(
    staged: StagedPackage,
    catalogue: Catalogue,
    folder: Path,
    *,
    policy: AcceptancePolicy = AcceptancePolicy.WHOLE,
    earlier: EarlierRows | None = None,
    memory_limit: str = "4GB",
    threads: int = 0,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    budget_seconds: float | None = None,
) -> ValidationReport:
    """Judge a staged package with our schema, chosen by (package type, schema version).

    Order: what the intake found; every cell (Frictionless); keys and references; codes and identifiers; domain
    rules. A row with an error is refused; what then hangs in the air is refused too. Under `WHOLE` any error
    refuses the package, under `ROWS` only those rows; an error about a table or the package refuses the
    package under both. A row that repeats another word for word is set aside once, under both.

    folder: becomes the report's folder: ``report.json``, ``findings.parquet`` and, unless rejected,
    ``tables/<table>.parquet`` with the sound rows, typed. An earlier report there is replaced at once (rename).
    A pure function of (staged bytes, schema version, ruleset version, policy, earlier rows): safe to repeat at
    any time. earlier: accepted rows of other periods that references may point to (a contract of an award of last
    year). cancelled, budget_seconds: see `Watch`; `StoppedError` says how many rows were checked, and nothing is
    written.
    """
    started = time.perf_counter()
    work = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    package_type = catalogue.package_type(staged.submission.package_type)
    con = connect(memory_limit=memory_limit, threads=threads, temp=work)
    try:
        space = Workspace(con, catalogue, package_type)
        rows = sum(table.rows for table in staged.tables)
        with Watch(con, rows, progress, cancelled, budget_seconds) as watch:
            skipped = _check(space, staged, earlier, watch)
        space.complete_findings()
        groups = space.groups()
        verdict = _verdict(groups, policy)
        counts = _count_tables(space, verdict)
        sources = _count_sources(space, staged, verdict)
        typed = {} if verdict is Verdict.REJECTED else _write_typed(space, package_type, work / "tables")
        con.execute(
            f"COPY (SELECT * FROM {FINDINGS} ORDER BY list_position(['error', 'warning', 'notice'], severity), code, table_name, "
            f"row_number) TO {quote_text(work / 'findings.parquet')} (FORMAT parquet, COMPRESSION zstd)"
        )
        report = ValidationReport(
            staged.submission.submission_id,
            staged.submission.member,
            package_type.name,
            package_type.version,
            ruleset_version(catalogue),
            policy,
            verdict,
            tuple(sources),
            tuple(counts),
            tuple(groups),
            tuple(skipped),
            typed,
            datetime.now(UTC),
            round(time.perf_counter() - started, 3),
            int(earlier.version) if earlier else None,
        )
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    finally:
        con.close()
    write_report(work, report, staged, catalogue)
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
    return report


def _check(
    space: Workspace, staged: StagedPackage, earlier: EarlierRows | None, watch: Watch
) -> list[SkippedCheck]:
    package_type = space.package_type
    member = space.catalogue.members[staged.submission.member]
    day = staged.submission.received_at.date().isoformat()
    prefixes = "[" + ", ".join(quote_text(prefix) for prefix in member.ocid_prefixes) + "]::VARCHAR[]"
    space.con.execute(f"SET VARIABLE received_on = DATE '{day}'; SET VARIABLE own_prefixes = {prefixes}")
    _read_letters(space, staged)
    for sent in staged.tables:
        space.add_table(sent.name, f"SELECT * FROM read_parquet({quote_text(sent.path)})", sent.columns)
    space.add_findings(staged.findings)
    space.refuse_source_rows({code: policy.severity for code, policy in space.catalogue.findings.items()})

    for name, paths in (earlier.tables if earlier else {}).items():
        space.add_earlier(name, paths)

    for table in space.tables():
        watch.begin(table.name)
        check_contents(space, table)
        # Before anything is made from the rows: a row set aside as a copy must not come back in another shape.
        check_primary_key(space, table)
        watch.done(space.rows(table.name))
    watch.begin("rules")
    _split_flat(space, package_type)
    skipped: list[SkippedCheck] = []
    declared = declared_codes(staged.understood)
    for table in space.tables():
        watch.begin("rules")
        if table.name in space.derived:
            continue
        for key in table.foreign_keys:
            reason = check_foreign_key(space, table, key)
            if reason:
                skipped.append(reason)
        check_codes(space, table, declared)
        check_identifiers(space, table, declared)
        check_garbled_text(space, table)
        check_table_schema(space, table)
        check_recommended(space, table)
    for rule in load_rules():
        watch.begin("rules")
        reason = apply_rule(space, rule)
        if reason:
            skipped.append(reason)
    watch.begin("rules")
    _join_flat(space, package_type)
    return skipped


def _read_letters(space: Workspace, staged: StagedPackage) -> None:
    """Sheets and column letters of the source, so that a finding can say Sheet1!D17."""
    for entry in staged.understood.get("files", ()):
        if entry["sheet"]:
            space.add_sheet(f"{entry['file']}#{entry['sheet']}", entry["file"], entry["sheet"])
    for entry in staged.understood.get("letters", ()):
        for field, letter in entry["columns"].items():
            space.letters[entry["origin"], entry["table"], field] = letter


def _split_flat(space: Workspace, package_type: PackageType) -> None:
    """Linked tables from the sound rows of a flat one, so that the rules see them; they are unique by construction.

    Not when the member sent some of them beside the flat one: what was submitted is never mixed with what is made,
    and the member is told.
    """
    if package_type.flat not in space.columns:
        return
    if linked := [table for table in space.columns if table != FLAT]:
        space.tell("flat-beside-linked", FLAT, None, {"names": linked})
        return
    sound = f"(SELECT * FROM {FLAT} WHERE {_sound(FLAT)})"
    space.con.execute(f"CREATE TABLE flat_base AS {base(package_type, sound, space.columns[FLAT])}")
    _tell_conflicts(space, package_type)
    for name, sql in split_contracts_flat(package_type, "flat_base").items():
        present = [column[0] for column in space.con.execute(f"DESCRIBE {sql}").fetchall()]
        columns = [column for column in package_type.table(name).by_name if column in present]
        space.add_table(name, sql, columns, derived=True)


def _join_flat(space: Workspace, package_type: PackageType) -> None:
    """The flat table from the sound rows of linked ones, for readers."""
    if package_type.flat is None or package_type.flat in space.columns:
        return
    if not space.has("contracts", "ocid", "contract_id", "award_id"):
        return
    for name in list(space.columns):
        space.con.execute(f'CREATE VIEW "sound_{name}" AS SELECT * FROM "{name}" WHERE {_sound(name)}')
    space.add_table(
        FLAT,
        join_contracts_flat(package_type, space.has),
        list(package_type.table(FLAT).by_name),
        derived=True,
    )


def _sound(table: str) -> str:
    return f"rid NOT IN (SELECT rid FROM {REFUSED} WHERE table_name = '{table}')"


def _tell_conflicts(space: Workspace, package_type: PackageType) -> None:
    """Rows of one process that describe it differently: the linked tables can hold one description only."""
    for key, columns in conflicting_fields(package_type).items():
        own = [column for column in columns if column in space.columns[FLAT]]
        if not own:
            continue
        # One look at all columns first: hardly any disagrees, and looking at one row by row is dear.
        differing = ", ".join(f"bool_or({column}_least <> {column}_most)" for column in own)
        extremes = ", ".join(
            f"min({column}) AS {column}_least, max({column}) AS {column}_most" for column in own
        )
        found = fetch_one(
            space.con,
            f"SELECT {differing} FROM (SELECT {extremes} FROM flat_base GROUP BY ocid, {key} HAVING count(*) > 1)",
        )
        for column in (column for column, differs in zip(own, found, strict=True) if differs):
            first = f"first_value({column} IGNORE NULLS) OVER (PARTITION BY b.ocid, b.{key} ORDER BY seq)"
            first_row = f"first_value(source_row_number) OVER (PARTITION BY b.ocid, b.{key} ORDER BY seq)"
            space.add_findings_sql(
                "flat-conflict",
                FLAT,
                f"WITH seen AS (SELECT source_file, source_row_number, {column} AS own, {first} AS other, {first_row} AS other_row FROM flat_base b) "
                f"SELECT t.rid, own AS value, {json_object(other_row='other_row', other_value='other')} AS parameters FROM seen "
                f"JOIN {FLAT} t ON t.source_file = seen.source_file AND t.source_row_number = seen.source_row_number "
                "WHERE own IS NOT NULL AND own <> other",
                field=column,
            )


def _verdict(groups: list[FindingGroup], policy: AcceptancePolicy) -> Verdict:
    errors = [group for group in groups if group.severity is Severity.ERROR]
    if errors and (policy is AcceptancePolicy.WHOLE or any(_is_general(group) for group in errors)):
        return Verdict.REJECTED
    if any(group.severity is Severity.WARNING for group in groups) or errors:
        return Verdict.ACCEPTED_WITH_WARNINGS
    return Verdict.ACCEPTED


def _is_general(group: FindingGroup) -> bool:
    """An error that names no row speaks of the whole table or package."""
    return any(example.row_number is None for example in group.examples)


def _count_tables(space: Workspace, verdict: Verdict) -> list[TableCounts]:
    """Rows in, accepted, refused: per table of the standard, sent or derived."""
    counts = []
    for table in space.tables():
        rows = space.rows(table.name)
        if not rows and table.name in space.derived:
            continue
        refused = rows if verdict is Verdict.REJECTED else _refused(space, table.name)
        counts.append(TableCounts(table.name, rows, rows - refused, refused, table.name in space.derived))
    return counts


def _count_sources(space: Workspace, staged: StagedPackage, verdict: Verdict) -> list[SourceCounts]:
    """Rows in, accepted, refused: per file or sheet as it was sent; releases for OCDS JSON."""
    unplaced = {(entry["file"], entry["sheet"]) for entry in staged.understood.get("unplaced", ())}
    refused: dict[str, int] = {}
    sent = [table.name for table in staged.tables]
    if sent:
        rows = " UNION ".join(
            f"SELECT DISTINCT t.source_file, t.source_row_number FROM \"{name}\" t JOIN {REFUSED} r ON r.rid = t.rid AND r.table_name = '{name}'"
            for name in sent
        )
        refused = dict(space.con.execute(f"SELECT source_file, count(*) FROM ({rows}) GROUP BY 1").fetchall())
    counts = []
    for entry in staged.understood.get("files", ()):
        name = f"{entry['file']}#{entry['sheet']}" if entry["sheet"] else entry["file"]
        whole = verdict is Verdict.REJECTED or (entry["file"], entry["sheet"]) in unplaced
        out = entry["rows"] if whole else refused.get(name, 0)
        counts.append(SourceCounts(name, entry["rows"], entry["rows"] - out, out))
    ocds = staged.understood.get("ocds") or {}
    if ocds:
        out = ocds["releases_in"] if verdict is Verdict.REJECTED else ocds["releases_refused"]
        counts.append(SourceCounts("OCDS", ocds["releases_in"], ocds["releases_in"] - out, out))
    return counts


def _refused(space: Workspace, table: str) -> int:
    return int(
        fetch_one(space.con, f"SELECT count(DISTINCT rid) FROM {REFUSED} WHERE table_name = ?", [table])[0]
    )


def _write_typed(space: Workspace, package_type: PackageType, folder: Path) -> dict[str, str]:
    """Sound rows with the types of the standard, sorted by key: what the store takes without reading anything again."""
    folder.mkdir()
    typed = {}
    for table in space.tables():
        if space.rows(table.name) == _refused(space, table.name):
            continue
        typed[table.name] = f"tables/{table.name}.parquet"
        _write_table(space, table, folder / f"{table.name}.parquet")
    return typed


def _write_table(space: Workspace, table: Table, path: Path) -> None:
    sent = space.columns[table.name]
    columns = [
        f'CAST("{field.name}" AS {field.duckdb_type}) AS "{field.name}"'
        if field.name in sent
        else f'CAST(NULL AS {field.duckdb_type}) AS "{field.name}"'
        for field in table.fields
    ]
    order = ", ".join(
        f'"{name}"' for name in (*(key for key in table.primary_key if key in sent), *PROVENANCE)
    )
    space.con.execute(
        f'COPY (SELECT {", ".join(columns)}, {", ".join(PROVENANCE)} FROM "{table.name}" WHERE {_sound(table.name)} ORDER BY {order}) '
        f"TO {quote_text(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)"
    )
