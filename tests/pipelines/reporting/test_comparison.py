"""What was fixed, is left, is new: rows that move are known again, and every finding is matched once."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.records import Severity
from pipelines.reporting.comparison import (
    compare_reports,
    read_comparison,
    report_files,
    write_comparison,
)

HEADING = "contract_id,buyer_name,supplier_name,contract_date_signed\n"
SCHEMA = pa.schema(
    [
        (name, pa.int64() if name == "row_number" else pa.string())
        for name in (
            "code",
            "severity",
            "table_name",
            "field",
            "source_file",
            "sheet",
            "row_number",
            "column_letter",
            "value",
            "parameters",
            "row_key",
        )
    ]
)


def stored(folder: Path, findings: Sequence[tuple[int | None, str | None, str | None]], **facts: Any) -> Path:
    """A report folder with (row, key, value) of findings of one code."""
    folder.mkdir()
    rows = [
        {
            "code": "type-error",
            "severity": "error",
            "table_name": "contracts_flat",
            "field": "contract_date_signed",
            "source_file": facts.get("file", "a.csv"),
            "row_number": row,
            "value": value,
            "parameters": "{}",
            "row_key": key,
        }
        for row, key, value in findings
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "findings.parquet")
    report = {
        "submission_id": folder.name,
        "validated_at": "2026-11-23T00:00:00+00:00",
        "ruleset_version": facts.get("rules", "1"),
        "package_type": "procurement",
        "member": facts.get("member", "PRY"),
    }
    (folder / "report.json").write_text(json.dumps(report))
    return folder


@pytest.mark.parametrize(
    ("before", "after", "fixed_left_new"),
    [
        ([(2, "C1", "x")], [], (1, 0, 0)),
        ([], [(2, "C1", "x")], (0, 0, 1)),
        ([(2, "C1", "x")], [(2, "C1", "x")], (0, 1, 0)),
        # Lines were inserted or deleted above.
        ([(2, "C1", "x"), (3, "C2", "x")], [(12, "C2", "x")], (1, 1, 0)),
        # The value was changed and is still wrong.
        ([(2, "C1", "x")], [(9, "C1", "y")], (0, 1, 0)),
        # One row was mended, another one broken in the same way, even in its place.
        ([(2, "C1", "x")], [(7, "C9", "x")], (1, 0, 1)),
        ([(2, "C1", "x")], [(2, "C9", "x")], (1, 0, 1)),
        # Rows without a key: the value says which, as often as it is there.
        ([(2, None, "x"), (3, None, "x"), (4, None, "y")], [(8, None, "x")], (2, 1, 0)),
        ([(2, None, "x")], [(2, None, "y")], (0, 1, 0)),
        ([(2, None, "x")], [(3, None, "y")], (1, 0, 1)),
        # An earlier report that kept no keys.
        ([(2, None, "x"), (3, None, "y")], [(5, "C1", "x")], (1, 1, 0)),
        # The same key and value several times in one row's place.
        ([(2, "C1", "x")] * 3, [(2, "C1", "x")] * 5, (0, 3, 2)),
        # What names no row.
        ([(None, None, None)], [(None, None, None)], (0, 1, 0)),
    ],
)
def test_matching(
    tmp_path: Path,
    before: list[tuple[int | None, str | None, str | None]],
    after: list[tuple[int | None, str | None, str | None]],
    fixed_left_new: tuple[int, int, int],
) -> None:
    comparison = compare_reports(stored(tmp_path / "b", before), stored(tmp_path / "a", after, file="b.csv"))
    assert comparison.counts() == fixed_left_new
    fixed, left, new = comparison.counts()
    assert (fixed + left, left + new) == (len(before), len(after))


def test_a_corrected_file_sent_again(tmp_path: Path, judge) -> None:
    first, second = tmp_path / "contratos.csv", tmp_path / "contratos-2.csv"
    bad = "".join(f"C{number},Obras,Uno,{number}/02/2025\n" for number in range(30, 67))
    first.write_text(HEADING + bad, encoding="utf-8")
    left = "".join(f"C{number},Obras,Uno,{number}/02/2025\n" for number in (31, 44, 66))
    second.write_text(f"{HEADING}C1,Obras,Uno,2025-02-01\n{left}C30,Obras,Uno,2025-02-28\n", encoding="utf-8")
    before, after = judge(first, name="before"), judge(second, name="after")
    comparison = compare_reports(before, after)
    assert comparison.counts(Severity.ERROR) == (34, 3, 0)
    (group,) = [group for group in comparison.groups if group.code == "type-error"]
    assert (group.fixed, group.left, group.new) == (34, 3, 0)
    assert (group.example.row_number, group.example.value) == (3, "31/02/2025")
    write_comparison(after, comparison)
    assert read_comparison(after) == comparison
    assert read_comparison(before) is None


def test_rules_that_changed_are_told(tmp_path: Path) -> None:
    before, after = stored(tmp_path / "b", []), stored(tmp_path / "a", [], rules="2")
    assert compare_reports(before, after).same_rules is False
    assert compare_reports(before, before).same_rules is True


def test_reports_of_different_members_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="member: PRY before, URY after"):
        compare_reports(stored(tmp_path / "b", []), stored(tmp_path / "a", [], member="URY"))


def test_a_report_written_elsewhere_has_its_findings_beside_it(tmp_path: Path) -> None:
    folder = stored(tmp_path / "b", [])
    assert report_files(folder) == (folder / "report.json", folder / "findings.parquet")
    assert report_files(folder / "report.json") == report_files(folder)
    moved = tmp_path / "march.json"
    (tmp_path / "march-findings.parquet").write_bytes(b"")
    assert report_files(moved) == (moved, tmp_path / "march-findings.parquet")


def test_a_hundred_thousand_on_either_side_are_quick(tmp_path: Path) -> None:
    before = stored(tmp_path / "b", [(row, f"C{row}", "31/02/2025") for row in range(100_000)])
    after = stored(tmp_path / "a", [(row - 500, f"C{row}", "31/02/2025") for row in range(0, 150_000, 3)])
    started = time.process_time()
    assert compare_reports(before, after).counts() == (66_666, 33_334, 16_666)
    assert time.process_time() - started < 20
