"""Two reports of the same member and package type: what was fixed, what is left, what is new."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.engine import connect, fetch_one, quote_text
from pipelines.records import Finding, Severity

NAME = "comparison.json"

_ANY, _KEYED, _UNKEYED = "true", "row_key IS NOT NULL", "row_key IS NULL"
_WITHOUT_KEY = (
    ("source_file", "sheet", "row_number", "value"),
    ("sheet", "row_number", "value"),
    ("value",),
    ("sheet", "row_number"),
)
_PASSES = (
    (("row_key", "value"), _KEYED, _KEYED),
    (("row_key",), _KEYED, _KEYED),
    *((columns, *sides) for columns in _WITHOUT_KEY for sides in ((_UNKEYED, _ANY), (_ANY, _UNKEYED))),
)
"""What makes a finding of before the same as one of after, beside code, table and field; the surest first.
With each, which findings of before and of after take part.

Rows move when lines are inserted or deleted, so the number of the row says least: a finding is looked for at the
row with the same key. Only where one side has no key it is looked for in the same place with the same value,
then anywhere with the same value, and last in the same place with another value. Two rows with different keys
are two rows, wherever they stand: a row whose key was corrected counts as fixed and new.
"""


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """Findings of one code in one column: how many are gone, still there, and there for the first time."""

    code: str
    severity: Severity
    table: str | None
    field: str | None
    fixed: int
    left: int
    new: int
    example: Finding
    """One of them; of the earlier report when none is left."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Errors and warnings of an earlier report against those of a later one; notices are not counted.

    fixed + left = what the earlier report said; left + new = what the later one says. A finding whose row was
    deleted counts as fixed. same_rules: whether both were judged by the same rules; if not, something new may
    be new because the rules are.
    """

    before: str
    before_at: datetime
    same_rules: bool
    groups: tuple[GroupComparison, ...]

    def counts(self, *severities: Severity) -> tuple[int, int, int]:
        """(fixed, left, new), of some severities or of all."""
        own = [group for group in self.groups if not severities or group.severity in severities]
        return (
            sum(group.fixed for group in own),
            sum(group.left for group in own),
            sum(group.new for group in own),
        )

    def to_dict(self) -> dict[str, Any]:
        data = asdict(self)
        data["before_at"] = self.before_at.isoformat()
        for group, plain in zip(self.groups, data["groups"], strict=True):
            plain["example"] = group.example.to_dict()
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Comparison":
        groups = tuple(
            GroupComparison(
                **{
                    **group,
                    "severity": Severity(group["severity"]),
                    "example": Finding.from_dict(group["example"]),
                }
            )
            for group in data["groups"]
        )
        return cls(**{**data, "before_at": datetime.fromisoformat(data["before_at"]), "groups": groups})


def report_files(report: Path) -> tuple[Path, Path]:
    """(JSON, Parquet) of a report: a report folder, or a JSON file written elsewhere with its findings beside it."""
    if report.is_dir():
        return report / "report.json", report / "findings.parquet"
    beside = report.with_name(f"{report.stem}-findings.parquet")
    return report, beside if beside.exists() else report.with_name("findings.parquet")


def compare_reports(before: Path, after: Path, *, memory_limit: str = "1GB") -> Comparison:
    """Match the findings of two reports (see `report_files`), each at most once.

    Raises ValueError when they judge different members or package types.
    """
    files = {"before": report_files(before), "after": report_files(after)}
    first, second = (json.loads(each.read_text(encoding="utf-8")) for each, _findings in files.values())
    for name in ("package_type", "member"):
        if first[name] != second[name]:
            raise ValueError(f"{name}: {first[name]} before, {second[name]} after")
    con = connect(memory_limit=memory_limit)
    try:
        for name, (_report, findings) in files.items():
            _load(con, name, findings)
        con.execute("CREATE TABLE pairs (b BIGINT, a BIGINT)")
        for columns, earlier, later in _PASSES:
            _match(con, columns, earlier, later)
        groups = tuple(_groups(con))
    finally:
        con.close()
    return Comparison(
        first["submission_id"],
        datetime.fromisoformat(first["validated_at"]),
        first["ruleset_version"] == second["ruleset_version"],
        groups,
    )


def _load(con: Any, name: str, path: Path) -> None:
    con.execute(f"CREATE VIEW source_{name} AS SELECT * FROM read_parquet({quote_text(path)})")
    columns = {row[0] for row in con.execute(f"DESCRIBE source_{name}").fetchall()}
    # Reports written before findings carried the key of their row.
    key = "row_key" if "row_key" in columns else "CAST(NULL AS VARCHAR)"
    con.execute(
        f"CREATE TABLE {name} AS SELECT row_number() OVER (ORDER BY code, table_name, field, source_file, sheet, row_number, value) AS id, "
        f"code, severity, table_name, field, source_file, sheet, row_number, value, column_letter, parameters, {key} AS row_key "
        f"FROM source_{name} WHERE severity IN ('error', 'warning')"
    )
    con.execute(f"CREATE TABLE open_{name} AS SELECT * FROM {name}")


def _match(con: Any, columns: tuple[str, ...], before: str, after: str) -> None:
    """Pair what is still open on both sides: the nth of equals here with the nth of equals there.

    Numbering both sides within their equals turns the join into one to one, however many equals there are.
    """
    same = ("code", "table_name", "field", *columns)
    numbered = f"SELECT *, row_number() OVER (PARTITION BY {', '.join(same)} ORDER BY id) AS n"
    joined = " AND ".join(f"b.{each} IS NOT DISTINCT FROM a.{each}" for each in (*same, "n"))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE found AS WITH b AS ({numbered} FROM open_before WHERE {before}), "
        f"a AS ({numbered} FROM open_after WHERE {after}) SELECT b.id AS b, a.id AS a FROM b JOIN a ON {joined}"
    )
    con.execute("INSERT INTO pairs SELECT b, a FROM found")
    con.execute("DELETE FROM open_before WHERE id IN (SELECT b FROM found)")
    con.execute("DELETE FROM open_after WHERE id IN (SELECT a FROM found)")


def _groups(con: Any) -> list[GroupComparison]:
    rows = con.execute(
        "WITH every AS (SELECT code, severity, table_name, field, 'fixed' AS what FROM open_before "
        "UNION ALL SELECT code, severity, table_name, field, 'new' FROM open_after "
        "UNION ALL SELECT code, severity, table_name, field, 'left' FROM after WHERE id IN (SELECT a FROM pairs)) "
        "SELECT code, min(severity), table_name, field, count(*) FILTER (what = 'fixed'), count(*) FILTER (what = 'left'), "
        "count(*) FILTER (what = 'new') FROM every GROUP BY code, table_name, field ORDER BY ALL"
    ).fetchall()
    return [
        GroupComparison(
            code, Severity(severity), table, field, fixed, left, new, _example(con, code, table, field)
        )
        for code, severity, table, field, fixed, left, new in rows
    ]


def _example(con: Any, code: str, table: str | None, field: str | None) -> Finding:
    same = "code = ? AND table_name IS NOT DISTINCT FROM ? AND field IS NOT DISTINCT FROM ?"
    columns = "source_file, sheet, row_number, column_letter, value, parameters"
    file, sheet, row, letter, value, parameters = fetch_one(
        con,
        f"SELECT {columns} FROM (SELECT *, 1 AS side FROM after UNION ALL SELECT *, 2 FROM before) WHERE {same} ORDER BY side, id LIMIT 1",
        [code, table, field],
    )
    return Finding(code, table, field, file, sheet, row, letter, value, json.loads(parameters or "{}"))


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Keep a comparison beside the later report."""
    text = json.dumps(comparison.to_dict(), ensure_ascii=False, indent=1)
    whole = folder / f".{NAME}.tmp"
    whole.write_text(text, encoding="utf-8")
    whole.rename(folder / NAME)


def read_comparison(folder: Path) -> Comparison | None:
    """The comparison kept in a report folder; None when the submission was the first of its kind."""
    path = folder / NAME
    return Comparison.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
