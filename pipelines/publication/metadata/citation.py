"""Citations of a release, a table or a member's part: APA 7, ISO 690, BibTeX, RIS, CSL-JSON. Pure functions.

Each names who compiled the data, the agencies that submitted them, the release, the licence and the address. The
author is the network, because the agencies answer for their rows and not for the compilation.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.publication.metadata.described import Described
from pipelines.publication.texts import load_texts

_MANY = 5
"""Agencies that a running text names; the other forms name all."""


def agencies_text(described: Described) -> str:
    """Agencies in a running text: all up to five; of more, the first five and how many others."""
    named = "; ".join(described.agencies[:_MANY])
    others = len(described.agencies) - _MANY
    return f"{named}; +{others}" if others > 0 else named


def _words(described: Described, language: str) -> dict[str, str]:
    words = load_texts()[language]
    return {
        "title": described.titles[language],
        "release": words["cite_release"].format(release=described.release_id),
        "agencies": words["cite_agencies"].format(agencies=agencies_text(described))
        if described.agencies
        else "",
        "author": words["cite_author"],
        "publisher": words["cite_publisher"],
        "dataset": words["cite_dataset"],
        "available": words["cite_available"],
        "licence": words["cite_licence"].format(licence=described.licence_titles[language]),
    }


def apa(described: Described, language: str = "en", read: str = "") -> str:
    """APA 7, data set. read: day of reading (YYYY-MM-DD), left out when empty."""
    words = _words(described, language)
    parts = [
        f"{words['author']}. ({described.year}). {words['title']} ({words['release']}) [{words['dataset']}].",
        f"{words['agencies']}." if words["agencies"] else "",
        f"{words['publisher']}.",
        f"{words['licence']}.",
        _read(language, read).capitalize() + "." if read else "",
        described.landing,
    ]
    return " ".join(part for part in parts if part)


def iso690(described: Described, language: str = "en", read: str = "") -> str:
    """ISO 690:2021, electronic data set."""
    words = _words(described, language)
    parts = [
        f"{words['author'].upper()}.",
        f"{words['title']} [online]." if language == "en" else f"{words['title']}.",
        f"{words['release'].capitalize()}. {words['dataset']}.",
        f"{words['publisher']}, {described.day}{f' [{_read(language, read)}]' if read else ''}.",
        f"{words['agencies']}." if words["agencies"] else "",
        f"{words['licence']}.",
        f"{words['available']}: {described.landing}",
    ]
    return " ".join(part for part in parts if part)


def _read(language: str, day: str) -> str:
    return load_texts()[language]["cite_read"].format(day=day)


def bibtex(described: Described, language: str = "en", read: str = "") -> str:
    """BibTeX ``@misc``, which every style knows; special signs escaped."""
    words = _words(described, language)
    key = (
        re.sub(r"\W+", "-", "-".join(("ingp", described.identifier.rsplit("/v/", 1)[-1])))[:80]
        .strip("-")
        .lower()
    )
    fields = {
        "author": f"{{{_tex(words['author'])}}}",
        "title": f"{{{_tex(words['title'])}}}",
        "year": described.year,
        "month": str(int(described.day[5:7])),
        "version": described.release_id,
        "publisher": _tex(words["publisher"]),
        "howpublished": _tex(words["dataset"]),
        "note": _tex(
            ". ".join(
                each for each in (words["release"], "; ".join(described.agencies), words["licence"]) if each
            )
        ),
        "url": described.landing,
        **({"urldate": read} if read else {}),
    }
    return (
        f"@misc{{{key},\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items()) + "}\n"
    )


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text.replace("\\", r"\textbackslash "))


def ris(described: Described, language: str = "en", read: str = "") -> str:
    """RIS, type DATA; lines end with CRLF, as the format asks."""
    words = _words(described, language)
    lines = [
        ("TY", "DATA"),
        ("AU", words["author"]),
        *(("A2", agency) for agency in described.agencies),
        ("TI", words["title"]),
        ("PY", described.year),
        ("DA", described.day.replace("-", "/")),
        ("ET", described.release_id),
        ("PB", words["publisher"]),
        ("LA", language),
        ("N1", words["licence"]),
        ("UR", described.landing),
        *([("Y2", read.replace("-", "/"))] if read else []),
        ("ER", ""),
    ]
    return "".join(f"{tag}  - {value}\r\n" for tag, value in lines)


def csl(described: Described, language: str = "en", read: str = "") -> dict[str, Any]:
    """An item of CSL-JSON 1.0."""
    words = _words(described, language)
    item: dict[str, Any] = {
        "id": described.identifier,
        "type": "dataset",
        "title": words["title"],
        "author": [{"literal": words["author"]}],
        "contributor": [{"literal": agency} for agency in described.agencies],
        "publisher": words["publisher"],
        "issued": {"date-parts": [[int(part) for part in described.day.split("-")]]},
        "version": described.release_id,
        "license": described.licence["path"],
        "language": language,
        "URL": described.landing,
    }
    if read:
        item["accessed"] = {"date-parts": [[int(part) for part in read.split("-")]]}
    return item


def _csl_text(described: Described, language: str = "en", read: str = "") -> str:
    return json.dumps([csl(described, language, read)], ensure_ascii=False, indent=1)


CITATIONS: Mapping[str, tuple[Callable[[Described, str, str], str], str, str]] = {
    "apa": (apa, "text/plain; charset=utf-8", "txt"),
    "iso690": (iso690, "text/plain; charset=utf-8", "txt"),
    "bibtex": (bibtex, "application/x-bibtex; charset=utf-8", "bib"),
    "ris": (ris, "application/x-research-info-systems; charset=utf-8", "ris"),
    "csl-json": (_csl_text, "application/vnd.citationstyles.csl+json", "json"),
}
"""Form -> (function of what is described, language, day of reading), media type, extension of a download."""
