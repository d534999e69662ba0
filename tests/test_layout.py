"""The guards of the architecture: what a newcomer may rely on when opening this tree."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {"pipelines", "schemas", "datapackages", "flows", "tests", "datasette", "docs", "benchmarks"}
NO_PACKAGES = ("schemas", "datapackages", "datasette", "tests")
SOURCES = {".py", ".html", ".css", ".toml", ".yaml", ".md", ".json", ".csv", ".po"}


def tracked() -> list[Path]:
    """Files that Git knows, or would know: everything that is not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_top_level_folders_are_the_agreed_ones() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if len(path.relative_to(ROOT).parts) > 1}
    assert {folder for folder in folders if not folder.startswith(".")} == TOP_LEVEL


def test_folders_that_are_no_packages_hold_no_init() -> None:
    """`datasette/__init__.py` would shadow the installed program; tests would shadow the library."""
    found = [
        path
        for path in tracked()
        if path.name == "__init__.py" and path.relative_to(ROOT).parts[0] in NO_PACKAGES
    ]
    assert found == []


def test_code_files_stay_under_500_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix in {".py", ".html", ".css", ".md"}
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) >= 500
    }
    assert long == {}


def test_no_file_is_larger_than_a_megabyte() -> None:
    assert [path for path in tracked() if path.stat().st_size > 2**20] == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    secret = re.compile(r"/work/(main|shared|tmp)|files\.pythonhosted\.org|pypi\.org/simple|/opt/pypi")
    own = Path(__file__).resolve()
    named = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in SOURCES
        and path != own
        and secret.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert named == []


def test_no_work_is_left_as_a_note() -> None:
    note = re.compile(r"\b(TODO|FIXME|XXX:|HACK)\b")
    own = Path(__file__).resolve()
    noted = [
        str(path)
        for path in tracked()
        if path.suffix == ".py" and path != own and note.search(path.read_text(encoding="utf-8"))
    ]
    assert noted == []


def test_only_flows_know_prefect_and_only_the_site_knows_datasette() -> None:
    for path in (ROOT / "pipelines").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from) (prefect|datasette)\b", text, re.MULTILINE), path
