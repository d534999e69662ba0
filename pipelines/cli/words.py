"""Language of the command line, chosen first: ``--lang``, ``INGP_LANGUAGE``, the system's, English."""

import os
import sys

from pipelines.catalogue import LANGUAGES
from pipelines.reporting.language import translations


def chosen_language(arguments: list[str] | None = None) -> str:
    """One of es, en, pt, fr."""
    words = sys.argv[1:] if arguments is None else arguments
    told = ""
    for position, word in enumerate(words):
        if word == "--lang" and position + 1 < len(words):
            told = words[position + 1]
        elif word.startswith("--lang="):
            told = word.removeprefix("--lang=")
    for candidate in (
        told,
        os.environ.get("INGP_LANGUAGE", ""),
        os.environ.get("LC_ALL", ""),
        os.environ.get("LANG", ""),
    ):
        if candidate[:2].lower() in LANGUAGES:
            return candidate[:2].lower()
    return "en"


LANGUAGE = chosen_language()
_ = translations(LANGUAGE).gettext
ngettext = translations(LANGUAGE).ngettext
