import json
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import PACKAGE_TYPE, Row, numbered_rows, write_table

from pipelines.records import ChangeSummary, TableChange
from pipelines.store import summarize_changes


def compare(folder: Path, table: str, before: list[Row], after: list[Row]) -> tuple[TableChange, list[dict]]:
    old = write_table(folder / "old" / f"{table}.parquet", before)
    new = write_table(folder / "new" / f"{table}.parquet", after, source="b.csv")
    changes = folder / "changes"
    summary = summarize_changes({table: old}, {table: new}, PACKAGE_TYPE, changes)
    file = changes / f"{table}.parquet"
    rows = pq.read_table(file).to_pylist() if file.exists() else []
    file.unlink(missing_ok=True)
    (change,) = summary.tables
    return change, rows


def test_rows_added_removed_changed(tmp_path: Path) -> None:
    before = [("o1", "1", "one", "10"), ("o2", "1", "two", "20"), ("o3", "1", "three", None)]
    after = [("o2", "1", "zwei", "20.25"), ("o3", "1", "three", None), ("o4", "1", 'fo"ur', "40")]
    change, rows = compare(tmp_path, "contracts", before, after)
    assert change == TableChange("contracts", 1, 1, 1, 1)
    by_key = {row["ocid"]: row for row in rows}
    assert set(by_key) == {"o1", "o2", "o4"}
    assert by_key["o2"]["change"] == "changed"
    assert by_key["o2"]["changed_fields"] == ["title", "amount"]
    assert json.loads(by_key["o2"]["before"]) == {"title": "two", "amount": 20}
    assert json.loads(by_key["o2"]["after"]) == {"title": "zwei", "amount": 20.25}
    assert (by_key["o1"]["change"], by_key["o1"]["changed_fields"], by_key["o1"]["after"]) == (
        "removed",
        None,
        None,
    )
    assert json.loads(by_key["o1"]["before"]) == {"title": "one", "amount": 10}
    assert (by_key["o4"]["change"], by_key["o4"]["before"]) == ("added", None)
    assert json.loads(by_key["o4"]["after"]) == {"title": 'fo"ur', "amount": 40}


def test_a_cell_that_is_emptied_or_filled(tmp_path: Path) -> None:
    before, after = [("o1", "1", "one", None)], [("o1", "1", None, "5")]
    change, (row,) = compare(tmp_path, "contracts", before, after)
    assert change.changed == 1
    assert row["before"] == '{"title":"one","amount":null}'
    assert row["after"] == '{"title":null,"amount":5}'


def test_provenance_is_not_compared(tmp_path: Path) -> None:
    rows = numbered_rows(50)
    change, written = compare(tmp_path, "contracts", rows, rows[::-1])
    assert change == TableChange("contracts", 0, 0, 0, 50)
    assert written == []


def test_empty_key_parts_are_equal(tmp_path: Path) -> None:
    before = [("o1", None, "a", "1"), (None, None, "b", "1"), ("o1", "1", "c", "1")]
    after = [("o1", None, "A", "1"), (None, None, "b", "1"), ("o1", "1", "c", "1")]
    change, rows = compare(tmp_path, "contracts", before, after)
    assert change == TableChange("contracts", 0, 0, 1, 2)
    assert (rows[0]["ocid"], rows[0]["id"]) == ("o1", None)


def test_large_decimals_keep_their_digits(tmp_path: Path) -> None:
    number = "12345678901234567890123456.789012345678"
    _, (row,) = compare(tmp_path, "contracts", [("o", "1", "t", "1")], [("o", "1", "t", number)])
    assert row["after"] == f'{{"amount":{number}}}'


def test_without_key_rows_are_a_multiset(tmp_path: Path) -> None:
    twice, once, other = ("o", "1", "x", "1"), ("o", "2", "y", None), ("o", "3", "z", "3")
    change, rows = compare(tmp_path, "documents", [twice, twice, twice, once], [twice, other, once])
    assert change == TableChange("documents", 1, 2, 0, 2)
    assert sorted(row["change"] for row in rows) == ["added", "removed", "removed"]
    assert json.loads(rows[0]["before"]) == {"ocid": "o", "id": "1", "title": "x", "amount": 1}


def test_repeated_keys_do_not_multiply(tmp_path: Path) -> None:
    many = [("o", "1", f"t{n}", "1") for n in range(3000)]
    started = time.monotonic()
    change, _ = compare(tmp_path, "contracts", many, many[:-10])
    assert change.added == 0
    assert change.removed == 10
    assert change.changed + change.unchanged == 2990
    assert time.monotonic() - started < 20


