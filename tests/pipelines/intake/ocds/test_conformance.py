"""Releases judged by the compiled schema, beside `jsonschema` reading the same schema."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from pipelines.intake.ocds.conformance import (
    MAX_PLACES,
    MAX_VALUES,
    Conformance,
    compile_schema,
    is_date_time,
    is_uri,
)
from pipelines.intake.ocds.shape import load_json_schema
from pipelines.intake.ocds.stream import JsonStream
from pipelines.records import Finding

FOLDER = Path(__file__).resolve().parents[4] / "schemas" / "ocds"

RELEASE: dict[str, Any] = {
    "ocid": "ocds-xbb000-1",
    "id": "R-1",
    "date": "2025-12-31T00:00:00Z",
    "tag": ["award", "contract"],
    "initiationType": "tender",
    "language": "en",
    "parties": [
        {
            "id": "XB-GOV-0101",
            "name": "Ministry of Tides",
            "name_fr": "Ministère des marées",
            "roles": ["buyer"],
        },
        {"id": "XB-TIN-55", "name": "Coral Desks Ltd", "roles": ["supplier"], "details": {"scale": "small"}},
    ],
    "buyer": {"id": "XB-GOV-0101", "name": "Ministry of Tides"},
    "tender": {
        "id": "T-1",
        "status": "complete",
        "value": {"amount": 1300, "currency": "XCD"},
        "numberOfTenderers": 2,
        "hasEnquiries": False,
        "submissionMethod": ["written"],
        "items": [
            {
                "id": "1",
                "quantity": 3.5,
                "additionalClassifications": [{"scheme": "A", "id": "9"}, {"scheme": "B", "id": "9"}],
            },
            {"id": "2", "unit": {"name": "desk", "uri": "https://example.org/units/desk"}},
        ],
        "tenderPeriod": {"startDate": "2025-01-10T00:00:00Z", "endDate": "2025-02-10T23:59:59-04:00"},
    },
    "awards": [
        {"id": "A-1", "status": "active", "suppliers": [{"id": "XB-TIN-55", "name": "Coral Desks Ltd"}]}
    ],
    "contracts": [{"id": 7, "awardID": "A-1", "status": "active", "dateSigned": None}],
}


def judge(*releases: Any) -> list[Finding]:
    """Findings of releases that are written as JSON and read as the intake reads them."""
    conformance = Conformance(FOLDER)
    for ordinal, release in enumerate(releases, 1):
        conformance.check(JsonStream(iter([json.dumps(release)])).value(), "releases.json", ordinal)
    return list(conformance.findings())


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """The release with another value at a JSON pointer; taken away when the value is Ellipsis."""
    release = copy.deepcopy(RELEASE)
    *way, name = pointer.strip("/").split("/")
    place: Any = release
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    key: Any = int(name) if isinstance(place, list) else name
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return release


def test_a_conforming_release_gives_nothing() -> None:
    assert judge(RELEASE) == []


@pytest.mark.parametrize(
    ("pointer", "value", "code", "path", "parameters"),
    [
        ("/tag", ..., "ocds-schema-required", "/tag", {}),
        ("/tender/items/1/id", ..., "ocds-schema-required", "/tender/items/id", {}),
        ("/tender/value/amount", "1300", "ocds-schema-type", "/tender/value/amount", {"expected": "number | null", "found": "string"}),
        ("/tender/numberOfTenderers", 2.0, "ocds-schema-type", "/tender/numberOfTenderers", {"found": "number"}),
        ("/parties/0/name", 15, "ocds-schema-type", "/parties/name", {"found": "integer"}),
        ("/parties/0/name_fr", 15, "ocds-schema-type", "/parties/name_fr", {"found": "integer"}),
        ("/awards", {"id": "A-1"}, "ocds-schema-type", "/awards", {"found": "object"}),
        ("/awards/0", None, "ocds-schema-type", "/awards", {"found": "null"}),
        ("/tender/hasEnquiries", "no", "ocds-schema-type", "/tender/hasEnquiries", {"found": "string"}),
        ("/tender/status", "Complete", "ocds-schema-enum", "/tender/status", {"codelist": "tenderStatus"}),
        ("/tag/0", "awarded", "ocds-schema-enum", "/tag", {"codelist": "releaseTag"}),
        ("/date", "2025-12-31", "ocds-schema-format", "/date", {"format": "date-time"}),
        ("/tender/items/1/unit/uri", "example.org", "ocds-schema-format", "/tender/items/unit/uri", {"format": "uri"}),
        ("/ocid", "", "ocds-schema-empty", "/ocid", {}),
        ("/tag", [], "ocds-schema-empty", "/tag", {}),
        ("/tender/items/1/id", "1", "ocds-schema-duplicate", "/tender/items", {}),
        ("/tender/items/0/additionalClassifications/1/scheme", "A", "ocds-schema-duplicate", "/tender/items/additionalClassifications", {}),
        ("/tender/description", "", "ocds-empty-value", "/tender/description", {}),
        ("/awards/0/documents", [], "ocds-empty-value", "/awards/documents", {}),
        ("/tender/tenderPeriod", {}, "ocds-empty-value", "/tender/tenderPeriod", {}),
        ("/tender/amendment", {"id": "1"}, "ocds-deprecated-field", "/tender/amendment", {}),
        ("/buyer/address", {"region": "North"}, "ocds-deprecated-field", "/buyer/address", {}),
    ],
)  # fmt: skip
def test_each_kind_of_error(
    pointer: str, value: Any, code: str, path: str, parameters: dict[str, str]
) -> None:
    (finding,) = judge(RELEASE, changed(pointer, value))
    assert (finding.code, finding.source_file, finding.row_number) == (code, "releases.json", 2)
    assert finding.parameters["path"] == path and finding.parameters["count"] == 1
    assert parameters.items() <= finding.parameters.items()
    ((file, ordinal, place),) = finding.parameters["places"]
    assert (file, ordinal) == ("releases.json", 2)
    assert place == pointer if code != "ocds-schema-duplicate" else place.endswith("/1")


def test_equal_errors_are_one_finding_with_its_first_places() -> None:
    (finding,) = judge(*[changed("/awards/0/status", "given")] * (MAX_PLACES + 10))
    assert finding.parameters["count"] == MAX_PLACES + 10 and finding.value == "given"
    assert len(finding.parameters["places"]) == MAX_PLACES
    assert finding.parameters["places"][1] == ("releases.json", 2, "/awards/0/status")


def test_values_outside_a_codelist_are_told_apart_up_to_a_number() -> None:
    findings = judge(*[changed("/awards/0/status", f"text {number}") for number in range(MAX_VALUES + 20)])
    assert len(findings) == MAX_VALUES + 1
    assert findings[-1].parameters["count"] == 20
    assert sum(finding.parameters["count"] for finding in findings) == MAX_VALUES + 20


def test_what_is_no_object_is_not_its_business() -> None:
    assert judge([], "release", 5, None) == []


def test_a_package_says_who_publishes_it() -> None:
    conformance = Conformance(FOLDER)
    whole = {"uri": "https://example.org", "version": "1.1", "publishedDate": "2026-01-31T00:00:00Z"}
    conformance.check_package({**whole, "publisher": {"name": "Boreal Islands"}}, "a.json")
    assert not list(conformance.findings())
    conformance.check_package({**whole, "publisher": {"uri": "https://example.org"}}, "b.json")
    conformance.check_package({}, "c.json")
    found = {finding.parameters["path"]: finding.source_file for finding in conformance.findings()}
    assert found == dict.fromkeys(("/uri", "/version", "/publishedDate", "/publisher"), "c.json") | {
        "/publisher/name": "b.json"
    }


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2025-12-31T00:00:00Z", True), ("2025-12-31T23:59:60.123456-05:30", True), ("2024-02-29T10:00:00+00:00", True),
        ("2025-02-29T10:00:00Z", False), ("2025-12-31", False), ("2025-12-31T00:00:00", False), ("2025-12-31 00:00:00Z", False),
        ("0000-01-01T00:00:00Z", False), ("٢٠٢٥-12-31T00:00:00Z", False), ("2025-13-01T00:00:00Z", False), ("2025-12-31T24:00:00Z", False),
    ],
)  # fmt: skip
def test_date_times(text: str, right: bool) -> None:
    assert is_date_time(text) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("https://example.org/a%20b?c=d#e", True), ("urn:ocid:1", True), ("mailto:a@example.org", True),
        ("example.org", False), ("https://example.org/a b", False), ("https://example.org/licitación", False), ("https://example.org/%zz", False),
    ],
)  # fmt: skip
def test_uris(text: str, right: bool) -> None:
    assert is_uri(text) is right


def test_a_keyword_that_is_not_checked_is_refused() -> None:
    with pytest.raises(ValueError, match="oneOf"):
        compile_schema({"definitions": {}, "properties": {"id": {"oneOf": []}}})


# The other reader of the same schema -------------------------------------------------------------

_CODES = {
    "type": "ocds-schema-type", "required": "ocds-schema-required", "enum": "ocds-schema-enum", "format": "ocds-schema-format",
    "minLength": "ocds-schema-empty", "minItems": "ocds-schema-empty", "uniqueItems": "ocds-schema-duplicate",
}  # fmt: skip


def formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checks("date-time")(lambda text: not isinstance(text, str) or is_date_time(text))
    checker.checks("uri")(lambda text: not isinstance(text, str) or is_uri(text))
    return checker


ORACLE = Draft4Validator(load_json_schema(FOLDER), format_checker=formats())


def expected(release: Any) -> set[tuple[str, str]]:
    """(code, pointer without positions) of the errors that jsonschema finds, as far as they are told separately."""
    found = set()
    errors = list(ORACLE.iter_errors(release))
    wrong_type = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    for error in errors:
        path = tuple(error.absolute_path)
        if (error.validator != "type" and path in wrong_type) or (
            error.validator in ("format", "enum") and error.instance == ""
        ):
            continue
        names = [str(step) for step in path if isinstance(step, str)]
        if error.validator == "required":
            names.append(error.message.split("'")[1])
        if (
            names != ["ocid"] or error.validator != "required"
        ):  # a release without ocid is refused, and told so
            found.add((_CODES[str(error.validator)], "/" + "/".join(names)))
    return found


def found_here(release: Any) -> set[tuple[str, str]]:
    return {(each.code, each.parameters["path"]) for each in judge(release) if each.code in _CODES.values()}


def assert_same(release: Any) -> None:
    ours, theirs = found_here(release), expected(release)
    extra = ours - theirs
    # Arrays merged by id: an id given twice is told although the elements differ, which uniqueItems does not see.
    assert all(code == "ocds-schema-duplicate" for code, _ in extra), extra
    assert not theirs - ours


def places(value: Any, pointer: str = "") -> Iterator[str]:
    if pointer:
        yield pointer
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield from places(child, f"{pointer}/{name}")


VALUES: tuple[Any, ...] = (
    ..., None, "", "text", "2025-01-01", "https://example.org", 5, -1.5, 2.0, 1e3, True, [], {}, [None], [[]], ["a", "a"],
    {"id": "1"}, [{"id": "1"}, {"id": "1"}], [{"id": []}, {"id": {}}], [{"id": None}, {"id": ["x"]}, {"id": "1"}], [{}, {}],
)  # fmt: skip


def test_every_place_with_every_value_is_judged_as_jsonschema_judges_it() -> None:
    for pointer in places(RELEASE):
        for value in VALUES:
            assert_same(changed(pointer, value))


def test_several_changes_at_once_are_judged_as_jsonschema_judges_them() -> None:
    chance = random.Random(4)
    every = list(places(RELEASE))
    for _ in range(300):
        release = RELEASE
        for pointer in chance.sample(every, 3):
            try:
                other = changed(pointer, chance.choice(VALUES))
            except (KeyError, IndexError, TypeError):
                continue
            release = {**release, **{key: other[key] for key in other if other[key] != RELEASE.get(key)}}
        assert_same(release)


def test_real_releases_are_judged_as_jsonschema_judges_them(shared: Path) -> None:
    judged = 0
    for path in sorted(shared.glob("real/ocds-*/**/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        records = document.get("records", [])
        for release in [
            *document.get("releases", []),
            *(each.get("compiledRelease") for each in records),
            document,
        ]:
            if isinstance(release, dict) and "ocid" in release and "url" not in release:
                assert_same(release)
                judged += 1
    assert judged > 300
