"""Files of a release that are made when somebody asks for them first, and kept beside it from then on.

What a release holds in Parquet is given out in every other format, whole, by member, by member and year. The same
release gives the same bytes (while software and standard are the same), so an address below ``/v/<release>/`` stays good even when its file has been
made anew. ``releases/.made/<release>/<path>`` is the file; a small JSON beside it, written last, says that it is
whole. ``python -m pipelines.publication.made`` makes one in a process of its own, for whoever serves pages meanwhile.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.catalogue import LANGUAGES, Catalogue, load_catalogue
from pipelines.exceptions import UnknownError
from pipelines.publication.alone import alone
from pipelines.publication.files import MADE, MEDIA_TYPES, PublishedFile, ReleaseFolder
from pipelines.publication.formats.ocds import OcdsFacts, count_ocds, stream_ocds
from pipelines.publication.formats.stream import Filters, stream_rows
from pipelines.publication.formats.workbook import MOST_ROWS, write_workbooks
from pipelines.publication.metadata.described import describe
from pipelines.publication.metadata.documents import document
from pipelines.publication.years import UNDATED, YEAR

SUMS = "SHA256SUMS"
MOST_BYTES = 50_000_000_000
"""Disk that made files may take; those that nobody asked for longest go first, and are made again when asked."""

_LANGUAGE = f"(?P<language>{'|'.join(LANGUAGES)})"
_PART = rf"(?:(?P<member>[A-Z][A-Z0-9]{{1,9}})/(?:(?P<year>\d{{4}}|{UNDATED})/)?)?(?P<table>[a-z][a-z0-9]*_[a-z0-9_]+)"
_GRAMMAR = tuple(
    re.compile(each)
    for each in (
        rf"(?P<form>csv)/{_PART}\.csv",
        rf"(?P<form>excel)/{_LANGUAGE}/{_PART}\.csv",
        rf"(?P<form>jsonl)/{_PART}\.jsonl",
        rf"(?P<form>xlsx)/{_LANGUAGE}/{_PART}(?:-(?P<number>[1-9]\d*))?\.xlsx",
        r"(?P<form>ocds)/(?P<member>[A-Z][A-Z0-9]{1,9})/(?P<kind>releases|records)\.(?P<shape>jsonl|json)",
        r"(?P<form>metadata)/(?:(?P<member>[A-Z][A-Z0-9]{1,9})/)?(?:(?P<table>[a-z][a-z0-9]*_[a-z0-9_]+)/)?"
        r"(?P<kind>dcat\.jsonld|dcat\.ttl|csvw\.json|schemaorg\.jsonld|datapackage\.json)",
        f"(?P<form>{SUMS})",
    )
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that can be made: what its path says, and how many rows it will have (None where it has none)."""

    path: str
    form: str
    rows: int | None = None
    language: str = "en"
    member: str | None = None
    year: str | None = None
    table: str | None = None
    number: str | None = None
    kind: str = ""
    shape: str = ""

    @property
    def filters(self) -> Filters:
        filters: dict[str, str | int | None] = {"member_code": self.member} if self.member else {}
        if self.year:
            filters[YEAR] = None if self.year == UNDATED else int(self.year)
        return filters

    @property
    def holds_tables(self) -> bool:
        """Whether rows of tables are in it: a description of withdrawn rows may stay, they themselves may not."""
        return self.form not in ("metadata", SUMS)

    @property
    def media_type(self) -> str:
        if self.kind == "csvw.json":
            return "application/csvm+json"
        return MEDIA_TYPES.get(self.path.rsplit(".", 1)[-1], "text/plain; charset=utf-8")


def wanted(release: ReleaseFolder, catalogue: Catalogue, path: str) -> Wanted | None:
    """What a path asks of a release; None when there is nothing of that kind in it."""
    match = next((found for each in _GRAMMAR if (found := each.fullmatch(path))), None)
    if match is None:
        return None
    parts: dict[str, Any] = {name: value for name, value in match.groupdict().items() if value is not None}
    form, member, table = parts["form"], parts.get("member"), parts.get("table")
    if form == "ocds":
        rows = count_ocds(release.folder, catalogue, str(member))
        return Wanted(path, rows=rows, **parts) if rows else None
    if form in ("metadata", SUMS):
        known = [each for each in release.files.values() if (not table or each.table == table) and (not member or each.member == member)]  # fmt: skip
        return Wanted(path, **parts) if known else None
    source = "/".join(each for each in ("parquet", member, parts.get("year"), f"{table}.parquet") if each)
    file = release.files.get(source)
    if file is None or file.rows is None:
        return None
    rows, number = file.rows, parts.get("number")
    if form == "xlsx" and (number is not None) != (rows > MOST_ROWS):
        return None
    if number:
        rows = min(MOST_ROWS, rows - MOST_ROWS * (int(number) - 1))
    return Wanted(path, rows=rows, **parts) if rows > 0 or not number else None


