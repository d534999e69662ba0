"""Rules on what must agree with what: tables that pass, tables that fail, and tables that leave nothing to judge.

The last row of the first table of a failing case is at fault.
"""

from collections.abc import Callable
from typing import Any

import pytest

P = {"ocid": "ocds-lcuori-1"}
A = {**P, "award_id": "A"}
C = {**P, "contract_id": "C"}
CA = {**C, "award_id": "A"}
PARTY = {**P, "party_id": "X"}
HNL = {"value_amount": "100", "value_currency": "HNL"}

Tables = dict[str, list[dict[str, str | None]]]


def one(**tables: dict[str, str | None]) -> Tables:
    return {name: [row] for name, row in tables.items()}


# code, tables that pass, tables that fail, table or column without which it is not applied
CASES: list[tuple[str, Tables, Tables, str]] = [
    (
        "contract-on-incomplete-tender",
        one(contracts=CA, processes={**P, "tender_status": "cancelled"}, awards=A),
        one(contracts=CA, processes={**P, "tender_status": "cancelled"}),
        "processes.tender_status",
    ),
    (
        "payment-on-unsigned-contract",
        one(transactions=C, contracts={**C, "status": "terminated"}),
        one(transactions=C, contracts={**C, "status": "pending"}),
        "contracts.status",
    ),
    (
        "unmet-milestone-with-date",
        {"milestones": [{"status": "met", "date_met": "2024-01-01"}, {"status": "notMet", "date_met": None}]},
        one(milestones={"status": "scheduled", "date_met": "2024-01-01"}),
        "milestones.date_met",
    ),
    (
        "contract-start-before-tender-end",
        one(processes={**P, "tender_contract_period_start": "2024-02-01", "tender_period_end": "2024-02-01T23:59:59Z"}),
        one(processes={**P, "tender_contract_period_start": "2024-01-31", "tender_period_end": "2024-02-01"}),
        "processes.tender_period_end",
    ),
    (
        "signature-before-tender-end",
        one(
            contracts={**CA, "date_signed": "2024-01-01"}, processes={**P, "tender_period_end": "2024-02-01"},
            awards={**A, "date": "2024-01-02"},
        ),
        one(
            contracts={**CA, "date_signed": "2024-01-01"}, processes={**P, "tender_period_end": "2024-02-01"},
            awards={**A, "date": None},
        ),
        "processes.tender_period_end",
    ),
    (
        "date-after-release",
        one(awards={**A, "date": "2024-01-01T23:00:00Z"}, processes={**P, "release_date": "2024-01-01T08:00:00Z"}),
        one(awards={**A, "date": "2024-01-02"}, processes={**P, "release_date": "2024-01-01"}),
        "processes.release_date",
    ),
    (
        "payment-before-signature",
        one(transactions={**C, "date": "2024-01-01"}, contracts={**C, "date_signed": "2024-01-01"}),
        one(transactions={**C, "date": "2023-12-31"}, contracts={**C, "date_signed": "2024-01-01"}),
        "contracts.date_signed",
    ),
    (
        "amendment-before-amended",
        one(
            amendments={**P, "stage": "contract", "parent_id": "C", "date": "2024-01-02"},
            contracts={**C, "date_signed": "2024-01-01"},
        ),
        {
            "amendments": [
                {**P, "stage": "contract", "parent_id": "another", "date": "2023-01-02"},
                {**P, "stage": "contract", "parent_id": "C", "date": "2023-01-02"},
            ],
            "contracts": [{**C, "date_signed": "2024-01-01"}],
        },
        "amendments.date",
    ),
    (
        "tenderers-count-differs",
        {"processes": [{**P, "number_of_tenderers": "1"}, {"ocid": "P2", "number_of_tenderers": "7"}], "tenderers": [PARTY]},
        one(processes={**P, "number_of_tenderers": "2"}, tenderers=PARTY),
        "tenderers",
    ),
    (
        "budget-tender-amounts-differ",
        one(
            planning={**P, "budget_amount": "150", "budget_currency": "HNL"},
            processes={**P, "tender_value_amount": "100", "tender_value_currency": "HNL"},
        ),
        one(
            planning={**P, "budget_amount": "151", "budget_currency": "HNL"},
            processes={**P, "tender_value_amount": "100", "tender_value_currency": "HNL"},
        ),
        "planning.budget_amount",
    ),
    (
        "payments-exceed-contract",
        {"contracts": [{**C, **HNL}], "transactions": [{**C, **HNL}, {**C, **HNL, "value_currency": "USD"}]},
        {"contracts": [{**C, **HNL}], "transactions": [{**C, **HNL}, {**C, **HNL}]},
        "transactions.value_amount",
    ),
    (
        "party-role-missing",
        {
            "award_suppliers": [{**A, "party_id": "X"}, {**A, "party_id": "Y"}, {**A, "party_id": "Z"}],
            "parties": [
                {**PARTY, "roles": "tenderer;supplier"},
                {**P, "party_id": "Y", "roles": "proveedor"},
                {**P, "party_id": "Z", "roles": None},
            ],
        },
        one(award_suppliers={**A, "party_id": "X"}, parties={**PARTY, "roles": "tenderer"}),
        "parties.roles",
    ),
    (
        "party-role-unused",
        {
            "parties": [{**PARTY, "roles": "supplier"}, {"ocid": "P2", "party_id": "Y", "roles": "supplier"}],
            "award_suppliers": [{**A, "party_id": "X"}],
            "contract_suppliers": [{**C, "ocid": "P2", "party_id": "Y, mistyped"}],
        },
        {
            "parties": [{**P, "party_id": "Y", "roles": "supplier"}, {**PARTY, "roles": "buyer;supplier"}],
            "contract_suppliers": [{**C, "party_id": "Y"}],
        },
        "parties.roles",
    ),
    (
        "party-name-differs",
        one(award_suppliers={**A, "party_id": "X", "name": "AGUA, S. de R.L."}, parties={**PARTY, "name": "Água S de RL"}),
        one(award_suppliers={**A, "party_id": "X", "name": "Agua"}, parties={**PARTY, "name": "Fuego"}),
        "parties.name",
    ),
    (
        "duration-differs",
        {
            "contracts": [
                {**C, "period_start": "2024-01-01", "period_end": "2024-01-31", "period_duration_days": days} for days in ("29", "31", None)
            ]
        },
        one(contracts={**C, "period_start": "2024-01-01", "period_end": "2024-01-31", "period_duration_days": "33"}),
        "contracts.period_start",
    ),
    (
        "document-description-long",
        one(documents={**P, "description": "x" * 250}),
        one(documents={**P, "description": "x" * 251}),
        "documents.description",
    ),
    (
        "document-type-stage-differs",
        {
            "documents": [
                {**P, "stage": "award", "document_type": "complaints"},
                {**P, "stage": "award", "document_type": "x_ours"},
            ]
        },
        one(documents={**P, "stage": "award", "document_type": "contractSigned"}),
        "documents.stage",
    ),
    (
        "document-format-unknown",
        {"documents": [{"format": each} for each in ("application/pdf", "offline/print", "image/x-own", "text/html; charset=utf-8", None)]},
        one(documents={"format": "PDF"}),
        "documents.format",
    ),
    (
        "tender-id-repeated",
        {"processes": [{**P, "tender_id": "T"}, {"ocid": "P2", "tender_id": "U"}, {"ocid": "P3", "tender_id": None}]},
        {"processes": [{**P, "tender_id": "T"}, {"ocid": "ocds-lcuori-2", "tender_id": "T"}]},
        "processes.tender_id",
    ),
    (
        "related-process-not-here",
        {
            "related_processes": [
                {**P, "scheme": "ocid", "identifier": "ocds-lcuori-1"},
                {**P, "scheme": "ocid", "identifier": "ocds-zzzzzz-9"},
            ],
            "processes": [P],
        },
        one(related_processes={**P, "scheme": "ocid", "identifier": "ocds-lcuori-9"}, processes=P),
        "processes",
    ),
    (
        "related-process-title-differs",
        one(
            related_processes={**P, "scheme": "ocid", "identifier": "ocds-lcuori-1", "title": "puente "},
            processes={**P, "tender_title": "Puente"},
        ),
        one(
            related_processes={**P, "scheme": "ocid", "identifier": "ocds-lcuori-1", "title": "Camino"},
            processes={**P, "tender_title": "Puente"},
        ),
        "processes.tender_title",
    ),
    (
        "email-malformed",
        {"parties": [{"contact_email": each} for each in ("compras@example.org", "a@b.hn; c@d.gob.hn", "a@b.hn / c@d.hn", None)]},
        one(parties={"contact_email": "compras(at)example.org"}),
        "parties.contact_email",
    ),
    (
        "telephone-malformed",
        {"parties": [{"contact_telephone": each} for each in ("+504 2222-3333", "2222-3333 / 4444-5555 ext. 12", None)]},
        one(parties={"contact_telephone": "-------"}),
        "parties.contact_telephone",
    ),
    (
        "classification-incomplete",
        {
            "items": [
                {"classification_scheme": "UNSPSC", "classification_id": "43211500"},
                {"classification_scheme": None, "classification_id": None},
            ]
        },
        one(items={"classification_scheme": None, "classification_id": "43211500"}),
        "items.classification_id",
    ),
    (
        "classification-malformed",
        {
            "items": [
                {"classification_scheme": "UNSPSC", "classification_id": "43.21.15.00"},
                {"classification_scheme": "CPC", "classification_id": "452900028"},
                {"classification_scheme": "ours", "classification_id": "?"},
            ]
        },
        one(items={"classification_scheme": "UNSPSC", "classification_id": "4321150"}),
        "items.classification_id",
    ),
    (
        "possible-duplicate",
        {
            "contracts": [
                {**CA, "title": "Agua", **HNL, "date_signed": "2024-01-01"},
                {**CA, "contract_id": "D", "award_id": "B", "title": "Agua", **HNL, "date_signed": "2024-01-01"},
            ],
            "award_suppliers": [{**A, "party_id": "X"}, {**A, "award_id": "B", "party_id": "Y"}],
        },
        {
            "contracts": [
                {**CA, "title": "Agua", **HNL, "date_signed": "2024-01-01"},
                {**CA, "contract_id": "D", "award_id": "B", "title": "Agua", **HNL, "date_signed": "2024-01-01T12:00:00Z"},
            ],
            "award_suppliers": [{**A, "party_id": "X"}, {**A, "award_id": "B", "party_id": "X"}],
        },
        "contracts.title",
    ),
    (
        "supplier-under-several-ids",
        {
            "parties": [
                {"name": "Agua", "roles": "supplier", "identifier_scheme": "HN-RTN", "identifier_id": "1"},
                {"name": "Agua", "roles": "supplier", "identifier_scheme": "HN-IHSS", "identifier_id": "2"},
                {"name": "Agua", "roles": "buyer", "identifier_scheme": "HN-RTN", "identifier_id": "3"},
            ]
        },
        {
            "parties": [
                {"name": "Agua", "roles": "supplier", "identifier_scheme": "HN-RTN", "identifier_id": "1"},
                {"name": "ÁGUA ", "roles": "tenderer;supplier", "identifier_scheme": "HN-RTN", "identifier_id": "2"},
            ]
        },
        "parties.identifier_id",
    ),
    (
        "parts-exceed-total",
        {
            "activities": [{"activity_id": "1", "participants_total": "10", "countries_count": "2"}],
            "activity_countries": [{"activity_id": "1", "country": each, "participants": "5"} for each in ("HN", "PY")],
        },
        {
            "activities": [{"activity_id": "1", "participants_total": "9"}],
            "activity_countries": [{"activity_id": "1", "country": each, "participants": "5"} for each in ("HN", "PY")],
        },
        "activities.participants_total",
    ),
]  # fmt: skip


