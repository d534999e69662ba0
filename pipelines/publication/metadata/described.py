"""One view of what is described, for every metadata standard: a whole release, a table of it, a member's part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.catalogue import Catalogue
from pipelines.exceptions import UnknownError
from pipelines.publication.texts import load_texts

SECRETARIAT = "Organization of American States, Technical Secretariat of the INGP"
PUBLISHER = "Inter-American Network on Government Procurement (INGP)"


@dataclass(frozen=True, slots=True)
class Described:
    """What a citation or a catalogue says of a release, a table, a member's part, or a member's part of a table.

    titles, descriptions: by language. agencies: institutions that submitted, in the order of their codes.
    landing: address of the page; base: address of the release, below which each file is. resources: as in
    ``datapackage.json``.
    """

    level: str
    identifier: str
    release_id: str
    released_at: str
    titles: Mapping[str, str]
    descriptions: Mapping[str, str]
    landing: str
    base: str
    licence: Mapping[str, str]
    licence_titles: Mapping[str, str]
    members: tuple[str, ...]
    agencies: tuple[str, ...]
    countries: tuple[str, ...]
    keywords: tuple[str, ...]
    languages: tuple[str, ...]
    years: tuple[int, int] | None
    resources: Sequence[Mapping[str, Any]]

    @property
    def year(self) -> str:
        return self.released_at[:4]

    @property
    def day(self) -> str:
        return self.released_at[:10]


def describe(
    package: Mapping[str, Any], catalogue: Catalogue, *, table: str | None = None, member: str | None = None
) -> Described:
    """From the ``datapackage.json`` of a release. UnknownError when it has no such table, or nothing of the member."""
    resources = [
        each
        for each in package["resources"]
        if (table is None or each.get("table") == table) and (member is None or each.get("member") == member)
    ]
    if not resources:
        raise UnknownError(f"release {package['version']} has nothing of {table or member}")
    found = {
        each["member"]
        for each in package["resources"]
        if each.get("member") and (table in (None, each.get("table")))
    }
    codes = (member,) if member else tuple(sorted(found))
    home, release = package["homepage"].rstrip("/"), package["version"]
    base = f"{home}/v/{release}"
    titles, descriptions = _texts(package, catalogue, table, member)
    bodies = [catalogue.members[code] for code in codes if code in catalogue.members]
    years = [year for each in resources for year in each.get("years", ())]
    place = f"/ingp/{table}" if table else f"/members/{member}" if member else "/"
    landing = f"{base}{place}" + (f"?member_code={member}" if table and member else "")
    return Described(
        "table" if table else "member" if member else "release",
        landing,
        release,
        package["created"],
        titles,
        descriptions,
        landing,
        base,
        package["licenses"][0],
        {
            language: catalogue.texts.code(language, "licence", package["licenses"][0]["name"])
            for language in package["languages"]
        },
        codes,
        tuple(dict.fromkeys(body.institution for body in bodies if body.institution)),
        tuple(dict.fromkeys(body.names["en"] for body in bodies if body.kind != "network")),
        tuple(package["keywords"]),
        tuple(package["languages"]),
        (min(years), max(years)) if years else None,
        resources,
    )


def _texts(
    package: Mapping[str, Any], catalogue: Catalogue, table: str | None, member: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    titles, descriptions = {}, {}
    for language in package["languages"]:
        words = load_texts()[language]
        title, description = words["title"], words["description"]
        if table:
            package_type, name = table.split("_", 1)
            text = catalogue.texts.table(language, package_type, name)
            title, description = f"{text.title} – {title}", f"{text.description} {description}"
        if member:
            title = f"{title} ({catalogue.members[member].names[language]})"
        titles[language], descriptions[language] = title, description
    return titles, descriptions


def package_part(
    package: Mapping[str, Any], *, table: str | None = None, member: str | None = None
) -> dict[str, Any]:
    """The Data Package descriptor of a table or of a member's part: the release's, with its own files only."""
    kept = [
        each
        for each in package["resources"]
        if (table is None or each.get("table") == table) and (member is None or each.get("member") == member)
    ]
    if not kept:
        raise UnknownError(f"release {package['version']} has nothing of {table or member}")
    suffix = "-".join(part.replace("_", "-").lower() for part in (table, member) if part)
    return {
        **package,
        "name": f"{package['name']}-{suffix}" if suffix else package["name"],
        "id": f"{package['id']}/{suffix}" if suffix else package["id"],
        "versions": [each for each in package["versions"] if member in (None, each["member"])],
        "resources": kept,
    }
