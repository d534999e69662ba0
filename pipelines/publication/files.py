"""Files of the releases on disk, by the names under which they are published, and nothing else.

A file can be had only by the exact path that its release lists: no folder is ever searched with what a stranger
wrote, so there is nothing to climb out of.
"""

import base64
import json
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipelines.identifiers import ReleaseId

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8; header=present",
    "db": "application/vnd.sqlite3",
    "duckdb": "application/vnd.duckdb",
    "json": "application/json",
    "jsonl": "application/jsonl; charset=utf-8",
    "jsonld": "application/ld+json",
    "parquet": "application/vnd.apache.parquet",
    "ttl": "text/turtle; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
DESCRIPTOR = "datapackage.json"
MADE = ".made"
"""Folder, beside the releases, of what is made of them on request."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of a release. `rows` is None where a file has no rows of its own; `member` and `table` likewise."""

    release: str
    path: str
    place: Path
    bytes: int
    sha256: str
    media_type: str
    rows: int | None = None
    table: str | None = None
    member: str | None = None

    @property
    def etag(self) -> str:
        """Strong: the same bytes, and only they, have it."""
        return f'"{self.sha256}"'

    @property
    def repr_digest(self) -> str:
        """Value of ``Repr-Digest`` (RFC 9530)."""
        return f"sha-256=:{base64.b64encode(bytes.fromhex(self.sha256)).decode()}:"


class ReleaseFolder:
    """One release on disk: its descriptor and its files by path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @cached_property
    def descriptor(self) -> dict[str, Any]:
        return json.loads((self.folder / DESCRIPTOR).read_text(encoding="utf-8"))

    @cached_property
    def record(self) -> dict[str, Any]:
        return json.loads((self.folder / "release.json").read_text(encoding="utf-8"))

    @cached_property
    def files(self) -> dict[str, PublishedFile]:
        """Path -> file, as the release recorded them; the descriptor, which cannot hold its own hash, is hashed here."""
        kinds = {each["path"]: each.get("mediatype") for each in self.descriptor["resources"]}
        found = {}
        for each in self.record["files"]:
            path = each["path"]
            extension = path.rsplit(".", 1)[-1]
            kind = MEDIA_TYPES.get(extension) or kinds.get(path) or "application/octet-stream"
            place = self.folder / path
            found[path] = PublishedFile(
                self.name, path, place, each["bytes"], each["sha256"], kind,
                each.get("rows"), each.get("table"), each.get("member"),
            )  # fmt: skip
        own = self.folder / DESCRIPTOR
        content = own.read_bytes()
        found[DESCRIPTOR] = PublishedFile(
            self.name, DESCRIPTOR, own, len(content), sha256(content).hexdigest(), MEDIA_TYPES["json"]
        )
        return found

    @cached_property
    def tables(self) -> dict[str, dict[str, PublishedFile]]:
        """Published table -> format -> the file with all of its rows."""
        tables: dict[str, dict[str, PublishedFile]] = {}
        for file in self.files.values():
            if file.table and not file.member:
                tables.setdefault(file.table, {})[file.path.rsplit(".", 1)[-1]] = file
        return tables

    def fields(self, table: str) -> dict[str, dict[str, Any]]:
        """Column -> its Table Schema field, of a table of this release; empty when the release has no such table."""
        for each in self.descriptor["resources"]:
            if "schema" in each and each["path"] == f"csv/{table}.csv":
                return {field["name"]: field for field in each["schema"]["fields"]}
        return {}

    def key(self, table: str) -> tuple[str, ...]:
        for each in self.descriptor["resources"]:
            if "schema" in each and each["path"] == f"csv/{table}.csv":
                return tuple(each["schema"].get("primaryKey", ()))
        return ()


class Releases:
    """All releases of an installation that are on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, ReleaseFolder] = {}

    def names(self) -> list[str]:
        """Newest first. Unfinished work has no ``release.json`` and is not listed."""
        found = []
        for path in self.folder.iterdir():
            if (path / "release.json").is_file():
                try:
                    found.append(ReleaseId(path.name))
                except ValueError:
                    continue
        return [str(each) for each in sorted(found, key=lambda each: each.parts, reverse=True)]

    def get(self, name: str) -> ReleaseFolder | None:
        """A release by its id; None for what is no id, or is not on disk."""
        if name not in self._known:
            try:
                folder = self.folder / ReleaseId(name)
            except ValueError:
                return None
            if not (folder / "release.json").is_file():
                return None
            self._known[name] = ReleaseFolder(folder)
        return self._known[name]

    def file(self, release: str, path: str) -> PublishedFile | None:
        found = self.get(release)
        return found.files.get(path) if found else None


class UnsatisfiableError(Exception):
    """The range asked for begins behind the end of the file (416)."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a ``Range`` header; None when the whole file is to be sent.

    Several ranges at once, and units other than bytes, are answered with the whole file, as RFC 9110 14.2 allows.
    Raises UnsatisfiableError for a range outside the file.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0 or size == 0:
            raise UnsatisfiableError
        return max(size - int(last), 0), size - 1
    begin, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < begin:
        return None
    if begin >= size:
        raise UnsatisfiableError
    return begin, end


def matches(header: str | None, etag: str, *, weak: bool) -> bool:
    """Whether an ``If-None-Match`` (weak comparison) or ``If-Range`` (strong) header names this representation."""
    if not header:
        return False
    wanted = [part.strip() for part in header.split(",")]
    if weak:
        return "*" in wanted or etag in [part.removeprefix("W/") for part in wanted]
    return wanted == [etag]
