"""What was imported as OCDS comes back as OCDS: valid, and with every cell of the tables."""

import gzip
import json
from pathlib import Path

import duckdb
import pytest
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from pipelines import workflow
from pipelines.exceptions import UnknownError
from pipelines.publication import current_release
from pipelines.publication.formats.ocds import OcdsFacts, count_ocds, stream_ocds
from pipelines.settings import Settings
from pipelines.workflow import Installation

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "datapackages" / "demo" / "xcc-2025-ocds.json.gz"
FACTS = OcdsFacts(
    "https://example.org/v/2026.11.1/ocds/XCC/releases.json", "2026-11-22T10:00:00Z", "2026.11.1",
    "https://creativecommons.org/licenses/by/4.0/", "https://example.org/policy",
)  # fmt: skip


def released(site: Installation, path: Path, member: str) -> Path:
    workflow.submit(site, [path], member)
    workflow.publish(site)
    folder = current_release(site.zones)
    assert folder is not None
    return folder


def cells(folder: Path, member: str) -> dict[str, list[tuple[object, ...]]]:
    """Linked tables without the columns that say which submission a row is of."""
    found = {}
    with duckdb.connect() as con:
        for path in sorted((folder / "parquet" / member).glob("procurement_*.parquet")):
            if path.stem not in ("procurement_withheld", "procurement_contracts_flat"):
                rows = con.execute(
                    f"SELECT * EXCLUDE (version_number, source_file, source_row_number) FROM '{path}'"
                ).fetchall()
                found[path.stem] = sorted(rows, key=repr)
    return found


def again(tmp_path: Path, member: str, folder: Path, catalogue, kind: str, shape: str) -> Path:
    """The export, imported into an installation of its own."""
    path = tmp_path / f"{kind}-{shape}" / f"export.{'jsonl' if shape == 'jsonl' else 'json'}"
    path.parent.mkdir()
    path.write_bytes(b"".join(stream_ocds(folder, catalogue, member, FACTS, kind, shape)))
    site = Installation.open(Settings(data_dir=path.parent / "var", memory_limit="1GB", threads=1))
    return released(site, path, member)


def validator(name: str) -> Draft4Validator:
    """Validator of OCDS 1.1.5: the original where it is at hand; else releases alone, by the schema of this repository."""
    original = ROOT.parent / "shared" / "data" / "conformance" / "ocds-standard-1.1.5" / "schema"
    own = json.loads((ROOT / "schemas" / "ocds" / "release-schema-1.1.5.json").read_text(encoding="utf-8"))
    if name == "release" or not original.exists():
        return Draft4Validator(own, format_checker=Draft4Validator.FORMAT_CHECKER)
    base = "https://standard.open-contracting.org/schema/1__1__5/"
    loaded = {each.name: json.loads(each.read_text(encoding="utf-8")) for each in original.glob("*.json")}
    registry = Registry().with_resources(
        (base + key, Resource.from_contents(schema, default_specification=DRAFT4))
        for key, schema in loaded.items()
    )
    return Draft4Validator(
        loaded[f"{name}-schema.json"], registry=registry, format_checker=Draft4Validator.FORMAT_CHECKER
    )


@pytest.fixture
def demo(site: Installation, tmp_path: Path) -> Path:
    path = tmp_path / "xcc.json"
    path.write_bytes(gzip.decompress(DEMO.read_bytes()))
    return released(site, path, "XCC")


def test_every_export_is_valid_and_comes_back_cell_by_cell(demo: Path, catalogue, tmp_path: Path) -> None:
    expected = cells(demo, "XCC")
    assert len(expected) > 10
    processes = len(expected["procurement_processes"])
    assert count_ocds(demo, catalogue, "XCC") == processes > 0
    for kind in ("releases", "records"):
        package = json.loads(b"".join(stream_ocds(demo, catalogue, "XCC", FACTS, kind, "package")))
        lines = [
            json.loads(line)
            for line in b"".join(stream_ocds(demo, catalogue, "XCC", FACTS, kind)).splitlines()
        ]
        assert lines == package[kind] and len(lines) == processes
        assert package["publisher"]["name"] == catalogue.members["XCC"].institution
        assert (package["license"], package["version"]) == (FACTS.licence_url, "1.1")
        releases = lines if kind == "releases" else [line["compiledRelease"] for line in lines]
        for release in releases:
            assert not list(validator("release").iter_errors(release))
        if (ROOT.parent / "shared" / "data").exists():
            assert not list(validator(f"{kind[:-1]}-package").iter_errors(package))
    assert cells(again(tmp_path, "XCC", demo, catalogue, "releases", "jsonl"), "XCC") == expected


def test_real_releases_come_back_cell_by_cell(
    site: Installation, shared: Path, catalogue, tmp_path: Path
) -> None:
    folder = released(site, next((shared / "real" / "ocds-paraguay-dncp-2019").rglob("*.json")), "PRY")
    expected = cells(folder, "PRY")
    assert cells(again(tmp_path, "PRY", folder, catalogue, "records", "package"), "PRY") == expected


def test_no_prefix_is_invented(site: Installation, tmp_path: Path, catalogue) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "contract_id,ocid,buyer_name,supplier_name\n1,ocds-213czf-1,Obras,Uno\n", encoding="utf-8"
    )
    folder = released(site, path, "BRA")
    assert count_ocds(folder, catalogue, "BRA") == 0
    with pytest.raises(UnknownError):
        stream_ocds(folder, catalogue, "BRA", FACTS)
