"""What this site serves: the facts of one release, and the words for them in the reader's language.

Both are read once, when Datasette starts: the facts from ``datapackage.json`` of the release (its folder is
``INGP_RELEASE_DIR``, set by ``ingp serve``), the words from ``schemas/``. Nothing here asks the database.
The other plugins find them as ``datasette.published``.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from babel.dates import format_date
from babel.numbers import format_decimal
from datasette import hookimpl
from datasette.utils import StartupError

from pipelines.catalogue import PUBLISHED_PROVENANCE, Catalogue, Table, load_catalogue
from pipelines.reporting.language import translations
from pipelines.settings import Settings

LOCALES = Path(__file__).resolve().parent.parent / "locales"
WHOLE_RELEASE = ("ingp.db", "ingp.duckdb", "ingp-datapackage.zip", "datapackage.json")
PLAIN_COLUMN = ("string", None)
PROVENANCE_KINDS = {
    "member_code": "member",
    "version_number": "integer",
    "source_row_number": "year",
    "year": "year",
}


class Download(NamedTuple):
    """A file of the release. `rows` and `member` are None for files that hold several tables.

    year: folder of the year in the path of a member's file of one year, None for any other.
    """

    path: str
    format: str
    bytes: int
    rows: int | None
    member: str | None
    year: str | None = None


class Column(NamedTuple):
    """A column as a reader meets it. `kind` is a type of Table Schema, or ``member``, ``code``, ``uri``."""

    name: str
    title: str
    description: str
    kind: str
    codelist: str | None


class Part(NamedTuple):
    """What one member contributed of one package type: the accepted version that the release holds."""

    package_type: str
    number: int
    accepted_on: str
    rows: int


@dataclass(frozen=True)
class Release:
    """``datapackage.json`` of a release, sorted out by table and by member."""

    descriptor: Mapping[str, Any]
    files: tuple[Download, ...]
    columns: Mapping[str, tuple[str, ...]]
    by_table: Mapping[str, tuple[Download, ...]]

    @classmethod
    def read(cls, folder: Path) -> "Release":
        path = folder / "datapackage.json"
        descriptor = json.loads(path.read_text(encoding="utf-8"))
        files = [Download("datapackage.json", "json", path.stat().st_size, None, None)]
        columns: dict[str, tuple[str, ...]] = {}
        by_table: dict[str, list[Download]] = {}
        for resource in descriptor["resources"]:
            parts = Path(resource["path"]).parts
            member, year = resource.get("member"), parts[2] if len(parts) == 4 else None
            file = Download(
                resource["path"], resource["format"], resource["bytes"], resource.get("rows"), member, year
            )
            files.append(file)
            # Files by year are for programs that read a part: the pages name those by table and by member.
            if len(parts) in (2, 3):
                by_table.setdefault(Path(resource["path"]).stem, []).append(file)
            if "schema" in resource:
                columns[Path(resource["path"]).stem] = tuple(
                    each["name"] for each in resource["schema"]["fields"]
                )
        return cls(descriptor, tuple(files), columns, {name: tuple(own) for name, own in by_table.items()})

    @property
    def number(self) -> str:
        return self.descriptor["version"]

    @cached_property
    def media_types(self) -> dict[str, str]:
        """Path of a file -> its media type."""
        return {each["path"]: each["mediatype"] for each in self.descriptor["resources"]}

    def rows(self, table: str) -> int | None:
        """Rows of a published table; None for a table that is not part of the data."""
        return next((file.rows for file in self.by_table.get(table, ()) if not file.member), None)

    def members(self, table: str) -> tuple[str, ...]:
        return tuple(sorted({file.member for file in self.by_table.get(table, ()) if file.member}))


class Published:
    """A release together with the standard. `in_language` gives what the templates call ``site``."""

    def __init__(self, release: Release, catalogue: Catalogue, title: str) -> None:
        self.release = release
        self.catalogue = catalogue
        self.title = title
        self.tables: dict[str, Table] = {
            table.published_name: table
            for package_type in catalogue.package_types.values()
            for table in package_type.tables
        }
        self._languages: dict[str, Site] = {}

    def in_language(self, language: str) -> "Site":
        if language not in self._languages:
            self._languages[language] = Site(self, language)
        return self._languages[language]

    def kind(self, table: str | None, column: str) -> tuple[str, str | None]:
        """(kind, codelist) of a column; in the result of a query (table None) by its name, if clear."""
        if column in PROVENANCE_KINDS:
            return PROVENANCE_KINDS[column], None
        if table is None:
            kinds = self._kinds_by_name.get(column, {PLAIN_COLUMN})
            return next(iter(kinds)) if len(kinds) == 1 else PLAIN_COLUMN
        described = self.tables.get(table)
        if described and column in described.by_name:
            return _kind(described, column)
        return PLAIN_COLUMN

    @cached_property
    def _kinds_by_name(self) -> dict[str, set[tuple[str, str | None]]]:
        kinds: dict[str, set[tuple[str, str | None]]] = {}
        for table in self.tables.values():
            for name in table.by_name:
                kinds.setdefault(name, set()).add(_kind(table, name))
        return kinds


def _kind(table: Table, column: str) -> tuple[str, str | None]:
    field = table.by_name[column]
    if field.codelist:
        return "code", field.codelist
    return ("uri" if field.descriptor.get("format") == "uri" else field.type), None


class Site:
    """Everything that a page says about the release, in one language."""

    def __init__(self, published: Published, language: str) -> None:
        self.published, self.release, self.language = published, published.release, language
        self.translations = translations(language, LOCALES)
        self._texts = published.catalogue.texts

    def _(self, message: str) -> str:
        return self.translations.gettext(message)

    # The site and its release

    @property
    def title(self) -> str:
        default = Settings.model_fields["site_title"].default
        return self._("INGP Open Data") if self.published.title == default else self.published.title

    @property
    def network(self) -> str:
        return self.published.catalogue.members["INGP"].names[self.language]

    @property
    def released_on(self) -> str:
        return self.day(self.release.descriptor["created"])

    @property
    def licence(self) -> dict[str, str]:
        """``title`` in the reader's language and ``path`` of the licence."""
        terms = self.release.descriptor["licenses"][0]
        return {"title": self.code(terms["name"], "licence") or terms["title"], "path": terms["path"]}

    @property
    def standards(self) -> str:
        """Versions of the standard that the data was validated against."""
        versions = {each["schema_version"] for each in self.release.descriptor["versions"]}
        return ", ".join(sorted(versions)) or ", ".join(
            sorted({package_type.version for package_type in self.published.catalogue.package_types.values()})
        )

    @property
    def whole_release(self) -> list[Download]:
        return [file for name in WHOLE_RELEASE for file in self.release.files if file.path == name]

    # Tables and columns

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """The published tables by package type, procurement first, in the order of the standard."""
        groups = []
        names = {"procurement": self._("Public procurement"), "activity": self._("Network activity")}
        for name in sorted(
            self.published.catalogue.package_types, key=lambda each: (each != "procurement", each)
        ):
            package_type = self.published.catalogue.package_types[name]
            tables = [self.table(table.published_name) for table in package_type.tables]
            served = [table for table in tables if table["rows"] is not None]
            flat = [
                table
                for table in served
                if package_type.flat and table["name"] == f"{name}_{package_type.flat}"
            ]
            if served:
                ordered = flat + [table for table in served if table not in flat]
                groups.append(
                    {
                        "name": name,
                        "title": names.get(name, package_type.descriptor["title"]),
                        "tables": ordered,
                    }
                )
        return groups

    @property
    def rows(self) -> int:
        return sum(table["rows"] for group in self.groups for table in group["tables"])

    @cached_property
    def figures(self) -> list[tuple[int, str, str]]:
        """The few numbers of the front page: (count, what it counts, where to see them)."""
        counted = (
            ("procurement_processes", self._("contracting processes")),
            ("procurement_contracts", self._("contracts")),
            ("activity_activities", self._("activities of the network")),
        )
        figures = [(len(self.members), self._("submitting members"), "members")] if self.members else []
        return figures + [
            (rows, words, f"ingp/{name}")
            for name, words in counted
            if (rows := self.release.rows(name)) is not None
        ]

    @cache  # noqa: B019 - one Site per language, kept as long as the program runs
    def table(self, name: str) -> dict[str, Any]:
        """A table by its published name: texts, rows, members, files, columns; others have only a name."""
        described = self.published.tables.get(name)
        if described:
            text = self._texts.table(self.language, described.package_type, described.name)
            title, description = text.title, text.description
        else:
            title, description, _columns = self._reference.get(name, (name, "", {}))
        one_row, _stop, more = description.partition(". ")
        return {
            "name": name,
            "title": title,
            "one_row": f"{one_row.rstrip('.')}." if one_row else "",
            "more": more,
            "rows": self.release.rows(name),
            "members": [self.member(code) for code in self.release.members(name)],
            "files": [file for file in self.release.by_table.get(name, ()) if not file.member],
            "member_files": [
                file for file in self.release.by_table.get(name, ()) if file.member and not file.year
            ],
            "columns": [self.column(name, column) for column in self.release.columns.get(name, ())],
            "searched": [self.column(name, column).title for column in described.search_columns]
            if described
            else [],
        }

    @cached_property
    def _reference(self) -> dict[str, Any]:
        """Tables that the standard does not know -> title, description and titles of columns (`reference`)."""
        return self.published.reference(self._)

    @property
    def reference_tables(self) -> list[dict[str, Any]]:
        return [self.table(name) for name in self._reference]

    @cache  # noqa: B019 - as above
    def column(self, table: str | None, name: str) -> Column:
        """A column with its words; one that the standard does not know keeps its name."""
        kind, codelist = self.published.kind(table, name)
        described = self.published.tables.get(table or "")
        if described and name in described.by_name:
            text = self._texts.field(self.language, described.package_type, described.name, name)
            return Column(name, text.title, text.description, kind, codelist)
        own = self._reference[table].columns.get(name) if table in self._reference else None
        return Column(name, *((own, "") if own else self._provenance.get(name, (name, ""))), kind, codelist)

    @cached_property
    def _provenance(self) -> dict[str, tuple[str, str]]:
        words = (
            (self._("Member"), self._("Code of the member that submitted the row.")),
            (self._("Version"), self._("Number of the member's accepted version that the row belongs to.")),
            (self._("Source file"), self._("File of the submission that the row was read from.")),
            (self._("Source row"), self._("Row of that file, as a spreadsheet shows it.")),
        )
        year = (self._("Year"), self._("Year of the row's own date, else of its contracting process."))
        return dict(zip(PUBLISHED_PROVENANCE, words, strict=True)) | {"year": year}

    def filled(self, rows: Iterable[Iterable[Mapping[str, Any]]]) -> set[str]:
        """Names of the displayed columns that have a value in at least one of the displayed rows."""
        return {cell["column"] for row in rows for cell in row if cell["raw"] not in (None, "")}

    def related(self, table: str, member: str) -> list[dict[str, Any]]:
        """Other tables with rows of the same contracting process; none for a table without ``ocid``."""
        if "ocid" not in self.release.columns.get(table, ()):
            return []
        return [
            each
            for group in self.groups
            for each in group["tables"]
            if each["name"] != table
            and "ocid" in self.release.columns[each["name"]]
            and member in self.release.members(each["name"])
        ]

    # Members

    def member(self, code: str) -> dict[str, Any]:
        """Code, name, institution and kind of a member; an unknown code stands for itself."""
        member = self.published.catalogue.members.get(code)
        if member is None:
            return {"code": code, "name": code, "institution": "", "kind": "member"}
        return {
            "code": code,
            "name": member.names[self.language],
            "institution": member.institution,
            "kind": member.kind,
        }

    @cached_property
    def members(self) -> list[dict[str, Any]]:
        """The members whose data the release holds, by name, with their versions, tables and files."""
        titles = {group["name"]: group["title"] for group in self.groups}
        parts: dict[str, list[Part]] = {}
        for version in self.release.descriptor["versions"]:
            rows = sum(table["rows"] for table in version["tables"])
            part = Part(
                titles.get(version["package_type"], version["package_type"]),
                version["number"],
                self.day(version["accepted_at"]),
                rows,
            )
            parts.setdefault(version["member"], []).append(part)
        files = [file for own in self.release.by_table.values() for file in own]
        published = Counter()
        for file in files:
            if file.member and not file.year:
                published[file.member] += file.rows or 0
        members = [
            {
                **self.member(code),
                "parts": own,
                "rows": published[code],
                "tables": [
                    self.table(name) for name in self.release.by_table if code in self.release.members(name)
                ],
                "files": {
                    Path(file.path).stem: file for file in files if file.member == code and not file.year
                },
            }
            for code, own in parts.items()
        ]
        return sorted(members, key=lambda member: (member["kind"] == "network", member["name"]))

    # Values

    @lru_cache(maxsize=10_000)  # noqa: B019 - as above
    def code(self, code: str, codelist: str) -> str | None:
        """Label of a code; None when the codelist does not have it."""
        return self._texts.codes.get((self.language, codelist, code))

    def label(self, table: str | None, column: str, value: Any) -> str | None:
        """What a value of a coded column means, in words; None when it says what it means itself."""
        kind, codelist = self.published.kind(table, column)
        text = str(value)
        if kind == "member":
            member = self.published.catalogue.members.get(text)
            return member.names[self.language] if member else None
        if kind == "boolean":
            return {"1": self._("Yes"), "0": self._("No")}.get(text)
        if kind == "code" and codelist:
            labels = [self.code(each, codelist) or each for each in text.split(";")]
            words = ", ".join(labels)
            return words if words.casefold() != text.casefold() else None
        return None

    @property
    def comparisons(self) -> list[tuple[str, str]]:
        """(key of Datasette's filter, words) of the comparisons that the form offers, in that order."""
        return [
            ("exact", self._("is")),
            ("not", self._("is not")),
            ("contains", self._("contains")),
            ("notcontains", self._("does not contain")),
            ("startswith", self._("begins with")),
            ("endswith", self._("ends with")),
            ("gt", self._("is more than")),
            ("gte", self._("is at least")),
            ("lt", self._("is less than")),
            ("lte", self._("is at most")),
            ("date", self._("is on the day")),
            ("in", self._("is one of (with commas)")),
            ("isblank__1", self._("is empty")),
            ("notblank__1", self._("is not empty")),
        ]

    def conditions(self, table: str, pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
        """The filters of an address in words: argument of the address, column, comparison, value."""
        words = {key.removesuffix("__1"): text for key, text in self.comparisons}
        conditions = []
        for key, value in pairs:
            name, _separator, comparison = key.rpartition("__") if "__" in key else (key, "", "exact")
            label = self.label(table, name, value)
            conditions.append(
                {
                    "key": key,
                    "column": name,
                    "lookup": comparison,
                    "value": value,
                    "title": self.column(table, name).title,
                    "words": words.get(comparison, comparison),
                    "shown": "" if comparison.endswith(("blank", "null")) else label or value,
                }
            )
        return conditions

    @lru_cache(maxsize=10_000)  # noqa: B019 - as above
    def number(self, value: float | Decimal) -> str:
        """A number as the language writes it, with every digit that it has."""
        with localcontext(prec=400):  # a float has up to 309 digits before its point
            return format_decimal(Decimal(str(value)), locale=self.language, decimal_quantization=False)

    def size(self, count: int) -> str:
        """Bytes in the unit that people read: 62 kB, 2.5 MB."""
        units = ("B", "kB", "MB", "GB", "TB") if self.language != "fr" else ("o", "ko", "Mo", "Go", "To")
        amount, unit = float(count), 0
        while amount >= 1000 and unit < len(units) - 1:
            amount, unit = amount / 1000, unit + 1
        digits = "0" if unit < 2 or amount >= 100 else "0.0"
        return f"{format_decimal(amount, format=digits, locale=self.language)} {units[unit]}"

    def day(self, instant: str) -> str:
        return format_date(datetime.fromisoformat(instant), format="long", locale=self.language)


@hookimpl(tryfirst=True)
def prepare_jinja2_environment(datasette: Any) -> None:
    """Read the release before any template or plugin asks for it."""
    folder = os.environ.get("INGP_RELEASE_DIR")
    if not folder:
        raise StartupError("INGP_RELEASE_DIR is not set: start the site with `ingp serve`")
    settings = Settings()
    catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
    datasette.published = Published(Release.read(Path(folder)), catalogue, settings.site_title)
