"""What is committed below datapackages/ is what the code writes today."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from gzip import decompress
from pathlib import Path

Contents = Callable[[Path], Mapping[str, Mapping[str, bytes]]]


def test_committed_templates_are_current(datapackages: Path, written: Path, contents: Contents) -> None:
    """When this fails: ``python -m pipelines.templates``."""
    committed, fresh = contents(datapackages / "templates"), contents(written)
    assert sorted(committed) == sorted(fresh)
    assert [name for name in fresh if committed[name] != fresh[name]] == []


def test_committed_demo_packages_are_current(datapackages: Path, tmp_path: Path, contents: Contents) -> None:
    """When this fails: ``python datapackages/demo/make.py``."""
    script = datapackages / "demo" / "make.py"
    environment = {"PYTHONPATH": str(datapackages.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, env=environment)
    fresh = contents(tmp_path)
    assert len(fresh) > 15
    committed = contents(datapackages / "demo")
    for name, parts in fresh.items():
        # Two versions of zlib may pack the same text differently.
        unpack = decompress if name.endswith(".gz") else bytes
        assert {key: unpack(part) for key, part in committed[name].items()} == {
            key: unpack(part) for key, part in parts.items()
        }, name