def workbooks(rows: int) -> int:
    """How many workbooks a table of so many rows fills."""
    return max(1, -(-rows // MOST_ROWS))


def kept(release: ReleaseFolder, want: Wanted) -> PublishedFile | None:
    """The file, if it was made before and is still what was made."""
    place = _place(release, want.path)
    try:
        facts = json.loads(_facts(place).read_text(encoding="utf-8"))
        os.utime(_facts(place))
        if place.stat().st_size != facts["bytes"]:
            return None
    except (FileNotFoundError, ValueError):
        return None
    return PublishedFile(
        release.name, want.path, place, facts["bytes"], facts["sha256"], want.media_type, want.rows, want.table, want.member
    )  # fmt: skip


def make(release: ReleaseFolder, catalogue: Catalogue, want: Wanted) -> PublishedFile:
    """Make a file once, whoever else asks for it at the same time, in this process or another."""
    place = _place(release, want.path)
    place.parent.mkdir(parents=True, exist_ok=True)
    # All workbooks of a table are made together.
    name = re.sub(r"-\d+\.xlsx$", ".xlsx", place.name)
    with alone(place.with_name(f".{name}.lock")):
        file = kept(release, want)
        if file is None:
            # Whoever has the lock is alone: what is left of this file comes from a process that was killed.
            for left in place.parent.glob(f".new-{name}-*"):
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".new-{name}-") as work:
                for new in _write(release, catalogue, want, Path(work)):
                    _keep(new, place.with_name(new.name))
            file = kept(release, want)
    if file is None:
        raise UnknownError(f"{want.path} has no part {want.number}")
    return file


def _write(release: ReleaseFolder, catalogue: Catalogue, want: Wanted, work: Path) -> Iterable[Path]:
    target = work / Path(want.path).name
    if want.form == "xlsx":
        table = str(want.table)
        described = describe(release.descriptor, catalogue, table=table, member=want.member)
        books = write_workbooks(release.folder, catalogue, described, table, work / "books", want.filters, want.language)  # fmt: skip
        for number, book in enumerate(books, 1):
            yield book.rename(work / (f"{table}-{number}.xlsx" if len(books) > 1 else f"{table}.xlsx"))
        return
    blocks: Iterable[bytes]
    if want.form == "ocds":
        package = release.descriptor
        home = f"{package['homepage'].rstrip('/')}/v/{release.name}"
        facts = OcdsFacts(f"{home}/{want.path}", package["created"], release.name, package["licenses"][0]["path"], f"{home}/")  # fmt: skip
        shape = "jsonl" if want.shape == "jsonl" else "package"
        blocks = stream_ocds(release.folder, catalogue, str(want.member), facts, want.kind, shape, work)
    elif want.form == "metadata":
        blocks = [document(release.descriptor, catalogue, want.kind, want.table, want.member)]
    elif want.form == SUMS:
        blocks = [f"{each.sha256}  {each.path}\n".encode() for each in release.files.values()]
    else:
        blocks = stream_rows(release.folder, str(want.table), want.filters, want.form, want.language)
    with target.open("wb") as file:
        file.writelines(blocks)
    yield target


def _keep(new: Path, place: Path) -> None:
    with new.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        # A power cut must not leave facts about bytes that never reached the disk.
        os.fsync(file.fileno())
    facts = {"bytes": new.stat().st_size, "sha256": digest}
    new.replace(place)
    beside = new.with_name("facts")
    beside.write_text(json.dumps(facts), encoding="utf-8")
    beside.replace(_facts(place))


def _place(release: ReleaseFolder, path: str) -> Path:
    return release.folder.parent / MADE / release.name / path


def _facts(place: Path) -> Path:
    return place.with_name(f".{place.name}.json")


def trim(releases: Path, most_bytes: int = MOST_BYTES) -> list[Path]:
    """Remove made files that nobody asked for longest, until the others fit; returns what was removed.

    Another process may do the same at once: what is gone already is passed over.
    """
    found = []
    for folder, _folders, names in os.walk(releases / MADE):
        for name in names:
            if name.startswith(".") and name.endswith(".json"):
                facts = Path(folder, name)
                place = facts.with_name(name[1:].removesuffix(".json"))
                with suppress(FileNotFoundError):
                    found.append((facts.stat().st_mtime_ns, place.stat().st_size, place, facts))
    total, removed = sum(each[1] for each in found), []
    for _asked, size, place, facts in sorted(found):
        if total <= most_bytes:
            break
        # The facts go first: a file without them does not count as made.
        facts.unlink(missing_ok=True)
        place.unlink(missing_ok=True)
        total -= size
        removed.append(place)
    return removed


def main(arguments: list[str]) -> None:
    """Release folder, path, folders ``schemas`` and ``datapackages``."""
    folder, path, schemas, datapackages = arguments
    os.nice(10)
    release, catalogue = ReleaseFolder(Path(folder)), load_catalogue(Path(schemas), Path(datapackages))
    want = wanted(release, catalogue, path)
    if want is None:
        raise UnknownError(f"release {release.name} has no {path}")
    make(release, catalogue, want)
    trim(release.folder.parent)


if __name__ == "__main__":
    main(sys.argv[1:])
