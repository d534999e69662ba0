"""What a person probably meant: proposals beside a finding, never applied by themselves."""

import re
import unicodedata
from datetime import date
from difflib import get_close_matches

from pipelines.catalogue import LANGUAGES, Catalogue

_CLOSE = 0.75
"""Two letters of three (MNX, MZN) are not near: a wrong hint costs more than none."""

_SHORTEST_WORD, _LONGEST = 4, 100

_PARTS = re.compile(r"\s*(\d{1,4})\s*[-/.]\s*(\d{1,4})\s*[-/.]\s*(\d{1,4})(?:[T ].*)?", re.DOTALL)


def near_date(text: str) -> str:
    """The date that an impossible one becomes with day and month in their places: ``2016-21-12`` -> ``2016-12-21``.

    '' when there is none (31 February), or when the parts do not say which of them is the year.
    """
    found = _PARTS.fullmatch(text)
    if not found:
        return ""
    first, middle, last = found.groups()
    if len(first) == 4:
        year, orders = first, ((middle, last), (last, middle))
    elif len(last) == 4:
        year, orders = last, ((middle, first), (first, middle))
    else:
        return ""
    for month, day in orders:
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return ""


class NearCodes:
    """Finds the code that somebody means by a text; remembers what it found, for bad cells repeat."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._labels: dict[str, dict[str, str]] = {}
        self._found: dict[tuple[str, str], str] = {}

    def find(self, codelist: str, text: str) -> str:
        """The code of `text`: ``abierta`` -> ``open``; '' when none is near, or several are.

        Asked in turn: a slip in a code; a slip in a label of any of the four languages; a word that stands in the
        labels of one code only, whatever its gender and number.
        """
        if codelist not in self.catalogue.codelists:
            return ""
        key = codelist, text[:_LONGEST]
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def _find(self, codelist: str, text: str) -> str:
        labels = self._labels.setdefault(codelist, self._read_labels(codelist))
        codes = {_folded(code): code for code in self.catalogue.codelists[codelist].codes}
        written = _folded(text)
        for names in (codes, labels):
            near = get_close_matches(written, names, n=1, cutoff=_CLOSE)
            if near:
                return names[near[0]]
        stems = {_stem(word) for word in written.split() if len(word) >= _SHORTEST_WORD}
        found = {
            code
            for label, code in labels.items()
            if stems and stems <= {_stem(word) for word in label.split()}
        }
        return found.pop() if len(found) == 1 else ""

    def _read_labels(self, codelist: str) -> dict[str, str]:
        """Folded label -> code."""
        return {
            _folded(self.catalogue.texts.code(language, codelist, code)): code
            for language in LANGUAGES
            for code in self.catalogue.codelists[codelist].codes
        }


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode()))


def _stem(word: str) -> str:
    return word.rstrip("s").rstrip("aeo") or word
