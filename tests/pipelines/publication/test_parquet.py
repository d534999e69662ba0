"""A reader who wants one member's year reads next to nothing of the file."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def groups(path: Path) -> list[tuple[str, str, int, int, int]]:
    """(first member, last member, first year, last year, bytes) of each row group, from the footer."""
    metadata = pq.read_metadata(path)
    names = metadata.schema.names
    member, year = names.index("member_code"), names.index("year")
    found = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        members, years = group.column(member).statistics, group.column(year).statistics
        size = sum(group.column(column).total_compressed_size for column in range(group.num_columns))
        found.append((members.min, members.max, years.min, years.max, size))
    return found


def test_a_filter_on_member_and_year_reads_under_five_percent(make, very_many) -> None:
    path = make(very_many) / "parquet" / "procurement_contracts_flat.parquet"
    with path.open("rb") as file:
        file.seek(-8, 2)
        footer = int.from_bytes(file.read(4), "little")
    everything = groups(path)
    for member, year in (("AAA", 2018), ("CAA", 2021), ("LAA", 2023)):
        read = [
            size
            for first, last, start, end, size in everything
            if first <= member <= last and start <= year <= end
        ]
        assert read
        assert sum(read) + footer + 8 < 0.05 * path.stat().st_size, (member, year)


def test_files_are_sorted_and_say_the_same_whole_by_member_and_by_year(make, many) -> None:
    folder = make(many) / "parquet"
    name = "procurement_contracts_flat.parquet"
    rows = pq.read_table(folder / name, columns=["member_code", "year", "ocid", "contract_id"]).to_pylist()
    keys = [(row["member_code"], row["year"], row["ocid"], row["contract_id"]) for row in rows]
    assert keys == sorted(keys)
    with duckdb.connect() as con:
        counts = {
            con.execute(
                f"SELECT count(*), sum(contract_value_amount), count(DISTINCT contract_id) FROM '{glob}'"
            ).fetchone()
            for glob in (folder / name, folder / "*" / name, folder / "*" / "*" / name)
        }
        year = con.execute(
            f"SELECT DISTINCT member_code, year FROM '{folder / 'BAA' / '2019' / name}'"
        ).fetchall()
    assert len(counts) == 1
    assert year == [("BAA", 2019)]


def test_rows_without_a_date_are_kept_apart(make) -> None:
    folder = make(
        "SELECT 'BAA' AS member_code, 'L' || i AS ocid, 'C' || i AS contract_id, "
        "CASE WHEN i > 2 THEN 2020 END AS year FROM range(5) AS t(i)"
    )
    name = "procurement_contracts_flat.parquet"
    assert pq.read_table(folder / "parquet" / "BAA" / "undated" / name)["contract_id"].to_pylist() == [
        "C0",
        "C1",
        "C2",
    ]
    assert pq.read_table(folder / "parquet" / "BAA" / "2020" / name).num_rows == 2