def without(tables: Tables, missing: str) -> Tables:
    """The tables, less one table or one of its columns."""
    table, _, column = missing.partition(".")
    if not column:
        return {name: rows for name, rows in tables.items() if name != table}
    return {
        name: [{key: value for key, value in row.items() if (name, key) != (table, column)} for row in rows]
        for name, rows in tables.items()
    }


@pytest.mark.parametrize(("code", "passing", "failing", "needed"), CASES, ids=[case[0] for case in CASES])
def test_rule(
    apply_code: Callable[..., Any], code: str, passing: Tables, failing: Tables, needed: str
) -> None:
    groups, said = apply_code(code, passing)
    assert groups == []
    assert None in said
    groups, _ = apply_code(code, failing)
    table = next(iter(failing))
    places = [(example.table, example.row_number) for group in groups for example in group.examples]
    assert places == [(table, 1 + len(failing[table]))]
    groups, said = apply_code(code, without(failing, needed))
    assert groups == []
    reasons = {
        (check.reason, check.parameters["table"], check.parameters.get("column")) for check in said if check
    }
    table, _, column = needed.partition(".")
    assert (("column-not-sent", table, column) if column else ("table-not-sent", table, None)) in reasons


def test_a_near_miss_of_a_format_comes_with_the_media_type(apply_code: Callable[..., Any]) -> None:
    groups, _ = apply_code("document-format-unknown", one(documents={"format": ".Pdf"}))
    assert groups[0].examples[0].parameters == {"codelist": "mediaType", "suggestion": "application/pdf"}


