"""``datasette.json``: titles, descriptions, licence and source of every table and column, for the Datasette program."""

from collections.abc import Sequence
from typing import Any

from pipelines.catalogue import Catalogue
from pipelines.identifiers import ReleaseId
from pipelines.publication.gather import PublishedTable
from pipelines.publication.metadata.datapackage import PROVENANCE_TEXTS, TITLE
from pipelines.publication.metadata.licences import licence_of

PAGE_ROWS, WIDE_PAGE_ROWS = 30, 15
"""Rows of a page. Wide tables have fewer, so that the page of one with all columns filled weighs under 100 kB."""

WIDE = 30
"""Columns beyond which a table is wide."""

REFERENCE_TABLES = {
    "codelists": ("Codes and their labels", "Every code of the standard with its label in four languages."),
    "release_versions": (
        "What this release is made of",
        "One row per table of each member's accepted version.",
    ),
    "coverage": ("Rows by table, member and year", "What is not listed has no data; that is not zero."),
    "fill_rates": (
        "How full the columns are",
        "Rows, and rows with a value, by table, column, member and year.",
    ),
    "quality": (
        "What the checks found",
        "Findings in accepted data by member, table, column and kind. A table that was checked without findings has one row without a code.",
    ),
    "indicators": (
        "Indicators",
        "One row is one figure: of the network, a member, a buyer or a supplier, of a year or of all. Empty with a reason where it cannot be told; never zero for that.",
    ),
    "indicator_flags": (
        "Red flags",
        "One row is one process, contract, bidder, supplier or buyer that an indicator flags. A flag is a reason to look, not a proof.",
    ),
    "indicator_computability": (
        "What can be computed",
        "One row is one indicator of one member in one year, and the fields that are missing.",
    ),
    "indicator_next_fields": (
        "What to publish next",
        "One row is one field, or fields needed together, and how many indicators it would make possible.",
    ),
    "indicator_definitions": (
        "Definitions of the indicators",
        "One row is one indicator: its words in four languages, its fields, its parameters and its SQL.",
    ),
}


def datasette_metadata(
    catalogue: Catalogue, release_id: ReleaseId, licence: str, base_url: str, tables: Sequence[PublishedTable]
) -> dict[str, Any]:
    """Metadata as Datasette 1.0 reads it. Licence and source stand on every table: Datasette inherits neither."""
    terms = licence_of(catalogue, licence)
    credits = {
        "license": terms["title"],
        "license_url": terms["path"],
        "source": f"INGP member agencies, release {release_id}",
        "source_url": f"{base_url}/",
    }
    described: dict[str, Any] = {}
    for table in tables:
        text = catalogue.texts.table("en", table.table.package_type, table.table.name)
        columns = {
            column.name: column.field.descriptor["description"]
            if column.field
            else PROVENANCE_TEXTS[column.name][2]
            for column in table.columns
        }
        described[table.name] = {
            "title": text.title,
            "description": text.description,
            "columns": columns,
            **credits,
        }
    for name, (title, description) in REFERENCE_TABLES.items():
        described[name] = {"title": title, "description": description, **credits}
    return {
        "title": TITLE,
        **credits,
        "databases": {"ingp": {"title": f"Release {release_id}", **credits, "tables": described}},
    }


def datasette_config(tables: Sequence[PublishedTable]) -> dict[str, Any]:
    """Configuration of tables as Datasette 1.0 reads it (``datasette.yaml``): facets, size, sorting, hidden search tables."""
    configured: dict[str, Any] = {}
    for table in tables:
        names = {column.name for column in table.columns}
        facets = [name for name in ("member_code", *table.table.facets) if name in names]
        configured[table.name] = {
            "facets": facets[:4],
            "size": WIDE_PAGE_ROWS if len(names) > WIDE else PAGE_ROWS,
        }
    return {"databases": {"ingp": {"tables": configured}}}
