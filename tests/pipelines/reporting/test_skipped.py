"""Checks that were not applied have a name, and every reason its words."""

import ast
from pathlib import Path

import pytest

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.records import SkippedCheck
from pipelines.reporting import Sentences
from pipelines.reporting.check_titles import check_titles
from pipelines.reporting.skipped import by_reason, reason
from pipelines.validation.rules import load_rules

VALIDATION = Path(__file__).resolve().parents[3] / "pipelines" / "validation"


def reasons() -> set[str]:
    """Every reason that the sources give a SkippedCheck."""
    calls = [
        node
        for path in VALIDATION.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "SkippedCheck"
        and len(node.args) > 1
    ]
    return {str(call.args[1].value) for call in calls if isinstance(call.args[1], ast.Constant)}


def test_every_rule_has_a_name() -> None:
    assert {rule.code for rule in load_rules()} - check_titles("en").keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_its_own_words(language: str, catalogue: Catalogue) -> None:
    sentences = Sentences(catalogue, catalogue.package_type("procurement"), language)
    told = {"table": "awards", "column": "award_date", "found": 3, "needed": 20}
    general = reason(SkippedCheck("x", "something else", told), sentences)
    texts = [reason(SkippedCheck("x", each, told), sentences) for each in sorted(reasons())]
    assert len(texts) >= 3
    assert len({general, *texts}) == len(texts) + 1


def test_checks_stand_together_under_their_reason(catalogue: Catalogue) -> None:
    sentences = Sentences(catalogue, catalogue.package_type("procurement"), "en")
    awards = {"table": "awards"}
    checks = [
        SkippedCheck("amount-negative", "table-not-sent", awards),
        SkippedCheck("date-in-future", "column-not-sent", {"table": "processes", "column": "tender_title"}),
        SkippedCheck("reference items.ocid+stage -> awards", "table-not-sent", awards),
        SkippedCheck("amount-negative", "table-not-sent", awards),
    ]
    assert by_reason(checks, sentences) == [
        ("The table “Awards” was not sent.", ["amounts below zero", "links from Line items to Awards"]),
        (
            "The table “Contracting processes” came without the column “Tender title”.",
            ["dates that have not come yet"],
        ),
    ]
