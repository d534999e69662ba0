"""What a file is, by its content. Names decide only between kinds of plain text, which bear no mark."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.intake.readers.containers import (
    OLE_START,
    ZIP_EMPTY,
    ZIP_START,
    BrokenContainerError,
    OleFile,
    open_zip,
    read_entry,
)
from pipelines.intake.readers.dialect import find_dialect
from pipelines.intake.readers.text import CONTROLS, mark_of, wide_codec

HEAD_BYTES = 2**16
MAX_FIRST_LINE = 2**24
MAX_DESCRIPTOR_BYTES = 2**24

DATA_SUFFIXES = frozenset(
    (".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods", ".json", ".jsonl", ".ndjson", ".xlsm")
)
"""Whoever gives a file one of these endings means it as data."""

_NOTES = re.compile(
    r"(readme|read_me|l[eé]eme|leia-?me|lisez-?moi|licen[cs]e|licencia|licen[cç]a|changelog|notes|notas)\b.*",
    re.IGNORECASE,
)
_NOTE_SUFFIXES = frozenset(
    (".md", ".rst", ".log", ".yml", ".yaml", ".toml", ".ini", ".py", ".r", ".sql", ".css", ".js")
)
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"{\\rtf", "document"),
    (b"Rar!\x1a", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"\x7fELF", "program"),
)
_HTML = re.compile(r"<(!doctype\s+html|html|head|body|table|meta|script|div)\b", re.IGNORECASE)
_JSON_ARRAY = re.compile(r"\[\s*([\[{\]\"]|-?\d|true\b|false\b|null\b)")
_JSON_OBJECT = re.compile(r"\{\s*[}\"]")
DOCUMENTS = frozenset(("pdf", "image", "document", "html", "text", "schema", "sound"))
"""Kinds that are for reading: beside data they are set aside, in place of data they are refused."""


@dataclass(frozen=True, slots=True)
class Content:
    """format: as `SourceFile.format`, or ``zip``, ``gzip``, ``empty``. kind: finer: ``pdf``, ``html``,
    ``archive``.

    protected: needs a password. macros: holds programs. broken: why a container could not be opened.
    """

    format: str
    kind: str = ""
    protected: bool = False
    macros: bool = False
    broken: str | None = None


def detect_content(path: Path, name: str) -> Content:
    """Look at the beginning of a file, and at the table of contents of a container.

    name: as sent, for what the content alone cannot tell. Raises OSError only.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return Content("empty")
    if head.startswith((ZIP_START, ZIP_EMPTY)):
        return _detect_zip(path, name, head)
    if head.startswith(b"\x1f\x8b"):
        return Content("gzip", "archive")
    if head.startswith(OLE_START):
        return _detect_ole(path)
    kind = _binary_kind(head)
    return Content("other", kind) if kind else _detect_text(path, PurePosixPath(name), head)


