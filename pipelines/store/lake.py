"""The lake: immutable objects under keys, in a local folder or in S3-like storage, with the same calls.

An object is visible under its key complete or not at all. In a local folder that takes a file beside, flushed
to disk, then a rename (or, where nothing may be there yet, a hard link, which refuses what exists); elsewhere
the store's own put gives it.
"""

import contextlib
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotModifiedError, PreconditionError
from obstore.store import LocalStore, ObjectStore, from_url

from pipelines.exceptions import ConflictError, StoreError, UnknownError

INCOMING = ".incoming"
"""Prefix of unfinished local files; no reader looks there."""

_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class LakeObject:
    """An object as a listing shows it. bytes: its size; modified: when it was written, UTC."""

    key: str
    bytes: int
    modified: datetime


def hash_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal, in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _local_root(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path)).resolve()
    is_path = "://" not in url and parts.scheme != "memory"
    return Path(url).resolve() if is_path else None


def _flush_folders(folder: Path, last: Path) -> None:
    """Make new names in `folder`, and in the folders above it up to `last`, survive a power cut."""
    if os.name == "nt":  # Windows flushes names with the file, and cannot open a folder
        return
    for each in (folder, *folder.parents):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if each == last:
            return


class Lake:
    """Objects under keys (``accepted/PRY/procurement/v0007/version.json``).

    url: a folder, ``file:///…``, ``s3://…`` or any other address obstore knows; credentials come from the
    environment, as the store's vendor documents. cache: folder for copies of remote objects and unfinished
    work.
    """

    def __init__(self, url: str, cache: Path) -> None:
        self.url = url
        self.cache = Path(cache)
        self.root = _local_root(url)
        self._refuses_existing = self.root is not None
        try:
            self._store: ObjectStore = LocalStore(self.root, mkdir=True) if self.root else from_url(url)
        except (BaseError, ValueError, OSError) as error:
            raise StoreError(f"cannot open the lake at {url}: {error}") from error

    def __repr__(self) -> str:
        return f"Lake({self.url!r})"

    @contextlib.contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise UnknownError(f"no object {key} in {self.url}") from error
        except (AlreadyExistsError, PreconditionError, NotModifiedError, FileExistsError) as error:
            raise ConflictError(f"{key} exists already in {self.url}") from error
        except (BaseError, OSError) as error:
            raise StoreError(f"{key} in {self.url}: {error}") from error

    def put_file(self, key: str, path: Path, sha256: str | None = None) -> None:
        """Store a file under a key. Keys are chosen so that one key never gets two contents.

        sha256: what the file must have while it is read (checked when the lake is a folder). Raises
        StoreError when what arrived has another size or hash.
        """
        size = path.stat().st_size
        with self._explained(key):
            if self.root:
                with path.open("rb") as source:
                    self._put_local(key, source, sha256, replace=True)
            else:
                obstore.put(self._store, key, path)
            arrived = obstore.head(self._store, key)["size"]
        if arrived != size:
            raise StoreError(f"{key} in {self.url}: {size} bytes sent, {arrived} arrived")

    def put_if_absent(self, key: str, data: bytes) -> None:
        """Store a small object unless its key is taken; ConflictError when it is. Of many writers one
        succeeds.
        """
        self._check_refusal()
        with self._explained(key):
            if self.root:
                self._put_local(key, io.BytesIO(data), None, replace=False)
            else:
                obstore.put(self._store, key, data, mode="create")

    def _put_local(self, key: str, source: BinaryIO, sha256: str | None, *, replace: bool) -> None:
        assert self.root is not None
        beside = self.root / INCOMING / uuid4().hex
        target = self.root / key
        beside.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        try:
            with beside.open("wb") as file:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if sha256 is not None and digest.hexdigest() != sha256:
                raise StoreError(f"{key}: the file changed while it was stored")
            is_new_folder = not target.parent.is_dir()
            target.parent.mkdir(parents=True, exist_ok=True)
            if replace:
                beside.replace(target)
            else:
                target.hardlink_to(beside)
        finally:
            beside.unlink(missing_ok=True)
        _flush_folders(target.parent, self.root if is_new_folder else target.parent)

    def _check_refusal(self) -> None:
        """Prove once that a remote store creates only what is absent: some take the order and overwrite."""
        if self._refuses_existing:
            return
        key = f"{INCOMING}/probe-{uuid4().hex}"
        with self._explained(key):
            obstore.put(self._store, key, b"1", mode="create")
            try:
                obstore.put(self._store, key, b"2", mode="create")
            except (AlreadyExistsError, PreconditionError, NotModifiedError):
                self._refuses_existing = True
            finally:
                obstore.delete(self._store, key)
        if not self._refuses_existing:
            raise StoreError(
                f"{self.url} overwrites objects that it was told to create: commits would be lost"
            )

    def get_bytes(self, key: str) -> bytes:
        """A small object, whole. UnknownError when there is none."""
        with self._explained(key):
            return bytes(obstore.get(self._store, key).bytes())

    def exists(self, key: str) -> bool:
        try:
            with self._explained(key):
                obstore.head(self._store, key)
        except UnknownError:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[LakeObject]:
        """All objects below a prefix (whole path segments), at any depth, in no order."""
        with self._explained(prefix):
            for batch in obstore.list(self._store, prefix or None):
                for each in batch:
                    yield LakeObject(each["path"], each["size"], each["last_modified"])

    def folders(self, prefix: str) -> tuple[str, ...]:
        """Names one level below a prefix that have something below them, sorted as text."""
        with self._explained(prefix):
            found = obstore.list_with_delimiter(self._store, prefix)["common_prefixes"]
        return tuple(sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in found))

    def delete(self, key: str) -> None:
        """Remove an object that nothing refers to; only `pipelines.store.versions.sweep` does so."""
        with self._explained(key), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def sha256(self, key: str) -> str:
        """Hash of an object as it is stored now, read in constant memory."""
        digest = hashlib.sha256()
        with self._explained(key):
            for chunk in obstore.get(self._store, key):
                digest.update(chunk)
        return digest.hexdigest()

    def local_path(self, key: str, sha256: str | None = None) -> Path:
        """A readable file with the object's content: the file itself in a local lake, a cached copy
        otherwise.

        sha256: the hash the content must have; without it only the size is compared. Checked when the copy is
        made, never for the file of a local lake (`pipelines.store.versions.verify_version` does that).
        """
        if self.root:
            path = self.root / key
            if not path.is_file():
                raise UnknownError(f"no object {key} in {self.url}")
            return path
        copy = self.cache / "objects" / hashlib.sha256(self.url.encode()).hexdigest()[:12] / key
        if copy.is_file():
            return copy
        copy.parent.mkdir(parents=True, exist_ok=True)
        beside = copy.parent / f".{uuid4().hex}"
        try:
            with self._explained(key), beside.open("wb") as file:
                answer = obstore.get(self._store, key)
                size = answer.meta["size"]
                for chunk in answer:
                    file.write(chunk)
            if beside.stat().st_size != size or (sha256 is not None and hash_file(beside) != sha256):
                raise StoreError(f"{key} in {self.url} arrived damaged")
            beside.replace(copy)
        finally:
            beside.unlink(missing_ok=True)
        return copy

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for unfinished work, removed on leaving (by `clear_scratch` if the process was killed)."""
        parent = self.cache / "scratch"
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clear_scratch(self, older_than: timedelta) -> None:
        """Remove scratch folders that a killed process left and nobody touched for that long."""
        limit = datetime.now().timestamp() - older_than.total_seconds()
        for folder in (self.cache / "scratch").glob("*"):
            if folder.stat().st_mtime < limit:
                shutil.rmtree(folder, ignore_errors=True)
