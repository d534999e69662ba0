"""Typed view of ``schemas/``: what the standard says, ready to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipelines.records import Severity

LANGUAGES = ("es", "en", "pt", "fr")

PROVENANCE = ("source_file", "source_row_number")
"""Columns of every staged and accepted row: the file and row of the submission it came from."""

PUBLISHED_PROVENANCE = ("member_code", "version_number", *PROVENANCE)
"""Columns that every published row carries beside its own: any figure leads back to a cell of a submitted file."""

_DUCKDB_TYPES = {
    "string": "VARCHAR",
    "list": "VARCHAR",
    "integer": "BIGINT",
    "number": "DECIMAL(38,18)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP WITH TIME ZONE",
    "year": "INTEGER",
}


@dataclass(frozen=True)
class Field:
    """A column of the standard. `descriptor` is its Table Schema field, word for word."""

    name: str
    type: str
    level: str
    descriptor: Mapping[str, Any]

    @property
    def codelist(self) -> str | None:
        return self.descriptor.get("codelist")

    @property
    def ocds_path(self) -> str | None:
        return self.descriptor.get("ocdsPath")

    @property
    def personal_data(self) -> str | None:
        """Class P1 to P8 of the personal-data policy (docs/decisions), None for none."""
        return self.descriptor.get("personalData")

    @property
    def linked_field(self) -> str | None:
        """``table.column`` of the linked tables that a column of the flat table becomes."""
        return self.descriptor.get("linkedField")

    @property
    def duckdb_type(self) -> str:
        return _DUCKDB_TYPES[self.type]

    @property
    def is_withheld(self) -> bool:
        """Direct personal data (class P1) is kept in the submission and never published."""
        return self.personal_data == "P1"


@dataclass(frozen=True)
class OcdsSource:
    """An array (or object) of a release whose elements are rows of a table; `constants` are set on each."""

    path: str
    constants: Mapping[str, str]


@dataclass(frozen=True)
class ForeignKey:
    fields: tuple[str, ...]
    table: str
    reference_fields: tuple[str, ...]
    severity: Severity


@dataclass(frozen=True)
class Table:
    """A table of a package type. `descriptor` is its Table Schema, word for word."""

    package_type: str
    name: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    ocds_sources: tuple[OcdsSource, ...]
    descriptor: Mapping[str, Any]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {each.name: each for each in self.fields}

    @property
    def published_name(self) -> str:
        return f"{self.package_type}_{self.name}"

    @property
    def is_published(self) -> bool:
        return self.descriptor.get("publish", True)

    @property
    def published_fields(self) -> tuple[Field, ...]:
        return tuple(each for each in self.fields if not each.is_withheld)

    @property
    def search_columns(self) -> tuple[str, ...]:
        return tuple(self.descriptor.get("searchColumns", ()))

    @property
    def facets(self) -> tuple[str, ...]:
        return tuple(self.descriptor.get("facets", ()))


@dataclass(frozen=True)
class PackageType:
    """A kind of package in one version of the standard; `tables` in an order where parents come before children."""

    name: str
    version: str
    tables: tuple[Table, ...]
    minimum: tuple[str, ...]
    flat: str | None
    descriptor: Mapping[str, Any]

    @cached_property
    def by_name(self) -> Mapping[str, Table]:
        return {table.name: table for table in self.tables}

    def table(self, name: str) -> Table:
        return self.by_name[name]


@dataclass(frozen=True)
class Code:
    code: str
    title: str
    description: str
    status: str
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Codelist:
    """Allowed codes (closed) or known codes (open) of a field. `synonyms`: what agencies write for one code and no other."""

    name: str
    closed: bool
    codes: Mapping[str, Code]
    descriptor: Mapping[str, Any]
    synonyms: Mapping[str, str]


@dataclass(frozen=True)
class FindingPolicy:
    """What a finding code does: one row of ``schemas/findings.csv``."""

    code: str
    severity: Severity
    level: str
    since: str
    source: str


@dataclass(frozen=True)
class Member:
    """A member of the network, or another body that may submit."""

    code: str
    alpha2: str
    names: Mapping[str, str]
    institution: str
    area: str
    languages: tuple[str, ...]
    currency: str
    ocid_prefixes: tuple[str, ...]
    identifier_schemes: tuple[str, ...]
    time_zone: str
    kind: str
    """``member``, ``network``, ``demo``, or ``anybody`` for files that are only checked."""