def test_contact_details_of_people_are_not_repeated_in_findings(apply_code: Callable[..., Any]) -> None:
    for code, column in (("email-malformed", "contact_email"), ("telephone-malformed", "contact_telephone")):
        groups, _ = apply_code(code, one(parties={column: "Ana, 22"}))
        assert [(example.value, example.parameters) for example in groups[0].examples] == [(None, {})]


def test_processes_alike_in_everything_are_shown_together(apply_code: Callable[..., Any]) -> None:
    row = {
        "buyer_name": "Obras", "tender_title": "Agua", "tender_value_amount": "5", "tender_value_currency": "HNL",
        "tender_period_start": "2024-01-01",
    }  # fmt: skip
    groups, _ = apply_code(
        "possible-duplicate", {"processes": [{**row, "ocid": "P1"}, {**row, "ocid": "P2"}]}
    )
    assert [(group.table, group.field, group.count) for group in groups] == [("processes", "ocid", 1)]
    assert groups[0].examples[0].parameters == {"key": "P1"}


def test_more_completed_than_enrolled(apply_code: Callable[..., Any]) -> None:
    groups, _ = apply_code("parts-exceed-total", one(courses={"enrolled": "10", "completed": "11"}))
    assert [(group.table, group.field) for group in groups] == [("courses", "enrolled")]
