"""Everything in one file: a Data Package ZIP. The same release gives the same bytes."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.publication.metadata.citation import apa
from pipelines.publication.metadata.described import describe
from pipelines.publication.texts import load_texts

_MOMENT = (1980, 1, 1, 0, 0, 0)
_BLOCK = 2**20


def write_zip(release_folder: Path, catalogue: Catalogue, package: Mapping[str, Any], path: Path) -> Path:
    """Write ``datapackage.json``, ``data/<table>.csv``, ``schemas/``, ``codelists/`` and README in four languages.

    package: the descriptor of the release; that of the ZIP names its own files, with the hashes of the release.
    """
    tables = [each for each in package["resources"] if "schema" in each and not each.get("member")]
    inside = {**package, "resources": [_resource(each) for each in tables]}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as file:
        _put(file, "datapackage.json", [_json(inside)])
        for language in LANGUAGES:
            _put(file, f"README.{language}.md", [readme(package, catalogue, language).encode()])
        for each in tables:
            _put(file, f"schemas/{each['table']}.json", [_json(each["schema"])])
        for name in catalogue.codelists:
            _put(file, f"codelists/{name}.csv", [codelist_csv(catalogue, name)])
        for each in tables:
            _put(file, f"data/{each['table']}.csv", _read(release_folder / each["path"]))
    return path


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    name = resource["table"]
    return {**resource, "name": name, "path": f"data/{name}.csv", "schema": f"schemas/{name}.json"}


def readme(package: Mapping[str, Any], catalogue: Catalogue, language: str) -> str:
    """What the file holds, in one language, with licence and citation."""
    described = describe(package, catalogue)
    words = load_texts()[language]
    return words["readme"].format(
        title=described.titles[language],
        description=described.descriptions[language],
        release=described.release_id,
        day=described.day,
        licence=described.licence_titles[language],
        licence_url=described.licence["path"],
        citation=apa(described, language),
    )


def codelist_csv(catalogue: Catalogue, name: str) -> bytes:
    """Codes of a list with their labels in all languages."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["code", *(f"title_{language}" for language in LANGUAGES), "status"])
    for code in catalogue.codelists[name].codes.values():
        labels = (catalogue.texts.code(language, name, code.code) for language in LANGUAGES)
        writer.writerow([code.code, *labels, code.status])
    return text.getvalue().encode()


def faults_of_zip(release_folder: Path) -> list[str]:
    """What is wrong with the ZIP of a release: every member is read, and its CSV files are those beside it."""
    faults = []
    for path in sorted(release_folder.glob("*.zip")):
        with zipfile.ZipFile(path) as file:
            if broken := file.testzip():
                faults.append(f"{path.name}: {broken} is damaged")
            zipped = {info.filename.removeprefix("data/"): info.file_size for info in file.infolist() if info.filename.startswith("data/")}  # fmt: skip
        beside = {each.name: each.stat().st_size for each in (release_folder / "csv").glob("*.csv")}
        if zipped != beside:
            faults.append(f"{path.name}: files {sorted(set(zipped.items()) ^ set(beside.items()))} differ")
    return faults


def _put(file: zipfile.ZipFile, name: str, blocks: Iterator[bytes] | list[bytes]) -> None:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
    with file.open(info, "w", force_zip64=True) as member:
        for block in blocks:
            member.write(block)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1, default=str).encode()
