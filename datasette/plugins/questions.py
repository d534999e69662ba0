"""Twelve ready questions: ``/questions``, ``/questions/<slug>``, and as they were in any release ``/v/<release>/questions/…``.

The answers were worked out when the release was assembled (`pipelines.publication.answers`) and lie in it: a page
asks nothing of a database, and an answer that somebody cited is still there when newer releases are served.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from datasette import NotFound, Request, Response, hookimpl

from pipelines.catalogue.questions import Question, Questions, load_questions
from pipelines.publication.answers import ANSWERS
from pipelines.publication.compare import SUMMARY

SHOWN = 60
"""Lines of an answer on its page; the files have all of them."""

OPEN = {"access-control-allow-origin": "*", "cache-control": "public, max-age=60"}
YEARS = ("year", "first_year", "last_year")
CHANGES = "what-changed"


@lru_cache(maxsize=32)
def answers_of(folder: Path) -> Mapping[str, Any]:
    """Answers of a release; none in a release that was made before there were questions."""
    place = folder / ANSWERS
    return json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}


class Answered:
    """A question with its answer in one release, in one language, as data that the page and the JSON share."""

    def __init__(
        self, datasette: Any, question: Question, site: Any, release: Any, member: str | None
    ) -> None:
        self.question, self.site, self.release, self.member = question, site, release, member
        self.questions: Questions = datasette.questions
        self.text = self.questions.texts[site.language, question.slug]
        self.withdrawn = next(
            filter(None, (datasette.withdrawals.of_table(release.name, table) for table in question.tables)),
            None,
        )
        self.answer = {} if self.withdrawn else answers_of(release.folder).get(question.slug, {})
        self.is_served = release.name == datasette.releases.served
        lasting = f"/v/{release.name}"
        self.address = f"{lasting}/questions/{question.slug}"
        self.editor = f"{lasting}/ingp/-/analytics" if self.is_served and question.sql else None
        self.pages = f"{lasting}/ingp"

    @property
    def has_answer(self) -> bool:
        return bool(self.answer.get("rows"))

    @property
    def lacking(self) -> list[str]:
        """Columns that the release would need, in words; tables of the site's own summaries are not named."""
        missing = self.answer.get("missing", [] if self.answer else self.question.needs)
        named = []
        for need in missing:
            table, column = need.split(".")
            if table in self.site.published.tables:
                named.append(f"{self.site.table(table)['title']}: {self.site.column(table, column).title}")
        return named

    @property
    def columns(self) -> list[dict[str, str]]:
        return [self._column(name) for name in self.answer.get("columns", ())]

    def _column(self, name: str) -> dict[str, str]:
        table = next(
            (each for each in self.question.tables if name in self.site.release.columns.get(each, ())), None
        )
        own = self.questions.columns.get((self.site.language, name))
        described = self.site.column(table, name)
        kind = "text"
        if name.endswith("_percent"):
            kind = "percent"
        elif name in YEARS:
            kind = "year"
        elif name.startswith("last_accepted"):
            kind = "date"
        elif described.kind in ("member", "code"):
            kind = described.kind
        elif own:
            kind = "number"
        return {"name": name, "title": own or described.title, "kind": kind, "table": table or ""}

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Rows of the answer (of one member, if asked) as dictionaries."""
        names = self.answer.get("columns", ())
        lines = [dict(zip(names, row, strict=True)) for row in self.answer.get("rows", ())]
        return [line for line in lines if self.member in (None, line.get("member_code"))]

    @property
    def coverage(self) -> list[dict[str, Any]]:
        """Every member of the network, and whoever else sent rows: rows counted, rows there are; None without data."""
        own = {each["member_code"]: each for each in self.answer.get("coverage", ())}
        codes = [
            code for code, each in self.site.published.catalogue.members.items() if each.kind == "member"
        ]
        codes += [code for code in own if code not in codes]
        coverage = []
        for code in codes:
            each = own.get(code, {"counted": None, "universe": None})
            name = self.site.member(code)["name"]
            coverage.append(
                {"member_code": code, "name": name, "counted": each["counted"], "universe": each["universe"]}
            )
        return sorted(coverage, key=lambda each: (not each["counted"], each["name"]))

    @property
    def sentence(self) -> str:
        """The answer in one sentence, with its numbers as the language writes them."""
        values = {
            "@rows": self.answer["rows_count"],
            "@members": sum(1 for each in self.coverage if each["counted"]),
        }
        for name in ("counted", "universe"):
            values[f"@{name}"] = sum(each[name] or 0 for each in self.coverage)
        names = self.answer["columns"]
        told = {"members": values["@members"]}
        for letter, wanted in zip("ab", self.question.headline, strict=True):
            told[letter] = values[wanted] if wanted in values else self._sum(names.index(wanted))
        place = names.index(self.question.result)
        results = [row[place] for row in self.answer["rows"] if isinstance(row[place], int | float)]
        told |= {"low": min(results, default=None), "high": max(results, default=None)}
        return self.text.answer.format(
            **{key: "–" if value is None else self.site.number(value) for key, value in told.items()}
        )

    def _sum(self, place: int) -> int:
        return sum(row[place] or 0 for row in self.answer["rows"])

    def rows_behind(self, line: Mapping[str, Any]) -> str | None:
        """Address of the rows that a line was worked out from, in the same release."""
        rows = self.question.rows
        if rows is None:
            return None
        filters = []
        taken = False
        for column, filtered in rows.by.items():
            value = line.get(column)
            if column in rows.either:
                if value is None or taken:
                    continue
                taken = True
            filters.append((f"{filtered}__isblank", "1") if value is None else (f"{filtered}__exact", value))
        return f"{self.pages}/{rows.table}?{urlencode([*filters, *rows.where.items()])}"

    def bar(self, line: Mapping[str, Any]) -> float | None:
        """Length of the line's bar, 0 to 100: percents as they are, other numbers against the largest of the same currency."""
        name = self.question.result or ""
        value = line.get(name)
        if not isinstance(value, int | float):
            return None
        if name.endswith("_percent"):
            return value
        currency = line.get("contract_value_currency")
        same = [
            each[name]
            for each in self.lines
            if each.get("contract_value_currency") == currency and each[name]
        ]
        return round(100 * value / max(same), 1) if same and max(same) > 0 else None

    def as_json(self, base: str) -> dict[str, Any]:
        told: dict[str, Any] = {
            "ok": True,
            "question": self.question.slug,
            "release": self.release.name,
            "language": self.site.language,
            "title": self.text.title,
            "url": base + self.address,
            "answered": self.has_answer,
        }
        if not self.has_answer:
            return told | {"reason": self.text.missing, "missing": self.answer.get("missing", [])}
        whole = self.answer["rows_count"]
        is_cut = whole > len(self.answer["rows"])
        return told | {
            "sentence": self.sentence,
            "method": self.text.method,
            "caveats": self.text.caveats,
            "sql": self.answer["sql"],
            "columns": [{"name": each["name"], "title": each["title"]} for each in self.columns],
            "rows_count": None if is_cut and self.member else len(self.lines) if self.member else whole,
            # The page keeps so many lines of an answer; its files have all of them.
            "truncated": is_cut,
            "rows": [{**line, "rows_url": base + (self.rows_behind(line) or "")} for line in self.lines],
            "coverage": self.coverage,
        }


