"""schema.org/Dataset as JSON-LD, for the page of a release, a table or a member (Google Dataset Search reads it)."""

import json
from typing import Any

from pipelines.publication.metadata.citation import apa
from pipelines.publication.metadata.described import PUBLISHER, Described

MOST_DESCRIPTION = 5_000


def schemaorg(described: Described, language: str = "en", home: str = "") -> dict[str, Any]:
    """The Dataset of one page. home: address of the site, for the catalogue that it belongs to."""
    measured: list[dict[str, Any]] = next(
        (each["schema"]["fields"] for each in described.resources if "schema" in each), []
    )
    data: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": described.identifier,
        "identifier": described.identifier,
        "name": described.titles[language],
        "alternateName": [text for key, text in described.titles.items() if key != language],
        "description": described.descriptions[language][:MOST_DESCRIPTION],
        "url": described.landing,
        "version": described.release_id,
        "datePublished": described.released_at,
        "license": described.licence["path"],
        "isAccessibleForFree": True,
        "inLanguage": list(described.languages),
        "keywords": list(described.keywords),
        "publisher": {"@type": "Organization", "name": PUBLISHER},
        "creator": [{"@type": "Organization", "name": agency} for agency in described.agencies]
        or [{"@type": "Organization", "name": PUBLISHER}],
        "citation": apa(described, language),
        "spatialCoverage": [{"@type": "Place", "name": name} for name in described.countries],
        "variableMeasured": [
            {"@type": "PropertyValue", "name": field["name"], "description": field["titles"][language]}
            for field in measured
        ],
        "distribution": [
            {
                "@type": "DataDownload",
                "contentUrl": f"{described.base}/{each['path']}",
                "encodingFormat": each["mediatype"],
                "contentSize": f"{each['bytes']} B",
                "sha256": each["hash"].removeprefix("sha256:"),
            }
            for each in described.resources
        ],
    }
    if described.years:
        data["temporalCoverage"] = "/".join(f"{year:04d}" for year in described.years)
    if home:
        data["includedInDataCatalog"] = {"@type": "DataCatalog", "name": PUBLISHER, "url": home}
    return {name: value for name, value in data.items() if value not in ([], "")}


def script(described: Described, language: str = "en", home: str = "") -> str:
    """The same as text for a ``<script type="application/ld+json">``: no sign in it can end the element."""
    text = json.dumps(schemaorg(described, language, home), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
