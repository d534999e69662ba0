"""The ready questions of the site: SQL in ``schemas/questions/``, words in ``schemas/translations/``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipelines.catalogue.model import LANGUAGES
from pipelines.catalogue.texts import read_rows


class QuestionText(NamedTuple):
    """Words of a question. answer: sentence with ``{a}``, ``{b}``, ``{low}``, ``{high}``, ``{members}``;
    method: how it is worked out; caveats: what the figure does not say; missing: what is needed to answer it."""

    title: str
    answer: str
    method: str
    caveats: str
    missing: str


@dataclass(frozen=True)
class Universe:
    """What a question is about: rows of `table` that meet `where`, of which `counted` can be used (SQL conditions)."""

    table: str
    where: str
    counted: str


@dataclass(frozen=True)
class RowsBehind:
    """How a line of the answer leads to rows: filters of `table` by columns of the line (`by`) and fixed ones (`where`).

    either: of these filters only the first that has a value.
    """

    table: str
    by: Mapping[str, str]
    where: Mapping[str, str]
    either: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A ready question. Without `sql` it has no answer in the tables, or one that is not SQL (``what-changed``).

    needs: ``table.column`` of the published tables. headline: what ``{a}`` and ``{b}`` of its sentence are: a column to
    be summed, ``@rows``, ``@counted``, ``@universe`` or ``@members``. result: column of the answer that is drawn.
    percents: columns that stay empty below 20 cases -> column with the number of cases.
    """

    slug: str
    sql: str | None = None
    needs: tuple[str, ...] = ()
    universe: Universe | None = None
    rows: RowsBehind | None = None
    by_member: bool = False
    headline: tuple[str, ...] = ()
    result: str | None = None
    percents: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.split(".")[0] for each in self.needs))


@dataclass(frozen=True)
class Questions:
    """All questions in their order, and their words by language."""

    by_slug: Mapping[str, Question]
    texts: Mapping[tuple[str, str], QuestionText]
    columns: Mapping[tuple[str, str], str]
    """(language, column of an answer) -> its title; columns of the standard have theirs in the standard."""


@cache
def load_questions(schemas: Path) -> Questions:
    """Read once per process. schemas: the folder ``schemas/``."""
    folder = schemas / "questions"
    by_slug = {}
    for each in json.loads((folder / "questions.json").read_text(encoding="utf-8")):
        place = folder / f"{each['slug']}.sql"
        rows = each.get("rows")
        by_slug[each["slug"]] = Question(
            each["slug"],
            place.read_text(encoding="utf-8").strip() if place.exists() else None,
            tuple(each.get("needs", ())),
            Universe(**each["universe"]) if "universe" in each else None,
            RowsBehind(rows["table"], rows["by"], rows["where"], tuple(rows.get("either", ())))
            if rows
            else None,
            each.get("by_member", False),
            tuple(each.get("headline", ())),
            each.get("result"),
            each.get("percents", {}),
        )
    texts, columns = {}, {}
    for language in LANGUAGES:
        words = schemas / "translations" / language
        for row in read_rows(words / "questions.csv"):
            slug = row.pop("question")
            texts[language, slug] = QuestionText(**row)
        for row in read_rows(words / "question_columns.csv"):
            columns[language, row["column"]] = row["title"]
    return Questions(by_slug, texts, columns)
