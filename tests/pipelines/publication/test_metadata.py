"""What is said about a release says the same in every standard, and enough to find, cite and read it."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines import workflow
from pipelines.catalogue import LANGUAGES
from pipelines.exceptions import UnknownError
from pipelines.publication import current_release, read_release
from pipelines.publication.formats import workbook
from pipelines.publication.formats.zipped import faults_of_zip, write_zip
from pipelines.publication.metadata import dcat
from pipelines.publication.metadata.citation import CITATIONS, csl
from pipelines.publication.metadata.csvw import csvw
from pipelines.publication.metadata.described import describe, package_part
from pipelines.publication.metadata.schemaorg import schemaorg, script
from pipelines.publication.texts import load_texts
from pipelines.settings import Settings
from pipelines.workflow import Installation

TABLE = "procurement_contracts_flat"
ROWS = (
    "contract_id;ocid;buyer_name;supplier_name;contract_date_signed;contract_value_amount;contract_value_currency\n"
    "007;L1;=1+1;Uno & Hijos;31/12/2024;1.234,50;HNL\n"
    "12345678901234567890;L2;Salud;http://example.org;15/01/2025;-99,75;HNL\n"
    "C-3;L3;Salud;Tres;;5,00;HNL\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One release for all tests of this file: none changes it."""
    base = tmp_path_factory.mktemp("release")
    site = Installation.open(Settings(data_dir=base / "var", memory_limit="1GB", threads=2))
    path = base / "c.csv"
    path.write_text(ROWS, encoding="utf-8")
    workflow.submit(site, [path], "HND")
    workflow.publish(site)
    found = current_release(site.zones)
    assert found is not None
    return found


def package_of(folder: Path) -> dict:
    return json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))


def test_files_by_year_are_in_the_release_and_add_up(folder: Path) -> None:
    files = {each.path: each for each in read_release(folder).files}
    years = {each.year: each.rows for each in files.values() if each.table == TABLE and each.year}
    assert years == {"2024": 1, "2025": 1, "undated": 1}
    assert pq.read_table(folder / "parquet" / "HND" / "2025" / "procurement_parties.parquet")[
        "year"
    ].to_pylist() == [2025, 2025]


def test_every_level_is_described_in_every_standard(folder: Path, catalogue) -> None:
    package = package_of(folder)
    for level in ({}, {"table": TABLE}, {"member": "HND"}, {"table": TABLE, "member": "HND"}):
        described = describe(package, catalogue, **level)
        assert described.years == (2024, 2025) and described.agencies == (
            catalogue.members["HND"].institution,
        )
        assert set(described.titles) == set(LANGUAGES) and len(set(described.descriptions.values())) == 4
        node = dcat.dataset(described)
        for name in ("dct:title", "dct:description", "dcat:distribution", "dct:publisher", "dcat:contactPoint", "dcat:keyword", "dct:spatial", "dct:temporal"):  # fmt: skip
            assert node[name]
        assert all(
            each["dcat:accessURL"] and each["dct:license"] and each["spdx:checksum"]
            for each in node["dcat:distribution"]
        )
        for language in LANGUAGES:
            data = schemaorg(described, language, "https://example.org")
            assert (
                50 <= len(data["description"]) <= 5000
                and data["name"]
                and data["license"]
                and data["temporalCoverage"] == "2024/2025"
            )
            assert "<" not in script(described, language)
        part = package_part(package, **level)
        assert {each["path"] for each in part["resources"]} == {each["path"] for each in described.resources}
    for level in ({"table": "nothing"}, {"member": "PRY"}):
        with pytest.raises(UnknownError):
            describe(package, catalogue, **level)


def test_turtle_and_json_ld_hold_the_same(folder: Path, catalogue) -> None:
    described = [
        describe(package_of(folder), catalogue),
        describe(package_of(folder), catalogue, table=TABLE),
    ]
    node = dcat.graph(described, "https://example.org")
    text, data = dcat.turtle(node), json.loads(dcat.jsonld(node))
    assert len(data["dcat:dataset"]) == 2 and data["dct:publisher"]["foaf:name"]
    for dataset in data["dcat:dataset"]:
        for each in dataset["dcat:distribution"]:
            assert f"<{each['@id']}> a dcat:Distribution" in text
            assert each["spdx:checksum"]["spdx:checksumValue"]["@value"] in text
    assert text.count(" .\n") >= len(dcat.PREFIXES) + 3
    assert all(f"@{language}" in text for language in LANGUAGES)


