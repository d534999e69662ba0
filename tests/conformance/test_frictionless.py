"""The report of `pipelines.validation.exact` is frictionless's own: on its fixtures, on other suites, on real tables.

Every comparison forces the fast path (``small_bytes=0``) and compares whole report descriptors. The usual run reads the
beginning of real files and tries two limits and two random schemas a fixture; ``INGP_CONFORMANCE=whole`` reads the files
whole, with every table of ours, and tries three limits and twelve schemas (half an hour, most of it frictionless).
"""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from frictionless import Detector, Package, Resource, Schema

from pipelines.catalogue import Catalogue
from tests.fuzz import schemas
from tests.fuzz.compare import contrast
from tests.fuzz.ours import Watcher

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SUITES = ("frictionless-py", "csv-spectrum", "goodtables", "tableschema", "frictionless-testsuite")
TABLES = (".csv", ".tsv", ".txt", ".gz", ".xz", ".csv.zip", ".xlsx")
WHOLE = os.environ.get("INGP_CONFORMANCE") == "whole"
BEGINNING = 25_000
"""Bytes of a real CSV that the usual run reads."""

pytestmark = [
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here"),
    # frictionless leaves files of broken tables to the collector, and openpyxl warns of what it does not keep.
    pytest.mark.filterwarnings("ignore"),
]


def _files(*folders: str, ends: tuple[str, ...]) -> list[str]:
    found = (path for folder in folders for path in (DATA / folder).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(DATA)) for path in found if path.name.lower().endswith(ends))


FIXTURES = _files(*(f"conformance/{suite}" for suite in SUITES), ends=TABLES)
if not WHOLE:
    # 9,074 columns: a minute of frictionless, which both sides take.
    FIXTURES = [name for name in FIXTURES if not name.endswith("/wide.csv")]


def _kind(name: str) -> str | None:
    """package, resource, or None: something else, or something on the network."""
    path = DATA / name
    if "://" in path.read_text(encoding="utf-8", errors="replace"):
        return None
    kind = "package" if path.suffix == ".zip" else Detector.detect_metadata_type(str(path))
    return kind if kind in ("package", "resource") else None


DESCRIPTORS = [
    name
    for name in _files(
        *(f"conformance/{suite}" for suite in SUITES), ends=(".json", ".yaml", ".yml", "package.zip")
    )
    if _kind(name)
]
REAL = _files("real", ends=(".csv", ".xlsx"))


def _same(make: Any, **options: Any) -> None:
    outcome = contrast(make, options, Watcher())
    assert outcome.difference is None


def _labels(path: Path) -> list[str]:
    """The heading as frictionless reads it; nothing where it cannot open the file."""
    try:
        with Resource(path=path.name, basepath=str(path.parent)) as resource:
            return list(getattr(resource, "labels", []))
    except Exception:  # whatever keeps it from opening the file is compared by the test itself
        return []


def _drawn(labels: list[str], seed: str) -> dict[str, Any]:
    """A random schema whose fields are named after the labels of a file."""
    dice = random.Random(seed)
    names = list(dict.fromkeys(label for label in labels if label))[:30]
    fields = [schemas.field(dice, name, v2=False) for name in names]
    told: dict[str, Any] = {"fields": fields}
    if names and dice.random() < 0.4:
        told["primaryKey"] = [dice.choice(names)]
    if dice.random() < 0.3:
        told["fieldsMatch"] = dice.choice(("equal", "subset", "superset", "partial"))
    return told


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_with_the_schema_that_frictionless_infers(name: str) -> None:
    path = DATA / name
    for options in ({}, {"limit_errors": 1}, {"limit_errors": 5})[: 3 if WHOLE else 2]:
        _same(lambda: Resource(path=path.name, basepath=str(path.parent)), **options)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_with_random_schemas(name: str) -> None:
    path = DATA / name
    labels = _labels(path)
    for number in range(12 if WHOLE else 2):
        schema = _drawn(labels, f"{name} {number}")
        options = {"limit_errors": (1000, 5, 1)[number % 3]}

        def make(schema: dict[str, Any] = schema) -> Resource:
            return Resource(path=path.name, basepath=str(path.parent), schema=Schema.from_descriptor(schema))

        _same(make, **options)


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_a_descriptor(name: str) -> None:
    path, kind = DATA / name, _kind(name)
    _same(lambda: Package(str(path)) if kind == "package" else Resource(str(path)))


def _beginning(path: Path, folder: Path) -> Path:
    """The file, or a copy of its beginning."""
    if WHOLE or path.suffix.lower() != ".csv" or path.stat().st_size <= BEGINNING:
        return path
    with path.open("rb") as file:
        data = file.read(BEGINNING)
    (folder / path.name).write_bytes(data[: data.rfind(b"\n") + 1])
    return folder / path.name


@pytest.mark.parametrize("name", REAL)
def test_a_real_table_with_the_schema_that_frictionless_infers(name: str, tmp_path: Path) -> None:
    path = _beginning(DATA / name, tmp_path)
    _same(lambda: Resource(path=path.name, basepath=str(path.parent)))


OURS = ("contracts_flat", "processes", "contracts", "items")


@pytest.mark.parametrize(
    ("name", "table_name"),
    [(name, table) for name in REAL for table in OURS if WHOLE or table == OURS[len(name) % 4]],
)
def test_a_real_table_with_our_schemas(
    name: str, table_name: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    """Fields of the standard in their order, under the labels of the file: dense errors of every kind."""
    path = _beginning(DATA / name, tmp_path)
    labels = list(dict.fromkeys(label for label in _labels(path) if label))
    table = catalogue.package_type("procurement").table(table_name)
    schema = catalogue.frictionless_schema(table)
    for field, label in zip(schema["fields"], labels, strict=False):
        field["name"] = label
    schema["fields"] = schema["fields"][: len(labels)] or schema["fields"]
    described = {
        "name": "table",
        "path": path.name,
        "schema": schema,
        "$schema": schemas.V2 + "dataresource.json",
    }
    _same(lambda: Resource.from_descriptor(described, basepath=str(path.parent)))


def test_the_verdicts_are_those_recorded(tmp_path: Path) -> None:
    """Against reports that were made elsewhere, by another run of frictionless: not only equal to it here and now."""
    import json

    recorded = json.loads((DATA / "conformance" / "frictionless-validate.json").read_text())["results"]
    compared = 0
    for told in recorded:
        path = DATA / told["path"]
        if not path.exists() or path.stat().st_size > 1_000_000 or "error_counts" not in told:
            continue
        report = Watcher()(Resource(path=path.name, basepath=str(path.parent)), {"limit_errors": 500})
        counts: dict[str, int] = {}
        for task in report.tasks:
            for error in task.errors:
                counts[error.type] = counts.get(error.type, 0) + 1
        assert (told["path"], report.valid, counts) == (told["path"], told["valid"], told["error_counts"])
        compared += 1
    assert compared > 20
