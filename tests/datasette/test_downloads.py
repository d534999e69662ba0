"""Every format of every part by a plain link, made once; descriptions whose addresses all answer; citations."""

import asyncio
import hashlib
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest

from pipelines.catalogue import LANGUAGES
from pipelines.publication.files import MADE, MEDIA_TYPES, ReleaseFolder
from pipelines.publication.made import kept, make, trim, wanted
from pipelines.publication.made import main as make_in_a_process
from pipelines.publication.metadata.documents import DOCUMENTS

TABLE = "procurement_processes"
ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"https://data\.example\.org[^\s\"'<>\\]*")


def ask(site: Any, path: str, method: str = "GET", **headers: str) -> Any:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return site.runner.run(site.datasette.client.request(method, path, headers=sent, follow_redirects=True))


def below(site: Any, path: str) -> str:
    return f"/v/{site.package['version']}/{path}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_of_the_pages_is_a_file_as_announced(site: Any, language: str) -> None:
    pages = [f"downloads/{TABLE}", f"downloads/XAA/{TABLE}", "downloads/XAA"]
    found = set()
    for page in pages:
        answer = ask(site, below(site, page), accept_language=language)
        assert answer.status_code == 200, answer.text[:300]
        found |= set(re.findall(r'<a href="(/v/[^"]+)"[^>]* download', answer.text))
    kinds = {path.split("/")[3] for path in found}
    assert kinds == {"csv", "excel", "xlsx", "parquet", "jsonl"}
    for path in sorted(found):
        file = ask(site, path)
        assert file.status_code == 200, path
        assert file.headers["content-type"] == MEDIA_TYPES[path.rsplit(".", 1)[-1]]
        assert file.headers["x-sha256"] == hashlib.sha256(file.content).hexdigest()
        assert file.headers["content-length"] == str(len(file.content)) and int(file.headers["x-row-count"])
        assert (
            file.headers["access-control-allow-origin"] == "*"
            and "immutable" in file.headers["cache-control"]
        )
        if path.endswith("l"):
            assert file.content.count(b"\n") == int(file.headers["x-row-count"])


def test_made_files_have_ranges_etags_and_heads(site: Any) -> None:
    path = below(site, f"csv/XAA/{TABLE}.csv")
    whole = ask(site, path)
    assert b"".join(ask(site, path, range=f"bytes={a}").content for a in ("0-9", "10-")) == whole.content
    assert ask(site, path, if_none_match=whole.headers["etag"]).status_code == 304
    head = ask(site, path, "HEAD")
    assert head.content == b"" and head.headers["etag"] == whole.headers["etag"]
    assert 'filename="procurement_processes-XAA-' in whole.headers["content-disposition"]


@pytest.mark.parametrize(
    "path",
    [
        f"csv/XBB/{TABLE}.csv", f"csv/XAA/1999/{TABLE}.csv", f"excel/de/{TABLE}.csv", f"xlsx/es/{TABLE}-1.xlsx", "jsonl/x_y.jsonl",
        f"csv/%2e%2e/csv/XAA/{TABLE}.csv", f"csv/XAA/%2e%2e/{TABLE}.csv", f".made/{TABLE}", "ocds/XCC/releases.txt", "ocds/INGP/releases.json",
        "metadata/XZZ/dcat.ttl", "metadata/nothing_here/dcat.ttl", f"csv/XAA/.{TABLE}.csv.json", "downloads/nothing_here", "downloads/XZZ",
    ],
)  # fmt: skip
def test_what_the_release_has_not_is_not_made(site: Any, path: str) -> None:
    assert ask(site, below(site, path)).status_code == 404


def test_ocds_of_members_with_a_prefix(site: Any) -> None:
    assert "OCDS" not in ask(site, below(site, "downloads/XAA")).text
    links = re.findall(r'href="([^"]+/ocds/XCC/[^"]+)"', ask(site, below(site, "downloads/XCC")).text)
    assert len(links) == 4
    for link in links:
        answer = ask(site, link)
        assert answer.status_code == 200 and answer.headers["x-row-count"] == "3"
        if link.endswith("jsonl"):
            assert answer.content.count(b"\n") == 3
        else:
            package = answer.json()
            assert package["uri"] == f"https://data.example.org{link}"
            assert len(package[link.rsplit("/", 1)[-1].removesuffix(".json")]) == 3


