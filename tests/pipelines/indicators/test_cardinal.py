"""Flags beside those that Cardinal expects of its own fixtures (open-contracting/cardinal-rs 0.0.8, MIT licence)."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import Catalogue
from pipelines.indicators import Settings, indicators_of_ocds

GROUPS = {"process": "OCID", "tenderer": "Tenderer", "buyer": "Buyer", "procuring-entity": "ProcuringEntity"}
CROSSWALK = [
    {"member_code": "X", "procurement_method_details": "NPC", "price_comparison": "false"},
    {"member_code": "X", "procurement_method_details": "EXC", "excluded": "true"},
]
"""What Cardinal's own tests set for every fixture: one procedure without price comparison, one that is left out."""

FIXTURES = {
    "R003": {},
    "R003-procurement_method_details-x-5-y-10": {},
    "R003-procurement_methods-open+selective": {"R003.methods": "open|selective"},
    "R003-threshold-10": {"R003.threshold": "10"},
    "R018": {},
    "R024": {},
    "R025": {},
    "R028": {},
    "R030": {},
    "R035": {},
    "R036": {},
    "R038": {},
    "R038-tenderer": {},
    "R048-minimum_contracting_processes-1": {"R048.minimum_contracting_processes": "1"},
    "R058": {},
}
"""Fixture -> settings that its name tells."""

DAYS = [
    {"member_code": "X", "purpose": "submission-days", "procurement_method_details": name, "days": days}
    for name, days in (("x", "5"), ("y", "10"))
]


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "conformance" / "cardinal-rs" / "tests" / "fixtures" / "indicators"


def test_no_fixture_is_left_out(fixtures: Path) -> None:
    assert {path.stem for path in fixtures.glob("*.expected")} == set(FIXTURES)


@pytest.mark.parametrize("name", FIXTURES)
def test_same_flags_as_cardinal(name: str, fixtures: Path, catalogue: Catalogue) -> None:
    code = name.split("-")[0]
    found = indicators_of_ocds(
        [fixtures / f"{name}.jsonl"],
        catalogue,
        Settings(parameters=FIXTURES[name]),
        member="X",
        references={"method_crosswalk": CROSSWALK, "thresholds": DAYS if "details" in name else []},
        only=[code],
        threads=2,
    )
    flags: dict[str, dict[str, Any]] = {}
    for row in found.flags.itertuples():
        flags.setdefault(GROUPS[row.scope], {}).setdefault(row.scope_id, {})[code] = row.value
    assert flags == json.loads((fixtures / f"{name}.expected").read_text())
