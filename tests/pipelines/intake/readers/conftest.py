"""Shared by the tests of the readers: read bytes as a file, and the peers' and real data where present."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.intake.detect import detect_content
from pipelines.intake.limits import Limits
from pipelines.intake.readers import read_tables
from pipelines.intake.sources import RawTable, SourceFile

SHARED = Path(__file__).parents[5] / "shared" / "data"

Read = Callable[..., list[RawTable]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write content (unless a path) and read its tables, format detected unless told."""

    def read(
        content: bytes | str | Path,
        name: str = "data.csv",
        format: str = "",
        limits: Limits | None = None,
        **told,
    ):
        path = content if isinstance(content, Path) else tmp_path / name
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        detected = format or detect_content(path, path.name).format
        return list(read_tables(SourceFile(path.name, path, detected), told, limits or Limits()))

    return read


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("real and conformance data are not here")
    return SHARED
