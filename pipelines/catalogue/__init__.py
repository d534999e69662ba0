"""The standard, read from ``schemas/``: package types, tables, fields, codelists, members, finding policies, texts."""

from pipelines.catalogue.load import Catalogue, load_catalogue
from pipelines.catalogue.model import (
    LANGUAGES,
    PROVENANCE,
    PUBLISHED_PROVENANCE,
    Codelist,
    Field,
    Member,
    PackageType,
    Table,
)

__all__ = [
    "LANGUAGES",
    "PROVENANCE",
    "PUBLISHED_PROVENANCE",
    "Catalogue",
    "Codelist",
    "Field",
    "Member",
    "PackageType",
    "Table",
    "load_catalogue",
]
