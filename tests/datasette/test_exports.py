"""Streams of all rows: the same rows as the page and the files, counted before, recognisable when broken."""

import asyncio
import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest

from pipelines.serving import sending

TABLE = "/ingp/procurement_processes"
QUERIES = (
    "", "member_code=XAA", "_search=papel", "_search=papel&tender_status=complete", "ocid__glob=ocds-xaa*",
    "_where=tender_value_amount>5000", "_sort_desc=tender_value_amount", "tender_title__contains=obra&_sort=ocid",
    "_search=zzzz", "tender_value_amount__gt=5000&_sort_desc=tender_title", "_where=1&_sort_desc=tender_value_amount",
    "_search=obra&_sort_desc=tender_value_amount", "has_enquiries=1",
)  # fmt: skip


def ask(site: Any, path: str, method: str = "GET") -> Any:
    return site.runner.run(site.datasette.client.request(method, path))


def keys_of_pages(site: Any, query: str) -> list[str]:
    path, found = f"{TABLE}.json?{query}&_size=20", []
    while path:
        answer = site.get(path).json()
        found += [row["ocid"] for row in answer["rows"]]
        path = answer["next_url"] and answer["next_url"].removeprefix("http://localhost")
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_a_file_has_the_rows_of_the_pages_in_their_order(site: Any, query: str) -> None:
    expected = keys_of_pages(site, query)
    answer = ask(site, f"{TABLE}.csv?{query}")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["ocid"] for row in rows] == expected
    assert answer.headers["x-row-count"] == str(len(expected))
    assert answer.headers["x-release"] == site.package["version"]
    lines = [json.loads(line) for line in ask(site, f"{TABLE}.jsonl?{query}").text.splitlines()]
    assert [row["ocid"] for row in lines] == expected
    table = pq.read_table(io.BytesIO(ask(site, f"{TABLE}.parquet?{query}").content))
    assert table.column("ocid").to_pylist() == expected


def test_the_whole_table_is_the_file_of_the_release(site: Any) -> None:
    for resource in site.package["resources"]:
        if resource["format"] == "csv":
            name = Path(resource["path"]).stem
            ours = ask(site, f"/ingp/{name}.csv").content.splitlines(keepends=True)
            file = (site.release / resource["path"]).read_bytes().splitlines(keepends=True)
            assert ours[0] == file[0] and sorted(ours) == sorted(file)


def test_columns_and_size_are_as_asked(site: Any) -> None:
    answer = ask(site, f"{TABLE}.csv?_col=tender_title&_size=3")
    assert (
        answer.text.splitlines()[0] == "member_code,ocid,tender_title"
        and answer.headers["x-row-count"] == "3"
    )
    assert len(answer.text.splitlines()) == 4


def test_head_tells_the_count_and_sends_nothing(site: Any) -> None:
    answer = ask(site, f"{TABLE}.csv?member_code=XCC", "HEAD")
    assert answer.headers["x-row-count"] == "3" and answer.content == b""


def test_a_last_line_says_that_all_is_there(site: Any) -> None:
    assert ask(site, f"{TABLE}.csv?_end=on").text.splitlines()[-1] == "#end,63"
    assert json.loads(ask(site, f"{TABLE}.jsonl?_end=on").text.splitlines()[-1]) == {"_end": {"rows": 63}}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/ingp/nothing.csv", 404), (f"{TABLE}.csv?nothing=1", 400), (f"{TABLE}.csv?_size=x", 400),
     (f"{TABLE}.csv?_where=nonsense(", 400), ("/ingp/sqlite_master.csv", 404)],
)  # fmt: skip
def test_nonsense_is_refused_before_the_start(site: Any, path: str, status: int) -> None:
    answer = ask(site, path)
    assert answer.status_code == status and "x-row-count" not in answer.headers


def test_too_many_at_once_are_asked_to_wait(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.datasette, "exports_running", 3)
    answer = ask(site, f"{TABLE}.csv")
    assert answer.status_code == 503 and answer.headers["retry-after"] == "30"
    assert set(answer.json()["details"]) == {"es", "en", "pt", "fr"}


