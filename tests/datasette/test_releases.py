"""Files of a release under their lasting address: headers, ranges, what attacks get, and what was taken back."""

import base64
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.catalogue import LANGUAGES
from pipelines.exceptions import PublicationError
from pipelines.publication import next_release_id
from pipelines.publication.files import UnsatisfiableError, matches, parse_range
from pipelines.publication.withdrawn import REGISTER, Withdrawn, restore_table, withdraw_table
from pipelines.zones import Zones

TABLE = "parquet/procurement_processes.parquet"
REASONS = {
    "es": "Retirada por orden judicial.",
    "en": "Withdrawn by order of a court.",
    "pt": "Retirada por ordem judicial.",
    "fr": "Retirée sur ordre d’un tribunal.",
}


def address(site: Any, path: str = TABLE) -> str:
    return f"/v/{site.package['version']}/{path}"


def ask(site: Any, path: str, method: str = "GET", **headers: str) -> Any:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return site.runner.run(site.datasette.client.request(method, path, headers=sent))


def follow(site: Any, path: str) -> Any:
    return site.runner.run(site.datasette.client.get(path, follow_redirects=True))


def test_every_file_is_served_with_its_facts(site: Any) -> None:
    for resource in site.package["resources"]:
        answer = ask(site, address(site, resource["path"]))
        content = (site.release / resource["path"]).read_bytes()
        digest = hashlib.sha256(content)
        assert answer.status_code == 200 and answer.content == content
        assert answer.headers["etag"] == f'"{digest.hexdigest()}"'
        assert f"sha256:{answer.headers['x-sha256']}" == resource["hash"]
        assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        assert int(answer.headers["content-length"]) == resource["bytes"]
        assert answer.headers.get("x-row-count") == (str(resource["rows"]) if "rows" in resource else None)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["content-type"].split(";")[0] == resource["mediatype"]


