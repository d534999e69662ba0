"""OCDS in JSON or JSON Lines, plain or gzipped: releases, one after the other, in constant memory.

Recognised by what the objects hold, never by the name of the file: release packages, record packages, single
records, releases and compiled releases, lists of any of these, and JSON Lines of any of these, mixed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.intake.limits import Limits
from pipelines.intake.ocds.findings import FindingList
from pipelines.intake.ocds.stream import BrokenJsonError, JsonStream, TextSource, numbered_lines
from pipelines.intake.sources import SourceFile
from pipelines.records import Finding

STAGES = ("planning", "tender", "awards", "contracts", "parties", "buyer", "relatedProcesses")
"""Parts of a release whose presence, as an object or an array, tells a release from a row of a flat table."""

PACKAGE_KEYS = ("uri", "version", "publishedDate", "publisher", "license", "publicationPolicy", "extensions")
"""What is kept of a package beside its releases."""

MAX_LINKS = 10_000
_RELEASE_KEYS = {"ocid", "id", "date", "tag", "initiationType", "language", *STAGES}
_COMPILED = ("compiledRelease", "versionedRelease")
_SNIFFED_CHARACTERS = 2**20
_SNIFFED_LINES = 20
_WRAPPER = re.compile(r'"releases"\s*:\s*(?:\[|null|\{)|"(?:compiledRelease|versionedRelease)"\s*:\s*\{')
_RECORDS = re.compile(r'"records"\s*:\s*\[')
_OCID = re.compile(r'"ocid"\s*:')
_RELEASE_SIGN = re.compile(rf'"(?:{"|".join(STAGES)})"\s*:\s*[\[{{]|"(?:tag|initiationType)"\s*:\s*["\[]')


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """A release as it stands in a file, numbers as text.

    ordinal: its place among the releases of the file, from 1. compiled: it is a compiled release and so holds
    everything known at its date. links: (url, date, tags) of the releases from which a record says it was
    compiled.
    """

    value: Any
    ordinal: int
    compiled: bool = False
    links: tuple[tuple[str, str, str], ...] = ()


@dataclass(slots=True)
class FileFacts:
    """What was understood of one file while it was read."""

    name: str
    encoding: str = "utf-8"
    lines: bool = False
    kinds: dict[str, int] = field(default_factory=dict)
    releases: int = 0
    linked_records: int = 0
    packages: list[dict[str, Any]] = field(default_factory=list)

    def count(self, kind: str) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def to_dict(self) -> dict[str, Any]:
        return {
            "file": self.name,
            "encoding": self.encoding,
            "json_lines": self.lines,
            "kinds": self.kinds,
            "releases": self.releases,
        }


def is_ocds(path: Path) -> bool:
    """Whether a JSON file holds OCDS; reads its start only.

    A flat table written as JSON is not OCDS, even when its rows have an ocid: a release has stages that are
    objects or arrays, or a tag. A damaged file whose start looks like OCDS is OCDS: its faults are told by
    `read_releases`.
    """
    start = _start_of(path)
    try:
        first = _first_object(JsonStream(iter([start])))
    except BrokenJsonError:
        # Cut by the end of the sniffed part, or damaged: judged by its words.
        if _WRAPPER.search(start) or ('"publishedDate"' in start and _RECORDS.search(start)):
            return True
        return bool(_RELEASE_SIGN.search(start)) and bool(_OCID.search(start) or '"initiationType"' in start)
    return first is not None and _looks_like_ocds(first)


def _start_of(path: Path) -> str:
    start = ""
    try:
        for chunk in TextSource(path, limit=4 * _SNIFFED_CHARACTERS):
            start += chunk
            if len(start) >= _SNIFFED_CHARACTERS:
                break
    except BrokenJsonError:
        return start
    return start


def _first_object(stream: JsonStream) -> Mapping[str, Any] | None:
    """The first object of an array, of JSON Lines or of the file itself; None when there is none."""
    if stream.peek() == "[":
        for _ in stream.elements():
            value = stream.value()
            return value if isinstance(value, dict) else None
        return None
    value = stream.value() if stream.peek() else None
    return value if isinstance(value, dict) else None


def _looks_like_ocds(value: Mapping[str, Any]) -> bool:
    """Whether an object is a package, a record or a release."""
    releases, records = value.get("releases"), value.get("records")
    if isinstance(releases, list) or ("releases" in value and releases is None):
        return True
    if isinstance(releases, dict):
        return _looks_like_release(releases)
    if isinstance(records, list):
        return "publishedDate" in value or any(
            isinstance(record, dict) and not {"releases", *_COMPILED}.isdisjoint(record) for record in records
        )
    return any(isinstance(value.get(name), dict) for name in _COMPILED) or _looks_like_release(value)


def _looks_like_release(value: Mapping[str, Any]) -> bool:
    if "ocid" in value:
        # A row of a flat table may have the same names, but holds texts.
        signs = "tag" in value or "initiationType" in value or _RELEASE_KEYS >= value.keys() > {"ocid", "id"}
        return signs or any(_holds_objects(child) for child in value.values())
    return ("tag" in value or "initiationType" in value) and any(
        isinstance(value.get(stage), dict | list) for stage in STAGES
    )


def _holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(each, dict) for each in value)
    )


def _is_link(value: Mapping[str, Any]) -> bool:
    """A linked release of a record (url, date, tag) instead of the release itself."""
    return "url" in value and "ocid" not in value and not any(stage in value for stage in STAGES)


def read_releases(source: SourceFile, findings: FindingList, facts: FileFacts) -> Iterator[FoundRelease]:
    """Every release of a file, in the order of the file, compiled releases of records where nothing else is
    given.

    What cannot be read becomes findings: a broken file stops there, broken JSON Lines lose only their line.
    `facts` is filled on the way.
    """
    text = TextSource(source.path, Limits().max_file_bytes)
    reader = _Reader(source.name, findings, facts)
    facts.lines = _is_json_lines(source, text)
    try:
        if facts.lines:
            yield from reader.read_lines(iter(text))
        else:
            yield from reader.read_document(iter(text))
    except BrokenJsonError as error:
        reader.report(error)
    facts.encoding = text.encoding
    if not facts.releases and not reader.faults:
        code = "ocds-no-releases" if text.bytes_read and not reader.blank else "empty-file"
        findings.add(Finding(code, source_file=source.name))


def _is_json_lines(source: SourceFile, text: TextSource) -> bool:
    """One value a line: the first line is a whole value and is not the only one.

    A file that is named JSON Lines may also begin with broken lines, as long as one of the first is whole.
    """
    start = _start_of(source.path)
    if "\n" not in start.strip():
        return False
    lines = [line for _, line in islice(numbered_lines(iter([start])), _SNIFFED_LINES)]
    if len(lines) == _SNIFFED_LINES or len(start) >= _SNIFFED_CHARACTERS:
        lines.pop()
    if source.format != "jsonl":
        lines = lines[:1]
    elif lines and lines[0].strip() in ("[", "{"):
        return False
    return any(_is_whole(line) for line in lines)


def _is_whole(line: str) -> bool:
    stream = JsonStream(iter([line]))
    try:
        return isinstance(stream.value(), dict | list) and not stream.peek()
    except BrokenJsonError:
        return False


class _Reader:
    """Walks one file. `faults`: parts that could not be read; `blank`: the text was white space only."""

    def __init__(self, name: str, findings: FindingList, facts: FileFacts) -> None:
        self.name = name
        self.findings = findings
        self.facts = facts
        self.faults = 0
        self.blank = False

    def report(self, error: BrokenJsonError) -> None:
        self.faults += 1
        code = "file-too-large" if error.reason == "too-large" and error.line is None else "invalid-json"
        row_number = error.line if self.facts.lines else None
        parameters = error.parameters()
        self.findings.add(Finding(code, source_file=self.name, row_number=row_number, parameters=parameters))

    def read_lines(self, chunks: Iterator[str]) -> Iterator[FoundRelease]:
        for number, line in numbered_lines(chunks):
            stream = JsonStream(iter([line]), number)
            try:
                yield from self._value(stream)
                if stream.peek():
                    raise stream.broken("syntax")
            except BrokenJsonError as error:
                self.report(error)

    def read_document(self, chunks: Iterator[str]) -> Iterator[FoundRelease]:
        """A document, or several behind each other without a separator."""
        stream = JsonStream(chunks)
        start = stream.peek()
        if start == "<":
            raise stream.broken("html")
        self.blank = not start
        while stream.peek():
            yield from self._value(stream)

    def _value(self, stream: JsonStream) -> Iterator[FoundRelease]:
        if stream.peek() == "[":
            self.facts.count("list")
            for _ in stream.elements():
                yield from self._item(stream)
        else:
            yield from self._item(stream)

    def _item(self, stream: JsonStream) -> Iterator[FoundRelease]:
        if stream.peek() == "{":
            yield from self._object(stream)
        else:
            yield self._found(stream.value())

    def _object(self, stream: JsonStream) -> Iterator[FoundRelease]:
        """A package, record or release; arrays of releases and records are handed on element by element."""
        rest: dict[str, Any] = {}
        links: list[Any] = []
        wrapper, embedded = "", 0
        for name in stream.members():
            if name not in ("releases", "records"):
                rest[name] = stream.value()
                continue
            wrapper = name if wrapper != "records" else wrapper
            for element in _elements(stream):
                if name == "records" and isinstance(element, dict):
                    yield from self._record(element)
                elif isinstance(element, dict) and _is_link(element):
                    links.append(element)
                else:
                    embedded += 1
                    yield self._found(element)
        is_record = (
            "compiledRelease" in rest
            or "versionedRelease" in rest
            or (wrapper == "releases" and "ocid" in rest)
        )
        if is_record:
            self.facts.count("record")
            yield from self._compiled(rest, links, embedded)
        elif wrapper:
            self.facts.count("record-package" if wrapper == "records" else "release-package")
            self.facts.linked_records += bool(links)
        else:
            release = self._found(rest)
            self.facts.count("compiled-release" if release.compiled else "release")
            yield release
        if wrapper:
            package = {key: rest[key] for key in PACKAGE_KEYS if rest.get(key)}
            if package:
                self.facts.packages.append(package)

    def _record(self, record: dict[str, Any]) -> Iterator[FoundRelease]:
        """The embedded releases of a record; the compiled one where releases are only linked or absent."""
        releases = record.get("releases")
        if not isinstance(releases, list):
            releases = [releases] if isinstance(releases, dict) else []
        links = [release for release in releases if isinstance(release, dict) and _is_link(release)]
        embedded = [release for release in releases if not (isinstance(release, dict) and _is_link(release))]
        self.facts.count("record")
        for release in embedded:
            yield self._found(release)
        yield from self._compiled(record, links, len(embedded))

    def _compiled(self, record: Mapping[str, Any], links: list[Any], embedded: int) -> Iterator[FoundRelease]:
        """The compiled release, unless all releases are here: beside some of them it is told apart while
        merging.
        """
        if embedded and not links:
            return
        self.facts.linked_records += 1
        release = record.get("compiledRelease")
        if release is not None:
            if isinstance(release, dict) and "ocid" in record:
                release.setdefault("ocid", record["ocid"])
            found = self._found(release)
            targets = tuple(_link(link) for link in links[:MAX_LINKS])
            yield FoundRelease(found.value, found.ordinal, True, targets)

    def _found(self, value: Any) -> FoundRelease:
        self.facts.releases += 1
        compiled = (
            isinstance(value, dict) and isinstance(value.get("tag"), list) and "compiled" in value["tag"]
        )
        return FoundRelease(value, self.facts.releases, compiled)


def _elements(stream: JsonStream) -> Iterator[Any]:
    """Elements of the array at the cursor; a single object in place of an array is its only element."""
    if stream.peek() == "[":
        for _ in stream.elements():
            yield stream.value()
    else:
        value = stream.value()
        if value is not None:
            yield value


def _link(link: Mapping[str, Any]) -> tuple[str, str, str]:
    tags = link.get("tag")
    tag = (
        ";".join(each for each in tags if isinstance(each, str))
        if isinstance(tags, list)
        else str(tags or "")
    )
    return str(link.get("url") or ""), str(link.get("date") or ""), tag
