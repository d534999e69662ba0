"""Between two releases: every row and cell that differs, and nothing else; what was in force on a day."""

import io
import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.publication.compare import compare_releases, release_as_of
from pipelines.publication.files import ReleaseFolder, Releases
from pipelines.publication.withdrawn import REGISTER, withdraw_table

OLDER = "2025.12.1"


def earlier(now: Any) -> Any:
    """The packages of the release before: one process fewer, one more, two with other values, a table less."""
    packages = deepcopy({key: dict(tables) for key, tables in now.items()})
    rows = list(packages[("XAA", "procurement")]["processes"])
    rows[1] = {**rows[1], "tender_title": "Título anterior", "tender_status": None}
    rows[2] = {**rows[2], "tender_value_amount": "3000.50"}
    extra = {**rows[3], "ocid": "ocds-xaa000-900"}
    packages[("XAA", "procurement")]["processes"] = [*rows[1:], extra]
    del packages[("XAA", "procurement")]["documents"]
    return packages


@pytest.fixture(scope="module")
def older(site: Any, packages: Any, build: Any) -> Iterator[Path]:
    made = build(earlier(packages))
    target = site.release.parent / OLDER
    shutil.copytree(made, target)
    record = json.loads((target / "release.json").read_text())
    record["released_at"] = "2025-12-05T10:00:00+00:00"
    (target / "release.json").write_text(json.dumps(record))
    yield target
    shutil.rmtree(target)


def ask(site: Any, path: str, **headers: str) -> Any:
    return site.runner.run(
        site.datasette.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    )


def base(site: Any) -> str:
    return f"/v/{site.package['version']}/changes/{OLDER}"


def test_counts_of_every_table(site: Any, older: Path) -> None:
    summary = ask(site, f"{base(site)}.json").json()
    tables = {each["table"]: each for each in summary["tables"]}
    changed = tables.pop("procurement_processes")
    assert (changed["added"], changed["removed"], changed["changed"], changed["cells"]) == (1, 1, 2, 3)
    assert changed["unchanged"] == 60 and changed["keyed"]
    assert all(each["added"] == each["removed"] == each["changed"] == 0 for each in tables.values())
    assert {
        "kind": "table_added",
        "table": "procurement_documents",
        "column": None,
        "before": None,
        "after": None,
    } in (summary["schema"])


def test_rows_and_cells_as_parquet(site: Any, older: Path) -> None:
    answer = ask(site, f"{base(site)}/procurement_processes.parquet")
    rows = {row["ocid"]: row for row in pq.read_table(io.BytesIO(answer.content)).to_pylist()}
    assert answer.headers["x-row-count"] == "4" and answer.headers["accept-ranges"] == "bytes"
    assert {key: row["change"] for key, row in rows.items()} == {
        "ocds-xaa000-001": "added", "ocds-xaa000-900": "removed", "ocds-xaa000-002": "changed",
        "ocds-xaa000-003": "changed",
    }  # fmt: skip
    assert rows["ocds-xaa000-003"]["columns"] == ["tender_value_amount"]
    cells = pq.read_table(io.BytesIO(ask(site, f"{base(site)}/procurement_processes.cells.parquet").content))
    found = {
        (row["ocid"][-3:], row["column_name"]): (row["before"], row["after"]) for row in cells.to_pylist()
    }
    assert found[("002", "tender_title")] == ("Título anterior", "Obra vial 2")
    assert found[("002", "tender_status")] == (None, "active")
    assert found[("003", "tender_value_amount")] == ("3000.5", "3000")
    assert len(found) == 3


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
def test_pages(site: Any, older: Path, language: str) -> None:
    for path in (base(site), f"{base(site)}/procurement_processes"):
        page = ask(site, path, accept_language=language)
        assert page.status_code == 200 and f'<html lang="{language}">' in page.text
    assert "Título anterior" in page.text and "Obra vial 2" in page.text


def test_the_other_way_round(site: Any, older: Path) -> None:
    summary = ask(site, f"/v/{OLDER}/changes/{site.package['version']}.json").json()
    changed = next(each for each in summary["tables"] if each["table"] == "procurement_processes")
    assert (changed["added"], changed["removed"], changed["changed"]) == (1, 1, 2)
    assert [each["kind"] for each in summary["schema"]] == ["table_removed"]


