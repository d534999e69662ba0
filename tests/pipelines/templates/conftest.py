"""The templates, written once for all tests of this folder."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipelines.catalogue import Catalogue
from pipelines.templates import write_templates

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def datapackages() -> Path:
    return ROOT / "datapackages"


@pytest.fixture(scope="session")
def written(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with every template, freshly written from the catalogue."""
    folder = tmp_path_factory.mktemp("templates")
    write_templates(catalogue, folder)
    return folder


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], Mapping[str, Mapping[str, bytes]]]:
    """Files below a folder as parts: a workbook's are its XML parts, so that packing does not matter."""

    def read(folder: Path) -> Mapping[str, Mapping[str, bytes]]:
        found: dict[str, Mapping[str, bytes]] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix == ".xlsx":
                with zipfile.ZipFile(path) as archive:
                    found[path.relative_to(folder).as_posix()] = {
                        name: archive.read(name) for name in archive.namelist()
                    }
            elif path.is_file():
                found[path.relative_to(folder).as_posix()] = {"": path.read_bytes()}
        return found

    return read
