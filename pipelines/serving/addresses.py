"""Addresses of the site: which of them speak a language, and where the language stands in them.

``<base>/<language>/<path>`` is a page in a language. Without the language the same page is negotiated. What programs
read (JSON, CSV, files) says the same in every language and has one address only, without a language.
"""

import re

from pipelines.catalogue import LANGUAGES

_LANGUAGE = re.compile(rf"/({'|'.join(LANGUAGES)})(?=/|$)")
_FORM = re.compile(r"\.([a-z][a-z0-9]*)$", re.IGNORECASE)
SPOKEN_FORMS = frozenset({"atom"})
"""Forms of answers for programs that hold sentences, and so have an address in each language."""

MACHINES = ("/assets/", "/files/", "/-/static/", "/-/static-plugins/", "/-/lang/")


def without_base(path: str, base: str) -> str:
    """The path below the folder that the site lives in (`base`, with a slash at both ends); others stay as they are."""
    if base != "/" and (path + "/").startswith(base):
        return "/" + path[len(base) :]
    return path


def split_language(path: str) -> tuple[str | None, str]:
    """(language, path without it) of a path below the base; the language is None where none is named."""
    found = _LANGUAGE.match(path)
    return (found[1], path[found.end() :] or "/") if found else (None, path)


def has_language(path: str) -> bool:
    """Whether the answer to a path below the base, with or without its query, is written in a language.

    The number of a release ends with a digit (``/v/2026.11.1``), the form of a file begins with a letter.
    """
    plain, _mark, query = path.partition("#")[0].partition("?")
    if plain.startswith(MACHINES):
        return False
    form = _FORM.search(plain.rpartition("/")[2])
    if form:
        return form[1].lower() in SPOKEN_FORMS
    return "_format=" not in query


def with_language(path: str, language: str | None, base: str = "/") -> str:
    """An address of this site, with its base, in a language; without one where the answer has none.

    An address that names a language keeps it; None adds none.
    """
    named, plain = split_language(without_base(path, base))
    if not has_language(plain):
        return base + plain[1:] if named else path
    return f"{base}{language}{plain}" if language and not named else path
