"""How a field of the standard looks in a spreadsheet: width, format, example, what a cell takes."""

import datetime as dt
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipelines.catalogue import Catalogue, Codelist, Field, Member, Table
from pipelines.templates.texts import Words, load_examples, load_words

LONG_LIST = 40
"""Lists with more codes than this go by the alphabet, and codes may be typed: people know theirs."""

_FIRST_DATE = dt.date(1900, 1, 1)
_PROMPT_TITLE, _PROMPT_TEXT = 32, 255
_LIMIT = 10**15
_NUMBER_FORMATS = {"number": "#,##0.00", "integer": "0", "year": "0"}


@dataclass(frozen=True, slots=True)
class Template:
    """One workbook in the making: package type, language, and the member it is for, if any."""

    catalogue: Catalogue
    package_type_name: str
    language: str
    member: Member | None

    @property
    def words(self) -> Words:
        return load_words()[self.language]

    def title(self, table: Table) -> str:
        return self.catalogue.texts.table(self.language, self.package_type_name, table.name).title

    def field_title(self, table: Table, field: Field) -> str:
        return self.catalogue.texts.field(self.language, self.package_type_name, table.name, field.name).title

    def field_description(self, table: Table, field: Field) -> str:
        texts = self.catalogue.texts
        return texts.field(self.language, self.package_type_name, table.name, field.name).description

    def codelist(self, field: Field) -> Codelist | None:
        return self.catalogue.codelists.get(field.codelist or "")

    def label(self, codelist: str, code: str) -> str:
        return self.catalogue.texts.code(self.language, codelist, code)

    def choices(self, codelist: Codelist) -> list[tuple[str, str]]:
        """(code, label) of the codes in force. The member's own come first, long lists go by the alphabet."""
        rows = [(code.code, self.label(codelist.name, code.code)) for code in codelist.codes.values()]
        rows = [(code, label) for code, label in rows if codelist.codes[code].status == "active"]
        if len(rows) > LONG_LIST:
            rows.sort(key=lambda row: (sort_key(row[1]), row[0]))
        own = self._own(codelist.name)
        known = dict(rows)
        first = [(code, known.get(code, code)) for code in own]
        return first + [row for row in rows if row[0] not in own]

    def _own(self, codelist: str) -> tuple[str, ...]:
        """Codes of a list that the member itself uses. Its registers may be too new for the list."""
        if self.member is None:
            return ()
        own: dict[str, Iterable[str]] = {
            "currency": (self.member.currency,),
            "country": (self.member.alpha2,),
            "language": self.member.languages,
            "identifierScheme": self.member.identifier_schemes,
        }
        codes = self.catalogue.codelists[codelist].codes
        return tuple(
            code for code in own.get(codelist, ()) if code in codes or codelist == "identifierScheme"
        )

    def heading(self, table: Table, field: Field) -> str:
        """The title; required ones carry an asterisk, so that colour is not the only sign."""
        title = self.field_title(table, field)
        return f"{title} *" if field.level == "required" else title

    def example(self, field: Field) -> str:
        """The example of the standard as a person would type it here; empty when the standard has none."""
        raw = str(field.descriptor.get("example") or "")
        codelist = self.codelist(field)
        if codelist is not None:
            known = codelist.codes
            return "; ".join(
                self.label(codelist.name, code) if code in known else code for code in raw.split(";") if code
            )
        if field.type == "boolean":
            return self.words.booleans[0 if raw == "true" else 1]
        if field.type in ("date", "datetime") and raw:
            return dt.date.fromisoformat(raw[:10]).strftime(python_date_format(self.words.date_format))
        if field.type == "number" and "." in raw:
            return raw.rstrip("0").rstrip(".")
        return load_examples().get((self.language, raw), raw)

    def comment(self, table: Table, field: Field) -> str:
        """What the note on a heading says: level, meaning, example."""
        lines = [f"{self.words.levels[field.level]}. {self.field_description(table, field)}"]
        if field.type == "list":
            lines.append(self.words.several)
        example = self.example(field)
        if example:
            lines.append(f"{self.words.example}: {example}")
        return "\n".join(lines)

    def cell_format(self, field: Field) -> str:
        """Number format. Text (``@``) for everything that is no quantity or date: zeros in front stay."""
        if field.type in ("date", "datetime"):
            return self.words.date_format
        return _NUMBER_FORMATS.get(field.type, "@")

    def validation(self, field: Field) -> dict[str, Any] | None:
        """Options of XlsxWriter's ``data_validation``; None where a cell takes any text."""
        codelist = self.codelist(field)
        if codelist is not None:
            return self._code_validation(field, codelist)
        if field.type == "boolean":
            return {"validate": "list", "source": list(self.words.booleans), **self._messages("boolean")}
        if field.type in ("date", "datetime"):
            return {"validate": "date", "criteria": ">=", "value": _FIRST_DATE, **self._messages("date")}
        if field.type in ("integer", "year"):
            minimum = int(field.descriptor.get("constraints", {}).get("minimum", -_LIMIT))
            return {
                "validate": "integer",
                "criteria": "between",
                "minimum": minimum,
                "maximum": _LIMIT,
                **self._messages("integer"),
            }
        if field.type == "number":
            minimum = int(field.descriptor.get("constraints", {}).get("minimum", -_LIMIT))
            return {
                "validate": "decimal",
                "criteria": "between",
                "minimum": minimum,
                "maximum": _LIMIT,
                **self._messages("number"),
            }
        return None

    def _code_validation(self, field: Field, codelist: Codelist) -> dict[str, Any]:
        options: dict[str, Any] = {"validate": "list", "source": f"={range_name(codelist.name)}"}
        if field.type == "list":
            return options | self._messages("several") | {"show_error": False}
        if not codelist.closed:
            return options | self._messages("open") | {"show_error": False}
        if len(codelist.codes) > LONG_LIST:
            return options | self._messages("long") | {"show_error": False}
        return options | self._messages("code")

    def _messages(self, kind: str) -> dict[str, str]:
        title, text = self.words.validation[kind]
        options = {"input_title": title[:_PROMPT_TITLE], "input_message": text[:_PROMPT_TEXT]}
        if f"{kind}-error" in self.words.validation:
            title, text = self.words.validation[f"{kind}-error"]
            options |= {"error_title": title[:_PROMPT_TITLE], "error_message": text[:_PROMPT_TEXT]}
        return options

    def width(self, table: Table, field: Field) -> int:
        """Characters across: by what stands in the column, never less than the longest word of its title."""
        if self.codelist(field) is not None:
            own = 26
        elif field.type == "string" and field.name.endswith(
            ("description", "rationale", "statement", "text")
        ):
            own = 44
        elif field.type == "string" and field.name.endswith(("name", "title", "url", "uri")):
            own = 34
        else:
            own = {"date": 13, "datetime": 13, "number": 17, "integer": 13, "year": 9, "boolean": 13}.get(
                field.type, 22
            )
        words = self.heading(table, field).split()
        # The arrow of the filter takes the room of some characters.
        return max(own, *(len(word) + 4 for word in words))


def range_name(codelist: str) -> str:
    """Name of the cells with the labels of a codelist."""
    return f"codes_{codelist}"


def sort_key(text: str) -> str:
    """Alphabetical order without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def python_date_format(spreadsheet_format: str) -> str:
    """``dd/mm/yyyy`` -> ``%d/%m/%Y``."""
    return spreadsheet_format.replace("dd", "%d").replace("mm", "%m").replace("yyyy", "%Y")
