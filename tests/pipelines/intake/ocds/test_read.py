"""Releases out of whatever they are wrapped in; files that are OCDS and files that are not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.intake.ocds.findings import MAX_PER_CODE, FindingList
from pipelines.intake.ocds.read import FileFacts, FoundRelease, is_ocds, read_releases
from pipelines.intake.sources import SourceFile
from pipelines.records import Finding

Write = Callable[..., SourceFile]
A: dict[str, Any] = {
    "ocid": "ocds-213czf-1",
    "id": "1",
    "date": "2026-01-01",
    "tag": ["tender"],
    "tender": {"id": "T"},
}
B: dict[str, Any] = {**A, "ocid": "ocds-213czf-2"}
COMPILED: dict[str, Any] = {**A, "id": "c", "tag": ["compiled"]}
LINK = {"url": "https://example.org/release/1", "date": "2026-01-01", "tag": ["tender"]}
PACKAGE = {"uri": "https://example.org", "version": "1.1", "publisher": {"name": "P"}}


def read(file: SourceFile) -> tuple[list[FoundRelease], FindingList, FileFacts]:
    findings, facts = FindingList(), FileFacts(file.name)
    return list(read_releases(file, findings, facts)), findings, facts


@pytest.mark.parametrize(
    ("content", "kinds", "ocids"),
    [
        ({**PACKAGE, "releases": [A, B]}, {"release-package": 1}, ["1", "2"]),
        ({"releases": [A], **PACKAGE}, {"release-package": 1}, ["1"]),
        ({**PACKAGE, "releases": A}, {"release-package": 1}, ["1"]),
        (
            {**PACKAGE, "records": [{"ocid": "x", "releases": [A, A]}]},
            {"record-package": 1, "record": 1},
            ["1", "1"],
        ),
        (
            {
                **PACKAGE,
                "records": [
                    {"ocid": "x", "releases": [A], "compiledRelease": COMPILED, "versionedRelease": {}}
                ],
            },
            {"record-package": 1, "record": 1},
            ["1"],
        ),
        (
            {"records": [{"ocid": "x", "releases": [LINK], "compiledRelease": COMPILED}], **PACKAGE},
            {"record-package": 1, "record": 1},
            ["1"],
        ),
        ({"records": [{"compiledRelease": COMPILED}], **PACKAGE}, {"record-package": 1, "record": 1}, ["1"]),
        ({"ocid": "x", "releases": [A, B], "compiledRelease": COMPILED}, {"record": 1}, ["1", "2"]),
        ({"ocid": "x", "releases": [LINK], "compiledRelease": COMPILED}, {"record": 1}, ["1"]),
        ({"ocid": "x", "compiledRelease": COMPILED}, {"record": 1}, ["1"]),
        (A, {"release": 1}, ["1"]),
        (COMPILED, {"compiled-release": 1}, ["1"]),
        ([A, B], {"list": 1, "release": 2}, ["1", "2"]),
        (
            [{**PACKAGE, "releases": [A]}, {**PACKAGE, "releases": [B]}],
            {"list": 1, "release-package": 2},
            ["1", "2"],
        ),
        ([{**PACKAGE, "releases": [A]}, B], {"list": 1, "release-package": 1, "release": 1}, ["1", "2"]),
    ],
)
def test_every_wrapping_is_understood(
    source: Write, content: Any, kinds: dict[str, int], ocids: list[str]
) -> None:
    file = source("x.json", json.dumps(content, indent=1))
    found, findings, facts = read(file)
    assert is_ocds(file.path)
    assert [each.value["ocid"].removeprefix("ocds-213czf-") for each in found] == ocids
    assert [each.ordinal for each in found] == list(range(1, len(found) + 1))
    assert facts.kinds == kinds
    assert not findings.listed


def test_json_lines_of_everything_mixed(source: Write) -> None:
    lines = [A, {**PACKAGE, "releases": [B, A]}, {"ocid": "x", "compiledRelease": COMPILED}, [A, B]]
    found, findings, facts = read(source("x.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n"))
    assert len(found) == 6
    assert [each.compiled for each in found] == [False, False, False, True, False, False]
    assert facts.lines
    assert not findings.listed


def test_json_lines_are_recognised_without_their_name(source: Write) -> None:
    found, _, facts = read(source("x.json", json.dumps(A) + "\n" + json.dumps(B)))
    assert facts.lines
    assert len(found) == 2


def test_documents_behind_each_other_are_read_too(source: Write) -> None:
    found, findings, _ = read(source("x.json", json.dumps(A, indent=1) + json.dumps(B, indent=1)))
    assert [each.value["ocid"] for each in found] == [A["ocid"], B["ocid"]]
    assert not findings.listed


def test_bad_lines_lose_only_themselves(source: Write) -> None:
    text = "\n".join(
        [json.dumps(A), '{"ocid": "x", ', "", '{"ocid": NaN}', json.dumps(B) + " trailing", json.dumps(B)]
    )
    found, findings, _ = read(source("x.jsonl", text))
    assert [each.value["ocid"] for each in found] == [A["ocid"], B["ocid"], B["ocid"]]
    assert [
        (finding.code, finding.row_number, finding.parameters["reason"]) for finding in findings.listed
    ] == [
        ("invalid-json", 2, "truncated"),
        ("invalid-json", 4, "not-a-number"),
        ("invalid-json", 5, "syntax"),
    ]


def test_json_lines_may_begin_with_a_bad_line(source: Write) -> None:
    found, findings, _ = read(source("x.jsonl", "oops\n" + json.dumps(A)))
    assert len(found) == 1
    assert [finding.row_number for finding in findings.listed] == [1]


def test_a_pretty_document_named_json_lines_is_a_document(source: Write) -> None:
    found, findings, facts = read(source("x.jsonl", json.dumps([A, B], indent=2)))
    assert len(found) == 2
    assert not facts.lines
    assert not findings.listed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["x.json", "x.json.gz"])
def test_encodings(source: Write, encoding: str, name: str) -> None:
    release = {**A, "tender": {"id": "T", "title": "Licitación nº 7 — ñandú 水"}}
    file = source(name, json.dumps({"releases": [release]}, ensure_ascii=False).encode(encoding))
    assert is_ocds(file.path)
    found, findings, _ = read(file)
    assert found[0].value == release
    assert not findings.listed


@pytest.mark.parametrize(
    ("content", "code", "reason", "place"),
    [
        (b"", "empty-file", None, None),
        (b" \n\n ", "empty-file", None, None),
        (b"<!DOCTYPE html><html></html>", "invalid-json", "html", (1, 1)),
        (b'{"releases": [', "invalid-json", "truncated", (1, 15)),
        (b'{"releases": [{"ocid": 1}\n {"ocid": 2}]}', "invalid-json", "syntax", (2, 2)),
        (b'{"releases": [{"ocid": "a", "x": Infinity}]}', "invalid-json", "not-a-number", (1, 34)),
        (b'{"releases": [{"ocid": "\xff"}]}', "invalid-json", "encoding", (1, 25)),
        (b"not json", "invalid-json", "syntax", (1, 1)),
        (b"[" * 200_000, "invalid-json", "too-deep", (1, 2)),
        (b'{"releases": [{"a":' + b'{"a":' * 200_000, "invalid-json", "too-deep", (1, 15)),
        (b'{"releases": [{"x": ' + b"9" * 2_000_000 + b"}]}", "invalid-json", "number-too-long", None),
        (b'{"releases": []}', "ocds-no-releases", None, None),
        (b'{"releases": null}', "ocds-no-releases", None, None),
        (
            b'{"records": [{"ocid": "x", "releases": [{"url": "https://example.org"}]}]}',
            "ocds-no-releases",
            None,
            None,
        ),
        (b"[]", "ocds-no-releases", None, None),
    ],
)
def test_files_without_a_release_give_one_finding(
    source: Write, content: bytes, code: str, reason: str | None, place: tuple[int, int] | None
) -> None:
    found, findings, _ = read(source("x.json", content))
    (finding,) = findings.listed
    assert finding.code == code
    assert finding.source_file == "x.json"
    assert finding.parameters.get("reason") == reason
    if place:
        assert (finding.parameters["line"], finding.parameters["column"]) == place
        assert finding.parameters["position"] == f"{place[0]}:{place[1]}"
    assert all(each.value == {"ocid": "1"} for each in found)


def test_releases_before_a_fault_are_kept(source: Write) -> None:
    text = json.dumps({"releases": [A, B, A]})
    found, findings, _ = read(source("x.json", text[:-20]))
    assert len(found) == 2
    assert findings.listed[0].parameters["reason"] == "truncated"


def test_a_damaged_gzip_is_a_finding(source: Write) -> None:
    file = source("x.json.gz", {"releases": [{**A, "id": str(serial)} for serial in range(50_000)]})
    file.path.write_bytes(file.path.read_bytes()[:-1_000])
    found, findings, _ = read(file)
    assert found
    assert findings.listed[0].parameters["reason"] == "damaged-archive"


def test_a_record_says_from_which_releases_it_was_compiled(source: Write) -> None:
    found, _, facts = read(
        source("x.json", {"ocid": "x", "releases": [LINK], "compiledRelease": {"id": "c"}})
    )
    assert found == [
        FoundRelease(
            {"id": "c", "ocid": "x"},
            1,
            compiled=True,
            links=(("https://example.org/release/1", "2026-01-01", "tender"),),
        )
    ]
    assert facts.linked_records == 1


def test_what_a_package_says_of_itself_is_kept_wherever_it_stands(source: Write) -> None:
    _, _, facts = read(
        source("x.json", {"uri": "u", "releases": [A], "publisher": {"name": "P"}, "license": None})
    )
    assert facts.packages == [{"uri": "u", "publisher": {"name": "P"}}]


@pytest.mark.parametrize(
    "content",
    [
        [{"ocid": "ocds-213czf-1", "buyer": "Ministerio", "amount": 5}],
        [{"ocid": "ocds-213czf-1", "award_id": "A1", "date": "2026-01-01"}],
        [{"codigo": 1}, {"codigo": 2}],
        [{"tag": "x"}],
        {"records": [{"codigo": 1}]},
        {
            "title": "schema",
            "properties": {"releases": {"type": "array"}, "compiledRelease": {"$ref": "#/x"}},
        },
        {"name": "package", "resources": []},
        [[1, 2], [3, 4]],
        [1, 2],
        "text",
        [],
        None,
    ],
)
def test_flat_tables_and_other_json_are_not_ocds(source: Write, content: Any) -> None:
    assert not is_ocds(source("x.json", json.dumps(content)).path)


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"\x00\x01\x02", b"{broken", b'"ocid"'])
def test_what_is_no_json_is_not_ocds(source: Write, content: bytes) -> None:
    assert not is_ocds(source("x.json", content).path)


@pytest.mark.parametrize(
    "content",
    [
        '{"releases": [{"ocid": "x", "tender": {',
        '[{"ocid": "x", "tender": {"id": ',
        json.dumps({**A, "tender": {"id": "T", "description": "x" * 3_000_000}}),
        json.dumps({"ocid": "ocds-213czf-1", "id": "1", "date": "2026-01-01T00:00:00Z"}),
        json.dumps({"tag": ["tender"], "tender": {"id": "1"}}),
        json.dumps({"publishedDate": "2026-01-01", "records": []}),
        json.dumps({"ocid": "ocds-213czf-1", "bids": {"details": []}}),
    ],
)
def test_the_start_is_enough(source: Write, content: str) -> None:
    assert is_ocds(source("x.json", content).path)


def test_findings_are_bounded_and_counted() -> None:
    findings = FindingList()
    for _ in range(MAX_PER_CODE + 5):
        findings.add(Finding("ocds-not-an-object"))
    findings.add(Finding("ocds-no-releases"))
    assert len(findings.listed) == MAX_PER_CODE + 1
    assert findings.not_listed() == {"ocds-not-an-object": 5}
