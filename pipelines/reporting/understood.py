"""What was understood of each file, in words: so that the sender can see it and correct it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_decimal

from pipelines.reporting.language import translations
from pipelines.reporting.places import file_name
from pipelines.reporting.sentences import Sentences
from pipelines.reporting.visible import CHARACTERS, visible, weight

SOURCES = 40
COLUMNS = 400
BYTES = 40_000
"""Files described, columns in all, and what they may weigh on a page: the rest is in ``report.json``."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """name: of file and sheet, as shown. place: of file and sheet, as they are. facts: (name, value). columns: (heading in the file, field of the standard)."""

    name: str
    place: tuple[str, str | None]
    facts: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]


def describe_sources(understood: Mapping[str, Any], sentences: Sentences) -> Iterator[SourceText]:
    """One text for each file or sheet, as many as a page can bear."""
    columns_left, bytes_left = COLUMNS, BYTES
    readings = {
        (entry["table"], entry["file"], entry["sheet"]): entry["reading"]
        for entry in understood.get("columns", ())
    }
    for entry in list(understood.get("files", ()))[:SOURCES]:
        if not entry["rows"] and not entry.get("tables"):
            continue
        text = _Described(entry, readings, sentences)
        facts, columns = tuple(text.facts()), tuple(text.columns()[:columns_left])
        columns_left -= len(columns)
        bytes_left -= sum(weight(each) for pair in (*facts, *columns) for each in pair)
        if bytes_left < 0:
            columns = ()
        if bytes_left < -BYTES:
            return
        yield SourceText(text.name, (entry["file"], entry["sheet"]), facts, columns)
    for entry in (understood.get("ocds") or {}).get("files", ())[:SOURCES]:
        _ = translations(sentences.language).gettext
        releases = format_decimal(entry["releases"], locale=sentences.language)
        facts = (
            (_("Format"), "OCDS JSON Lines" if entry.get("json_lines") else "OCDS JSON"),
            (_("Encoding"), visible(str(entry.get("encoding", "")), CHARACTERS)),
            (_("Releases"), releases),
        )
        yield SourceText(file_name(entry["file"]), (entry["file"], None), facts, ())


def separator_name(sign: str, language: str) -> str:
    """What stands between the cells of a text file, in words."""
    _ = translations(language).gettext
    names = {
        ",": _("comma"),
        ";": _("semicolon"),
        "\t": _("tab"),
        "|": _("vertical bar"),
    }
    return names.get(sign, visible(sign, 5))


class _Described:
    def __init__(
        self, entry: Mapping[str, Any], readings: Mapping[tuple[Any, ...], Any], sentences: Sentences
    ) -> None:
        self.entry = entry
        self.sentences = sentences
        self.language = sentences.language
        self._ = translations(sentences.language).gettext
        self.tables = list(entry.get("tables", ()))
        self.readings = [
            readings.get((table["table"], entry["file"], entry["sheet"]), {}) for table in self.tables
        ]

    @property
    def name(self) -> str:
        return ", ".join(file_name(name) for name in (self.entry["file"], self.entry["sheet"]) if name)

    def facts(self) -> Iterator[tuple[str, str]]:
        _ = self._
        entry = self.entry
        tables = [self.sentences.table_title(table["table"]) for table in self.tables]
        yield (_("Read as"), ", ".join(tables) or _("none of the tables"))
        yield (_("Format"), visible(str(entry.get("format", "")).upper(), CHARACTERS))
        if entry.get("encoding"):
            yield (_("Encoding"), visible(str(entry["encoding"]), CHARACTERS))
        if entry.get("delimiter"):
            yield (_("Separator between cells"), separator_name(entry["delimiter"], self.language))
        if self.tables:
            yield (
                _("Row of the headings"),
                format_decimal(self.tables[0]["heading_row"], locale=self.language),
            )
        yield (_("Rows"), format_decimal(entry["rows"], locale=self.language))
        orders = self.readings_of("date_order")
        if orders:
            yield (_("Order in dates"), orders)
        decimals = self.readings_of("decimal")
        if decimals:
            yield (_("Decimal sign"), decimals)
        zones = self.readings_of("time_zone")
        if zones:
            yield (_("Time zone"), zones)

    def readings_of(self, name: str) -> str:
        """How numbers or dates were read, each way once."""
        found = {
            str(reading[name])
            for readings in self.readings
            for reading in readings.values()
            if isinstance(reading, Mapping) and reading.get(name)
        }
        return ", ".join(self.sentences.reading_name(each) for each in sorted(found))

    def columns(self) -> list[tuple[str, str]]:
        pairs = []
        for table in self.tables:
            for field, label in table["columns"].items():
                title = self.sentences.field_title(table["table"], field)
                if len(self.tables) > 1:
                    title = f"{self.sentences.table_title(table['table'])}: {title}"
                pairs.append((self.heading(label), title))
        return pairs

    def heading(self, label: Any) -> str:
        if isinstance(label, Mapping):
            told = visible(str(label.get("value", "")), CHARACTERS)
            return self._("“{value}” in every row").format(value=told)
        names = label if isinstance(label, list) else [label]
        return " + ".join(visible(str(name), CHARACTERS) for name in names)
