"""Texts for people, written once in ``schemas/translations/`` and asked for by language."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.catalogue.model import LANGUAGES


class Text(NamedTuple):
    title: str
    description: str


class FindingText(NamedTuple):
    """What happened, why it matters, what to do. Placeholders ``{name}`` are filled from the finding."""

    what: str
    why: str
    fix: str


@dataclass(frozen=True)
class Texts:
    """All texts of the standard: per language, keyed as the CSV files of ``schemas/translations/`` are."""

    tables: Mapping[tuple[str, str, str], Text]
    fields: Mapping[tuple[str, str, str, str], Text]
    codes: Mapping[tuple[str, str, str], str]
    findings: Mapping[tuple[str, str], FindingText]

    def table(self, language: str, package_type: str, table: str) -> Text:
        return self.tables[language, package_type, table]

    def field(self, language: str, package_type: str, table: str, field: str) -> Text:
        own = self.fields.get((language, package_type, table, field))
        return own or self.fields[language, package_type, "*", field]

    def code(self, language: str, codelist: str, code: str) -> str:
        return self.codes[language, codelist, code]

    def finding(self, language: str, code: str) -> FindingText:
        return self.findings[language, code]


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file of ``schemas/``; no rows when the file does not exist."""
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def load_texts(schemas: Path, english: Mapping[str, Any]) -> Texts:
    """Texts of all languages. `english` holds the tables, fields and codes whose English is in the standard itself."""
    tables = {("en", *key): text for key, text in english["tables"].items()}
    fields = {("en", *key): text for key, text in english["fields"].items()}
    codes = {("en", *key): text for key, text in english["codes"].items()}
    findings = {}
    for language in LANGUAGES:
        folder = schemas / "translations" / language
        for row in read_rows(folder / "tables.csv"):
            tables[language, row["package_type"], row["table"]] = Text(row["title"], row["description"])
        for row in read_rows(folder / "fields.csv"):
            key = (language, row["package_type"], row["table"], row["field"])
            fields[key] = Text(row["title"], row["description"])
        for row in read_rows(folder / "codelists.csv"):
            codes[language, row["codelist"], row["code"]] = row["title"]
        for row in read_rows(folder / "findings.csv"):
            findings[language, row["code"]] = FindingText(row["what"], row["why"], row["fix"])
    return Texts(tables, fields, codes, findings)
