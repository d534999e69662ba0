"""A report as one HTML file: no script, nothing to load, readable on a telephone and on paper."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from pipelines.catalogue import LANGUAGES
from pipelines.reporting.document import Document
from pipelines.reporting.language import translations
from pipelines.reporting.sentences import labelled

TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def render_html(document: Document, *, findings: str | None = None) -> str:
    """The page of a document. findings: address of the CSV with all places, relative to the page, if there is one."""
    if document.language not in LANGUAGES:
        raise ValueError(f"no such language: {document.language!r}")
    return _template().render(report=document, findings=findings, words=_words(document.language))


@cache
def _words(language: str) -> dict[str, str]:
    """What the page says by itself; the template holds no text, so that the catalogues hold all of it."""
    _ = translations(language).gettext

    def label(name: str) -> str:
        return labelled(name, "", language).strip().replace(" :", "\u00a0:")

    return {
        "skip": _("Skip to the content"),
        "contents": _("On this page"),
        "why": label(_("Why it matters")),
        "fix": label(_("What to do")),
        "place": _("Place"),
        "file": _("File"),
        "value": _("Value"),
        "suggestion": _("Suggestion"),
        "places": _("Places"),
        "all_places": _("All places of all problems as a table:"),
        "nothing": _("No problems found."),
        "fixed": _("Fixed since then"),
        "rows": _("Rows"),
        "by_file": _("By file"),
        "by_table": _("By table"),
        "table": _("Table"),
        "rows_in": _("Rows read"),
        "accepted": _("Accepted"),
        "refused": _("Refused"),
        "understood": _("How your files were understood"),
        "understood_note": _("If something here is not as you meant it, that explains many of the problems."),
        "columns": _("Columns"),
        "heading": _("Heading in your file"),
        "field": _("Read as"),
        "skipped": _("Checks that were not applied"),
        "reasons": _("Reasons"),
        "skipped_note": _("This is no fault: these checks need data that were not sent."),
        "quote": _("To quote when you write to us"),
        "code": label(_("Code")),
    }
