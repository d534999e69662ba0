"""A submission as sent -> its files: bytes kept, archives opened, nothing written outside the folder.

Sizes are counted while reading; what a file says about its own size is never believed. Whatever is wrong with
what was sent is a finding; an exception means that the machine could not read or write.
"""

import gzip
import hashlib
import json
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.intake.detect import DATA_SUFFIXES, DOCUMENTS, Content, detect_content
from pipelines.intake.limits import Limits
from pipelines.intake.readers.containers import (
    CHUNK,
    BrokenContainerError,
    TooManyEntriesError,
    open_zip,
    read_entry,
    unpacked_bytes,
)
from pipelines.intake.readers.text import is_blank
from pipelines.intake.sources import SourceFile
from pipelines.records import Finding

HARMLESS_BYTES = 2**24
"""Whatever the ratio, a file that unpacks to no more than this is no bomb."""

_MAX_NAME_BYTES = 255
_RUBBISH = re.compile(r"__MACOSX|\.DS_Store|Thumbs\.db|desktop\.ini|~\$.*|\._.*|\.~lock\..*#", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(slots=True)
class Unpacked:
    """files: in the order of their names; what is for reading only (PDF, README) has the format ``other``."""

    files: list[SourceFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sent:
    """name: path inside the submission, POSIX. unsafe: a link, a device, anything but a plain file."""

    name: str
    path: Path
    unsafe: bool = False


def hash_files(paths: Sequence[Path]) -> list[tuple[str, int, str]]:
    """(name, bytes, hexadecimal sha256) of every file that was sent; ``link`` in the place of the hash of what is no plain file.

    Files that systems add by themselves (``.DS_Store``) do not count.
    """
    digests = []
    for sent in _files_sent(paths):
        if sent.unsafe:
            digests.append((sent.name, 0, "link"))
            continue
        with _open_plain(sent.path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            digests.append((sent.name, file.tell(), digest))
    return digests


def identity_hash(files: Sequence[tuple[str, int, str]]) -> str:
    """Hexadecimal sha256 that says whether two submissions are the same, whatever the order of their files.

    One file: its bytes, so that a renamed file is the same submission. Several: names and bytes of all.
    """
    digests = [(name, digest) for name, _bytes, digest in files]
    if len(digests) == 1:
        return digests[0][1] if digests[0][1] != "link" else hashlib.sha256(b"link").hexdigest()
    return hashlib.sha256(json.dumps(sorted(digests)).encode()).hexdigest()


def unpack(paths: Sequence[Path], folder: Path, limits: Limits) -> Unpacked:
    """Copy files and folders as sent to ``folder/original/``, unpack archives into ``folder/unpacked/``."""
    work = _Unpacking(folder, limits)
    for sent in _files_sent(paths):
        if work.stopped:
            break
        work.receive(sent)
    return work.finish()


def _files_sent(paths: Sequence[Path]) -> Iterator[_Sent]:
    """Every file below the paths, sorted. Names begin below a single folder; with several, at the folder."""
    found: list[_Sent] = []
    for path in paths:
        if path.is_symlink() or not path.is_dir():
            found.append(_Sent(path.name, path, not _is_plain(path)))
            continue
        prefix = "" if len(paths) == 1 else f"{path.name}/"
        for root, folders, names in os.walk(path):
            here = Path(root)
            links = [name for name in folders if (here / name).is_symlink()]
            folders[:] = sorted(
                name for name in folders if name not in links and not _RUBBISH.fullmatch(name)
            )
            for name in [*names, *links]:
                child = here / name
                found.append(_Sent(prefix + child.relative_to(path).as_posix(), child, not _is_plain(child)))
    for sent in sorted(found, key=lambda each: os.fsencode(each.name)):
        if not _is_rubbish(sent.name):
            yield sent


def _is_plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _open_plain(path: Path) -> BufferedReader:
    """Open without following a link that took the place of the file since it was looked at."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return open(os.open(path, flags), "rb")  # noqa: PTH123 - a path cannot be opened with flags


def _is_rubbish(name: str) -> bool:
    return any(_RUBBISH.fullmatch(part) for part in PurePosixPath(name).parts)


def _is_unsafe(name: str) -> bool:
    """Whether an entry's name leads out of its folder, on any system, or hides its end behind a zero byte."""
    parts = name.replace("\\", "/").split("/")
    return "\0" in name or parts[0] == "" or bool(_DRIVE.match(parts[0])) or ".." in parts


def _shorten(part: str) -> str:
    """A part of a path in at most 255 bytes, its ending kept; long ones stay different from each other."""
    if len(part.encode()) <= _MAX_NAME_BYTES:
        return part
    digest = hashlib.sha256(part.encode()).hexdigest()[:8]
    ending = PurePosixPath(part).suffix if len(PurePosixPath(part).suffix.encode()) <= 16 else ""
    return f"{part.encode()[:200].decode(errors='ignore')}~{digest}{ending}"


def _tidy(name: str) -> str:
    """A name as it is shown and compared: forward slashes, composed accents, printable, not too long."""
    text = _UNPRINTABLE.sub("_", unicodedata.normalize("NFC", name.replace("\\", "/")))
    parts = [_shorten(part) for part in text.split("/") if part not in ("", ".")]
    if sum(len(part.encode()) for part in parts) > 1000:
        parts = [hashlib.sha256("/".join(parts[:-1]).encode()).hexdigest()[:16], parts[-1]]
    return "/".join(parts) or "_"


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The name of a ZIP entry. Without the mark for UTF-8 it is UTF-8 all the same, or a code page of DOS."""
    if entry.flag_bits & 0x800:
        return entry.orig_filename
    try:
        raw = entry.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.orig_filename
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp850")


class _LimitError(Exception):
    """A size limit was passed while writing; carries the code of the finding and the limit."""

    def __init__(self, code: str, limit: int) -> None:
        super().__init__(code)
        self.code = code
        self.limit = limit


@dataclass(slots=True)
class _Budget:
    """Bytes that what is inside one sent archive, at any depth, may still unpack to."""

    limit: int
    used: int = 0


class _Unpacking:
    """One run of `unpack`."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.limits = limits
        self.result = Unpacked()
        self.stopped = False
        self._original = folder / "original"
        self._unpacked = folder / "unpacked"
        self._original.mkdir(parents=True, exist_ok=True)
        self._unpacked.mkdir(parents=True, exist_ok=True)
        self._names: set[str] = set()
        self._documents: list[tuple[SourceFile, str]] = []
        self._data_seen = False
        self._entries = 0
        self._total = 0

    def receive(self, sent: _Sent) -> None:
        """Take one file as sent."""
        if sent.unsafe:
            self._tell("unsafe-path", _tidy(sent.name), path=_tidy(sent.name))
            return
        name = self._unique(_tidy(sent.name))
        if not self._count_entry(name):
            return
        target = self._original_target(name)
        try:
            with _open_plain(sent.path) as file:
                size = self._write(iter(lambda: file.read(CHUNK), b""), target, name, None)
            if size is not None:
                allowed = max(HARMLESS_BYTES, int(size * self.limits.max_expansion))
                self._take(name, target, 0, _Budget(allowed))
        except _LimitError as error:
            self._tell(error.code, name, limit=error.limit)

    def finish(self) -> Unpacked:
        for file, kind in self._documents:
            if self._data_seen:
                self.result.files.append(file)
            else:
                self._tell("not-a-table", file.name, kind=kind)
        self.result.files.sort(key=lambda file: file.name)
        return self.result

    def _tell(self, code: str, name: str, **parameters: Any) -> None:
        self.result.findings.append(Finding(code, source_file=name, parameters=parameters))

    def _unique(self, name: str) -> str:
        """The name, numbered when another file has it, also by the rules of systems that ignore case."""
        path = PurePosixPath(name)
        candidate, serial = name, 1
        while candidate.casefold() in self._names:
            serial += 1
            candidate = str(path.with_name(f"{path.stem} ({serial}){path.suffix}"))
        self._names.add(candidate.casefold())
        return candidate

    def _count_entry(self, name: str) -> bool:
        self._entries += 1
        if self._entries <= self.limits.max_files:
            return True
        self._tell("archive-too-many-files", name, limit=self.limits.max_files)
        self.stopped = True
        return False

    def _write(self, chunks: Iterator[bytes], target: Path, name: str, budget: _Budget | None) -> int | None:
        """Write a file, return its size; None when it was refused and told. Raises BrokenContainerError."""
        size, blank = 0, True
        try:
            with target.open("xb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    self._charge(len(chunk), size, budget)
                    blank = blank and is_blank(chunk)
                    file.write(chunk)
        except _LimitError as error:
            target.unlink()
            self._data_seen = True
            if error.code != "file-too-large":
                raise  # told of the archive as sent
            self._tell(error.code, name, limit=error.limit)
            return None
        except BrokenContainerError:
            target.unlink()
            raise
        if blank:
            self._data_seen = True
            self._tell("empty-file", name)
            return None
        return size

    def _charge(self, count: int, size: int, budget: _Budget | None) -> None:
        self._total += count
        if self._total > self.limits.max_total_bytes:
            self.stopped = True
            raise _LimitError("archive-too-large", self.limits.max_total_bytes)
        if size > self.limits.max_file_bytes:
            raise _LimitError("file-too-large", self.limits.max_file_bytes)
        if budget:
            budget.used += count
            if budget.used > budget.limit:
                raise _LimitError("archive-too-large", budget.limit)

    def _take(self, name: str, path: Path, depth: int, budget: _Budget) -> None:
        """Decide what to do with a file that is on disk. depth: archives around it."""
        content = detect_content(path, name)
        if content.format in ("zip", "gzip"):
            self._data_seen = True
            self._open(name, path, content, depth, budget)
            return
        if content.format == "empty":
            self._data_seen = True
            self._tell("empty-file", name)
            return
        if content.protected or content.broken or content.macros or content.kind == "workbook":
            self._data_seen = True
            if not self._check_workbook(name, path, content):
                return
        if content.format != "other":
            self._data_seen = True
            self.result.files.append(SourceFile(name, path, content.format))
            return
        suffix = PurePosixPath(name).suffix.lower()
        if content.kind == "schema" or (content.kind in DOCUMENTS and suffix not in DATA_SUFFIXES):
            self._documents.append((SourceFile(name, path, "other"), content.kind))
            return
        self._data_seen = True
        code = "not-a-table" if content.kind in DOCUMENTS or suffix in DATA_SUFFIXES else "unknown-format"
        self._tell(code, name, kind=content.kind)

    def _check_workbook(self, name: str, path: Path, content: Content) -> bool:
        """Whether a workbook may be read on."""
        if content.protected:
            self._tell("password-protected", name)
            return False
        if content.broken:
            self._tell("unreadable-file", name, reason=content.broken)
            return False
        if content.macros:
            self._tell("workbook-with-macros", name)
        if content.format not in ("xlsx", "ods"):
            return True
        most = max(HARMLESS_BYTES, int(path.stat().st_size * self.limits.max_expansion))
        most = min(most, self.limits.max_file_bytes)
        try:
            if unpacked_bytes(path, most) > most:
                self._tell("archive-too-large", name, limit=most)
                return False
        except BrokenContainerError as error:
            self._tell("unreadable-file", name, reason=str(error))
            return False
        return True

    def _open(self, name: str, path: Path, content: Content, depth: int, budget: _Budget) -> None:
        if depth >= self.limits.max_depth:
            self._tell("archive-too-deep", name, limit=self.limits.max_depth)
            return
        try:
            if content.format == "gzip":
                self._open_gzip(name, path, depth, budget)
            else:
                self._open_zip(name, path, depth, budget)
        except TooManyEntriesError:
            self._tell("archive-too-many-files", name, limit=self.limits.max_files)
        except BrokenContainerError as error:
            self._tell("truncated-archive", name, reason=str(error))
        finally:
            if depth:
                path.unlink(missing_ok=True)

    def _original_target(self, name: str) -> Path:
        """Where a file is kept: under its name, unless another file stands where it needs a folder."""
        target = self._original / name
        if target.exists() or any(parent.is_file() for parent in target.parents):
            target = self._original / f"{self._entries:05d}-{target.name[-50:]}"
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _target(self, name: str) -> Path:
        """Where a file from an archive is written: flat and numbered, so that no name can do any harm."""
        ending = _shorten(PurePosixPath(name).name).encode()[-100:].decode(errors="ignore")
        return self._unpacked / f"{self._entries:05d}-{ending}"

    def _open_gzip(self, name: str, path: Path, depth: int, budget: _Budget) -> None:
        inner = PurePosixPath(name).name
        inner = inner[:-3] if inner.lower().endswith(".gz") and len(inner) > 3 else inner
        self._store(self._unique(f"{name}/{inner}"), _gunzip(path), depth, budget)

    def _open_zip(self, name: str, path: Path, depth: int, budget: _Budget) -> None:
        protected = False
        with open_zip(path) as archive:
            for entry in archive.infolist():
                raw = _entry_name(entry)
                if self.stopped:
                    return
                mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
                if _is_unsafe(raw) or stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    self._tell("unsafe-path", name, path=_UNPRINTABLE.sub("_", raw)[:200])
                elif entry.is_dir() or raw.endswith("\\") or _is_rubbish(raw.replace("\\", "/")):
                    continue
                elif entry.flag_bits & 0x1:
                    if not protected:
                        self._tell("password-protected", name)
                    protected = True
                elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    reason = f"compression method {entry.compress_type}"
                    self._tell("unreadable-file", f"{name}/{_tidy(raw)}", reason=reason)
                else:
                    inner = self._unique(f"{name}/{_tidy(raw)}")
                    self._store(inner, read_entry(archive, entry), depth, budget)

    def _store(self, name: str, chunks: Iterator[bytes], depth: int, budget: _Budget) -> None:
        if not self._count_entry(name):
            return
        target = self._target(name)
        if self._write(chunks, target, name, budget) is not None:
            self._take(name, target, depth + 1, budget)


def _gunzip(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        while True:
            try:
                chunk = file.read(CHUNK)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise BrokenContainerError(f"{type(error).__name__}: {error}"[:200]) from error
            if not chunk:
                return
            yield chunk
