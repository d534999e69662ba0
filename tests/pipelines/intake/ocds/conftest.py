"""What the tests of the OCDS reader share: the catalogue's procurement tables, and staging of values written
as files.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.catalogue import PackageType, load_catalogue
from pipelines.intake.ocds import OcdsResult, stage_ocds
from pipelines.intake.ocds.shape import ReleaseSchema, load_release_schema
from pipelines.intake.sources import SourceFile

ROOT = Path(__file__).parents[4]
_CONFORMANCE = ("ocds-schema-", "ocds-package-", "ocds-empty-", "ocds-deprecated-")
SCHEMA_FOLDER = ROOT / "schemas" / "ocds"


@pytest.fixture(scope="session")
def procurement() -> PackageType:
    return load_catalogue(ROOT / "schemas", ROOT / "datapackages").package_type("procurement")


@pytest.fixture(scope="session")
def schema() -> ReleaseSchema:
    return load_release_schema(SCHEMA_FOLDER)


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., SourceFile]:
    """Write a file: bytes and text as they are, anything else as JSON; ``.gz`` names are gzipped."""

    def write(name: str, content: Any) -> SourceFile:
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return SourceFile(name, path, "jsonl" if "jsonl" in name else "json")

    return write


class Staged:
    """A result, with its tables as lists of rows."""

    def __init__(self, result: OcdsResult) -> None:
        self.result = result
        self.understood = result.understood
        # What the releases of these tests lack by the schema of OCDS is judged in test_conformance.
        self.findings = [each for each in result.findings if not each.code.startswith(_CONFORMANCE)]
        self.codes = [finding.code for finding in self.findings]

    def rows(self, table: str) -> list[dict[str, Any]]:
        paths = [each.path for each in self.result.tables if each.name == table]
        return pq.read_table(paths[0]).to_pylist() if paths else []

    def column(self, table: str, name: str) -> list[Any]:
        return [row[name] for row in self.rows(table)]

    def finding(self, code: str) -> Any:
        (found,) = [finding for finding in self.findings if finding.code == code]
        return found


@pytest.fixture
def stage(
    source: Callable[..., SourceFile], tmp_path: Path, procurement: PackageType
) -> Callable[..., Staged]:
    """Stage files given as name=content pairs (a mapping), in that order."""

    def run(files: dict[str, Any]) -> Staged:
        sources = [source(name, content) for name, content in files.items()]
        return Staged(stage_ocds(sources, procurement, SCHEMA_FOLDER, tmp_path / "tables"))

    return run