def test_sums_check_every_file(site: Any) -> None:
    text = ask(site, below(site, "SHA256SUMS")).text
    assert text.count("\n") == len(site.package["resources"]) + 1
    for line in text.splitlines():
        digest, path = line.split("  ")
        assert hashlib.sha256((site.release / path).read_bytes()).hexdigest() == digest


def test_two_at_once_make_a_file_once(site: Any, catalogue: Any) -> None:
    release = ReleaseFolder(site.release)
    want = wanted(release, catalogue, "xlsx/pt/activity_activities.xlsx")
    assert want and kept(release, want) is None
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda _: make(release, catalogue, want), range(4)))
    assert len({file.place.stat().st_ino for file in files}) == len({file.sha256 for file in files}) == 1
    assert not list(files[0].place.parent.glob(".new-*"))


def test_a_process_makes_the_same_and_the_oldest_make_room(site: Any, catalogue: Any) -> None:
    release = ReleaseFolder(site.release)
    path = f"excel/fr/XCC/{TABLE}.csv"
    nice = pytest.MonkeyPatch()
    nice.setattr("os.nice", lambda _: 0)
    make_in_a_process([str(site.release), path, str(ROOT / "schemas"), str(ROOT / "datapackages")])
    nice.undo()
    want = wanted(release, catalogue, path)
    assert want
    first = kept(release, want)
    assert first and first.place.read_bytes().startswith(b"\xef\xbb\xbfmember_code;")
    assert first.place in trim(site.release.parent, 0) and kept(release, want) is None
    assert not list((site.release.parent / MADE).rglob("*.csv"))
    assert make(release, catalogue, want).sha256 == first.sha256


def test_what_is_no_longer_what_was_made_is_made_again(site: Any, catalogue: Any) -> None:
    """Cut short by a power cut, deleted by hand, facts cut short, left over by a process that was killed."""
    release, path = ReleaseFolder(site.release), f"jsonl/XCC/{TABLE}.jsonl"
    want = wanted(release, catalogue, path)
    assert want
    first = make(release, catalogue, want)
    content, facts = first.place.read_bytes(), first.place.with_name(f".{first.place.name}.json")
    first.place.write_bytes(content[:10])
    left = first.place.with_name(f".new-{first.place.name}-x")
    left.mkdir()
    assert kept(release, want) is None
    assert make(release, catalogue, want).place.read_bytes() == content and not left.exists()
    first.place.unlink()
    assert kept(release, want) is None and make(release, catalogue, want) == first
    facts.write_text("")
    assert kept(release, want) is None and make(release, catalogue, want) == first


def test_two_processes_may_make_room_at_once(site: Any, catalogue: Any) -> None:
    """One finds what the other has removed in the meantime: that is no error."""
    release = ReleaseFolder(site.release)
    made = []
    for member in ("XAA", "XCC"):
        want = wanted(release, catalogue, f"jsonl/{member}/{TABLE}.jsonl")
        assert want
        made.append(make(release, catalogue, want).place)
    unlink, trimmed = Path.unlink, []

    def slowly(path: Path, missing_ok: bool = False) -> None:
        if not trimmed:
            trimmed.append(path)
            trim(site.release.parent, 0)
        unlink(path, missing_ok)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", slowly)
        trim(site.release.parent, 0)
    assert not any(place.exists() for place in made)


@pytest.fixture
def nothing_is_small(site: Any) -> Iterator[None]:
    """Every file is made in a process of its own, and nobody waits for it."""
    makers, sheets = site.datasette.makers, site.datasette.spreadsheets
    before = makers.small, makers.patience, sheets.small
    makers.small, makers.patience, sheets.small = 0, 0.01, 0
    yield
    makers.small, makers.patience, sheets.small = before