def test_head_tells_all_and_sends_nothing(site: Any) -> None:
    whole, head = ask(site, address(site)), ask(site, address(site), "HEAD")
    assert head.status_code == 200 and head.content == b""
    assert {key: head.headers[key] for key in ("etag", "content-length", "content-type")} == {
        key: whole.headers[key] for key in ("etag", "content-length", "content-type")
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-3", (0, 3)), ("bytes=4-", (4, 9)), ("bytes=-4", (6, 9)), ("bytes=-400", (0, 9)),
        ("bytes=0-400", (0, 9)), ("bytes=9-9", (9, 9)), ("bytes=5-2", None), ("bytes=0-1,4-5", None),
        ("bytes=0-" + "9" * 5_000, None), ("rows=0-1", None), ("bytes=-", None), ("bytes=a-b", None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_ranges(asked: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(asked, 10) == expected


@pytest.mark.parametrize(
    ("asked", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)]
)
def test_ranges_outside(asked: str, size: int) -> None:
    with pytest.raises(UnsatisfiableError):
        parse_range(asked, size)


def test_range_of_a_file(site: Any) -> None:
    content = (site.release / TABLE).read_bytes()
    answer = ask(site, address(site), range="bytes=-8")
    assert answer.status_code == 206 and answer.content == content[-8:]
    assert answer.headers["content-range"] == f"bytes {len(content) - 8}-{len(content) - 1}/{len(content)}"
    outside = ask(site, address(site), range=f"bytes={len(content)}-")
    assert outside.status_code == 416 and outside.headers["content-range"] == f"bytes */{len(content)}"


def test_conditions(site: Any) -> None:
    etag = ask(site, address(site), "HEAD").headers["etag"]
    for value in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = ask(site, address(site), if_none_match=value)
        assert answer.status_code == 304 and answer.content == b"" and answer.headers["etag"] == etag
    assert ask(site, address(site), if_none_match='"other"').status_code == 200
    assert ask(site, address(site), range="bytes=0-3", if_range=etag).status_code == 206
    for value in ('"other"', f"W/{etag}", "Sun, 22 Nov 2026 00:00:00 GMT"):
        assert ask(site, address(site), range="bytes=0-3", if_range=value).status_code == 200
    assert not matches(None, etag, weak=True)


class Remote(io.RawIOBase):
    """A file read only by ranges of its address, as a Parquet reader on another computer does."""

    def __init__(self, site: Any, path: str) -> None:
        self.site, self.path, self.at, self.taken = site, path, 0, 0
        self.size = int(ask(site, path, "HEAD").headers["content-length"])

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def read(self, size: int = -1) -> bytes:
        last = self.size - 1 if size < 0 else min(self.at + size, self.size) - 1
        if last < self.at:
            return b""
        answer = ask(self.site, self.path, range=f"bytes={self.at}-{last}")
        assert answer.status_code == 206
        self.at, self.taken = last + 1, self.taken + len(answer.content)
        return answer.content


@pytest.fixture
def large(site: Any) -> Iterator[str]:
    """A release of one large file: 40 members with 5,000 rows each, a row group a member."""
    folder = site.release.parent / "2024.1.1"
    folder.mkdir()
    rows = pa.table(
        {
            "member_code": [f"M{number // 5000:02}" for number in range(200_000)],
            "text": [hashlib.sha256(str(number).encode()).hexdigest() for number in range(200_000)],
        }
    )
    pq.write_table(rows, folder / "large.parquet", row_group_size=5000)
    content = (folder / "large.parquet").read_bytes()
    file = {"path": "large.parquet", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "release.json").write_text(json.dumps({"files": [file], "released_at": "2024-01-01T00:00:00Z"}))
    (folder / "datapackage.json").write_text(json.dumps({"resources": []}))
    yield "/v/2024.1.1/large.parquet"
    shutil.rmtree(folder)


def test_a_reader_takes_only_what_it_needs(site: Any, large: str) -> None:
    remote = Remote(site, large)
    table = pq.read_table(remote, filters=[("member_code", "=", "M07")], pre_buffer=False)
    assert table.num_rows == 5000
    assert 0 < remote.taken < remote.size / 20


@pytest.mark.parametrize(
    "path",
    [
        "../current.json", "..%2f..%2fcurrent.json", "%2e%2e/current.json", "parquet/../release.json", "/etc/passwd",
        "%2fetc%2fpasswd", "release.json", "datasette.json", "parquet", "parquet/", "csv/..%5c..%5cx", "ingp.db%00",
        "pages.duckdb", "site/pages.duckdb", "INGP.DB",
    ],
)  # fmt: skip
def test_nothing_but_listed_files(site: Any, path: str) -> None:
    answer = follow(site, address(site, path))
    assert answer.status_code == 404
    assert b"root:" not in answer.content and b"release_id" not in answer.content


@pytest.mark.parametrize("release", ["2020.1.1", "%2e%2e", "current.json", "2026.11", "*", "0"])
def test_no_such_release(site: Any, release: str) -> None:
    for path in ("datapackage.json", "", "ingp/procurement_processes"):
        assert follow(site, f"/v/{release}/{path}").status_code == 404


@pytest.mark.parametrize("prefix", ["/latest/", "/files/"])
def test_latest_leads_to_the_release(site: Any, prefix: str) -> None:
    answer = ask(site, f"{prefix}{TABLE}?a=1")
    assert answer.status_code == 302 and answer.headers["location"] == f"{address(site)}?a=1"
    assert "immutable" not in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_pages_have_a_lasting_address(site: Any) -> None:
    path = "ingp/procurement_processes?_search=papel"
    live = ask(site, f"/{path}", accept_language="en")
    lasting = ask(site, address(site, path), accept_language="en")
    assert lasting.status_code == 200
    assert "32 rows" in lasting.text and "32 rows" in live.text
    rows = ask(site, address(site, "ingp/procurement_processes.json?_size=2")).json()["rows"]
    assert rows == ask(site, "/ingp/procurement_processes.json?_size=2").json()["rows"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_releases(site: Any, language: str) -> None:
    for path in ("/v/", address(site, "")):
        answer = site.get(path, language)
        assert answer.status_code == 200 and f'<html lang="{language}">' in answer.text
    assert (
        hashlib.sha256((site.release / TABLE).read_bytes()).hexdigest()
        in site.get(address(site, ""), language).text
    )


def test_lists_for_programs(site: Any) -> None:
    version = site.package["version"]
    assert ask(site, "/v.json").json()["latest"] == version
    files = ask(site, f"/v/{version}.json").json()["files"]
    assert {each["path"] for each in files} == {each["path"] for each in site.package["resources"]} | {
        "datapackage.json"
    }


@pytest.fixture
def older(site: Any) -> Iterator[str]:
    """A second release on disk: the files of the first under an older number."""
    folder = site.release.parent / "2025.1.1"
    folder.symlink_to(site.release, target_is_directory=True)
    yield "2025.1.1"
    folder.unlink()


@pytest.mark.parametrize("language", LANGUAGES)
def test_older_releases_stay_as_files(site: Any, older: str, language: str) -> None:
    assert ask(site, f"/v/{older}/{TABLE}").content == (site.release / TABLE).read_bytes()
    page = ask(site, f"/v/{older}/ingp/procurement_processes", accept_language=language)
    assert page.status_code == 200 and f'href="/v/{older}/{TABLE}"' in page.text
    assert ask(site, f"/v/{older}/ingp/nothing").status_code == 404


@pytest.fixture
def withdrawn(site: Any) -> Iterator[str]:
    withdraw_table(site.release.parent, "procurement_contracts", REASONS)
    yield "procurement_contracts"
    (site.release.parent / REGISTER).unlink()


@pytest.mark.parametrize("language", LANGUAGES)
def test_withdrawn_tables_are_gone_with_a_reason(site: Any, withdrawn: str, language: str) -> None:
    for path in (f"/ingp/{withdrawn}", f"/ingp/{withdrawn}/XAA,x,y", address(site, f"csv/{withdrawn}.csv")):
        page = ask(site, path, accept_language=language, accept="text/html")
        assert page.status_code == 410 and REASONS[language] in page.text
    for path in (
        "/ingp/-/analytics?sql=select+1",
        "/ingp/-/query.csv?sql=select+1",
        "/embed/sql?sql=select+1",
    ):
        assert ask(site, path).status_code == 410, path
    for path in (f"/ingp/{withdrawn}.json", f"/ingp/{withdrawn}.csv", address(site, "ingp.duckdb")):
        answer = ask(site, path, accept="*/*")
        assert answer.status_code == 410 and answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["details"] == REASONS
    assert ask(site, address(site)).status_code == 200


def test_a_withdrawn_release_is_gone_and_comes_back(site: Any, older: str) -> None:
    folder = site.release.parent
    withdraw_table(folder, "*", REASONS, [older], "R. Ejemplo")
    try:
        for path in (
            "",
            TABLE,
            "csv/XAA/procurement_processes.csv",
            "ingp/procurement_processes",
            "downloads/procurement_processes",
        ):
            answer = follow(site, f"/v/{older}/{path}")
            assert answer.status_code == 410, path
        assert (
            "This release was withdrawn"
            in ask(site, f"/v/{older}/", accept="text/html", accept_language="en").text
        )
        assert ask(site, address(site)).status_code == 200
        assert [each.by for each in restore_table(folder, "*")] == ["R. Ejemplo"]
        assert ask(site, f"/v/{older}/{TABLE}").status_code == 200
        (entry,) = json.loads((folder / REGISTER).read_text())
        assert entry["restored_at"] and entry["reasons"] == REASONS and restore_table(folder, "*") == []
    finally:
        (folder / REGISTER).unlink()


def test_a_reason_is_told_in_every_language(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="fr"):
        withdraw_table(tmp_path, "t", {**REASONS, "fr": " "})
    withdraw_table(tmp_path, "t", REASONS, ["2026.1.1"])
    withdraw_table(tmp_path, "u", REASONS)
    assert [each["table"] for each in json.loads((tmp_path / REGISTER).read_text())] == ["t", "u"]


def test_of_withdrawals_at_once_none_is_lost(tmp_path: Path) -> None:
    register = Withdrawn.register(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: withdraw_table(tmp_path, f"t{number}", REASONS), range(40)))
    assert {each.table for each in register.entries} == {f"t{number}" for number in range(40)}


def test_a_register_of_the_same_moment_is_read_again(tmp_path: Path) -> None:
    register = Withdrawn.register(tmp_path)
    withdraw_table(tmp_path, "t1", REASONS)
    moment = register.path.stat().st_mtime_ns
    assert register.of_table("2026.1.1", "t1") and not register.of_table("2026.1.1", "t2")
    withdraw_table(tmp_path, "t2", REASONS)
    os.utime(register.path, ns=(moment, moment))
    assert register.of_table("2026.1.1", "t2")


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    zones, day = Zones(tmp_path), datetime(2026, 11, 22, tzinfo=UTC)
    assert next_release_id(zones, day) == "2026.11.1"
    for name in ("2026.11.1", "2026.11.1-copy", "2026.10.5"):
        (zones.releases / name).mkdir(parents=True)
    assert next_release_id(zones, day) == "2026.11.2"
    assert next_release_id(zones, day, ["2026.11.7", "2025.11.9", "2026.1.12"]) == "2026.11.8"
    (zones.releases / ".made" / "2026.11.10").mkdir(parents=True)
    assert next_release_id(zones, day) == "2026.11.11"


def test_what_readers_are_told_is_in_a_release_is_given_out(site: Any) -> None:
    """The first table of docs/readers.md: no file is named there that has no address."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "readers.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([^`<]+)` \|", text.split("## What one row is")[0], re.MULTILINE)
    assert {"ingp.db", "datapackage.json", "SHA256SUMS"} <= set(named)
    for path in named:
        if "/" not in path:
            assert ask(site, address(site, path), "HEAD").status_code == 200, path
