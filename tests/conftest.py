"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.catalogue import Catalogue, load_catalogue
from pipelines.settings import Settings
from pipelines.workflow import Installation

ROOT = Path(__file__).resolve().parent.parent

# A landing is judged by the same examples every time; developers' runs go on searching for new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The standard as committed."""
    return load_catalogue(ROOT / "schemas", ROOT / "datapackages")


@pytest.fixture
def site(tmp_path: Path) -> Installation:
    """An installation of its own below tmp_path, with the standard as committed."""
    return Installation.open(Settings(data_dir=tmp_path / "var", memory_limit="1GB", threads=2))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real and conformance data; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.exists():
        pytest.skip("../shared/data is not here")
    return folder