def test_tables_that_come_and_go_have_no_file(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.parquet", numbered_rows(4))
    empty = write_table(tmp_path / "e.parquet", [])
    summary = summarize_changes(
        {"documents": table, "contracts": empty},
        {"processes": table, "contracts": table},
        PACKAGE_TYPE,
        tmp_path / "c",
    )
    assert summary == ChangeSummary(
        (
            TableChange("processes", 4, 0, 0, 0),
            TableChange("contracts", 4, 0, 0, 0),
            TableChange("documents", 0, 4, 0, 0),
        )
    )
    assert list((tmp_path / "c").glob("*.parquet")) == []


def test_a_table_in_several_files(tmp_path: Path) -> None:
    parts = [
        write_table(tmp_path / "1.parquet", numbered_rows(10)),
        write_table(tmp_path / "2.parquet", numbered_rows(10, start=10)),
    ]
    after = write_table(tmp_path / "3.parquet", [*numbered_rows(19), ("ocds-x-19", "19", "new", "19.5")])
    summary = summarize_changes({"contracts": parts}, {"contracts": after}, PACKAGE_TYPE, tmp_path / "c")
    assert summary.tables == (TableChange("contracts", 0, 0, 1, 19),)
    (row,) = pq.read_table(tmp_path / "c" / "contracts.parquet").to_pylist()
    assert (row["id"], row["before"], row["after"]) == ("19", '{"title":"t 19"}', '{"title":"new"}')


def test_a_column_that_is_new_and_one_of_another_type(tmp_path: Path) -> None:
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    pq.write_table(
        pa.table({"ocid": ["a", "b"], "id": ["1", "1"], "amount": [1, 2], "gone": ["x", None]}), old
    )
    amounts = pa.array(["1", "2"]).cast(pa.decimal128(38, 12))
    pq.write_table(
        pa.table({"ocid": ["a", "b"], "id": ["1", "1"], "amount": amounts, "more": [None, "m"]}), new
    )
    summary = summarize_changes({"contracts": old}, {"contracts": new}, PACKAGE_TYPE, tmp_path / "c")
    assert summary.tables == (TableChange("contracts", 0, 0, 2, 0),)
    rows = pq.read_table(tmp_path / "c" / "contracts.parquet").to_pylist()
    assert [row["changed_fields"] for row in rows] == [["gone"], ["more"]]


def test_types_of_the_standard_as_json(tmp_path: Path) -> None:
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    for path, day, truth in ((old, "2020-01-02", "true"), (new, "2020-01-03", "false")):
        duckdb.execute(
            f"""COPY (SELECT 'o' AS ocid, '1' AS id, DATE '{day}' AS d, {truth} AS b, {day[-1]}::BIGINT AS n,
            TIMESTAMPTZ '{day} 10:00:00+02' AS at, 'línea' || chr(10) || '{day}' AS "te""xt") TO '{path}'"""
        )
    summarize_changes({"contracts": old}, {"contracts": new}, PACKAGE_TYPE, tmp_path / "c")
    (row,) = pq.read_table(tmp_path / "c" / "contracts.parquet").to_pylist()
    assert json.loads(row["after"]) == {
        "d": "2020-01-03",
        "b": False,
        "n": 3,
        "at": "2020-01-03T08:00:00.000000Z",
        'te"xt': "línea\n2020-01-03",
    }


cells = st.sampled_from([None, "", "a", "b", "a,b"])
keyed = st.dictionaries(
    st.tuples(cells, cells), st.tuples(cells, st.sampled_from([None, "1", "2.5"])), max_size=8
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=keyed, after=keyed)
def test_counts_agree_with_plain_python(tmp_path: Path, before: dict, after: dict) -> None:
    old, new = ([(*key, *value) for key, value in rows.items()] for rows in (before, after))
    change, rows = compare(tmp_path, "contracts", old, new)
    both = before.keys() & after.keys()
    changed = sum(before[key] != after[key] for key in both)
    assert (change.added, change.removed, change.changed, change.unchanged) == (
        len(after) - len(both),
        len(before) - len(both),
        changed,
        len(both) - changed,
    )
    if old and new:
        assert len(rows) == change.added + change.removed + change.changed


def test_more_differences_than_are_read_at_a_time(tmp_path: Path) -> None:
    for name, text, low in (("old", "'a'", 0), ("new", "'b'", 10)):
        duckdb.execute(
            f"""COPY (SELECT 'o' || i AS ocid, (i % 3)::VARCHAR AS id, {text} || i AS title,
            i AS source_row_number FROM range({low}, {low} + 230000) r(i)) TO '{tmp_path / name}.parquet'"""
        )
    old, new = tmp_path / "old.parquet", tmp_path / "new.parquet"
    summary = summarize_changes({"contracts": old}, {"contracts": new}, PACKAGE_TYPE, tmp_path)
    assert summary.tables == (TableChange("contracts", 10, 10, 229_990, 0),)
    seen = duckdb.execute(
        f"""SELECT change, count(*), count(DISTINCT ocid), count(*) FILTER (
            (change = 'added' OR before = '{{"title":"a' || ocid[2:] || '"}}')
            AND (change = 'removed' OR after = '{{"title":"b' || ocid[2:] || '"}}'))
        FROM '{tmp_path / "contracts.parquet"}' GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    assert seen == [("added", 10, 10, 10), ("changed", 229_990, 229_990, 229_990), ("removed", 10, 10, 10)]
