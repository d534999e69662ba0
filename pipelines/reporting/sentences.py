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
from pipelines.reporting.places import file_name, is_record
from pipelines.reporting.visible import visible

_FIELD_PARAMETERS = ("earlier_field", "later_field")
_COUNTS = ("count", "length", "limit", "expected", "found", "digits", "total")
_PARAMETER = 200
"""Characters of a parameter in a sentence: some are headings or names out of the file itself."""


def quoted(text: str, language: str) -> str:
    """A value in the quotation marks of a language."""
    return {"es": f"«{text}»", "fr": f"«\u00a0{text}\u00a0»"}.get(language, f"“{text}”")


def labelled(name: str, value: str, language: str) -> str:
    """``name: value``, with the colon as the language writes it."""
    return translations(language).gettext("{name}: {value}").format(name=name, value=value)


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
        return visible(table or "", _PARAMETER)

    def field_title(self, table: str | None, field: str | None) -> str:
        if table is None or field is None or table not in self.package_type.by_name:
            return visible(field or "", _PARAMETER)
        if field in self.package_type.table(table).by_name:
            return self.catalogue.texts.field(self.language, self.package_type.name, table, field).title
        return visible(field, _PARAMETER)

    def code_label(self, codelist: str, code: str) -> str:
        if codelist in self.catalogue.codelists and code in self.catalogue.codelists[codelist].codes:
            label = self.catalogue.texts.code(self.language, codelist, code)
            return code if label == code else f"{code} ({label})"
        return visible(code, _PARAMETER)

    def group(self, group: FindingGroup) -> FindingText:
        """The three sentences of a group, filled from its first example."""
        return self.finding(group.examples[0], count=group.count)

    def finding(self, finding: Finding, count: int = 1) -> FindingText:
        text = self.catalogue.texts.finding(self.language, finding.code)
        values = self._values(finding, count)
        return FindingText(*(_fill(sentence, values) for sentence in text))

    def suggestion(self, finding: Finding) -> str | None:
        """``Perhaps: …`` when the finder knows a near miss."""
        if column := finding.parameters.get("joined_column"):
            return self._("Perhaps column {column} holds two cells, for want of a quotation mark").format(
                column=column
            )
        if column := finding.parameters.get("missing_column"):
            return self._("Perhaps the cell of column {column} is missing").format(column=column)
        near = finding.parameters.get("suggestion")
        twin = finding.parameters.get("first_row") or finding.parameters.get("other_row")
        if not near and twin and is_record(finding):
            return None  # a row of a table is no place in JSON, where one record gives many rows
        if not near and twin:
            return self._("Compare with row {row}").format(row=twin)
        if not near:
            return None
        codelist = finding.parameters.get("codelist")
        label = self.code_label(codelist, near) if codelist else self.field_title(finding.table, near)
        return self._("Perhaps: {label}").format(label=label)

    def ocds_path(self, finding: Finding) -> str:
        """Where OCDS has what a finding speaks of: ``/awards/items/quantity``; ``…/items`` when it may be in several."""
        if finding.table is None or finding.table not in self.package_type.by_name:
            return ""
        table = self.package_type.table(finding.table)
        paths = {source.path for source in table.ocds_sources}
        if not paths:
            return ""
        path = paths.pop() if len(paths) == 1 else "…/" + sorted(paths)[0].rpartition("/")[2]
        field = table.by_name.get(finding.field or "")
        inside = (field.ocds_path if field else None) or ""
        if inside.startswith("/"):
            return inside
        return f"{path}/{inside}" if inside and not inside.startswith("../") else path

    def _values(self, finding: Finding, count: int) -> dict[str, str]:
        values: dict[str, Any] = {
            "field": self.field_title(finding.table, finding.field),
            "table": self.table_title(finding.table),
            "value": quoted(visible(finding.value, 60), self.language) if finding.value is not None else "",
            "cell": finding.cell or "",
            "row": str(finding.row_number or ""),
            "file": ", ".join(file_name(name) for name in (finding.source_file, finding.sheet) if name),
            "sheet": finding.sheet or "",
            "count": count,
        }
        values.update(finding.parameters)
        return {name: self._word(name, value, finding, values) for name, value in values.items()}

    def _word(self, name: str, value: Any, finding: Finding, values: Mapping[str, Any]) -> str:
        """A parameter as people read it: titles for tables and fields, labels for codes, local numbers and dates."""
        if name in _FIELD_PARAMETERS:
            return self.field_title(finding.table, str(value))
        if f"{name}_codelist" in finding.parameters:
            codes = str(value).replace(";", ", ").split(", ")
            return ", ".join(self.code_label(str(values[f"{name}_codelist"]), code) for code in codes)
        if name == "parent" or (name == "name" and finding.code == "table-missing"):
            return self.table_title(str(value))
        if name == "name" and finding.code in ("column-missing", "recommended-empty"):
            return self.field_title(finding.table, str(value))
        if name == "type":
            return self._type_name(str(value))
        if name == "kind":
            return self._kind_name(str(value))
        if name == "read_as":
            return self.reading_name(str(value))
        if name == "allowed":
            codelist = str(values.get("codelist", ""))
            return ", ".join(self.code_label(codelist, code) for code in value)
        if name in ("known", "names"):
            return ", ".join(self.table_title(each) for each in value)
        if isinstance(value, list | tuple):
            return ", ".join(visible(str(each), 60) for each in value)
        if name in ("earlier", "later", "received_at") and isinstance(value, str):
            return visible(self._date(value), _PARAMETER)
        if name in _COUNTS and isinstance(value, int):
            return format_decimal(value, locale=self.language)
        return visible(str(value), _PARAMETER)

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

    def reading_name(self, reading: str) -> str:
        _ = self._
        names = {
            ".": _("point for decimals"),
            ",": _("comma for decimals"),
            "dmy": _("day, month, year"),
            "mdy": _("month, day, year"),
            "?": _("not certain, see the remarks"),
        }
        return names.get(reading) or visible(reading, _PARAMETER)


def _fill(sentence: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders; one that the finder did not give becomes nothing, never an error at the reader's."""
    names = {name for _, name, _, _ in Formatter().parse(sentence) if name}
    return sentence.format(**{name: values.get(name, "") for name in names})