@pytest.mark.parametrize(
    "path", ["/v/2026.1.9/changes/{}", "/v/{}/changes/{}", "/v/{}/changes/..%2f..", "{base}/nothing.parquet"]
)
def test_nothing_to_compare(site: Any, older: Path, path: str) -> None:
    answer = site.runner.run(
        site.datasette.client.get(
            path.replace("{}", OLDER).replace("{base}", base(site)), follow_redirects=True
        )
    )
    assert answer.status_code == 404


def test_withdrawn_tables_are_not_told(site: Any, older: Path) -> None:
    withdraw_table(
        site.release.parent, "procurement_processes", dict.fromkeys(("es", "en", "pt", "fr"), "x"), [OLDER]
    )
    try:
        assert ask(site, f"{base(site)}/procurement_processes.parquet").status_code == 404
        tables = ask(site, f"{base(site)}.json").json()["tables"]
        assert "procurement_processes" not in {each["table"] for each in tables}
    finally:
        (site.release.parent / REGISTER).unlink()


def test_as_of_a_day(site: Any, older: Path) -> None:
    releases = Releases(site.release.parent)
    assert release_as_of(releases, date(2025, 12, 4)) is None
    assert release_as_of(releases, date(2025, 12, 5)).name == OLDER
    assert release_as_of(releases, date.max).name == site.package["version"]
    answer = ask(site, "/as-of/2026-01-15/procurement_processes.parquet")
    assert answer.headers["location"] == f"/v/{OLDER}/parquet/procurement_processes.parquet"
    assert ask(site, "/as-of/2025-01-01/procurement_processes.csv").status_code == 404
    assert ask(site, "/as-of/yesterday/").status_code == 400


def test_provenance_is_not_content_and_schemas_are_told_apart(site: Any, older: Path, tmp_path: Path) -> None:
    """The same rows with another version, a column less and another type: no row changed, two changes of the schema."""
    copy = tmp_path / "2026.1.1"
    shutil.copytree(older, copy)
    package = json.loads((copy / "datapackage.json").read_text())
    for resource in package["resources"]:
        if resource["path"] == "csv/procurement_contracts.csv":
            fields = resource["schema"]["fields"]
            fields[:] = [field for field in fields if field["name"] != "status"]
            next(field for field in fields if field["name"] == "award_id")["type"] = "integer"
    (copy / "datapackage.json").write_text(json.dumps(package))
    path = copy / "parquet" / "procurement_contracts.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("version_number")
    versions = pq.read_table(path).column("version_number").to_pylist()
    table = table.set_column(place, "version_number", [[value + 1 for value in versions]]).drop_columns(
        ["status"]
    )
    pq.write_table(table, path)
    summary = compare_releases(ReleaseFolder(older), ReleaseFolder(copy), tmp_path / "out")
    kinds = [(each["kind"], each["column"]) for each in summary["schema"]]
    assert kinds == [("column_removed", "status"), ("type_changed", "award_id")] or set(kinds) == {
        ("column_removed", "status"), ("type_changed", "award_id")
    }  # fmt: skip
    contracts = next(each for each in summary["tables"] if each["table"] == "procurement_contracts")
    assert contracts["changed"] == contracts["added"] == contracts["removed"] == contracts["cells"] == 0


@pytest.mark.parametrize("table", ["procurement_contracts", "activity_activities"])
def test_a_column_that_has_another_type_is_compared_as_text(
    site: Any, older: Path, tmp_path: Path, table: str
) -> None:
    """Keys, texts and amounts of one release are numbers or texts in the other: what says the same has not changed."""
    copy = tmp_path / "2026.1.1"
    shutil.copytree(older, copy)
    path = copy / "parquet" / f"{table}.parquet"
    rows = pq.read_table(path)
    for name, values in {
        "value_amount": lambda value: "2500000" if value else None,
        "award_id": lambda value: int(value[1:]),
        "kind": lambda value: 7,
        "contract_id": lambda value: int(value[2:]),
    }.items():
        if name in rows.column_names:
            changed = [values(value) for value in rows.column(name).to_pylist()]
            rows = rows.set_column(rows.column_names.index(name), name, [changed])
    pq.write_table(rows, path)
    summary = compare_releases(ReleaseFolder(older), ReleaseFolder(copy), tmp_path / "out")
    found = next(each for each in summary["tables"] if each["table"] == table)
    cells = pq.read_table(tmp_path / "out" / f"{table}.cells.parquet").to_pylist()
    if table == "procurement_contracts":
        assert (found["added"], found["removed"], found["changed"]) == (4, 4, 0) and not cells
    else:
        assert found["changed"] == 2 and {(each["before"], each["after"]) for each in cells} == {
            ("workshop", "7")
        }
