"""What the templates say to the people who fill them in, in four languages (``locales/<language>.json``).

Titles and descriptions of tables, columns and codes are not here: they come from ``schemas/``.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipelines.catalogue import LANGUAGES

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Words:
    """The words of one language.

    Placeholders: ``{package_type}`` in title, ``{institution}`` in prepared_for, ``{flat}`` in two steps.
    steps: the empty one is replaced by that of the other three which fits the sheets of the workbook.
    problems_sheet, places_sheet, problems_column: what a returned file has beside the member's data
    (`pipelines.returning`).
    validation: what a cell says when it is chosen (``date``) or filled in wrongly (``date-error``), as
    [title, text]; Excel shows at most 32 and 255 characters of them.
    """

    guide_sheet: str
    dictionary_sheet: str
    codes_sheet: str
    problems_sheet: str
    places_sheet: str
    problems_column: str
    package_types: Mapping[str, str]
    title: str
    prepared_for: str
    about_heading: str
    about: str
    steps_heading: str
    steps: tuple[str, ...]
    step_with_flat: str
    step_flat_alone: str
    step_without_flat: str
    colours_heading: str
    levels: Mapping[str, str]
    level_meanings: Mapping[str, str]
    sheets_heading: str
    flat_mark: str
    minimum_mark: str
    licence_heading: str
    licence: str
    send_heading: str
    send: str
    example: str
    several: str
    dictionary: tuple[str, ...]
    codes: tuple[str, ...]
    types: Mapping[str, str]
    booleans: tuple[str, str]
    validation: Mapping[str, tuple[str, str]]
    date_format: str


@cache
def load_words() -> Mapping[str, Words]:
    """Language -> words."""
    files = {language: _FOLDER / "locales" / f"{language}.json" for language in LANGUAGES}
    return {
        language: Words(**json.loads(file.read_text(encoding="utf-8"))) for language, file in files.items()
    }


def guide_sheets() -> frozenset[str]:
    """Names, in all languages, of the sheets that explain and hold no data of the member."""
    return problem_sheets() | frozenset(
        name
        for words in load_words().values()
        for name in (words.guide_sheet, words.dictionary_sheet, words.codes_sheet)
    )


@cache
def problem_sheets() -> frozenset[str]:
    """Names, in all languages, of the sheets that a returned workbook begins with."""
    return frozenset(
        name for words in load_words().values() for name in (words.problems_sheet, words.places_sheet)
    )


@cache
def problem_labels() -> frozenset[str]:
    """Headings, in all languages, of the column that a returned CSV ends with; no data of the member."""
    return frozenset(words.problems_column for words in load_words().values())


@cache
def load_examples() -> Mapping[tuple[str, str], str]:
    """(language, English example) -> example, for those that are words (``examples.csv``)."""
    with (_FOLDER / "examples.csv").open(encoding="utf-8", newline="") as file:
        return {
            (language, row["en"]): row[language] for row in csv.DictReader(file) for language in LANGUAGES
        }
