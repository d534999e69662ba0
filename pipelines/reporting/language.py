"""Interface texts in the reader's language: gettext catalogues (``pipelines/locales``), read by Babel."""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from pipelines.catalogue import LANGUAGES

LOCALES = Path(__file__).resolve().parent.parent / "locales"


@cache
def translations(language: str, folder: Path = LOCALES) -> NullTranslations:
    """The catalogue of a language; English is the language of the sources and needs none.

    Catalogues are kept as text (``.po``) only and compiled in memory: one file per language, no build step.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language!r}")
    if language == "en":
        return NullTranslations()
    path = folder / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def accepted(header: str) -> str | None:
    """The language of ours that an Accept-Language header likes best; None when it names none of them."""
    wishes = []
    for position, part in enumerate(header.split(",")):
        name, _semicolon, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        language = name.split("-")[0].lower()
        if language in LANGUAGES and quality > 0:
            wishes.append((-quality, position, language))
    return min(wishes)[2] if wishes else None
