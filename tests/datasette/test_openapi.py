"""The description of the interfaces says what is there: every address of it is asked, every answer is checked."""

from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

QUESTION = "sql=select+member_code,count(*)+as+n+from+procurement_processes+group+by+1"
EXAMPLES = {
    "/ingp.json": "", "/ingp/{table}.json": "?_size=3&_extra=count&_facet=member_code", "/ingp/{table}/{key}.json": "",
    "/ingp/{table}.csv": "?_size=3", "/ingp/{table}.jsonl": "?_size=3", "/ingp/{table}.parquet": "?_size=3", "/ingp/{table}.xlsx": "?_size=3",
    "/ingp/-/query.json": f"?{QUESTION}", "/ingp/-/query.csv": f"?{QUESTION}", "/ingp/-/analytics.json": f"?{QUESTION}",
    "/ingp/-/analytics.csv": f"?{QUESTION}", "/ingp/-/analytics.jsonl": f"?{QUESTION}",
    "/feed.atom": "", "/ingp/{table}.atom": "?tender_status=active", "/members/{member}.atom": "",
    "/ingp/-/analytics.atom": f"?{QUESTION}", "/ingp/-/query.atom": f"?{QUESTION}", "/sitemap.xml": "", "/llms.txt": "",
    "/ingp/-/analytics.parquet": f"?{QUESTION}", "/ingp/-/analytics.xlsx": f"?{QUESTION}",
    "/v/{release}/downloads/{table}.json": "", "/v.json": "", "/v/{release}.json": "", "/v/{release}/{path}": "",
    "/latest/{path}": "", "/as-of/{day}/{path}": "",
    "/buyers.json": "?_size=1", "/buyers.csv": "", "/buyers/{id}.json": "", "/suppliers.json": "?_search=vialidad", "/suppliers.csv": "?member_code=XAA",
    "/suppliers/{id}.json": "", "/members.json": "", "/members/{member}.json": "", "/tables/{table}.json": "", "/tables/{table}/{column}.json": "",
    "/processes/{ocid}.json": "", "/processes/{member}/{ocid}.json": "", "/questions.json": "", "/questions/{slug}.json": "",
    "/search.json": "?q=papel", "/ask.json": "?by=member", "/ask.xlsx": "?by=year", "/v/{release}/ask.json": "?by=member",
}  # fmt: skip
BETWEEN_RELEASES = {
    "/v/{newer}/changes/{older}.json", "/v/{newer}/changes/{older}/{table}.parquet",
    "/v/{newer}/changes/{older}/{table}.cells.parquet",
}  # fmt: skip
"""Asked in `test_changes`, where there are two releases."""


@pytest.fixture(scope="module")
def described(site: Any) -> Any:
    return site.get("/openapi.json").json()


def schema(described: Any, part: Any) -> Draft202012Validator:
    return Draft202012Validator({**part, "components": described["components"]})


def test_every_path_has_an_example(described: Any) -> None:
    assert described["openapi"].startswith("3.1.") and described["info"]["license"]["url"].startswith(
        "https://"
    )
    assert set(described["paths"]) == set(EXAMPLES) | BETWEEN_RELEASES
    for name, part in described["components"]["schemas"].items():
        Draft202012Validator.check_schema(part), name


@pytest.mark.parametrize("path", EXAMPLES)
def test_live_answers_are_as_described(site: Any, described: Any, path: str) -> None:
    operation = described["paths"][path]["get"]
    places = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
    assert places == {part.split("}")[0] for part in path.split("{")[1:]}
    asked = path.replace("{table}", "procurement_processes").replace("{key}", "XAA,ocds-xaa000-001")
    asked = (
        asked.replace("{member}", "XAA")
        .replace("{release}", site.package["version"])
        .replace("{path}", "datapackage.json")
    )
    if "{id}" in asked:
        kind = path.split("/")[1]
        asked = asked.replace("{id}", site.get(f"/{kind}.json?_size=1").json()["rows"][0]["id"])
    asked = asked.replace("{ocid}", "ocds-xaa000-001").replace("{column}", "tender_status")
    asked = asked.replace("{slug}", "who-publishes")
    answer = site.get(asked.replace("{day}", "9998-01-01") + EXAMPLES[path])
    told = operation["responses"][str(answer.status_code)]
    assert answer.status_code in (200, 302)
    for header in told["headers"]:
        if path != "/v/{release}/{path}":
            assert header in answer.headers
    if answer.status_code == 200 and path != "/v/{release}/{path}":
        kind = answer.headers["content-type"].split(";")[0]
        part = told["content"][kind]["schema"]
        if kind == "application/json":
            schema(described, part).validate(answer.json())


@pytest.mark.parametrize(
    ("path", "asked"),
    [("/ingp/{table}.json", "/ingp/procurement_processes.json?nothing=1"), ("/ingp/{table}.json", "/ingp/nothing.json"),
     ("/ingp/-/analytics.json", "/ingp/-/analytics.json?sql=drop+table+x"),
     ("/ingp/-/query.json", "/ingp/-/query.json?sql=drop+table+x"), ("/ingp/{table}.csv", "/ingp/nothing.csv")],
)  # fmt: skip
def test_errors_are_as_described(site: Any, described: Any, path: str, asked: str) -> None:
    answer = site.get(asked)
    assert str(answer.status_code) in described["paths"][path]["get"]["responses"]
    if "json" in answer.headers["content-type"]:
        name = "Problem" if "problem" in answer.headers["content-type"] else "Error"
        schema(described, {"$ref": f"#/components/schemas/{name}"}).validate(answer.json())


def test_rows_of_every_table_are_as_described(site: Any, described: Any) -> None:
    for name in described["paths"]["/ingp/{table}.json"]["get"]["parameters"][0]["schema"]["enum"]:
        part = schema(described, {"$ref": f"#/components/schemas/row.{quote(name)}"})
        for row in site.get(f"/ingp/{name}.json?_size=5").json()["rows"]:
            part.validate(row)
            assert set(row) - {"rowid"} == set(
                described["components"]["schemas"][f"row.{name}"]["properties"]
            )
