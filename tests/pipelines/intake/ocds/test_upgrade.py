"""OCDS 1.0 and deprecated fields, written the way of OCDS 1.1."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.intake.ocds.upgrade import gather_parties, upgrade_release

EXAMPLE = Path(__file__).parents[5] / "shared/data/conformance/ocds-fictional-example/fictional-example"

BUYER = {
    "name": "Ministerio de Obras",
    "identifier": {"scheme": "XA-TIN", "id": "30-1", "legalName": "Ministerio de Obras Públicas"},
    "address": {"countryName": "Aland"},
    "contactPoint": {"name": "Compras"},
}


def upgraded(release: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    release = copy.deepcopy(release)
    changed = upgrade_release(release)
    return release, gather_parties(release) or changed


def test_organizations_become_parties_with_all_their_roles() -> None:
    release, changed = upgraded(
        {
            "buyer": BUYER,
            "tender": {"procuringEntity": BUYER, "tenderers": [{"name": "Uno SA"}]},
            "awards": [{"id": "A", "suppliers": [{"name": "Uno SA"}]}],
        }
    )
    assert changed
    assert release["buyer"] == {"id": "XA-TIN-30-1", "name": "Ministerio de Obras"}
    assert release["tender"]["procuringEntity"] == release["buyer"]
    assert release["awards"][0]["suppliers"] == [{"id": "Uno SA", "name": "Uno SA"}]
    assert release["parties"] == [
        {"id": "XA-TIN-30-1", "roles": ["buyer", "procuringEntity"], **BUYER},
        {"id": "Uno SA", "roles": ["tenderer", "supplier"], "name": "Uno SA"},
    ]


@pytest.mark.parametrize(
    ("identifier", "parties", "expected"),
    [
        ({"scheme": "XA-TIN", "id": "1"}, [], "XA-TIN-1"),
        ({"id": "1"}, [], "1"),
        ({"scheme": "Registro Único", "id": "1"}, [], "1"),
        ({"scheme": "XA-TIN", "id": "1"}, [{"id": "1"}], "1"),
        ({"scheme": "XA-TIN", "id": "1"}, [{"id": "1"}, {"id": "XA-TIN-1"}], "XA-TIN-1"),
        ({}, [], "Uno SA"),
        ({}, [{"id": "7", "name": "Uno SA"}], "7"),
        ({}, [{"id": "7", "name": "Uno SA"}, {"id": "8", "name": "Uno SA"}], None),
        ({}, [{"id": "7", "name": "Dos SA"}], None),
    ],
)
def test_the_id_of_an_organization(
    identifier: dict[str, str], parties: list[Any], expected: str | None
) -> None:
    release = {"buyer": {"name": "Uno SA", "identifier": identifier}, "parties": parties}
    upgrade_release(release)
    assert release["buyer"].get("id") == expected


def test_details_go_to_the_party_and_contradictions_stay() -> None:
    release, changed = upgraded(
        {
            "parties": [
                {
                    "id": "1",
                    "name": "Uno",
                    "roles": ["supplier"],
                    "address": {"locality": "Norte", "region": ""},
                }
            ],
            "buyer": {
                "id": "1",
                "address": {"locality": "Sur", "region": "R"},
                "contactPoint": {"name": "N"},
            },
        }
    )
    assert changed
    assert release["buyer"] == {"id": "1", "address": {"locality": "Sur"}}
    assert release["parties"] == [
        {
            "id": "1",
            "name": "Uno",
            "roles": ["supplier"],
            "address": {"locality": "Norte", "region": "R"},
            "contactPoint": {"name": "N"},
        }
    ]


def test_a_party_missing_from_a_list_of_parties_is_not_invented() -> None:
    release = {
        "parties": [{"id": "1", "name": "Uno", "roles": ["buyer"]}],
        "buyer": {"id": "2", "name": "Dos"},
    }
    assert upgraded(release) == (release, False)


def test_a_release_of_1_1_does_not_change() -> None:
    release = {
        "parties": [{"id": "1", "name": "Uno", "roles": ["buyer"], "address": {"region": "R"}}],
        "buyer": {"id": "1", "name": "Uno"},
        "tender": {"id": "T", "amendments": [{"id": "1", "rationale": "r"}]},
        "contracts": [
            {"id": "C", "implementation": {"transactions": [{"id": "T", "value": {"amount": "1"}}]}}
        ],
    }
    assert upgraded(release) == (release, False)


@pytest.mark.parametrize("part", ["awards", "contracts"])
def test_a_single_amendment_joins_the_amendments(part: str) -> None:
    amendment = {"date": "2026-01-02", "rationale": "r"}
    release, changed = upgraded(
        {part: [{"id": "1", "amendment": amendment}], "tender": {"amendment": amendment}}
    )
    assert changed
    expected = [{"id": "2026-01-02", **amendment}]
    assert release[part][0] == {"id": "1", "amendments": expected}
    assert release["tender"] == {"amendments": expected}


def test_an_amendment_that_is_there_already_is_not_doubled() -> None:
    listed = [{"id": "1", "date": "2026-01-02", "rationale": "r"}]
    release, _ = upgraded(
        {"tender": {"amendment": {"date": "2026-01-02"}, "amendments": copy.deepcopy(listed)}}
    )
    assert release["tender"]["amendments"] == listed
    release, _ = upgraded(
        {"tender": {"amendment": {"rationale": "other"}, "amendments": copy.deepcopy(listed)}}
    )
    assert release["tender"]["amendments"] == [*listed, {"id": "2", "rationale": "other"}]


def transaction(**members: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    release, _ = upgraded({"contracts": [{"id": "C", "implementation": {"transactions": [members]}}]})
    return release["contracts"][0]["implementation"]["transactions"][0], release


def test_transactions() -> None:
    found, release = transaction(
        id="1",
        amount={"amount": "5", "currency": "USD"},
        providerOrganization={
            "scheme": "XA-TIN",
            "id": "1",
            "legalName": "Uno",
            "uri": "https://uno.example",
        },
        receiverOrganization={"legalName": "Dos"},
    )
    assert found == {
        "id": "1",
        "value": {"amount": "5", "currency": "USD"},
        "payer": {"id": "XA-TIN-1", "name": "Uno"},
        "payee": {"id": "Dos", "name": "Dos"},
    }
    assert [(party["id"], party["roles"]) for party in release["parties"]] == [
        ("XA-TIN-1", ["payer"]),
        ("Dos", ["payee"]),
    ]
    assert release["parties"][0]["identifier"]["uri"] == "https://uno.example"


def test_transactions_that_contradict_themselves_keep_both() -> None:
    members = {
        "amount": {"amount": "5"},
        "value": {"amount": "6"},
        "payer": {"id": "1"},
        "providerOrganization": {"id": "2"},
    }
    assert transaction(**members)[0] == members
    assert transaction(amount={"amount": "5"}, value={"amount": "5"})[0] == {"value": {"amount": "5"}}


def test_the_fictional_example_of_1_0_says_the_same_as_that_of_1_1() -> None:
    if not EXAMPLE.exists():
        pytest.skip("conformance data is not here")
    for name in ("01-planning", "02-tender", "04-award", "05-contract"):
        file = f"ocds-213czf-000-00001-{name}.json"
        old, new = (
            json.loads((EXAMPLE / version / file).read_text())["releases"][0] for version in ("1.0", "1.1")
        )
        upgrade_release(old)
        gather_parties(old)
        # The publisher changed numbers of suppliers between the versions; buyer and structure are comparable.
        assert old["buyer"] == new["buyer"]
        buyer = next(party for party in old["parties"] if party["id"] == old["buyer"]["id"])
        expected = next(party for party in new["parties"] if party["id"] == new["buyer"]["id"])
        assert {**buyer, "identifier": None, "roles": None} == {**expected, "identifier": None, "roles": None}
        assert set(buyer["roles"]) <= set(expected["roles"])
        for award, other in zip(old.get("awards", []), new.get("awards", []), strict=True):
            assert [set(each) for each in award["suppliers"]] == [set(each) for each in other["suppliers"]]
