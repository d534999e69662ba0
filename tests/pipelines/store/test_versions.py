import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from store_samples import SUMMARY, accept, candidates, numbered_rows, submission

from pipelines.exceptions import StoreError, UnknownError
from pipelines.identifiers import PERIOD_FORM
from pipelines.records import ChangeSummary
from pipelines.store import (
    Lake,
    Ledger,
    covers,
    newest_manifest,
    newest_version,
    newest_versions,
    packages,
    read_changes,
    read_history,
    read_manifest,
    read_manifests,
    read_version,
    sweep,
    verify_version,
    version_at,
)


def commit(lake: Lake, ledger: Ledger, folder: Path, name: str, period: str = "2020", rows: int = 5):
    tables = candidates(
        folder / name, processes=numbered_rows(rows, name), contracts=numbered_rows(rows, name)
    )
    return accept(lake, ledger, submission(name, period=period), tables, loss_share=1)


def test_versions_are_found_by_number_and_by_time(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    assert newest_version(lake, "XAA", "procurement") is None
    first = commit(lake, ledger, tmp_path, "a")
    second = commit(lake, ledger, tmp_path, "b", "2021")
    assert newest_version(lake, "XAA", "procurement") == second
    assert read_version(lake, "XAA", "procurement", 1) == first
    assert read_history(lake, "XAA", "procurement") == (first, second)
    assert version_at(lake, "XAA", "procurement", before) is None
    assert version_at(lake, "XAA", "procurement", first.accepted_at) == first
    assert version_at(lake, "XAA", "procurement", second.accepted_at - timedelta(microseconds=1)) == first
    assert version_at(lake, "XAA", "procurement", datetime.now(UTC)) == second
    assert (second.parent, second.number) == (1, 2)
    with pytest.raises(UnknownError):
        read_version(lake, "XAA", "procurement", 3)
    with pytest.raises(UnknownError):
        read_changes(lake, "XBB", "procurement")


def test_other_periods_are_named_again_not_copied(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    first = commit(lake, ledger, tmp_path, "a")
    second = commit(lake, ledger, tmp_path, "b", "2021")
    assert [table for table in second.tables if table.period == "2020"] == list(first.tables)
    assert {table.period for table in second.tables} == {"2020", "2021"}
    paths = [found.key for found in lake.list("accepted") if found.key.endswith(".parquet")]
    assert sorted(paths) == sorted(table.path for table in second.tables)
    verify_version(lake, second)


def test_the_manifest_tells_where_everything_came_from(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    commit(lake, ledger, tmp_path, "a")
    commit(lake, ledger, tmp_path, "b", rows=4)
    manifest = newest_manifest(lake, "XAA", "procurement")
    sent = submission("b")
    assert manifest.submission == sent
    assert manifest.sources["2020"].submission_id == sent.submission_id
    assert manifest.facts == SUMMARY | {"confirmed_by": None}
    assert [(c.table, c.added, c.removed, c.changed) for c in manifest.changes.tables] == [
        ("processes", 0, 1, 4),
        ("contracts", 0, 1, 4),
    ]
    assert read_changes(lake, "XAA", "procurement") == manifest.changes
    assert read_changes(lake, "XAA", "procurement", 1).loss_share == 0
    for file in manifest.change_files:
        changes = pq.read_table(lake.local_path(file.path, file.sha256))
        assert changes.num_rows == file.rows == 5
        assert changes.column_names[0] == "change"


def test_packages_lists_members_and_types(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    assert newest_versions(lake) == ()
    mine = commit(lake, ledger, tmp_path, "a")
    tables = candidates(tmp_path / "n", processes=numbered_rows(1))
    theirs = accept(lake, ledger, submission("n", "XBB"), tables)
    assert list(packages(lake)) == [("XAA", "procurement"), ("XBB", "procurement")]
    assert newest_versions(lake) == (mine, theirs)


def test_ten_thousand_and_more_versions_stay_in_order(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    commit(lake, ledger, tmp_path, "a")
    original = lake.get_bytes("accepted/XAA/procurement/v0001/version.json")
    for number in (9999, 10000):
        data = original.replace(b'"number": 1,', f'"number": {number},'.encode(), 1)
        lake.put_if_absent(f"accepted/XAA/procurement/v{number:04d}/version.json", data)
    assert [int(v.number) for v in read_history(lake, "XAA", "procurement")] == [1, 9999, 10000]


def test_files_without_a_manifest_are_invisible_and_swept(
    folder_lake: Lake, ledger: Ledger, tmp_path: Path
) -> None:
    commit(folder_lake, ledger, tmp_path, "a")
    version = commit(folder_lake, ledger, tmp_path, "b")
    orphans = [
        "accepted/XAA/procurement/v0003/2020/contracts.000000000000.parquet",  # a commit that died
        "accepted/XAA/procurement/v0002/2020/contracts.111111111111.parquet",  # one that lost the race
        "accepted/XBB/procurement/v0001/all/contracts.222222222222.parquet",
        ".incoming/half",
    ]
    young = "accepted/XAA/procurement/v0003/2020/contracts.333333333333.parquet"
    for key in (*orphans, young):
        folder_lake.put_if_absent(key, b"x")
    yesterday = time.time() - 2 * 86400
    for path in (tmp_path / "lake").rglob("*"):
        if path.is_file() and path != tmp_path / "lake" / young:
            os.utime(path, (yesterday, yesterday))
    assert newest_version(folder_lake, "XAA", "procurement") == version
    assert newest_version(folder_lake, "XBB", "procurement") is None
    assert sweep(folder_lake) == len(orphans)
    assert not any(folder_lake.exists(key) for key in orphans)
    assert folder_lake.exists(young)
    for manifest in read_manifests(folder_lake, "XAA", "procurement"):
        verify_version(folder_lake, manifest.version)
        assert all(folder_lake.exists(path) for path in manifest.paths)
    assert sweep(folder_lake) == 0


def test_damage_is_found(folder_lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    version = commit(folder_lake, ledger, tmp_path, "a")
    file = tmp_path / "lake" / version.tables[0].path
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"?")
    with pytest.raises(StoreError, match="damaged"):
        verify_version(folder_lake, version)
    file.unlink()
    with pytest.raises(StoreError, match="missing"):
        verify_version(folder_lake, version)


def test_a_manifest_of_the_future_is_refused(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    commit(lake, ledger, tmp_path, "a")
    data = lake.get_bytes("accepted/XAA/procurement/v0001/version.json").replace(
        b'"format": 1', b'"format": 2'
    )
    lake.put_if_absent("accepted/XAA/procurement/v0002/version.json", data)
    with pytest.raises(StoreError, match="newer"):
        read_manifest(lake, "XAA", "procurement", 2)


def test_a_first_version_changes_nothing_that_was(lake: Lake, ledger: Ledger, tmp_path: Path) -> None:
    commit(lake, ledger, tmp_path, "a")
    manifest = newest_manifest(lake, "XAA", "procurement")
    assert manifest.change_files == ()
    assert isinstance(manifest.changes, ChangeSummary)
    assert {c.table: c.added for c in manifest.changes.tables} == {"processes": 5, "contracts": 5}


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("all", "2020", True),
        ("all", "all", True),
        ("2020", "2020", True),
        ("2020", "2020-03", True),
        ("2020", "2020-Q1", True),
        ("2020-Q1", "2020-03", True),
        ("2020-Q4", "2020-12", True),
        ("2020-Q1", "2020-04", False),
        ("2020-Q1", "2021-03", False),
        ("2020-Q1", "2020", False),
        ("2020-03", "2020", False),
        ("2020", "2021-03", False),
        ("2020", "all", False),
        ("2020-Q1", "2020-Q2", False),
    ],
)
def test_periods_within_periods(outer: str, inner: str, expected: bool) -> None:
    assert PERIOD_FORM.fullmatch(outer)
    assert PERIOD_FORM.fullmatch(inner)
    assert covers(outer, inner) is expected