@pytest.mark.parametrize("form", CITATIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_citations_name_release_licence_agency_and_address(
    folder: Path, catalogue, form: str, language: str
) -> None:
    described = describe(package_of(folder), catalogue, table=TABLE)
    text = CITATIONS[form][0](described, language, "2026-11-22")
    for part in (described.release_id, described.landing, described.agencies[0], "2026"):
        assert part in text
    assert "CC BY" in text or "creativecommons.org/licenses/by/" in text
    assert "22" in text


def test_citations_keep_to_their_grammar(folder: Path, catalogue) -> None:
    described = describe(package_of(folder), catalogue)
    ris = CITATIONS["ris"][0](described, "es", "").split("\r\n")
    assert (ris[0], ris[-2:]) == ("TY  - DATA", ["ER  - ", ""])
    assert all(re.fullmatch(r"[A-Z][A-Z0-9]  - .*", line) for line in ris[:-1])
    assert "AU  - Red Interamericana de Compras Gubernamentales (RICG)" in ris
    bibtex = CITATIONS["bibtex"][0](described, "fr", "")
    assert re.match(r"@misc\{ingp-[a-z0-9-]+,\n", bibtex) and bibtex.count("{") == bibtex.count("}")
    assert csl(described)["type"] == "dataset" and csl(described)["issued"]["date-parts"][0][0] >= 2026


def test_csvw_names_the_columns_of_the_file_in_their_order(folder: Path, catalogue) -> None:
    (table,) = csvw(describe(package_of(folder), catalogue, table=TABLE))["tables"]
    heading = (folder / "csv" / f"{TABLE}.csv").read_bytes().split(b"\r\n")[0].decode()
    assert ",".join(column["name"] for column in table["tableSchema"]["columns"]) == heading
    kinds = {column["name"]: column["datatype"] for column in table["tableSchema"]["columns"]}
    assert (kinds["contract_value_amount"], kinds["contract_date_signed"], kinds["year"]) == (
        "decimal",
        "dateTime",
        "gYear",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_holds_types_and_says_what_it_is(
    folder: Path, catalogue, tmp_path: Path, language: str
) -> None:
    described = describe(package_of(folder), catalogue, table=TABLE)
    (path,) = workbook.write_workbooks(folder, catalogue, described, TABLE, tmp_path / "x", {}, language)
    book, words = openpyxl.load_workbook(path), load_texts()[language]
    assert book.sheetnames == [
        words[name] for name in ("data_sheet", "dictionary_sheet", "codes_sheet", "about_sheet")
    ]
    sheet = book.worksheets[0]
    fields = [
        field["name"]
        for field in package_part(package_of(folder), table=TABLE)["resources"][-1]["schema"]["fields"]
    ]
    rows = [dict(zip(fields, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert [row["contract_id"].value for row in rows] == ["007", "12345678901234567890", "C-3"]
    assert (rows[0]["buyer_name"].value, rows[0]["buyer_name"].data_type) == ("=1+1", "s")
    assert [row["contract_value_amount"].value for row in rows] == [1234.5, -99.75, 5]
    assert (
        rows[0]["contract_date_signed"].value.isoformat() == "2024-12-31T00:00:00"
        and rows[0]["contract_date_signed"].is_date
    )
    assert rows[1]["supplier_name"].hyperlink is None
    assert (sheet.freeze_panes, sheet.auto_filter.ref.split(":")[0]) == ("A2", "A1")
    assert {row[1].value for row in book.worksheets[1].iter_rows(min_row=2)} == set(fields)
    about = " ".join(str(cell.value) for row in book.worksheets[3].iter_rows() for cell in row)
    csv_hash = next(each.sha256 for each in read_release(folder).files if each.path == f"csv/{TABLE}.csv")
    assert csv_hash in about and described.release_id in about and "HND" in about


def test_more_rows_than_a_sheet_holds_go_into_numbered_workbooks(
    folder: Path, catalogue, tmp_path: Path
) -> None:
    described = describe(package_of(folder), catalogue, table=TABLE)
    paths = workbook.write_workbooks(folder, catalogue, described, TABLE, tmp_path, {}, "es", most_rows=2)
    assert [path.name[-7:] for path in paths] == ["-1.xlsx", "-2.xlsx"]
    books = [openpyxl.load_workbook(path) for path in paths]
    assert [book.worksheets[0].max_row - 1 for book in books] == [2, 1]
    assert "2 de 2" in [row[1].value for row in books[1].worksheets[3].iter_rows()]


def test_a_sheet_may_be_larger_than_a_plain_zip_takes(
    folder: Path, catalogue, tmp_path: Path, monkeypatch
) -> None:
    """Beyond 2 GiB (here: 2 kB) the file needs ZIP64; sheets are collected beside the file and leave nothing there."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 2_000)
    described = describe(package_of(folder), catalogue, table=TABLE)
    (path,) = workbook.write_workbooks(folder, catalogue, described, TABLE, tmp_path / "x", {}, "es")
    assert openpyxl.load_workbook(path).worksheets[0].max_row == 4
    assert list((tmp_path / "x").iterdir()) == [path]


def test_the_zip_is_whole_and_always_the_same(folder: Path, catalogue, tmp_path: Path) -> None:
    package = package_of(folder)
    first, second = (
        write_zip(folder, catalogue, package, tmp_path / name).read_bytes() for name in ("a.zip", "b.zip")
    )
    assert first == second == (folder / "ingp-datapackage.zip").read_bytes()
    with zipfile.ZipFile(folder / "ingp-datapackage.zip") as file:
        inside = json.loads(file.read("datapackage.json"))
        names = set(file.namelist())
        assert {
            f"README.{language}.md" for language in LANGUAGES
        } <= names and "codelists/method.csv" in names
        for resource in inside["resources"]:
            assert {resource["path"], resource["schema"]} <= names
            assert len(file.read(resource["path"])) == resource["bytes"]
        assert file.read(f"data/{TABLE}.csv") == (folder / "csv" / f"{TABLE}.csv").read_bytes()


def test_a_zip_that_lacks_a_table_is_found_out(folder: Path, tmp_path: Path) -> None:
    assert faults_of_zip(folder) == []
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "csv" / "extra.csv").write_bytes(b"x\r\n")
    assert "extra.csv" in faults_of_zip(copy)[0]


def test_texts_are_complete_in_every_language() -> None:
    texts = load_texts()
    assert set(texts) == set(LANGUAGES)

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(each) for key, each in value.items()}
        if isinstance(value, list):
            return [shape(each) for each in value]
        return sorted(re.findall(r"{(\w+)}", str(value)))

    assert all(shape(texts[language]) == shape(texts["en"]) for language in LANGUAGES)
