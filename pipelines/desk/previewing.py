"""What a sound submission would change, as its page shows it: rows, examples of them, and sums of money per currency."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.catalogue import PackageType
from pipelines.desk.desk import Desk
from pipelines.desk.made import Work
from pipelines.engine import connect, quote_name, quote_text
from pipelines.identifiers import SubmissionId
from pipelines.store import newest_manifest, summarize_changes
from pipelines.store.accept import previous_files
from pipelines.validation import read_report
from pipelines.workflow import candidates

EXAMPLES = 5
"""Rows shown of each kind of change in a table."""


def compared_with(desk: Desk, submission_id: str) -> int | None:
    """Number of the version that a submission would be compared with now."""
    entry = desk.site.ledger.submission(submission_id)
    newest = newest_manifest(desk.site.lake, entry.member, entry.package_type)
    return int(newest.version.number) if newest else None


def ask_preview(desk: Desk, submission_id: str, actor: str) -> tuple[Work, int | None]:
    """The preview of a sound submission as it stands now, made or to be made, and the version that it compares with."""
    parent = compared_with(desk, submission_id)
    # A report that is made anew is another one to preview.
    judged = read_report(desk.site.zones.report_folder(SubmissionId(submission_id))).validated_at.isoformat()
    return desk.made.ask(submission_id, "preview", actor, parent=parent, report=judged), parent


def make_preview(desk: Desk, submission_id: str) -> dict[str, Any]:
    """parent: number of the version that it was compared with. loses: more than the agreed share of a table's earlier rows.
    tables: per table the counts and some rows (change, key, fields, before, after). totals: per table, amount column and currency
    the sum before and after, as decimal text; None on a side that has no such rows.
    """
    site, own = desk.site, SubmissionId(submission_id)
    report = read_report(site.zones.report_folder(own))
    package_type = site.catalogue.package_type(report.package_type)
    submission = site.ledger.submission(own).submission
    after = {each.name: [each.path] for each in candidates(site, report)}
    newest = newest_manifest(site.lake, submission.member, submission.package_type)
    before = previous_files(site.lake, newest, submission.period)
    with site.lake.scratch() as folder:
        summary = summarize_changes(before, after, package_type, folder)
        tables = [
            {
                "table": change.table, "added": change.added, "removed": change.removed, "changed": change.changed,
                "unchanged": change.unchanged,
                "examples": _examples(package_type, change.table, folder, before.get(change.table, []), after.get(change.table, [])),
            }
            for change in summary.tables
            if change.added or change.removed or change.changed or change.unchanged
        ]  # fmt: skip
    derived = {count.table for count in report.counts if count.derived}
    loses = newest is not None and summary.loss_share > site.settings.loss_share
    totals = [
        total
        for table in package_type.tables
        if table.name not in derived
        for total in _totals(package_type, table.name, before.get(table.name, []), after.get(table.name, []))
    ]
    return {
        "parent": int(newest.version.number) if newest else None,
        "loses": loses,
        "loss_share": summary.loss_share,
        "tables": [each | {"derived": each["table"] in derived} for each in tables],
        "totals": totals,
    }


def _examples(
    package_type: PackageType, table: str, folder: Path, before: Sequence[Path], after: Sequence[Path]
) -> list[dict[str, Any]]:
    key = package_type.by_name[table].primary_key
    with connect(memory_limit="500MB") as con:
        path = folder / f"{table}.parquet"
        if path.exists():
            query = (
                f"SELECT * FROM read_parquet({quote_text(path)}) QUALIFY row_number() OVER (PARTITION BY change) <= {EXAMPLES} "
                "ORDER BY change DESC"
            )
            found = con.execute(query)
        else:
            only = [*before, *after]
            if not only or (before and after):
                return []
            change = "removed" if before else "added"
            names = ", ".join(quote_text(each) for each in only)
            found = con.execute(
                f"SELECT '{change}' AS change, * FROM read_parquet([{names}], union_by_name = true) LIMIT {EXAMPLES}"
            )
        columns = [each[0] for each in found.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return [
        {
            "change": row["change"],
            "key": [str(row[name]) for name in key if row.get(name) is not None],
            "fields": list(row.get("changed_fields") or ()),
            "before": row.get("before") if row["change"] == "changed" else None,
            "after": row.get("after") if row["change"] == "changed" else None,
        }
        for row in rows
    ]


def _totals(
    package_type: PackageType, table: str, before: Sequence[Path], after: Sequence[Path]
) -> list[dict[str, Any]]:
    names = {field.name for field in package_type.by_name[table].fields}
    pairs = [(name, f"{name[:-6]}currency") for name in sorted(names) if name.endswith("amount")]
    found = []
    for amount, currency in pairs:
        if currency not in names:
            continue
        sides = [_sums(paths, amount, currency) for paths in (before, after)]
        found += [
            {
                "table": table, "field": amount, "currency": code,
                "before": _text(sides[0].get(code)), "after": _text(sides[1].get(code)),
            }
            for code in sorted({*sides[0], *sides[1]})
        ]  # fmt: skip
    return found


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _sums(paths: Sequence[Path], amount: str, currency: str) -> dict[str, Decimal]:
    if not paths:
        return {}
    with connect(memory_limit="500MB") as con:
        source = f"read_parquet([{', '.join(quote_text(each) for each in paths)}], union_by_name = true)"
        present = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        if not {amount, currency} <= present:
            return {}
        rows = con.execute(
            f"SELECT coalesce({quote_name(currency)}, ''), sum({quote_name(amount)}) FROM {source} "
            f"WHERE {quote_name(amount)} IS NOT NULL GROUP BY 1"
        ).fetchall()
    return {code: Decimal(str(value)) for code, value in rows}