def test_links_of_a_page_lead_to_all_rows_and_not_to_a_page_of_them(site: Any) -> None:
    page = ask(site, f"/en{TABLE}?_size=5&_search=papel").text
    for form in ("csv", "jsonl", "parquet"):
        (link,) = set(re.findall(rf'href="({TABLE}\.{form}[^"&]*)"', page))
        assert link == f"{TABLE}.{form}?_search=papel"


def test_places_are_taken_before_anything_is_counted(site: Any) -> None:
    """Six at once: each counts its rows first, and three would have found a place that was no longer there."""

    async def six() -> list[int]:
        asked = (site.datasette.client.get(f"{TABLE}.csv?_search=obra") for _ in range(6))
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert sorted(site.runner.run(six())) == [200, 200, 200, 503, 503, 503]
    assert site.datasette.exports_running == 0


@pytest.mark.parametrize(
    "query",
    ["_excel=xx", "_size=0x", f"_size={'9' * 5000}", "_filter_column=ocid", "_sort_by_desc=on", "_through=x"],
)
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_is_refused_gives_its_place_back(site: Any, form: str, query: str) -> None:
    for _time in range(4):
        assert ask(site, f"{TABLE}.{form}?{query}").status_code == 400
    assert site.datasette.exports_running == 0


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_more_rows_than_there_are_may_be_asked_for(site: Any, form: str) -> None:
    answer = ask(site, f"{TABLE}.{form}?_size={'9' * 15}&_sort=ocid")
    assert answer.status_code == 200 and answer.headers["x-row-count"] == "63"


def test_who_reads_no_further_gives_the_place_back(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.2)

    taken: list[dict[str, Any]] = []

    async def stuck(message: dict[str, Any]) -> None:
        taken.append(message)
        if len(taken) == 2:
            await asyncio.sleep(60)

    path = f"{TABLE}.csv"
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def ask_and_stop_reading() -> None:
        async with asyncio.timeout(20):
            await site.datasette.app()(scope, None, stuck)

    site.runner.run(ask_and_stop_reading())
    assert [each["type"] for each in taken[:2]] == ["http.response.start", "http.response.body"]
    assert site.datasette.exports_running == 0


def test_a_broken_stream_has_no_end(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The announced count is wrong, or the process fails: the last chunk is not sent."""
    site.datasette.get_database("ingp").columns.counts  # noqa: B018 - the columns are there
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def broken() -> None:
        scope = {
            "type": "http", "method": "GET", "path": f"{TABLE}.csv", "raw_path": f"{TABLE}.csv".encode(),
            "query_string": b"", "headers": [], "http_version": "1.1", "scheme": "http", "server": ("localhost", 80),
            "client": ("127.0.0.1", 1),
        }  # fmt: skip
        await site.datasette.app()(scope, None, send)

    real = site.datasette.get_database("ingp")._fetch

    async def one_more(sql: str, seconds: float, numbers: Any = None) -> Any:
        rows = await real(sql, seconds, numbers)
        return [(rows[0][0] + 1,)] if sql.startswith("SELECT count") else rows

    monkeypatch.setattr(site.datasette.get_database("ingp"), "_fetch", one_more)
    site.runner.run(broken())
    bodies = [each for each in sent if each["type"] == "http.response.body"]
    assert sent[0]["status"] == 200 and any(each.get("body") for each in bodies)
    # Datasette then tries to answer with an error page, which a server refuses: the connection is cut.
    second = next(place for place, each in enumerate(sent) if place and each["type"] == "http.response.start")
    assert all(each.get("more_body") for each in sent[1:second])
    assert site.datasette.exports_running == 0


def test_filters_with_quotes_do_no_harm(site: Any) -> None:
    query = urlencode({"tender_title": "'); COPY (select 1) TO '/tmp/x'; --"})
    answer = ask(site, f"{TABLE}.csv?{query}")
    assert answer.status_code == 200 and answer.headers["x-row-count"] == "0"
