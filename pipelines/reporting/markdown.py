"""A report as Markdown: what a Prefect artifact, a mail or ``ingp validate --format markdown`` shows."""

import re
from collections.abc import Iterator, Sequence

from pipelines.catalogue import Catalogue
from pipelines.records import ValidationReport
from pipelines.reporting.comparison import Comparison
from pipelines.reporting.details import Details
from pipelines.reporting.document import Document, Problem, build_document
from pipelines.reporting.language import translations

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")
_BULLET = re.compile(r"^([-+=])")
_NUMBERED = re.compile(r"^(\d+)([.)])")


def escape(text: str) -> str:
    """Text that says itself in Markdown: one line, no markup, no link, no HTML, no table cell of its own."""
    text = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _NUMBERED.sub(r"\1\\\2", _BULLET.sub(r"\\\1", text))


def render_markdown(
    report: ValidationReport,
    catalogue: Catalogue,
    language: str,
    *,
    details: Details | None = None,
    comparison: Comparison | None = None,
) -> str:
    """The whole report in one language."""
    return markdown(build_document(report, catalogue, language, details=details, comparison=comparison))


def markdown(document: Document, *, findings: str | None = None) -> str:
    """A document as Markdown. findings: name of the CSV with all places, if there is one."""
    return "\n".join(_lines(document, findings)) + "\n"


def _lines(document: Document, findings: str | None) -> Iterator[str]:
    _ = translations(document.language).gettext
    yield from (f"# {escape(document.title)}", "", f"**{escape(document.summary)}**", "")
    yield from (escape(document.verdict), "")
    if document.comparison:
        yield from (f"**{escape(document.comparison)}**. {escape(document.comparison_note)}", "")
    yield from (escape(f"{document.checked} {document.rows}"), "")
    if findings:
        yield from (f"{_('All places of all problems as a table:')} {escape(findings)}", "")
    if document.fixed:
        yield from (f"## {_('Fixed since then')}", "", *(f"- {escape(line)}" for line in document.fixed), "")
    for section in document.sections:
        yield from (f"## {escape(section.title)}", "")
        for problem in section.problems:
            yield from _problem(problem, document.language)
        if section.more:
            yield from (escape(section.more), "")
    figures = (_("Rows read"), _("Accepted"), _("Refused"))
    yield from (f"## {_('Rows')}", "")
    if document.sources:
        yield from (*_table((_("File"), *figures), document.sources, "|---|--:|--:|--:|"), "")
    if document.tables:
        yield from (*_table((_("Table"), *figures), document.tables, "|---|--:|--:|--:|"), "")
    if document.understood:
        yield from (f"## {_('How your files were understood')}", "")
        for source in document.understood:
            yield from (f"### {escape(source.name)}", "")
            yield from (*(f"- {escape(name)}: {escape(value)}" for name, value in source.facts), "")
            if source.columns:
                headings = (_("Heading in your file"), _("Read as"))
                yield from (*_table(headings, source.columns, "|---|---|"), "")
    if document.skipped:
        yield from (f"## {_('Checks that were not applied')}", "")
        yield from (*(f"- {escape(why)} {escape('; '.join(names))}" for why, names in document.skipped), "")
    yield from ("---", "", " · ".join(f"{escape(name)}: {escape(value)}" for name, value in document.facts))


def _problem(problem: Problem, language: str) -> Iterator[str]:
    _ = translations(language).gettext
    count = f" (×{problem.count})" if problem.count else ""
    status = f" [{escape(problem.status)}]" if problem.status else ""
    yield from (f"### {problem.number}. {escape(problem.what[0])}{count}{status}", "")
    if problem.what[1:]:
        yield from (*(f"- {escape(what)}" for what in problem.what[1:]), "")
    yield from (escape(problem.why), "", f"**{escape(problem.fix)}**", "")
    if problem.places:
        rows = [
            (", ".join(part for part in (place.file, place.where) if part), place.value, place.suggestion)
            for place in problem.places
        ]
        yield from (*_table((_("Place"), _("Value"), _("Suggestion")), rows, "|---|---|---|"), "")
        if problem.more:
            yield from (escape(problem.more), "")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], rule: str) -> Iterator[str]:
    yield "| " + " | ".join(escape(heading) for heading in headings) + " |"
    yield rule
    for row in rows:
        yield "| " + " | ".join(escape(cell) for cell in row) + " |"
