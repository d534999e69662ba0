import os
import time
from datetime import timedelta
from pathlib import Path

import obstore
import pytest

from pipelines.exceptions import ConflictError, StoreError, UnknownError
from pipelines.store import Lake, hash_file


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_file_comes_back_as_it_was(lake: Lake, tmp_path: Path) -> None:
    content = os.urandom(3 * 2**20 + 17)
    source = _file(tmp_path / "a.bin", content)
    lake.put_file("accepted/x/a.bin", source, hash_file(source))
    assert lake.get_bytes("accepted/x/a.bin") == content
    assert lake.local_path("accepted/x/a.bin", hash_file(source)).read_bytes() == content
    assert lake.sha256("accepted/x/a.bin") == hash_file(source)
    assert [(found.key, found.bytes) for found in lake.list("accepted")] == [
        ("accepted/x/a.bin", len(content))
    ]


def test_an_empty_file_is_a_file(lake: Lake, tmp_path: Path) -> None:
    lake.put_file("empty", _file(tmp_path / "empty", b""))
    assert lake.exists("empty")
    assert lake.local_path("empty").read_bytes() == b""


def test_the_first_of_two_creators_wins(lake: Lake) -> None:
    lake.put_if_absent("v1/version.json", b"first")
    with pytest.raises(ConflictError):
        lake.put_if_absent("v1/version.json", b"second")
    assert lake.get_bytes("v1/version.json") == b"first"
    assert [found.key for found in lake.list()] == ["v1/version.json"]


def test_what_is_not_there(lake: Lake) -> None:
    assert not lake.exists("nothing")
    assert lake.folders("nothing") == ()
    assert list(lake.list("nothing")) == []
    for read in (lake.get_bytes, lake.sha256, lake.local_path):
        with pytest.raises(UnknownError):
            read("nothing")


def test_folders_are_one_level(lake: Lake) -> None:
    for key in ("accepted/XBB/procurement/v0001/version.json", "accepted/XAA/x.json", "other/y.json"):
        lake.put_if_absent(key, b"{}")
    assert lake.folders("accepted") == ("XAA", "XBB")
    assert lake.folders("accepted/XBB/procurement") == ("v0001",)


def test_delete_is_repeatable(lake: Lake) -> None:
    lake.put_if_absent("x", b"1")
    lake.delete("x")
    lake.delete("x")
    assert not lake.exists("x")


def test_a_local_lake_hands_out_its_own_file(folder_lake: Lake, tmp_path: Path) -> None:
    folder_lake.put_if_absent("a/b.json", b"{}")
    assert folder_lake.local_path("a/b.json") == tmp_path / "lake" / "a" / "b.json"


def test_a_path_with_spaces_in_an_url(tmp_path: Path) -> None:
    folder = tmp_path / "my lake"
    Lake(folder.as_uri(), tmp_path / "cache").put_if_absent("x", b"1")
    assert (folder / "x").read_bytes() == b"1"


def test_a_source_that_changes_while_it_is_stored_is_refused(folder_lake: Lake, tmp_path: Path) -> None:
    source = _file(tmp_path / "a", b"one")
    before = hash_file(source)
    source.write_bytes(b"two")
    with pytest.raises(StoreError, match="changed"):
        folder_lake.put_file("a", source, before)
    assert not folder_lake.exists("a")


def test_a_damaged_copy_is_not_kept(tmp_path: Path) -> None:
    lake = Lake("memory:///", tmp_path / "cache")
    lake.put_if_absent("a", b"one")
    for _ in range(2):
        with pytest.raises(StoreError, match="damaged"):
            lake.local_path("a", "0" * 64)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_copy_is_made_once(tmp_path: Path) -> None:
    lake = Lake("memory:///", tmp_path / "cache")
    lake.put_if_absent("a", b"one")
    copy = lake.local_path("a")
    lake.delete("a")
    assert lake.local_path("a") == copy


def test_a_store_that_overwrites_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = obstore.put

    def forgetful(store, key, data, **_options):
        """What a vendor does that ignores the condition of a conditional put."""
        return put(store, key, data)

    monkeypatch.setattr(obstore, "put", forgetful)
    lake = Lake("memory:///", tmp_path / "cache")
    with pytest.raises(StoreError, match="overwrites"):
        lake.put_if_absent("a", b"one")
    assert not lake.exists("a")


def test_unknown_kind_of_lake(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Lake("gopher://lake", tmp_path)


def test_scratch_folders_go(folder_lake: Lake) -> None:
    with folder_lake.scratch() as folder:
        (folder / "x").write_text("x")
    assert not folder.exists()
    left = folder_lake.cache / "scratch" / "left"
    left.mkdir()
    folder_lake.clear_scratch(timedelta(hours=1))
    assert left.exists()
    old = time.time() - 7200
    os.utime(left, (old, old))
    folder_lake.clear_scratch(timedelta(hours=1))
    assert not left.exists()
