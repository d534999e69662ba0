"""The template as a data package."""

import csv
import json
from pathlib import Path

import pytest
from frictionless import Package

from pipelines.catalogue import Catalogue


@pytest.mark.parametrize("name", ["procurement", "activity"])
def test_the_descriptor_is_a_data_package_of_linked_tables(
    name: str, catalogue: Catalogue, written: Path
) -> None:
    package_type = catalogue.package_type(name)
    descriptor = json.loads((written / name / "datapackage.json").read_text(encoding="utf-8"))
    assert descriptor["memberCode"] == "XXX"
    assert (descriptor["packageType"], descriptor["schemaVersion"]) == (name, package_type.version)
    assert descriptor["licenses"][0]["name"] == "CC-BY-4.0"
    linked = [
        table.name for table in package_type.tables if table.is_published and table.name != package_type.flat
    ]
    assert [resource["name"] for resource in descriptor["resources"]] == linked
    for resource in descriptor["resources"]:
        assert resource["encoding"] == "utf-8" and resource["dialect"] == {"delimiter": ","}
        assert all(field["title"] and field["description"] for field in resource["schema"]["fields"])
    assert list(Package.metadata_validate(descriptor)) == []


@pytest.mark.parametrize("name", ["procurement", "activity"])
def test_the_files_hold_the_headings_and_nothing_else(name: str, catalogue: Catalogue, written: Path) -> None:
    package_type = catalogue.package_type(name)
    files = sorted((written / name / "data").glob("*.csv"))
    assert files
    for path in files:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        assert rows == [list(package_type.table(path.stem).by_name)]