def _release(datasette: Any, request: Request) -> Any:
    release = datasette.releases.get(request.url_vars.get("release") or datasette.releases.served)
    if release is None:
        raise NotFound("There is no such release")
    return release


def _spoken(site: Any) -> dict[str, str]:
    return OPEN | {"content-language": site.language}


def _base(datasette: Any, site: Any) -> str:
    return site.release.descriptor["homepage"].rstrip("/") + datasette.urls.path("/").rstrip("/")


async def questions(datasette: Any, request: Request) -> Response:
    """All questions, with the sentence that answers each."""
    site = datasette.published.in_language(request.scope["language"])
    release = _release(datasette, request)
    answered = [
        Answered(datasette, each, site, release, None) for each in datasette.questions.by_slug.values()
    ]
    if request.url_vars.get("form"):
        base = _base(datasette, site)
        listed = [
            {
                "question": each.question.slug,
                "title": each.text.title,
                "answered": each.has_answer,
                "url": base + each.address,
            }
            for each in answered
        ]
        return Response.json(
            {"ok": True, "release": release.name, "questions": listed}, headers=_spoken(site)
        )
    context = {"answered": answered, "of": release}
    return Response.html(await datasette.render_template("questions.html", context, request=request))


async def question(datasette: Any, request: Request) -> Any:
    """One question: answer, coverage, SQL, files, caveats."""
    asked = datasette.questions.by_slug.get(request.url_vars["slug"])
    if asked is None:
        raise NotFound("There is no such question")
    release = _release(datasette, request)
    site = datasette.published.in_language(request.scope["language"])
    member = request.args.get("member") or None
    answered = Answered(datasette, asked, site, release, member)
    if answered.withdrawn:
        return await datasette.gone(datasette, request, answered.withdrawn)
    changed = await _changed(datasette, release.name) if asked.slug == CHANGES else None
    if request.url_vars.get("form"):
        told = answered.as_json(_base(datasette, site))
        if changed:
            told |= {"answered": True, "changes": changed, "reason": None}
        return Response.json(told, headers=_spoken(site))
    lines = answered.lines
    context = {
        "answered": answered, "of": release, "lines": lines[:SHOWN], "more": len(lines) - SHOWN, "shown": SHOWN, "member": member,
        "files": _files(answered), "changed": changed,
        "members": [each for each in answered.coverage if each["counted"]],
        "silent": [each for each in answered.coverage if not each["counted"]],
    }  # fmt: skip
    return Response.html(await datasette.render_template("question.html", context, request=request))


