"""The fuzzer's regressions, some hundred cases from fixed seeds, and the fuzzer's own eyes."""

import copy
from pathlib import Path

import pytest

from tests.fuzz.__main__ import KEPT, replay, run_seed
from tests.fuzz.compare import first_difference
from tests.fuzz.known import KNOWN, recognise

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(20_260_000, 20_260_160)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("folder", sorted(KEPT.iterdir()), ids=lambda folder: folder.name)
def test_a_kept_case_does_not_come_back(folder: Path) -> None:
    _, outcome, _ = replay(folder)
    assert outcome.difference is None
    assert not outcome.refused


@pytest.mark.parametrize("first", SEEDS[::20])
def test_fresh_cases_agree(first: int) -> None:
    outcomes = {seed: run_seed(seed, None) for seed in range(first, first + 20)}
    assert {seed: told[1].difference for seed, told in outcomes.items() if told[1].difference} == {}
    # The cases are of use: most reach the validators, and not all by the way round.
    assert sum(not told[1].refused for told in outcomes.values()) > 15
    assert {"fast", "rewritten"} <= {path for told in outcomes.values() for path in told[2]}


def test_a_difference_is_seen() -> None:
    report = {
        "valid": False,
        "tasks": [{"errors": [{"type": "type-error", "rowNumber": 3}], "stats": {"rows": 1}}],
    }
    other = copy.deepcopy(report)
    assert first_difference(report, other) is None
    other["tasks"][0]["errors"][0]["rowNumber"] = 4
    assert first_difference(report, other) == "/tasks/0/errors/0/rowNumber: '3' here, '4' there"
    other = copy.deepcopy(report)
    other["tasks"][0]["errors"].append({"type": "unique-error"})
    assert str(first_difference(report, other)).startswith("/tasks/0/errors: 1 here, 2 there")
    other = copy.deepcopy(report)
    other["tasks"][0]["stats"]["rows"] = True
    assert first_difference(report, other) is not None


def test_every_known_difference_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "frictionless.md").read_text(encoding="utf-8")
    assert [each.code for each in KNOWN if f"`{each.code}`" not in text] == []


def test_what_frictionless_raises_is_recognised_by_kind_and_text() -> None:
    told = recognise(TypeError("unhashable type: 'list'"))
    assert told is not None and told.code == "unhashable-key"
    assert recognise(TypeError("something else")) is None
    assert recognise(None) is None
