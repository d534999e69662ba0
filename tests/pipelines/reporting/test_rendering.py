"""HTML and Markdown: the same result in four languages, safe and small whatever was sent."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.records import Finding, Severity, SkippedCheck
from pipelines.reporting.comparison import Comparison, GroupComparison
from pipelines.reporting.details import Details
from pipelines.reporting.document import build_document, comparison_sentence
from pipelines.reporting.html import render_html
from pipelines.reporting.markdown import escape, markdown, render_markdown

ATTACKS = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>' onfocus='alert(1)",
    "</title></style></bdi></td></table><h1>",
    "&lt;b&gt; {{ 7*7 }} {% raw %} {field} {0} %s",
    "javascript:alert(1)",
    "\u202eevil\u2066\u2069\u200f\u061c",
    "\x1b[2J\x1b]0;owned\x07 \x00\x08\x9b",
    "\udc80\ud800",
    "[a](javascript:alert(1)) ![x](http://x/y) <http://x> | a | b |\n\n# h\n\n```\n- x\n1. y\n***b***",
    "=cmd|' /C calc'!A0",
    "a" * 1_000_000,
    "<" * 1_000_000,
)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNDERSTOOD = {
    "files": [
        {
            "file": "a.csv",
            "sheet": None,
            "format": "csv",
            "encoding": "windows-1252",
            "delimiter": ";",
            "rows": 3,
            "tables": [
                {
                    "table": "contracts_flat",
                    "heading_row": 3,
                    "columns": {"contract_id": "Número", "buyer_name": ["Nombre", "Apellido"]},
                }
            ],
        }
    ],
    "columns": [
        {
            "table": "contracts_flat",
            "file": "a.csv",
            "sheet": None,
            "rows": 3,
            "reading": {
                "contract_date_signed": {"date_order": "dmy"},
                "award_value_amount": {"decimal": ","},
            },
        }
    ],
}


class Page(HTMLParser):
    """Tags, attributes and text of a page; raises for a tag that does not close where it should."""

    VOID = frozenset({"meta", "circle", "rect", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        values = dict(attributes)
        if tag == "a":
            self.links.append(values["href"] or "")
        if "id" in values:
            self.ids.append(values["id"] or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def hostile(text: str) -> list[Finding]:
    return [
        Finding(
            "type-error",
            table="contracts_flat",
            field="contract_date_signed",
            source_file=f"{text}.csv",
            sheet=text,
            row_number=17,
            column="D",
            value=text,
            parameters={"type": "date", "example": text},
        ),
        Finding("column-unknown", table=text, source_file=text, column="E", parameters={"label": text}),
        Finding(
            "constraint-enum", field=text, value=text, parameters={"allowed": [text] * 12, "suggestion": text}
        ),
        Finding("unreadable-file", source_file=text, parameters={"reason": text}),
        Finding("table-unknown", source_file=text, sheet=text, parameters={"name": text, "suggestion": text}),
    ]


def understood(text: str) -> Details:
    columns = {"contract_id": text, text: [text, text], "x": {"value": text}}
    table = {"table": text, "heading_row": 1, "columns": columns}
    entry = {"file": text, "sheet": text, "format": text, "encoding": text, "delimiter": text, "rows": 1}
    reading = {"table": text, "file": text, "sheet": text, "reading": {text: {"date_order": text}}}
    return Details(1, {"files": [{**entry, "tables": [table]}], "columns": [reading]})


@pytest.fixture
def benign(catalogue: Catalogue, written, finding: Finding) -> Page:
    report = written(finding, *hostile("plain"))
    report = dataclasses.replace(
        report, skipped=(SkippedCheck("amount-negative", "table-not-sent", {"table": "awards"}),)
    )
    return Page(
        render_html(build_document(report, catalogue, "en", details=understood("plain")), findings="f.csv")
    )


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_what_is_in_the_file_stays_text(text: str, catalogue: Catalogue, written, benign: Page) -> None:
    report = written(*hostile(text))
    document = build_document(report, catalogue, "es", details=understood(text))
    page = render_html(document, findings="f.csv")
    parsed = Page(page)
    assert parsed.tags <= benign.tags
    assert parsed.attributes <= benign.attributes
    assert all(link.startswith("#") or link == "f.csv" for link in parsed.links)
    assert not UNSAFE.search(page)
    assert len(page.encode()) < 60_000
    for form in (markdown(document), page):
        form.encode("utf-8")


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_what_is_in_the_file_stays_text_in_markdown(text: str, catalogue: Catalogue, written) -> None:
    def kinds(given: str) -> list[str]:
        report = written(*hostile(given))
        document = build_document(report, catalogue, "es", details=understood(given))
        shown = markdown(document)
        assert not UNSAFE.search(shown)
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(shown)
        inline = [child.type for token in tokens for child in token.children or ()]
        return [token.type for token in tokens] + [
            each for each in inline if each not in ("text", "softbreak")
        ]

    assert kinds(text) == kinds("plain")


@pytest.mark.parametrize(
    "text", ["1. a", "- a", "+ a", "= a", "# a", "> a", "| a", "a_b_ *c*", "12) x", "&amp;", "\\"]
)
def test_markdown_is_escaped_and_comes_out_as_it_was(text: str) -> None:
    (opening, inline, closing) = MarkdownIt("commonmark").parse(escape(text))
    assert (opening.type, closing.type) == ("paragraph_open", "paragraph_close")
    assert "".join(child.content for child in inline.children or ()) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_whole_in_every_language(
    language: str, catalogue: Catalogue, written, finding: Finding
) -> None:
    report = dataclasses.replace(
        written(
            finding,
            Finding("amount-negative", "contracts_flat", "award_value_amount", "a.csv", None, 3, "E", "-1"),
        ),
        skipped=(
            SkippedCheck("amount-negative", "table-not-sent", {"table": "awards"}),
            SkippedCheck(
                "reference awards.ocid -> processes", "column-not-sent", {"table": "awards", "column": "ocid"}
            ),
            SkippedCheck("possible-duplicate", "too-few-rows", {"table": "awards", "found": 3, "needed": 20}),
        ),
    )
    document = build_document(report, catalogue, language, details=Details(1, UNDERSTOOD))
    page = render_html(document, findings="todo.csv")
    parsed = Page(page)
    assert f'<html lang="{language}">' in page
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {link.removeprefix("#") for link in parsed.links if link.startswith("#")} <= set(parsed.ids)
    assert "script" not in parsed.tags
    assert not re.search(r'(src|href)="(https?:|//)', page)
    for expected in ("31/02/2025", "windows-1252", "Apellido", "0123456789ab", "procurement 1.0", "todo.csv"):
        assert expected in parsed.text
    shown = render_markdown(report, catalogue, language, details=Details(1, UNDERSTOOD))
    assert document.summary.replace("!", "\\!") in shown


SUMMARIES = {
    "es": "1 problema por corregir, 1 por revisar; 99.812 de 100.000 filas no tienen errores.",
    "en": "1 problem to fix, 1 to review; 99,812 of 100,000 rows have no errors.",
    "pt": "1 problema a corrigir, 1 a revisar; 99.812 de 100.000 linhas não têm erros.",
    "fr": "1 problème à corriger, 1 à vérifier\u00a0; 99\u202f812 lignes sur 100\u202f000 sont sans erreur.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sum_of_it_in_one_sentence(
    language: str, catalogue: Catalogue, written, finding: Finding
) -> None:
    warning = Finding("amount-negative", "contracts_flat", "award_value_amount", "a.csv", None, 3, "E", "-1")
    report = written(finding, warning, rows=100_000)
    document = build_document(report, catalogue, language, details=Details(188, {}))
    assert document.summary.replace(" ;", "\u00a0;") == SUMMARIES[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_found_is_said_in_green(language: str, catalogue: Catalogue, written) -> None:
    document = build_document(written(), catalogue, language, details=Details(0, {}))
    page = render_html(document)
    assert 'class="result good"' in page
    assert document.sections == ()
    assert document.summary in Page(page).text


def test_a_hundred_thousand_of_one_kind_are_one_problem(
    catalogue: Catalogue, written, finding: Finding
) -> None:
    many = [dataclasses.replace(finding, row_number=row) for row in range(2, 60)]
    document = build_document(written(*many, count=100_000), catalogue, "en")
    (section,) = document.sections
    (problem,) = section.problems
    assert (problem.count, len(problem.places), problem.more) == ("100,000", 10, "… and 99,990 more places")
    assert len(render_html(document)) < 30_000


def test_the_page_stays_small_however_many_kinds_there_are(catalogue: Catalogue, written) -> None:
    findings = [
        Finding(
            code,
            table=f"table {number} " + "ñ" * 300,
            field="ñ" * 300,
            source_file="ñ" * 500,
            sheet="ñ" * 500,
            row_number=row,
            column="D",
            value="<" * 1000,
            parameters={"reason": "<" * 5000, "suggestion": "<" * 5000, "allowed": ["<" * 100] * 12},
        )
        for code in ("constraint-enum", "unreadable-file", "amount-negative", "column-unknown")
        for number in range(500)
        for row in range(2, 6)
    ]
    document = build_document(written(*findings), catalogue, "fr", details=understood("<" * 5000))
    assert len(render_html(document, findings="f.csv").encode()) < 300_000
    assert all(section.more for section in document.sections)


def test_columns_that_are_all_empty_are_one_point(catalogue: Catalogue, written) -> None:
    empty = [
        Finding(
            "recommended-empty", table="contracts_flat", field=name, parameters={"name": name, "share": 100}
        )
        for name in ("award_date", "contract_title", "procurement_method")
    ]
    document = build_document(written(*empty), catalogue, "en")
    ((problem,),) = [section.problems for section in document.sections]
    assert (len(problem.what), problem.places, problem.count) == (3, (), "")
    assert document.summary == "1 point to review."


def test_the_file_is_named_only_where_there_are_several(
    catalogue: Catalogue, written, finding: Finding
) -> None:
    def files(*findings: Finding) -> set[str]:
        document = build_document(written(*findings), catalogue, "en")
        return {place.file for place in document.sections[0].problems[0].places}

    assert files(finding) == {""}
    assert files(finding, dataclasses.replace(finding, source_file="b.csv")) == {"a.csv", "b.csv"}


COMPARED = {
    "es": "34 corregidos, 3 pendientes, 1 nuevo",
    "en": "34 fixed, 3 left, 1 new",
    "pt": "34 corrigidos, 3 pendentes, 1 novo",
    "fr": "34 corrigés, 3 restants, 1 nouveau",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_warnings_are_compared_apart(language: str, catalogue: Catalogue, written, finding: Finding) -> None:
    groups = (
        GroupComparison("type-error", Severity.ERROR, None, None, 34, 3, 1, finding),
        GroupComparison("amount-negative", Severity.WARNING, None, None, 0, 9, 0, finding),
    )
    comparison = Comparison("before", written().validated_at, True, groups)
    errors, warnings = comparison_sentence(comparison, language).split(" · ")
    assert errors.endswith(COMPARED[language])
    assert re.search(r": 0 \w+, 9 \w+, 0 \w+$", warnings)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_comparison_is_one_line_and_a_mark(
    language: str, catalogue: Catalogue, written, finding: Finding
) -> None:
    report = written(finding, count=4)
    gone = dataclasses.replace(finding, code="constraint-required", value="")
    groups = (
        GroupComparison(
            "type-error", Severity.ERROR, "contracts_flat", "contract_date_signed", 0, 3, 1, finding
        ),
        GroupComparison(
            "constraint-required", Severity.ERROR, "contracts_flat", "contract_date_signed", 34, 0, 0, gone
        ),
    )
    comparison = Comparison("XZZ-procurement-before", report.validated_at, False, groups)
    document = build_document(report, catalogue, language, comparison=comparison)
    assert document.comparison == COMPARED[language]
    assert "XZZ-procurement-before" in document.comparison_note
    (problem,) = document.sections[0].problems
    assert re.fullmatch(r"3 \w+, 1 \w+", problem.status)
    assert len(document.fixed) == 1 and "34" in document.fixed[0]
    for form in (render_html(document), markdown(document)):
        assert COMPARED[language] in form
        assert problem.status in form
