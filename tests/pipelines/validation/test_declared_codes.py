"""Codes of a sender's own, explained in the mapping file or in the descriptor: known, and not told as unknown (OG-41)."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import ValidationReport
from pipelines.validation import validate_package
from pipelines.zones import Zones

OWN = {
    "partyScale": [
        {"code": "tiny", "title": "Fewer than three people", "description": "By our law of 2019."}
    ],
    "method": [{"code": "lottery", "title": "Drawn by lot"}],
    "identifierScheme": [{"code": "XB-GUILD", "title": "Guild of carpenters"}],
}
ROWS = (
    "contract_id,buyer_name,supplier_name,supplier_scale,supplier_id_scheme,supplier_id,procurement_method\n"
    "C1,Ministry of Tides,Coral Desks Ltd,tiny,XB-GUILD,5,open\n"
    "C2,Ministry of Tides,Coral Desks Ltd,huge,XB-GUILD,5,lottery\n"
)


def judge(
    folder: Path, catalogue: Catalogue, files: dict[str, Any], mapping: dict[str, Any] | None
) -> ValidationReport:
    sent = folder / "sent"
    sent.mkdir()
    for name, content in files.items():
        (sent / name).write_text(
            content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
        )
    staged = receive_submission(
        [sent], MemberCode("XBB"), Zones(folder / "var"), catalogue, instructions=mapping
    )
    return validate_package(staged, catalogue, folder / "report", memory_limit="1GB", threads=1)


def told(report: ValidationReport) -> set[tuple[str, str | None]]:
    codes = ("code-unknown", "identifier-scheme-unknown", "constraint-enum", "mapping-invalid")
    return {
        (group.code, example.value)
        for group in report.groups
        if group.code in codes
        for example in group.examples
    }


NOTHING_EXPLAINED = {
    ("code-unknown", "tiny"), ("code-unknown", "huge"), ("identifier-scheme-unknown", "XB-GUILD"), ("constraint-enum", "lottery"),
}  # fmt: skip
EXPLAINED = {("code-unknown", "huge"), ("constraint-enum", "lottery")}


def codelist_of(catalogue: Catalogue, field: str) -> str:
    return catalogue.package_type("procurement").table("contracts_flat").by_name[field].codelist or ""


@pytest.mark.parametrize("where", ["nowhere", "mapping", "descriptor"])
def test_explained_codes_of_open_lists_are_known(tmp_path: Path, catalogue: Catalogue, where: str) -> None:
    own = {**OWN, codelist_of(catalogue, "supplier_scale"): OWN["partyScale"]}
    files: dict[str, Any] = {"contracts.csv": ROWS}
    if where == "descriptor":
        resource = {"name": "contracts-flat", "path": "contracts.csv"}
        files["datapackage.json"] = {"name": "own", "codelists": own, "resources": [resource]}
    report = judge(tmp_path, catalogue, files, {"codelists": own} if where == "mapping" else None)
    assert told(report) == (NOTHING_EXPLAINED if where == "nowhere" else EXPLAINED)


def test_a_code_without_a_meaning_is_not_explained(tmp_path: Path, catalogue: Catalogue) -> None:
    own = {codelist_of(catalogue, "supplier_scale"): [{"code": "tiny"}]}
    files = {
        "contracts.csv": ROWS,
        "datapackage.json": {"codelists": own, "resources": [{"path": "contracts.csv"}]},
    }
    assert ("code-unknown", "tiny") in told(judge(tmp_path, catalogue, files, None))
