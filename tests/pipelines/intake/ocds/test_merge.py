"""Releases of a process -> its compiled release, by the published merging examples and by our own rules."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.intake.ocds.merge import Process, merge_process
from pipelines.intake.ocds.read import FoundRelease
from pipelines.intake.ocds.shape import ReleaseSchema, load_release_schema
from pipelines.intake.ocds.spill import ReleaseSpill, TooDeepError, read_instant

ROOT = Path(__file__).parents[4]
CONFORMANCE = ROOT.parent / "shared/data/conformance"
EXPECTED = sorted((CONFORMANCE / "ocdsmerge/1.1").glob("*-compiled.json"))

Merge = Callable[..., Process]
OCID = "ocds-213czf-1"


def text_of(value: Any) -> Any:
    """A value as the reader hands it over: numbers as text."""
    return json.loads(json.dumps(value), parse_int=str, parse_float=str)


def without_empty(value: Any) -> Any:
    """Merging drops empty arrays, objects and nulls; a single release keeps them, to the same tables."""
    if isinstance(value, dict):
        return {
            key: kept for key, each in value.items() if (kept := without_empty(each)) not in (None, [], {})
        }
    return [without_empty(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def merge(tmp_path: Path, schema: ReleaseSchema) -> Merge:
    """Merge releases of one process; `compiled` holds the positions of compiled ones, `links` what they were
    made of.
    """

    def run(
        *releases: dict[str, Any],
        compiled: tuple[int, ...] = (),
        links: tuple[tuple[str, str, str], ...] = (),
        rules: ReleaseSchema = schema,
    ) -> Process:
        with ReleaseSpill(tmp_path / "spill.sqlite") as spill:
            for position, release in enumerate(releases):
                is_compiled = position in compiled
                found = FoundRelease(
                    text_of(release), position + 1, is_compiled, links if is_compiled else ()
                )
                spill.add(release.get("ocid", OCID), found, 0)
            ((_, group),) = spill.processes()
            return merge_process(group, spill.load, rules)

    return run


def release(number: int, **members: Any) -> dict[str, Any]:
    return {
        "ocid": OCID,
        "id": str(number),
        "date": f"2026-01-{number:02d}T00:00:00Z",
        "tag": ["tender"],
        **members,
    }


@pytest.mark.skipif(not EXPECTED, reason="conformance data is not here")
@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_published_merges(merge: Merge, path: Path) -> None:
    releases = json.loads(path.with_name(path.name.replace("-compiled", "")).read_text())
    expected = text_of(json.loads(path.read_text()))
    merged = merge(*releases)
    if merged.merged == 1:
        # A single release passes as it is, with its own id and tag.
        expected = {**expected, "id": releases[0]["id"], "tag": releases[0].get("tag")}
    assert without_empty(merged.release) == without_empty(expected)


def test_the_fictional_example(merge: Merge) -> None:
    folder = CONFORMANCE / "ocds-fictional-example/fictional-example/1.1"
    if not folder.exists():
        pytest.skip("conformance data is not here")
    record = json.loads((folder / "record/ocds-213czf-000-00001.json").read_text())["records"][0]
    package = json.loads((folder / "ocds-213czf-000-00001.json").read_text())
    merged = merge(*package["releases"])
    assert merged.merged == len(package["releases"]) == 6
    expected = text_of(record["compiledRelease"])
    assert _differences(expected, merged.release) == []


def _differences(expected: Any, found: Any, path: str = "") -> list[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for key in sorted(expected.keys() | found.keys())
            for line in _differences(expected.get(key), found.get(key), f"{path}/{key}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line for one, two in zip(expected, found, strict=True) for line in _differences(one, two, path)
        ]
    return [] if expected == found else [f"{path}: {expected!r} {found!r}"]


def test_a_single_release_passes_with_all_it_has(merge: Merge) -> None:
    only = release(1, tender={"id": "T", "title": None}, x=[{"a": "1"}, {"a": "1"}])
    merged = merge(only)
    assert merged.release == only
    assert (merged.merged, merged.duplicates, merged.newest.ordinal) == (1, 0, 1)


def test_later_releases_win_whatever_the_order_of_the_files(merge: Merge) -> None:
    merged = merge(
        release(2, tender={"title": "new"}), release(1, tender={"title": "old", "description": "kept"})
    )
    assert merged.release["tender"] == {"title": "new", "description": "kept"}
    assert merged.newest.ordinal == 1
    assert merged.release["id"] == f"{OCID}-2026-01-02T00:00:00Z"


def test_dates_are_compared_as_moments_and_not_as_texts(merge: Merge) -> None:
    evening = release(1, date="2026-01-01T23:00:00-05:00", tender={"title": "later"})
    night = release(2, date="2026-01-02T01:00:00Z", tender={"title": "earlier"})
    assert merge(evening, night).release["tender"]["title"] == "later"


def test_releases_without_a_date_are_the_oldest(merge: Merge) -> None:
    undated = {"ocid": OCID, "id": "u", "tender": {"title": "undated", "description": "kept"}}
    merged = merge(release(1, tender={"title": "dated"}), undated)
    assert merged.release["tender"] == {"title": "dated", "description": "kept"}
    merged = merge({**undated, "id": "v"}, undated)
    assert (merged.release["id"], merged.release["date"]) == ("u", "")


def test_copies_count_once_whatever_the_order_of_their_keys(merge: Merge) -> None:
    one = release(1, tender={"id": "T", "value": {"amount": 1}})
    merged = merge(one, dict(reversed(one.items())), one)
    assert (merged.merged, merged.duplicates, merged.contained, merged.conflicting) == (1, 2, 0, [])


def test_the_same_id_with_other_content_is_merged_and_told(merge: Merge) -> None:
    merged = merge(release(1, tender={"title": "a"}), release(1, tender={"description": "b"}))
    assert merged.release["tender"] == {"title": "a", "description": "b"}
    assert [each.ordinal for each in merged.conflicting] == [2]


def test_elements_without_an_id_are_not_doubled_by_repeating_them(merge: Merge) -> None:
    items = [{"description": "a"}, {"description": "b"}]
    merged = merge(release(1, tender={"items": items}), release(2, tender={"items": items}))
    assert merged.release["tender"]["items"] == items


def test_elements_with_empty_ids_are_not_merged_into_one(merge: Merge) -> None:
    items = [{"id": None, "description": "a"}, {"id": None, "description": "b"}]
    merged = merge(release(1, tender={"items": items}), release(2, tender={"title": "t"}))
    assert [item["description"] for item in merged.release["tender"]["items"]] == ["a", "b"]


@pytest.mark.parametrize(
    "links",
    [
        (("https://example.org/release/1", "", ""), ("https://example.org/package.json#2", "", "")),
        (("x", "2026-01-01T00:00:00Z", "tender"), ("y", "2026-01-02T00:00:00Z", "tender")),
    ],
)
def test_a_compiled_release_stands_for_the_releases_that_its_record_names(
    merge: Merge, links: tuple[Any, ...]
) -> None:
    # Compiled a moment before the releases were dated, as publishers do.
    base = release(1, id="c", date="2025-12-31T23:59:59Z", tag=["compiled"], awards=[{"title": "a"}])
    given = [release(1, awards=[{"title": "A"}]), release(2, awards=[{"title": "B"}]), base]
    merged = merge(*given, compiled=(2,), links=links)
    assert merged.release == base
    assert (merged.merged, merged.duplicates, merged.contained) == (1, 2, 2)


def test_a_compiled_release_stands_for_what_is_not_newer(merge: Merge) -> None:
    base = release(2, id="c", tag=["compiled"], tender={"title": "compiled"})
    merged = merge(
        release(1, tender={"title": "old"}), release(3, tender={"description": "news"}), base, compiled=(2,)
    )
    assert merged.release["tender"] == {"title": "compiled", "description": "news"}
    assert (merged.merged, merged.contained) == (2, 1)


def test_of_several_compiled_releases_the_newest_counts(merge: Merge) -> None:
    first, second = (release(number, id="c", tender={"title": str(number)}) for number in (1, 2))
    merged = merge(second, first, compiled=(0, 1))
    assert merged.release == text_of(second)
    assert merged.conflicting == []


def test_wrong_shapes_do_not_stop_merging(merge: Merge) -> None:
    merged = merge(
        release(
            1,
            tender={"submissionMethod": "Electrónica", "items": {"id": 1, "description": "a"}},
            buyer="Ministerio",
        ),
        release(
            2,
            tender={"submissionMethod": ["written"], "items": [{"id": "1", "quantity": 5}]},
            buyer={"name": "M"},
        ),
    )
    assert merged.release["tender"]["submissionMethod"] == ["written"]
    assert merged.release["tender"]["items"] == [{"id": "1", "description": "a", "quantity": "5"}]
    assert merged.release["buyer"]["name"] == "M"
    assert [leaf.pointer for leaf in merged.unplaced] == ["/buyer"]


def test_beyond_the_standard_releases_may_disagree(merge: Merge) -> None:
    merged = merge(
        release(1, extra={"a": {"b": "1"}}, tender={"title": "t"}, buyer="Ministerio"),
        release(2, extra={"a": "2"}, tender={"description": "d"}),
        release(3, extra={"a": {"c": "3"}}),
    )
    assert merged.release["tender"] == {"title": "t", "description": "d"}
    assert [(leaf.pointer, leaf.value) for leaf in merged.outside] == [
        ("/extra/a/b", "1"),
        ("/extra/a", "2"),
        ("/extra/a/c", "3"),
    ]
    assert merged.clash == "/extra/a"
    assert [leaf.pointer for leaf in merged.unplaced] == ["/buyer"]


def test_upgrading_happens_around_merging(merge: Merge) -> None:
    supplier = {"name": "Uno", "identifier": {"scheme": "XA-TIN", "id": "1"}}
    merged = merge(
        release(1, buyer={"name": "Ministerio"}, awards=[{"id": "A", "suppliers": [supplier]}]),
        release(
            2,
            awards=[{"id": "A", "suppliers": [supplier]}],
            tender={"procuringEntity": {"name": "Ministerio"}},
        ),
    )
    assert merged.upgraded
    assert merged.release["awards"][0]["suppliers"] == [{"id": "XA-TIN-1", "name": "Uno"}]
    assert {party["id"]: party["roles"] for party in merged.release["parties"]} == {
        "Ministerio": ["buyer", "procuringEntity"],
        "XA-TIN-1": ["supplier"],
    }


def test_the_schema_skeleton_has_the_rules_of_the_standard() -> None:
    published = CONFORMANCE / "ocds-standard-1.1.5/schema/release-schema.json"
    if not published.exists():
        pytest.skip("conformance data is not here")
    ours = json.loads((ROOT / "schemas/ocds/release-schema-1.1.5.json").read_text())
    theirs = json.loads(published.read_text())
    assert load_release_schema(ROOT / "schemas/ocds").merge_rules
    assert _names(ours) == _names(theirs)


def _names(schema: dict[str, Any]) -> dict[str, list[str]]:
    definitions = {"": schema, **schema["definitions"]}
    return {name: sorted(definition["properties"]) for name, definition in definitions.items()}


def test_spilled_texts_may_hold_half_a_surrogate(merge: Merge) -> None:
    broken = json.loads('{"a\\ud800": ["\\udfff"]}')
    assert merge({**release(1), **broken}).release["a\ufffd"] == ["\ufffd"]


def test_a_release_nested_without_end_is_refused(tmp_path: Path) -> None:
    value: Any = "x"
    for _ in range(600):
        value = [value]
    with ReleaseSpill(tmp_path / "spill.sqlite") as spill, pytest.raises(TooDeepError):
        spill.add(OCID, FoundRelease({"ocid": OCID, "x": value}, 1), 0)
    assert not (tmp_path / "spill.sqlite").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.5", 500_000),
        ("01/02/2026", None),
        ("", None),
    ],
)
def test_instants(text: str, expected: int | None) -> None:
    assert read_instant(text) == expected
