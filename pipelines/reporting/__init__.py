"""ValidationReport -> text for people, in es, en, pt, fr."""

from pipelines.reporting.document import severity_title, verdict_sentence
from pipelines.reporting.language import translations
from pipelines.reporting.markdown import render_markdown
from pipelines.reporting.places import place
from pipelines.reporting.sentences import Sentences

__all__ = ["Sentences", "place", "render_markdown", "severity_title", "translations", "verdict_sentence"]