def test_large_files_are_announced_made_once_and_kept(site: Any, nothing_is_small: None) -> None:
    path = below(site, "xlsx/fr/activity_activities.xlsx")
    head = ask(site, path, "HEAD")
    assert head.status_code == 200 and head.headers["x-row-count"] == "2" and "etag" not in head.headers
    page = ask(site, path, accept="text/html", accept_language="fr")
    assert page.status_code == 202 and int(page.headers["retry-after"]) and "en préparation" in page.text
    client = site.datasette.client

    async def twice() -> list[Any]:
        site.datasette.makers.patience = 60
        return await asyncio.gather(client.get(path), client.get(path))

    first, second = site.runner.run(twice())
    assert first.status_code == second.status_code == 200 and first.content == second.content
    assert first.headers["etag"] == second.headers["etag"] == ask(site, path, "HEAD").headers["etag"]
    assert openpyxl.load_workbook(io.BytesIO(first.content)).worksheets[0].max_row == 3


def test_large_answers_are_written_in_a_process(site: Any, nothing_is_small: None) -> None:
    answer = ask(site, f"/ingp/{TABLE}.xlsx?_search=papel&_excel=pt")
    rows = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].max_row - 1
    assert str(rows) == answer.headers["x-row-count"] == "32"


@pytest.mark.parametrize("language", LANGUAGES)
def test_filtered_rows_for_excel(site: Any, language: str) -> None:
    answer = ask(site, f"/ingp/{TABLE}.csv?member_code=XCC&_excel={language}")
    assert answer.content.startswith(b"\xef\xbb\xbf") and answer.headers["x-row-count"] == "3"
    assert answer.content.count(b"\r\n") == 4
    assert answer.content.split(b"\r\n")[0].count(b";" if language != "en" else b",") > 20
    answer = ask(site, f"/ingp/{TABLE}.xlsx?member_code=XCC&_excel={language}")
    assert answer.headers["content-type"] == MEDIA_TYPES["xlsx"] and answer.headers["x-row-count"] == "3"
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.worksheets[0].max_row == 4
    about = [str(row[1].value) for row in book.worksheets[3].iter_rows()]
    assert (
        "member_code=XCC" in about
        and f"https://data.example.org{below(site, f'ingp/{TABLE}')}?member_code=XCC" in about
    )
    assert site.package["version"] in about and "3" in about


def test_fractions_and_short_numbers_are_numbers_in_every_language(site: Any) -> None:
    sql = "select 1.5::double as a, 2::smallint as b, 0.5::float as c, 3::ubigint as d union all select null, 4, null, 5::ubigint order by b"
    for language, line in (("en", "1.5,2,0.5,3"), ("es", "1,5;2;0,5;3")):
        answer = ask(site, f"/ingp/-/analytics.csv?{urlencode({'sql': sql, '_excel': language})}")
        assert answer.status_code == 200, answer.text
        assert answer.content.decode("utf-8-sig").split("\r\n")[1] == line
    answer = ask(site, f"/ingp/-/analytics.xlsx?{urlencode({'sql': sql, '_excel': 'en'})}")
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows()]  # fmt: skip
    assert rows[1:] == [[1.5, 2, 0.5, 3], [None, 4, None, 5]]


def test_answers_of_queries_for_excel(site: Any) -> None:
    sql = "select '007' as \"=id\", DATE '2024-12-31' as day, 1.5 as amount, 'á;b' as text, [1,2] as several"
    answer = ask(site, f"/ingp/-/analytics.csv?{urlencode({'sql': sql, '_excel': 'es'})}")
    assert (
        answer.content.decode("utf-8-sig")
        == '\'=id;day;amount;text;several\r\n\'007;2024-12-31;1,5;"á;b";"[1, 2]"\r\n'
    )
    assert answer.headers["x-row-count"] == "1"
    answer = ask(site, f"/ingp/-/analytics.xlsx?{urlencode({'sql': sql, '_excel': 'es'})}")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    row = [cell.value for cell in book.worksheets[0][2]]
    assert row[0] == "007" and row[1].year == 2024 and row[2:] == [1.5, "á;b", "[1, 2]"]
    assert sql in [row[1].value for row in book.worksheets[3].iter_rows()]


def test_a_workbook_that_is_too_long_is_refused_with_advice(site: Any) -> None:
    answer = ask(site, f"/ingp/-/analytics.xlsx?{urlencode({'sql': 'select * from range(200001)'})}")
    assert answer.status_code == 400 and answer.json()["title"] == "too_many_for_excel"


