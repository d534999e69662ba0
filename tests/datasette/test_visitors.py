"""What a visitor's browser and a search engine are told, and what a visitor cannot do."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ingp/procurement_processes",
        "/ingp.json",
        "/nowhere",
        "/files/datapackage.json",
        "/assets/site.css",
    ],
)
def test_security_headers(site: Any, path: str) -> None:
    headers = site.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy and "unsafe" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/-/api",
        "/-/patterns",
        "/-/queries",
        "/ingp/-/queries",
        "/-/logout",
        "/-/create-token",
        "/-/messages",
        "/-/queries.json",
    ],
)
def test_tools_are_not_part_of_the_site(site: Any, path: str) -> None:
    assert site.get(path).status_code == 404


def test_nobody_is_asked_to_log_in(site: Any) -> None:
    for path in ("/", "/ingp", "/ingp/procurement_processes"):
        html = site.get(path, "en").text.lower()
        assert "log in" not in html and "log out" not in html and 'type="password"' not in html


@pytest.mark.parametrize(
    "sql",
    [
        "delete from procurement_processes",
        "insert into codelists values (1)",
        "drop table codelists",
        "attach '/tmp/x' as x",
    ],
)
def test_queries_only_read(site: Any, sql: str) -> None:
    answer = site.runner.run(site.datasette.client.get("/ingp/-/query.json", params={"sql": sql}))
    assert answer.status_code == 400 and answer.json()["ok"] is False
    assert site.get("/ingp/procurement_processes.json?_size=0&_extra=count").json()["count"] == 63


def test_writing_is_refused(site: Any) -> None:
    answer = site.runner.run(
        site.datasette.client.post("/ingp/procurement_processes/-/insert", json={"rows": []})
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["/es/ingp/procurement_processes", "/ingp/procurement_processes.json", "/ingp/nothing.json"]
)
def test_pages_name_their_limits(site: Any, path: str) -> None:
    headers = site.get(path).headers
    assert headers["x-limit-seconds"] == "3" and headers["x-limit-rows"] == "1000"
    assert "X-Limit-Rows" in headers["access-control-expose-headers"]


def test_more_rows_than_the_limit_are_refused_and_the_next_page_is_named(site: Any) -> None:
    assert site.get("/ingp/procurement_processes.json?_size=1001").status_code == 400
    assert site.get("/ingp/procurement_processes.json?_size=5").json()["next_url"]