def _files(answered: Answered) -> Sequence[tuple[str, str]]:
    """(words, address) of the whole answer in each format: its SQL, asked of the same release."""
    if not answered.editor:
        return ()
    asked = urlencode({"sql": answered.answer["sql"]}) if answered.has_answer else ""
    words = (("csv", "CSV"), ("jsonl", "JSON Lines"), ("parquet", "Parquet"))
    return [(title, f"{answered.editor}.{form}?{asked}") for form, title in words]


async def _changed(datasette: Any, name: str) -> dict[str, Any] | None:
    """Rows added, removed, changed since the release before; None for the first. ``tables`` is None while it is worked out."""
    names = datasette.releases.names()
    before = names[names.index(name) + 1 : names.index(name) + 2]
    if not before:
        return None
    folder = await datasette.changes.between(before[0], name)
    if folder is None:
        return {"older": before[0], "newer": name, "tables": None}
    told = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["tables"]
    tables = [
        each
        for each in told
        if not any(datasette.withdrawals.of_table(release, each["table"]) for release in (before[0], name))
    ]
    return {"older": before[0], "newer": name, "tables": tables}


@hookimpl
def startup(datasette: Any) -> None:
    datasette.questions = load_questions(datasette.published.catalogue.folder)


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    prefix = r"^(?:/v/(?P<release>[^/]+))?/questions"
    return [
        (rf"{prefix}(?P<form>\.json)?/?$", questions),
        (rf"{prefix}/(?P<slug>[a-z-]+)(?P<form>\.json)?$", question),
    ]


@hookimpl
def extra_template_vars(datasette: Any, request: Request | None) -> dict[str, Any]:
    """``ready``: (slug, title) of the questions, for the front page."""
    language = request.scope["language"] if request else "en"
    texts = datasette.questions.texts
    return {"ready": [(slug, texts[language, slug].title) for slug in datasette.questions.by_slug]}
