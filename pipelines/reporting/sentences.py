"""A finding in words: what happened, why it matters, what to do; in the language of the reader."""

from collections.abc import Mapping
from datetime import date
from string import Formatter
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal

from pipelines.catalogue import Catalogue, PackageType
from pipelines.catalogue.texts import FindingText
from pipelines.records import Finding, FindingGroup
from pipelines.reporting.language import translations

_FIELD_PARAMETERS = ("earlier_field", "later_field")
_COUNTS = ("count", "length", "limit", "expected", "found", "digits", "total")


def quoted(text: str, language: str) -> str:
    """A value in the quotation marks of a language."""
    return {"es": f"«{text}»", "fr": f"« {text} »"}.get(language, f"“{text}”")


class Sentences:
    """Renders findings of one package type in one language."""

    def __init__(self, catalogue: Catalogue, package_type: PackageType, language: str) -> None:
        self.catalogue = catalogue
        self.package_type = package_type
        self.language = language
        self._ = translations(language).gettext

    def table_title(self, table: str | None) -> str:
        if table is not None and table in self.package_type.by_name:
            return self.catalogue.texts.table(self.language, self.package_type.name, table).title
        return table or ""

    def field_title(self, table: str | None, field: str | None) -> str:
        if table is None or field is None or table not in self.package_type.by_name:
            return field or ""
        if field in self.package_type.table(table).by_name:
            return self.catalogue.texts.field(self.language, self.package_type.name, table, field).title
        return field or ""

    def code_label(self, codelist: str, code: str) -> str:
        if codelist in self.catalogue.codelists and code in self.catalogue.codelists[codelist].codes:
            label = self.catalogue.texts.code(self.language, codelist, code)
            return code if label == code else f"{code} ({label})"
        return code

    def group(self, group: FindingGroup) -> FindingText:
        """The three sentences of a group, filled from its first example."""
        return self.finding(group.examples[0], count=group.count)

    def finding(self, finding: Finding, count: int = 1) -> FindingText:
        text = self.catalogue.texts.finding(self.language, finding.code)
        values = self._values(finding, count)
        return FindingText(*(_fill(sentence, values) for sentence in text))

    def suggestion(self, finding: Finding) -> str | None:
        """``Perhaps: …`` when the finder knows a near miss."""
        near = finding.parameters.get("suggestion")
        if not near:
            return None
        codelist = finding.parameters.get("codelist")
        label = self.code_label(codelist, near) if codelist else self.field_title(finding.table, near)
        return self._("Perhaps: {label}").format(label=label)

    def _values(self, finding: Finding, count: int) -> dict[str, str]:
        values: dict[str, Any] = {
            "field": self.field_title(finding.table, finding.field),
            "table": self.table_title(finding.table),
            "value": quoted(_short(finding.value), self.language) if finding.value is not None else "",
            "cell": finding.cell or "",
            "row": str(finding.row_number or ""),
            "file": finding.source_file or "",
            "sheet": finding.sheet or "",
            "count": count,
        }
        values.update(finding.parameters)
        return {name: self._word(name, value, finding, values) for name, value in values.items()}

    def _word(self, name: str, value: Any, finding: Finding, values: Mapping[str, Any]) -> str:
        """A parameter as people read it: titles for tables and fields, labels for codes, local numbers and dates."""
        if name in _FIELD_PARAMETERS:
            return self.field_title(finding.table, str(value))
        if name == "parent" or (name == "name" and finding.code == "table-missing"):
            return self.table_title(str(value))
        if name == "name" and finding.code in ("column-missing", "recommended-empty"):
            return self.field_title(finding.table, str(value))
        if name == "type":
            return self._type_name(str(value))
        if name == "kind":
            return self._kind_name(str(value))
        if name == "read_as":
            return self._reading_name(str(value))
        if name == "allowed":
            codelist = str(values.get("codelist", ""))
            return ", ".join(self.code_label(codelist, code) for code in value)
        if name == "known":
            return ", ".join(self.table_title(each) for each in value)
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        if name in ("earlier", "later", "received_at") and isinstance(value, str):
            return self._date(value)
        if name in _COUNTS and isinstance(value, int):
            return format_decimal(value, locale=self.language)
        return str(value)

    def _date(self, text: str) -> str:
        try:
            return format_date(date.fromisoformat(text[:10]), format="medium", locale=self.language)
        except ValueError:
            return text

    def _type_name(self, kind: str) -> str:
        _ = self._
        names = {
            "number": _("number"),
            "integer": _("whole number"),
            "date": _("date"),
            "datetime": _("date"),
            "boolean": _("yes or no"),
            "year": _("year"),
            "list": _("list separated by semicolons"),
        }
        return names.get(kind, _("text"))

    def _kind_name(self, kind: str) -> str:
        _ = self._
        names = {"html": _("web page"), "pdf": _("PDF document"), "image": _("picture")}
        return names.get(kind, _("file of another kind"))

    def _reading_name(self, reading: str) -> str:
        _ = self._
        names = {
            ".": _("point for decimals"),
            ",": _("comma for decimals"),
            "dmy": _("day, month, year"),
            "mdy": _("month, day, year"),
        }
        return names.get(reading, reading)


def _short(text: str, characters: int = 60) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _fill(sentence: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders; one that the finder did not give becomes nothing, never an error at the reader's."""
    names = {name for _, name, _, _ in Formatter().parse(sentence) if name}
    return sentence.format(**{name: values.get(name, "") for name in names})
