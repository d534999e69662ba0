"""Downloads as an office opens them: LibreOffice under four locales reads the right dates, numbers, zeros and signs."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipelines.catalogue import LANGUAGES
from pipelines.publication.files import ReleaseFolder
from pipelines.publication.formats.answer import write_answer
from pipelines.publication.formats.stream import stream_rows

TABLE = "procurement_contracts_flat"
ODD = """SELECT * FROM (VALUES
  ('AAA', 2024, '1', '007', 'Año "nuevo"; ção, œuvre', -1234.5, TIMESTAMPTZ '2024-12-31 00:00:00Z'),
  ('AAA', 2024, '2', '=1+1', '+cmd', 1234567.25, TIMESTAMPTZ '2025-01-02 03:04:05Z')
) AS t(member_code, year, ocid, contract_id, buyer_name, contract_value_amount, contract_date_signed)"""
SEEN = {"contract_id", "buyer_name", "contract_value_amount", "contract_date_signed"}
NAMES = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text")}
LOCALES = {"es": "es-PY", "en": "en-US", "pt": "pt-BR", "fr": "fr-CA"}
SETTING = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>{locale}</value></prop></item>
</oor:items>
"""

pytestmark = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")


def opened(path: Path, profile: Path, language: str) -> list[list[tuple[str, str]]]:
    """(kind, value) of the cells of the first sheet, as LibreOffice of that locale understood them."""
    user = profile / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(
        SETTING.format(locale=LOCALES[language]), encoding="utf-8"
    )
    # What the import dialog of that locale proposes: UTF-8, the list separator, no column taken as anything else.
    separator = "44" if language == "en" else "59"
    proposed = [f"--infilter=CSV:{separator},34,76,1,,0,false,true"] if path.suffix == ".csv" else []
    subprocess.run(
        ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", *proposed, "--convert-to", "fods", "--outdir", str(profile), str(path)],
        check=True, capture_output=True, timeout=180, env={**os.environ, "HOME": str(profile)},
    )  # fmt: skip
    sheet = ElementTree.parse(profile / f"{path.stem}.fods").getroot().find(".//table:table", NAMES)
    assert sheet is not None
    rows = []
    for row in list(sheet.iter(f"{{{NAMES['table']}}}table-row"))[:3]:
        cells = []
        for cell in row.findall("table:table-cell", NAMES):
            kind = cell.get(f"{{{NAMES['office']}}}value-type") or ""
            text = "\n".join("".join(each.itertext()) for each in cell.findall("text:p", NAMES))
            value = (
                cell.get(f"{{{NAMES['office']}}}date-value")
                or cell.get(f"{{{NAMES['office']}}}value")
                or text
            )
            assert not cell.get(f"{{{NAMES['table']}}}formula"), text
            repeated = int(cell.get(f"{{{NAMES['table']}}}number-columns-repeated") or 1)
            cells += [(kind, value)] * min(repeated, 200)
        rows.append(cells)
    return rows


@pytest.mark.parametrize("language", LANGUAGES)
def test_csv_for_excel_arrives_right(make, tmp_path: Path, language: str) -> None:
    path = tmp_path / f"rows-{language}.csv"
    path.write_bytes(b"".join(stream_rows(make(ODD), TABLE, {}, "excel", language)))
    head, *rows = opened(path, tmp_path / "office", language)
    at = {value: place for place, (_kind, value) in enumerate(head) if value in SEEN}
    first, second = ({name: row[place] for name, place in at.items()} for row in rows)
    assert set(at) == SEEN
    assert first["contract_value_amount"] == ("float", "-1234.5") and second["contract_value_amount"] == (
        "float",
        "1234567.25",
    )
    assert first["contract_date_signed"][0] == "date" and first["contract_date_signed"][1].startswith(
        "2024-12-31"
    )
    assert second["contract_date_signed"] == ("date", "2025-01-02T03:04:05")
    assert first["buyer_name"] == ("string", 'Año "nuevo"; ção, œuvre')
    assert first["contract_id"][0] == second["contract_id"][0] == "string"
    assert first["contract_id"][1].lstrip("'") == "007" and second["contract_id"][1].lstrip("'") == "=1+1"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_arrives_right(make, catalogue, tmp_path: Path, language: str) -> None:
    folder = make(ODD)
    package = {
        "homepage": "https://data.example.org", "version": folder.name, "created": "2026-11-22T10:00:00+00:00", "languages": list(LANGUAGES),
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}], "keywords": [], "versions": [],
        "resources": [{"path": f"csv/{TABLE}.csv", "table": TABLE}],
    }  # fmt: skip
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    (folder / "release.json").write_text(json.dumps({"files": []}), encoding="utf-8")
    path = tmp_path / "rows.xlsx"
    columns = f"ingp/{TABLE}?contract_value_currency=HNL"
    assert (
        write_answer(
            ReleaseFolder(folder),
            catalogue,
            folder / "parquet" / f"{TABLE}.parquet",
            path,
            "xlsx",
            language,
            columns,
            "x",
        )
        == 2
    )
    head, *rows = opened(path, tmp_path / "office", language)
    cells = [set(row) for row in rows]
    assert {("float", "-1234.5"), ("string", "007"), ("string", 'Año "nuevo"; ção, œuvre')} <= cells[0]
    assert {
        ("float", "1234567.25"),
        ("string", "=1+1"),
        ("string", "+cmd"),
        ("date", "2025-01-02T03:04:05"),
    } <= cells[1]
    assert any(kind == "date" and value.startswith("2024-12-31") for kind, value in cells[0])
    assert all(kind == "string" for kind, value in head if value)
