"""From a sentence to a question: "contratos diretos 2023 acima de 1 milhão" becomes choices of the guided query.

The words come from ``schemas/synonyms.csv`` and from the labels of codes and the names of members in four languages.
They are compared without accents and capitals, the longest phrase first, the reader's own language before the
others: a "billion" is a thousand millions in English and a thousand times that in French.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.catalogue.texts import read_rows
from pipelines.serving.questions import YEARS, read_amount

LONGEST_PHRASE = 5
MOST_TOKENS = 60
LABELS = {"method": "method", "procurementCategory": "category"}
_TOKEN = re.compile(r"us\$|r\$|\d[\d.,]*\d|\d|[^\W\d_]+")
_PLURALS = ("s", "es")


@dataclass(frozen=True, slots=True)
class Understood:
    """pairs: arguments of the guided query; left: words that mean none of its choices; meant: how many choices were found."""

    pairs: tuple[tuple[str, str], ...]
    left: tuple[str, ...]
    meant: int


def folded(text: str) -> str:
    """A text without accents and capitals."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter)).replace("’", "'")


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


class Dictionary:
    """Phrase -> (meaning, code), for each language."""

    def __init__(self, schemas: Path, catalogue: Catalogue) -> None:
        self._phrases: dict[str, dict[tuple[str, ...], tuple[str, str]]] = {each: {} for each in LANGUAGES}
        for row in read_rows(schemas / "synonyms.csv"):
            for words in row["words"].split("|"):
                self._add(row["language"], words, row["meaning"], row["code"])
        for (language, codelist, code), label in catalogue.texts.codes.items():
            if codelist in LABELS:
                self._add(language, label, LABELS[codelist], code)
        for code, member in catalogue.members.items():
            if member.kind in ("member", "demo"):
                for language in LANGUAGES:
                    self._add(language, member.names[language], "member", code)
        for code in catalogue.codelists["currency"].codes:
            if len(code) == 3:
                self._add("en", code, "currency", code)

    def _add(self, language: str, words: str, meaning: str, code: str) -> None:
        self._phrases[language].setdefault(tuple(_tokens(folded(words))), (meaning, code))

    def understand(self, sentence: str, language: str) -> Understood:
        """What a sentence asks for. Every text gives an answer; only its first words are looked at when it is long."""
        own = [token for word in sentence[:2000].split() for token in _tokens(folded(word))][:MOST_TOKENS]
        order = (language, *(each for each in LANGUAGES if each != language))
        pairs: list[tuple[str, str]] = []
        left: list[str] = []
        years: list[int] = []
        bound, place = "over", 0
        while place < len(own):
            read = self._number(own, place, order)
            if read:
                place, amount, is_year = read
                if is_year and bound == "over" and not (pairs and pairs[-1][0] == "bound"):
                    years.append(int(amount))
                elif pairs and pairs[-1][0] == "bound":
                    pairs[-1] = (bound, f"{amount.normalize():f}")
                elif amount >= 1000:
                    pairs.append(("over", f"{amount.normalize():f}"))
                else:
                    left.append(f"{amount.normalize():f}")
                bound = "over"
                continue
            found = self._phrase(own, place, order)
            if found is None:
                left.append(own[place])
                place += 1
                continue
            length, meaning, code = found
            place += length
            if meaning in ("over", "under"):
                bound = meaning
                pairs.append(("bound", meaning))
            elif meaning not in ("skip", "times"):
                pairs.append((meaning, code))
        pairs = [pair for pair in pairs if pair[0] != "bound"]
        if years:
            pairs += [("since", str(min(years))), ("until", str(max(years)))]
        kept = tuple(dict.fromkeys(pairs))
        return Understood(kept, tuple(left), len({name for name, _code in kept} - {"until"}))

    def _phrase(self, own: list[str], place: int, order: tuple[str, ...]) -> tuple[int, str, str] | None:
        for length in range(min(LONGEST_PHRASE, len(own) - place), 0, -1):
            words = tuple(own[place : place + length])
            for language in order:
                for form in _forms(words):
                    if form in self._phrases[language]:
                        return length, *self._phrases[language][form]
        return None

    def _number(self, own: list[str], place: int, order: tuple[str, ...]) -> tuple[int, Decimal, bool] | None:
        """(place behind it, amount, whether it is a year) of a number, with "thousand" or "million" behind it.

        "un millón" is a number too.
        """
        amount = read_amount(own[place]) if own[place][0].isdigit() else None
        start = place
        if amount is not None:
            place += 1
        times = Decimal(1)
        while place < len(own) and (found := self._phrase(own, place, order)) and found[1] == "times":
            times *= Decimal(found[2])
            place += found[0]
        if amount is None and times == 1:
            return None
        is_year = amount is not None and times == 1 and bool(re.fullmatch(r"\d{4}", own[start]))
        total = (amount if amount is not None else Decimal(1)) * times
        return place, total, is_year and YEARS[0] <= total <= YEARS[1]


def _forms(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A phrase as it is, and in the singular."""
    yield words
    for ending in _PLURALS:
        if words[-1].endswith(ending) and len(words[-1]) > len(ending) + 2:
            yield (*words[:-1], words[-1].removesuffix(ending))
    if len(words) == 2 and all(word.endswith("s") for word in words):
        yield tuple(word.removesuffix("s") for word in words)


def codes_of(catalogue: Catalogue) -> Mapping[str, tuple[str, ...]]:
    """Codelist -> its codes, as `read_question` takes them."""
    return {name: tuple(codelist.codes) for name, codelist in catalogue.codelists.items()}