def documents(site: Any) -> list[str]:
    parts = ("", f"{TABLE}/", "XAA/", f"XAA/{TABLE}/")
    return [f"metadata/{part}{name}" for part in parts for name in DOCUMENTS]


def test_csvw_of_a_part_describes_the_csv_files_of_that_part(site: Any) -> None:
    """A table group without a table is not valid; the heading of each file is what its columns say."""
    for part, tables in (("XAA/", 4), (f"XAA/{TABLE}/", 1), (f"{TABLE}/", 1)):
        described = ask(site, below(site, f"metadata/{part}csvw.json")).json()["tables"]
        assert len(described) == tables
        for each in described:
            content = ask(site, each["url"].removeprefix("https://data.example.org")).text
            columns = [column["name"] for column in each["tableSchema"]["columns"]]
            assert content.split("\r\n")[0] == ",".join(columns)
            assert "XAA" in content and ("XCC" in content) == (part == f"{TABLE}/")


def test_every_address_of_the_metadata_answers(site: Any) -> None:
    addresses = set()
    for path in documents(site):
        answer = ask(site, below(site, path))
        assert answer.status_code == 200, path
        addresses |= set(ADDRESS.findall(answer.text))
    assert len(addresses) > 20
    for address in sorted(addresses):
        path = address.removeprefix("https://data.example.org").split("#")[0]
        assert ask(site, path or "/").status_code == 200, address


@pytest.mark.parametrize("path", ["/", f"/ingp/{TABLE}"])
def test_pages_describe_themselves(site: Any, path: str) -> None:
    page = ask(site, path, accept_language="pt").text
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    data = json.loads(text)
    assert data["@type"] == "Dataset" and data["license"].startswith("https://")
    assert 50 <= len(data["description"]) <= 5000 and data["name"] and data["distribution"]
    for name in (
        "url",
        "identifier",
        "creator",
        "publisher",
        "version",
        "datePublished",
        "keywords",
        "isAccessibleForFree",
    ):
        assert data[name]
    assert all(each["contentUrl"] and each["encodingFormat"] for each in data["distribution"])
    linked = re.findall(
        r'<link rel="(?:describedby|alternate)" type="([^"]+)" title="[^"]+" href="([^"]+)"', page
    )
    assert len([kind for kind, _link in linked if kind != "application/atom+xml"]) == 5
    for _kind, link in linked:
        assert ask(site, link).status_code == 200


def test_citations_pin_the_release(site: Any) -> None:
    for path in (
        f"/ingp/{TABLE}?member_code=XCC",
        f"/ingp/{TABLE}/XAA,ocds-xaa000-001",
        "/ingp/-/analytics?sql=select+1+as+n",
    ):
        page = ask(site, path, accept_language="es").text
        version = site.package["version"]
        assert f"https://data.example.org/v/{version}{path}".replace("&", "&amp;") in page
        links = re.findall(rf'href="(/v/{version}/cite/[^"]+)"', page)
        assert len(links) == 5
        for link in links:
            answer = ask(site, link.replace("&amp;", "&"), accept_language="es")
            assert (
                answer.status_code == 200
                and version in answer.text
                and "attachment" in answer.headers["content-disposition"]
            )
            assert f"/v/{version}{path}" in answer.text.replace("\\_", "_")
            assert "CC BY" in answer.text or "creativecommons.org/licenses/by/" in answer.text


@pytest.mark.parametrize("of", ["https://evil.example/", "../x", "ingp/x y", "javascript:1", "//evil"])
def test_only_pages_of_the_data_are_cited(site: Any, of: str) -> None:
    assert ask(site, below(site, f"cite/bibtex?{urlencode({'of': of})}")).status_code == 400


def test_a_row_tells_its_whole_way(site: Any) -> None:
    page = ask(site, f"/ingp/{TABLE}/XAA,ocds-xaa000-001", accept_language="en").text
    for part in (
        "XAA-procurement-",
        "version 1.0 of the standard",
        "May 4, 2026",
        "processes.csv",
        "/ingp/release_versions?member_code=XAA",
    ):
        assert part in page
