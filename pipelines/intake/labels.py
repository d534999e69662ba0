"""Which field a heading means: names, titles in four languages, OCDS paths, all compared without case, accents and punctuation."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pipelines.catalogue import LANGUAGES, Catalogue, PackageType, Table

_GAPS = re.compile(r"[\W_]+")


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """``"Fecha de Firma *"`` -> ``"fecha de firma"``: lower case, no accents, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _GAPS.sub(" ", plain).strip()


@dataclass(frozen=True)
class LabelIndex:
    """Known labels of one package type: ``fields[table][folded label] = field name``."""

    package_type: PackageType
    fields: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, str]

    @classmethod
    def build(cls, catalogue: Catalogue, package_type: PackageType) -> "LabelIndex":
        fields: dict[str, dict[str, str]] = {}
        tables: dict[str, str] = {}
        for table in package_type.tables:
            labels: dict[str, str] = {}
            # Weakest first: a name or own title wins over another field's equal OCDS path.
            for field in table.fields:
                if field.ocds_path and not field.ocds_path.startswith("../"):
                    labels[fold(field.ocds_path)] = field.name
            for language in reversed(LANGUAGES):
                for field in table.fields:
                    labels[
                        fold(catalogue.texts.field(language, package_type.name, table.name, field.name).title)
                    ] = field.name
            for field in table.fields:
                labels[fold(field.name)] = field.name
            fields[table.name] = labels
            for language in LANGUAGES:
                tables[fold(catalogue.texts.table(language, package_type.name, table.name).title)] = (
                    table.name
                )
            tables[fold(table.name)] = table.name
            tables[fold(table.published_name)] = table.name
        return cls(package_type, fields, tables)

    def table_named(self, name: str) -> str | None:
        """Table that a file or sheet name means: ``Contratos``, ``procurement_contracts``; None when none does."""
        return self.tables.get(fold(name))

    def hits(self, table: str, cells: Iterable[str | None]) -> int:
        labels = self.fields[table]
        return len({labels[key] for cell in cells if cell and (key := fold(cell)) in labels})

    def match(self, table: Table, cells: list[str | None]) -> tuple[dict[int, str], dict[int, str]]:
        """Columns of a heading row: (index -> field, index -> label that no field answers to)."""
        labels = self.fields[table.name]
        known, unknown = {}, {}
        for index, cell in enumerate(cells):
            if cell is None or not cell.strip():
                continue
            field = labels.get(fold(cell))
            if field:
                known[index] = field
            else:
                unknown[index] = cell.strip()
        return known, unknown

    @cached_property
    def _choices(self) -> Mapping[str, list[str]]:
        return {table: list(labels) for table, labels in self.fields.items()}

    def nearest(self, table: str, label: str) -> str | None:
        """Field with the most similar label, for a hint; None when nothing is near."""
        near = difflib.get_close_matches(fold(label), self._choices[table], n=1, cutoff=0.8)
        return self.fields[table][near[0]] if near else None
