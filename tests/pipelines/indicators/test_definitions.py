"""The definitions hold together: every computed one has its SQL, its words, its fields and its case."""

from pathlib import Path

import pytest

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.indicators import load_indicators
from pipelines.indicators.tables import extra_tables
from tests.pipelines.indicators.cases import CASES

SQL = Path(__file__).resolve().parents[3] / "pipelines" / "indicators" / "sql"
ABSENT = "thresholds."


def test_computed_ones_and_files_are_the_same(catalogue: Catalogue) -> None:
    computed = {each.code for each in load_indicators(catalogue.folder).values() if each.is_computed}
    assert {path.stem for path in SQL.glob("*.sql")} == computed


def test_every_computed_one_has_a_case_worked_by_hand(catalogue: Catalogue) -> None:
    computed = {each.code for each in load_indicators(catalogue.folder).values() if each.is_computed}
    assert computed - {case.code for case in CASES} == set()


def test_all_use_cases_of_ocp_are_listed(catalogue: Catalogue) -> None:
    codes = set(load_indicators(catalogue.folder))
    assert {f"U{number:03}" for number in range(1, 72)} <= codes
    assert {f"R{number:03}" for number in range(1, 74)} <= codes


def test_needed_fields_are_columns(catalogue: Catalogue) -> None:
    """A field that is needed is one that can be sent, or a threshold that the network has to know."""
    tables = (*catalogue.package_type("procurement").tables, *extra_tables(catalogue.folder))
    columns = {f"{table.name}.{field.name}" for table in tables for field in table.fields}
    for each in load_indicators(catalogue.folder).values():
        assert {name for name in each.fields if not name.startswith(ABSENT)} <= columns, each.code


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_in_every_language(catalogue: Catalogue, language: str) -> None:
    for each in load_indicators(catalogue.folder).values():
        words = each.texts[language]
        assert words.title != each.code and words.meaning
        if each.is_computed:
            assert words.caveats, each.code
        if language != "en":
            assert words.meaning != each.texts["en"].meaning


def test_text_that_is_not_known_is_not_made_up(catalogue: Catalogue) -> None:
    unknown = [
        each for each in load_indicators(catalogue.folder).values() if each.absent == ("text not available",)
    ]
    assert unknown
    assert {each.texts["en"].meaning for each in unknown} == {
        "The text of its calculation is not in the sources that were read; none was made up."
    }
