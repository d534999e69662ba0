"""The ready questions ask for columns that exist, and their words are there in every language."""

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.catalogue import LANGUAGES, load_catalogue
from pipelines.catalogue.questions import Question, load_questions
from pipelines.publication.gather import published_columns
from pipelines.publication.summaries import SUMMARIES, create_summaries

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue(ROOT / "schemas", ROOT / "datapackages")
QUESTIONS = load_questions(CATALOGUE.folder)
ASKED = [each for each in QUESTIONS.by_slug.values() if each.sql]
PLACEHOLDER = re.compile(r"\{\w+\}")


@pytest.fixture(scope="module")
def empty() -> duckdb.DuckDBPyConnection:
    """Every published table of the standard, without rows."""
    con = duckdb.connect()
    for package_type in CATALOGUE.package_types.values():
        for table in package_type.tables:
            columns = ", ".join(f'"{each.name}" {each.duckdb_type}' for each in published_columns(table))
            con.execute(f'CREATE TABLE "{table.published_name}" ({columns})')
    con.execute(
        "CREATE TABLE release_versions (member_code VARCHAR, package_type VARCHAR, table_name VARCHAR, is_derived BOOLEAN, accepted_at TIMESTAMPTZ)"
    )
    create_summaries(con, [], [], {}, {})
    return con


@pytest.mark.parametrize("question", ASKED, ids=lambda each: each.slug)
def test_question_asks_for_what_the_standard_has(
    question: Question, empty: duckdb.DuckDBPyConnection
) -> None:
    assert question.sql and question.universe and question.rows
    names = [each[0] for each in empty.execute(question.sql).description]
    universe = question.universe
    empty.execute(
        f"SELECT count(*) FILTER ({universe.counted}) FROM {universe.table} WHERE {universe.where}"
    ).fetchall()
    assert question.result in names and set(question.percents) <= set(names)
    assert {each for each in question.headline if not each.startswith("@")} <= set(names)
    filters = {key.partition("__")[0] for key in question.rows.where} | set(question.rows.by.values())
    behind = {each[0] for each in empty.execute(f"DESCRIBE {question.rows.table}").fetchall()}
    assert filters <= behind and set(question.rows.by) <= set(names)
    for need in question.needs:
        table, column = need.split(".")
        assert column in {each[0] for each in empty.execute(f"DESCRIBE {table}").fetchall()}
    standard = {
        name for each in CATALOGUE.package_types.values() for table in each.tables for name in table.by_name
    }
    for language in LANGUAGES:
        titled = {column for spoken, column in QUESTIONS.columns if spoken == language}
        assert set(names) <= titled | standard | {"member_code", "year"}


def test_there_are_twelve_and_each_has_its_words() -> None:
    assert len(QUESTIONS.by_slug) == 12
    for slug, question in QUESTIONS.by_slug.items():
        for language in LANGUAGES:
            text = QUESTIONS.texts[language, slug]
            assert text.title.endswith("?") and text.missing
            assert not question.sql or all(text)
            assert sorted(PLACEHOLDER.findall(text.answer)) == sorted(
                PLACEHOLDER.findall(QUESTIONS.texts["en", slug].answer)
            )
    assert {slug for _language, slug in QUESTIONS.texts} == set(QUESTIONS.by_slug)


def test_column_titles_are_used_and_the_same_in_all_languages(empty: duckdb.DuckDBPyConnection) -> None:
    used = {each[0] for question in ASKED for each in empty.execute(question.sql or "").description}
    titled = [
        {column for spoken, column in QUESTIONS.columns if spoken == language} for language in LANGUAGES
    ]
    assert all(each == titled[0] for each in titled)
    assert titled[0] <= used
    assert all(QUESTIONS.columns.values())


def test_every_sql_file_belongs_to_a_question() -> None:
    files = {path.stem for path in (CATALOGUE.folder / "questions").glob("*.sql")}
    assert files == {question.slug for question in ASKED}


def test_summaries_are_three_tables(empty: duckdb.DuckDBPyConnection) -> None:
    names = {name for (name,) in empty.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert set(SUMMARIES) <= names
