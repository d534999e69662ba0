"""Answers to the ready questions, worked out once when a release is assembled: ``site/answers.json``.

The SQL is that which the site shows and which any reader can run on ``ingp.duckdb``. An answer holds its first
`KEPT` lines for the page; the files of an answer are that SQL, asked again.
"""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue import Catalogue
from pipelines.catalogue.questions import Question, load_questions
from pipelines.publication.gather import PublishedTable

ANSWERS = Path("site") / "answers.json"
KEPT = 5_000
"""Lines of an answer that are kept: more than 32 members and ten years, in several currencies, need."""


def write_answers(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, tables: Sequence[PublishedTable], path: Path
) -> None:
    """Ask every question of the tables in `con` and write the answers by slug.

    A question that needs a table or column that the release does not have keeps what is missing: {"missing": […]}.
    """
    columns = {table.name: {column.name for column in table.columns} for table in tables}
    for name in ("coverage", "fill_rates"):
        described = con.execute(f"DESCRIBE {name}").fetchall()
        columns[name] = {each[0] for each in described} if tables else set()
    answers = {}
    for question in load_questions(catalogue.folder).by_slug.values():
        if question.sql:
            missing = [
                need
                for need in question.needs
                if need.split(".")[1] not in columns.get(need.split(".")[0], ())
            ]
            answers[question.slug] = {"missing": missing} if missing else _answer(con, question)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")


def _answer(con: duckdb.DuckDBPyConnection, question: Question) -> dict[str, Any]:
    assert question.sql and question.universe
    told = con.execute(question.sql)
    names = [each[0] for each in told.description]
    rows = [[_plain(value) for value in row] for row in told.fetchall()]
    about = question.universe
    counted = con.execute(
        f"SELECT member_code, count(*) FILTER ({about.counted}), count(*) FROM {about.table} "
        f"WHERE {about.where} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    coverage = [{"member_code": code, "counted": used, "universe": whole} for code, used, whole in counted]
    return {
        "sql": question.sql,
        "columns": names,
        "rows_count": len(rows),
        "rows": rows[:KEPT],
        "coverage": coverage,
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it: whole decimals as integers, dates as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value
