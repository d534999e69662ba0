"""Nothing that real publishers wrote is lost between their JSON and the staged tables."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import PackageType, load_catalogue
from pipelines.intake.ocds import OcdsResult, is_ocds, stage_ocds
from pipelines.intake.ocds.findings import FindingList
from pipelines.intake.ocds.merge import merge_process
from pipelines.intake.ocds.read import FileFacts, read_releases
from pipelines.intake.ocds.shape import leaves, load_release_schema
from pipelines.intake.ocds.spill import ReleaseSpill
from pipelines.intake.sources import SourceFile

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "real"
FOLDERS = sorted(path.name for path in REAL.glob("ocds-*")) or ["none"]

pytestmark = pytest.mark.skipif(not REAL.exists(), reason="real data (../shared/data) is not here")

RELEASES = {
    "ocds-canada-pwgsc-2017": (33, 11),
    "ocds-colombia-cce-2017": (31, 21),
    "ocds-ecuador-sercop": (2, 2),
    "ocds-mexico-gacm-2017": (322, 292),
    "ocds-mexico-inai-2017": (10, 10),
    "ocds-mexico-jalisco-2018": (20, 10),
    "ocds-mexico-shcp-2021": (1, 1),
    "ocds-paraguay-dncp-2019": (1, 1),
}
"""Releases and processes, counted by others (data/INDEX.md)."""


@pytest.fixture(scope="module")
def procurement() -> PackageType:
    return load_catalogue(ROOT / "schemas", ROOT / "datapackages").package_type("procurement")


def sources(folder: str) -> list[SourceFile]:
    paths = sorted((REAL / folder).rglob("*.json"))
    return [SourceFile(path.relative_to(REAL / folder).as_posix(), path, "json") for path in paths]


def rows_of(result: OcdsResult) -> Iterator[tuple[str, dict[str, Any]]]:
    with duckdb.connect() as con:
        for table in result.tables:
            cursor = con.execute("SELECT * FROM read_parquet(?)", [table.path])
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                yield table.name, dict(zip(names, row, strict=True))


def cells_by_place(result: OcdsResult, package_type: PackageType) -> dict[str, Counter[tuple[str, str]]]:
    """Per ocid: how often each (path in the release, text) is in a staged cell, by the catalogue."""
    found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for name, row in rows_of(result):
        table = package_type.table(name)
        if not table.ocds_sources:
            found[row["ocid"]][row["path"], row["value"]] += 1
            continue
        (place,) = [
            each
            for each in table.ocds_sources
            if all((row[key] or "") == text for key, text in each.constants.items())
        ]
        for field in table.fields:
            text, path = row.get(field.name), field.ocds_path
            if text is None or path is None or path.startswith(".."):
                continue
            full = path if path.startswith("/") else f"{place.path}/{path}"
            # A list is one cell; its elements are compared one by one.
            for piece in text.split(";") if field.type == "list" else [text]:
                found[row["ocid"]][full, piece] += 1
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_value_of_every_merged_release_is_in_its_column(
    folder: str, procurement: PackageType, tmp_path: Path
) -> None:
    files = sources(folder)
    schema = load_release_schema(ROOT / "schemas" / "ocds")
    assert all(is_ocds(file.path) for file in files)
    found = cells_by_place(
        stage_ocds(files, procurement, ROOT / "schemas" / "ocds", tmp_path / "tables"), procurement
    )
    compared = 0
    with ReleaseSpill(tmp_path / "spill.sqlite") as spill:
        for index, file in enumerate(files):
            for release in read_releases(file, FindingList(), FileFacts(file.name)):
                spill.add(release.value["ocid"], release, index)
        for ocid, group in spill.processes():
            process = merge_process(group, spill.load, schema)
            expected = Counter((leaf.pointer, leaf.value) for leaf in leaves("", process.release, ()))
            for (pointer, text), count in expected.items():
                there = found[ocid][pointer, text] or found[ocid][pointer, text.replace(";", ",")]
                # At least: the ocid is one leaf, and in every row.
                assert there >= count, (folder, ocid, pointer, text, count, there)
                compared += count
    assert compared > 0


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_value_as_the_publisher_wrote_it_is_in_a_cell(
    folder: str, procurement: PackageType, tmp_path: Path
) -> None:
    """Straight from the bytes, by another parser: for processes with a single release, whatever was done to
    it.
    """
    files = sources(folder)
    written: dict[str, list[set[str]]] = defaultdict(list)
    for file in files:
        for release in releases_in(json.loads(file.path.read_bytes(), parse_float=str, parse_int=str)):
            written[release["ocid"]].append(set(texts(release)))
    single = {ocid: releases[0] for ocid, releases in written.items() if len(releases) == 1}
    if not single:
        pytest.skip("every process has several releases")
    cells: dict[str, set[str]] = defaultdict(set)
    for _, row in rows_of(stage_ocds(files, procurement, ROOT / "schemas" / "ocds", tmp_path)):
        for text in filter(None, row.values()):
            cells[row["ocid"]] |= {str(text), *re.split("[;:]", str(text))}
    missing = {(ocid, text) for ocid, values in single.items() for text in values if text not in cells[ocid]}
    assert missing == set()


def releases_in(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Releases of a package or record package (the compiled one where the others are only linked), or the
    one.
    """
    found = []
    for record in data.get("records", []):
        embedded = [release for release in record["releases"] if "ocid" in release]
        found += embedded or [record["compiledRelease"]]
    return found or data.get("releases") or [data]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, str) and value.strip():
        yield value.strip()


@pytest.mark.parametrize("folder", FOLDERS)
def test_counts_add_up(folder: str, procurement: PackageType, tmp_path: Path) -> None:
    result = stage_ocds(sources(folder), procurement, ROOT / "schemas" / "ocds", tmp_path)
    counts = result.understood
    assert (counts["releases_in"], counts["processes"]) == RELEASES[folder]
    assert counts["releases_in"] == (
        counts["releases_merged"] + counts["releases_duplicate"] + counts["releases_refused"]
    )
    tables = {table.name: table for table in result.tables}
    assert tables["processes"].rows == counts["processes"]
    errors = {
        "invalid-json",
        "ocds-merge-failed",
        "ocds-release-without-ocid",
        "ocds-not-an-object",
        "ocds-no-releases",
    }
    assert not errors & {finding.code for finding in result.findings}


def test_a_flat_table_in_json_is_no_ocds() -> None:
    assert not is_ocds(REAL / "json-peru-compras-covid19" / "dataset-2.json")


def test_jalisco_records_beside_their_releases_double_nothing(
    procurement: PackageType, tmp_path: Path
) -> None:
    files = sources("ocds-mexico-jalisco-2018")
    records = [file for file in files if file.name.startswith("records")]
    schemas = ROOT / "schemas" / "ocds"
    both = stage_ocds(files, procurement, schemas, tmp_path / "both")
    alone = stage_ocds(records, procurement, schemas, tmp_path / "alone")
    assert {table.name: table.rows for table in both.tables} == {
        table.name: table.rows for table in alone.tables
    }
    assert both.understood["releases_contained"] == 10
