"""What the served release says about itself: rows, fill rates, findings. Read once, when the site starts.

The other plugins find it as ``datasette.summaries``. A release that was made before these tables existed has none
of it, and its pages say that it is not known.
"""

import os
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from datasette import Request, hookimpl

from pipelines.reporting.check_titles import check_titles

NAMED = 4
"""Columns that the words for a kind of finding name."""

Years = Mapping[int | None, int]
"""Year -> rows; None for rows without a year."""


class Found(NamedTuple):
    """Findings of one kind in one table of one member."""

    member: str
    table: str | None
    code: str | None
    severity: str | None
    count: int
    columns: tuple[str, ...] = ()


class Summaries:
    """tables: names of everything in the SQLite file. coverage: table -> member -> year -> rows. filled: table -> column -> (rows, rows with a value).

    quality: findings by member, table and code; None when the release does not tell. checked: (member, table) whose
    report was read, with or without findings.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.coverage: dict[str, dict[str, dict[int | None, int]]] = {}
        self.filled: dict[str, dict[str, tuple[int, int]]] = {}
        self.quality: list[Found] | None = None
        with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as con:
            self.tables = {
                name for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            if "coverage" in self.tables:
                for table, member, year, rows in con.execute("SELECT * FROM coverage"):
                    self.coverage.setdefault(table, {}).setdefault(member, {})[year] = rows
                asked = "SELECT table_name, column_name, sum(rows_count), sum(filled_count) FROM fill_rates GROUP BY 1, 2"
                for table, column, rows, filled in con.execute(asked):
                    self.filled.setdefault(table, {})[column] = (rows, filled)
                asked = (
                    "SELECT member_code, table_name, code, severity, findings_count, column_name FROM quality"
                )
                self.quality = [
                    Found(*row, (column,) if column else ()) for *row, column in con.execute(asked)
                ]
        self.checked = {(each.member, each.table) for each in self.quality or ()}

    def fill_of(self, table: str, column: str) -> dict[str, dict[int | None, tuple[int, int]]]:
        """Member -> year -> (rows, rows with a value) of one column."""
        asked = "SELECT member_code, year, rows_count, filled_count FROM fill_rates WHERE table_name = ? AND column_name = ?"
        found: dict[str, dict[int | None, tuple[int, int]]] = {}
        with closing(sqlite3.connect(f"file:{self.database}?immutable=1", uri=True)) as con:
            for member, year, rows, filled in con.execute(asked, (table, column)):
                found.setdefault(member, {})[year] = (rows, filled)
        return found

    def findings(self, *, table: str | None = None, member: str | None = None) -> list[Found] | None:
        """Findings of a table or a member, most first; added up over what is not asked for. None: not known."""
        if self.quality is None or (table and not any(name == table for _code, name in self.checked)):
            return None
        if member and not any(code == member for code, _name in self.checked):
            return None
        counted: Counter[tuple[str, str | None, str, str | None]] = Counter()
        columns: dict[tuple[str, str | None, str, str | None], dict[str, None]] = {}
        for each in self.quality:
            if each.code and table in (None, each.table) and member in (None, each.member):
                key = ("" if table else each.member, each.table, each.code, each.severity)
                counted[key] += each.count
                columns.setdefault(key, {}).update(dict.fromkeys(each.columns))
        return [Found(*key, count, tuple(columns[key])) for key, count in counted.most_common()]


def years_of(coverage: Mapping[str, Years]) -> list[int | None]:
    """The years that are spoken of, oldest first, then None if there are rows without a year."""
    years = {year for own in coverage.values() for year in own}
    ordered: list[int | None] = sorted(year for year in years if year is not None)
    return [*ordered, None] if None in years else ordered


def finding_title(site: Any, found: Found) -> str:
    """What a kind of finding is, with its table and columns, without the cells that one of them names."""
    catalogue = site.published.catalogue
    short = check_titles(site.language).get(found.code or "")
    if short:
        return short[0].upper() + short[1:]
    if found.code not in catalogue.findings:
        return found.code or ""
    titles = [site.column(found.table, column).title for column in found.columns[:NAMED]]
    named = ", ".join(titles) + ("…" if len(found.columns) > NAMED else "") or "…"
    words = {"table": site.table(found.table)["title"] if found.table else "…", "field": named, "name": named}
    what = catalogue.texts.finding(site.language, found.code).what
    return re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], "…"), what)


@hookimpl
def extra_template_vars(datasette: Any, request: Request | None) -> dict[str, Any]:
    """``finding_title``: words for a kind of finding in the language of the page."""
    site = datasette.published.in_language(request.scope["language"] if request else "en")
    return {"finding_title": lambda found: finding_title(site, found)}


@hookimpl
def startup(datasette: Any) -> None:
    datasette.summaries = Summaries(Path(os.environ["INGP_RELEASE_DIR"]) / "ingp.db")
    datasette.years_of = years_of