def _binary_kind(head: bytes) -> str | None:
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"RIFF") and head[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return "image" if head[8:12] == b"WEBP" else "sound"
    if re.match(rb"BZh[1-9]1AY&SY", head) or head[257:262] == b"ustar":
        return "archive"
    if head.startswith((b"MZ", b"BM")) and b"\0\0\0" in head[:64]:
        return "program" if head.startswith(b"MZ") else "image"
    return None


def _detect_zip(path: Path, name: str, head: bytes) -> Content:
    try:
        with open_zip(path) as archive:
            return _detect_zip_content(archive)
    except BrokenContainerError as error:
        suffix = PurePosixPath(name).suffix.lower()
        is_workbook = (
            suffix in (".xlsx", ".xlsm", ".ods") or b"[Content_Types].xml" in head or b"mimetype" in head[:64]
        )
        return Content(
            "other" if is_workbook else "zip", "workbook" if is_workbook else "archive", broken=str(error)
        )


def _detect_zip_content(archive: zipfile.ZipFile) -> Content:
    names = {entry.filename.lower(): entry for entry in archive.infolist()}
    types = _beginning(archive, names.get("[content_types].xml"))
    mimetype = _beginning(archive, names.get("mimetype"))[:200].decode("latin-1").strip()
    if not types and not mimetype.startswith("application/"):
        return Content("zip", "archive")
    if len(names) != len(archive.infolist()):
        # Two readers could take two different parts of the same name.
        return Content("other", "workbook", broken="part of the same name twice")
    if "xl/workbook.xml" in names and types:
        programs = any("vbaproject" in name or name.startswith("xl/macrosheets/") for name in names)
        return Content("xlsx", "workbook", macros=programs or b"macroEnabled" in types)
    if mimetype.startswith("application/vnd.oasis.opendocument.spreadsheet"):
        protected = b"encryption-data" in _beginning(archive, names.get("meta-inf/manifest.xml"))
        macros = any(name.startswith(("basic/", "scripts/")) for name in names)
        return Content("ods", "workbook", protected=protected, macros=macros)
    return Content("other", "workbook-binary" if "xl/workbook.bin" in names else "document")


def _beginning(archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None) -> bytes:
    """The first mebibyte of an entry; nothing where there is none."""
    return b"" if entry is None else next(read_entry(archive, entry), b"")


def _detect_ole(path: Path) -> Content:
    try:
        with path.open("rb") as file:
            names = OleFile(file).streams
    except BrokenContainerError as error:
        return Content("other", "workbook", broken=str(error))
    if "EncryptedPackage" in names:
        return Content("other", "workbook", protected=True)
    if "Workbook" in names or "Book" in names:
        return Content("xls", "workbook", macros="_VBA_PROJECT_CUR" in names)
    return Content("other", "document")


def _detect_text(path: Path, name: PurePosixPath, head: bytes) -> Content:
    marked, mark_bytes = mark_of(head)
    codec = marked or wide_codec(head) or "utf-8"
    text = head[mark_bytes:].decode(codec, "replace")
    if not text.strip(" \t\r\n\0\ufeff"):
        return Content("empty" if path.stat().st_size <= len(head) else "csv")
    if _is_binary(text):
        return Content("other", "binary")
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("<"):
        kind = _markup_kind(start)
        if kind:
            return Content("other", kind)
    if name.name.lower().endswith("datapackage.json") and start.startswith("{"):
        return _detect_descriptor(path)
    if _JSON_OBJECT.match(start):
        return _detect_object(path, name, codec, mark_bytes)
    if _JSON_ARRAY.match(start):
        return Content("json")
    return _detect_plain(name, text)


def _is_binary(text: str) -> bool:
    """Mostly control characters, or many of them among bytes that are no text; a damaged table has fewer."""
    controls = len(CONTROLS.findall(text))
    return controls > len(text) // 2 or (
        controls > len(text) // 10 and text.count("\ufffd") > len(text) // 20
    )


def _markup_kind(start: str) -> str | None:
    if _HTML.search(start[:4096]):
        return "html"
    if "<svg" in start[:1024]:
        return "image"
    first_line = start.split("\n", 1)[0]
    if start.startswith(("<?xml", "<!")) or (
        re.match(r"<[\w:]+[^,;\t]*>", first_line) and find_dialect(start, {}).score == 0
    ):
        return "xml"
    return None


def _detect_descriptor(path: Path) -> Content:
    """A file of that name that is OCDS data all the same is data; a broken one is a broken descriptor."""
    if path.stat().st_size > MAX_DESCRIPTOR_BYTES:
        return Content("json")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return Content("descriptor")
    is_data = (
        isinstance(content, dict)
        and "resources" not in content
        and ("releases" in content or "records" in content)
    )
    return Content("json" if is_data else "descriptor")


def _detect_object(path: Path, name: PurePosixPath, codec: str, mark_bytes: int) -> Content:
    """One object, or one on each line. A Table Schema beside the data is neither data nor wrong."""
    with path.open("rb") as raw:
        raw.seek(mark_bytes)
        first, more = _two_lines(raw.read(MAX_FIRST_LINE).decode(codec, "replace"))
    try:
        content = json.loads(first)
    except (ValueError, RecursionError):
        named = name.suffix.lower() in (".jsonl", ".ndjson")
        return (
            Content("jsonl" if named else "json")
            if named or not _is_schema(path)
            else Content("other", "schema")
        )
    if isinstance(content, dict) and (more or name.suffix.lower() in (".jsonl", ".ndjson")):
        return Content("jsonl")
    return Content("other", "schema") if _is_schema(path) else Content("json")


def _two_lines(text: str) -> tuple[str, bool]:
    """(first line that is not blank, whether another object begins after it)."""
    text = text.lstrip()
    first, _, rest = text.partition("\n")
    return first, rest.lstrip().startswith("{")


def _is_schema(path: Path) -> bool:
    if path.stat().st_size > MAX_DESCRIPTOR_BYTES // 16:
        return False
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and isinstance(content.get("fields"), list)


def _detect_plain(name: PurePosixPath, text: str) -> Content:
    suffix = name.suffix.lower()
    if suffix in _NOTE_SUFFIXES or (suffix not in DATA_SUFFIXES and _NOTES.fullmatch(name.name)):
        return Content("other", "text")
    if suffix == ".txt" and find_dialect(text, {}).score < 0.3:
        return Content("other", "text")
    return Content("csv")
