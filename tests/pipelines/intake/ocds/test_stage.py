"""From files to staged tables and findings."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.catalogue import PackageType, load_catalogue
from pipelines.intake.ocds import MAX_PACKAGES, OcdsResult, is_ocds, stage_ocds
from pipelines.intake.ocds.output import TableOutput
from pipelines.intake.sources import SourceFile

ROOT = Path(__file__).parents[4]
Stage = Callable[[dict[str, Any]], Any]


def release(number: int = 1, **members: Any) -> dict[str, Any]:
    ocid = f"ocds-213czf-{number}"
    return {"ocid": ocid, "id": f"{ocid}-r", "date": "2026-01-01T00:00:00Z", "tag": ["tender"], **members}


def test_rows_lead_back_to_the_file_and_release_they_came_from(stage: Stage) -> None:
    newer = release(1, id="n", date="2026-02-01T00:00:00Z", tender={"title": "new"})
    staged = stage(
        {
            "a.json": {"releases": [release(2), release(1, tender={"title": "old"}), release(3)]},
            "b.json": [release(4), newer],
        }
    )
    assert [
        (row["ocid"][-1], row["source_file"], row["source_row_number"]) for row in staged.rows("processes")
    ] == [
        ("1", "b.json", 2),
        ("2", "a.json", 1),
        ("3", "a.json", 3),
        ("4", "b.json", 1),
    ]
    assert staged.column("processes", "tender_title")[0] == "new"
    assert staged.findings == []
    assert staged.understood["processes"] == 4


def test_only_filled_columns_and_keys_are_staged_and_only_tables_with_rows(stage: Stage) -> None:
    staged = stage({"a.json": release(1, tender={"items": [{"id": "1", "description": "Paper"}]}, awards=[])})
    tables = {table.name: table for table in staged.result.tables}
    assert list(tables) == ["processes", "items"]
    assert tables["items"].columns == ("ocid", "stage", "parent_id", "item_id", "description")
    assert tables["items"].rows == 1
    assert staged.rows("items") == [
        {
            "ocid": "ocds-213czf-1",
            "stage": "tender",
            "parent_id": None,
            "item_id": "1",
            "description": "Paper",
            "source_file": "a.json",
            "source_row_number": 1,
        }
    ]
    assert [
        path.name for path in Path(tables["items"].path).parent.iterdir() if path.name.startswith(".")
    ] == []


def test_every_release_is_counted_once(stage: Stage) -> None:
    one = release(1)
    staged = stage(
        {
            "a.json": {"releases": [one, one, "text", {"id": "x", "tender": {"id": "1"}}, release(2)]},
            "b.jsonl": json.dumps(one) + "\n" + json.dumps(release(3)) + "\n[]\n17\n",
        }
    )
    counts = {
        key: staged.understood[f"releases_{key}"]
        for key in ("in", "merged", "duplicate", "refused", "contained")
    }
    assert counts == {"in": 8, "merged": 3, "duplicate": 2, "refused": 3, "contained": 0}
    assert counts["in"] == counts["merged"] + counts["duplicate"] + counts["refused"]
    assert staged.finding("ocds-duplicate-release").parameters == {"count": 2}
    refused = [
        (each.code, each.source_file, each.row_number, each.value)
        for each in staged.findings
        if each.row_number
    ]
    assert refused == [
        ("ocds-not-an-object", "a.json", 3, "text"),
        ("ocds-release-without-ocid", "a.json", 4, None),
        ("ocds-not-an-object", "b.jsonl", 3, "17"),
    ]
    assert staged.finding("ocds-release-without-ocid").parameters == {"release_id": "x"}


def test_conflicting_releases(stage: Stage) -> None:
    staged = stage({"a.json": [release(1, tender={"title": "a"}), release(1, tender={"title": "b"})]})
    finding = staged.finding("ocds-conflicting-release")
    assert finding.parameters == {"ocid": "ocds-213czf-1", "release_id": "ocds-213czf-1-r"}
    assert (finding.source_file, finding.row_number) == ("a.json", 2)
    assert staged.understood["releases_merged"] == 2


def test_a_record_beside_its_releases_doubles_nothing(stage: Stage) -> None:
    tender = {"id": "T", "items": [{"description": "no id"}]}
    first = release(1, tender=tender)
    compiled = release(1, id="c", tag=["compiled"], tender=tender, awards=[{"id": "A"}])
    link = {"url": f"https://example.org/releases/{first['id']}", "date": first["date"], "tag": ["tender"]}
    record = {"ocid": "ocds-213czf-1", "releases": [link], "compiledRelease": compiled}
    staged = stage({"releases.json": {"releases": [first]}, "record.json": {"records": [record]}})
    assert len(staged.rows("processes")) == len(staged.rows("items")) == len(staged.rows("awards")) == 1
    assert staged.finding("ocds-linked-releases").parameters == {"count": 1}
    assert "ocds-duplicate-release" not in staged.codes
    assert (staged.understood["releases_duplicate"], staged.understood["releases_contained"]) == (1, 1)


def test_upgrades_are_told_once(stage: Stage) -> None:
    old = [release(number, buyer={"name": "Ministerio", "contactPoint": {"name": "N"}}) for number in (1, 2)]
    staged = stage({"a.json": old})
    assert staged.finding("ocds-upgraded").parameters == {"count": 2}
    assert staged.column("parties", "roles") == ["buyer", "buyer"]
    assert staged.column("processes", "buyer_id") == ["Ministerio", "Ministerio"]


def test_values_without_a_place_are_told_and_kept(stage: Stage) -> None:
    staged = stage({"a.json": [release(1), release(2, buyer="Ministerio de " + "x" * 300)]})
    finding = staged.finding("ocds-value-not-flat")
    assert finding.parameters == {"ocid": "ocds-213czf-2", "path": "/buyer"}
    assert (finding.source_file, finding.row_number, len(finding.value)) == ("a.json", 2, 200)
    assert staged.rows("additional_fields")[0]["value"] == "Ministerio de " + "x" * 300


def test_releases_that_disagree_beyond_the_standard(stage: Stage) -> None:
    staged = stage({"a.json": [release(1, x={"y": "1"}), release(1, id="2", x="2", tender={"title": "t"})]})
    assert staged.finding("ocds-value-not-flat").parameters == {"ocid": "ocds-213czf-1", "path": "/x"}
    assert {(row["path"], row["value"]) for row in staged.rows("additional_fields")} == {
        ("/x/y", "1"),
        ("/x", "2"),
    }
    assert staged.column("processes", "tender_title") == ["t"]


def test_what_is_outside_the_standard_is_told_by_place(stage: Stage) -> None:
    staged = stage({"a.json": [release(1, tender={"lots": [{"id": "1"}, {"id": "2"}]}), release(2, x=5)]})
    told = [each.parameters for each in staged.findings if each.code == "field-outside-standard"]
    assert told == [{"path": "/tender/lots/id", "count": 2}, {"path": "/x", "count": 1}]


def test_wrong_shapes_of_a_real_publisher(stage: Stage) -> None:
    party = {"id": 7, "address": {"postalCode": 4530}, "contactPoint": {"telephone": 56396464}}
    staged = stage({"a.json": release(1, tender={"submissionMethod": "Electrónica"}, parties=[party])})
    assert staged.column("processes", "submission_method") == ["Electrónica"]
    row = staged.rows("parties")[0]
    assert (row["party_id"], row["postal_code"], row["contact_telephone"]) == ("7", "4530", "56396464")
    assert staged.findings == []


def test_bad_files_do_not_stop_the_good_ones(stage: Stage) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    staged = stage(
        {
            "good.json": release(1),
            "empty.json": b"",
            "page.json": b"<html>",
            "cut.json": b'{"releases": [',
            "none.json": {"releases": []},
            "deep.json": json.dumps(release(2, x=deep)),
        }
    )
    assert staged.column("processes", "ocid") == ["ocds-213czf-1"]
    assert [(each.source_file, each.code) for each in staged.findings] == [
        ("empty.json", "empty-file"),
        ("page.json", "invalid-json"),
        ("cut.json", "invalid-json"),
        ("none.json", "ocds-no-releases"),
        ("deep.json", "invalid-json"),
    ]
    assert staged.understood["releases_refused"] == 1


def test_packages_are_kept_once_and_counted(stage: Stage) -> None:
    same = {
        f"same{number}.json": {"publisher": {"name": "P"}, "releases": [release(number)]}
        for number in range(3)
    }
    others = {
        f"{number}.json": {"uri": str(number), "releases": [release(number)]}
        for number in range(MAX_PACKAGES)
    }
    staged = stage({**same, **others})
    assert staged.understood["packages"][:2] == [{"publisher": {"name": "P"}}, {"uri": "0"}]
    assert len(staged.understood["packages"]) == MAX_PACKAGES
    assert staged.understood["package_count"] == 3 + MAX_PACKAGES
    assert staged.understood["files"][0] == {
        "file": "same0.json",
        "encoding": "utf-8",
        "json_lines": False,
        "kinds": {"release-package": 1},
        "releases": 1,
    }
    json.dumps(staged.understood)


def test_a_package_type_without_ocds_takes_none(tmp_path: Path) -> None:
    activity = load_catalogue(ROOT / "schemas", ROOT / "datapackages").package_type("activity")
    path = tmp_path / "a.json"
    path.write_text(json.dumps(release()))
    result = stage_ocds(
        [SourceFile("a.json", path, "json")], activity, ROOT / "schemas/ocds", tmp_path / "tables"
    )
    assert (result.tables, result.findings[0].code) == ([], "wrong-package-type")


def test_staging_is_the_same_every_time(stage: Stage, tmp_path: Path) -> None:
    files = {
        "a.json": [release(2), release(1, tender={"items": [{"description": "x"}, {"description": "y"}]})]
    }

    def contents(result: OcdsResult) -> dict[str, bytes]:
        return {table.name: Path(table.path).read_bytes() for table in result.tables}

    first = contents(stage(files).result)
    shutil.rmtree(tmp_path / "tables")
    assert contents(stage(files).result) == first


@pytest.mark.parametrize("rows", [1, 50_001])
def test_columns_are_dropped_only_when_nobody_filled_them(tmp_path: Path, rows: int) -> None:
    output = TableOutput(tmp_path, "items", ("key", "last", "never"), ("key",))
    for number in range(rows):
        output.extend([[None, "x" if number == rows - 1 else None, None]], "f", number)
    staged = output.finish()
    assert (staged.columns, staged.rows) == (("key", "last"), rows)
    table = pq.read_table(staged.path)
    assert table.column("last").to_pylist()[-1] == "x"
    assert table.column("source_row_number").to_pylist() == list(range(rows))
    assert [path.name for path in tmp_path.iterdir()] == ["items.parquet"]


NAMES = [
    "ocid",
    "id",
    "date",
    "tag",
    "releases",
    "records",
    "compiledRelease",
    "url",
    "tender",
    "awards",
    "buyer",
    "x",
]
SCALARS = [None, True, 0, 1.5, "", "ocds-213czf-1", "2026-01-01", "compiled", "\ud800"]


def anything(dice: Random, depth: int = 0) -> Any:
    kind = dice.choice(["scalar", "list", "object", "object"]) if depth < 5 else "scalar"
    if kind == "list":
        return [anything(dice, depth + 1) for _ in range(dice.randrange(4))]
    if kind == "object":
        return {dice.choice(NAMES): anything(dice, depth + 1) for _ in range(dice.randrange(7))}
    return dice.choice(SCALARS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_whatever_is_sent_gives_findings_and_never_an_exception(
    procurement: PackageType, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    dice, folder = Random(seed), tmp_path_factory.mktemp("files")
    files = []
    for number in range(3):
        content = json.dumps([anything(dice) for _ in range(3)]).encode()
        if number == 2:
            place = dice.randrange(len(content))
            content = content[:place] + dice.randbytes(2) + content[place + dice.randrange(3) :]
        path = folder / f"{number}.json"
        path.write_bytes(content)
        is_ocds(path)
        files.append(SourceFile(path.name, path, "json"))
    result = stage_ocds(files, procurement, ROOT / "schemas/ocds", folder / "tables")
    counts = result.understood
    assert counts["releases_in"] == (
        counts["releases_merged"] + counts["releases_duplicate"] + counts["releases_refused"]
    )
    json.dumps([finding.to_dict() for finding in result.findings])
    known = set(load_catalogue(ROOT / "schemas", ROOT / "datapackages").findings)
    assert {finding.code for finding in result.findings} <= known
