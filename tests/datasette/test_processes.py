"""Pages of a contracting process, of buyers and of suppliers, over one small invented release."""

import csv
import io
import json
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import pytest

from pipelines.catalogue import LANGUAGES

OCID = "ocds-xaa000-001"
AMOUNT = "123456789012345678.25"
"""More digits than a float holds."""

LINKED = {
    "processes": [
        {
            "ocid": OCID, "buyer_id": "XX-REG-800", "buyer_name": "Ministério <b>da</b> Saúde", "tender_title": "Vacunas",
            "procurement_method": "open", "tender_status": "complete", "tender_value_amount": "1000.5",
            "tender_value_currency": "USD", "tender_period_start": "2025-01-10T00:00:00Z",
        },
        {"ocid": "ocds-xaa000-002", "buyer_id": "7", "buyer_name": "Escuela Número Uno"},
        {"ocid": "ocds-xaa000-003", "buyer_id": "9", "buyer_name": "ESCUELA, NUMERO UNO."},
        {"ocid": "P-1", "buyer_name": "Escuela Número Uno"},
    ],
    "parties": [
        {"ocid": OCID, "party_id": "XX-REG-800", "name": "Ministério da Saúde", "roles": "buyer", "identifier_scheme": "XX-REG", "identifier_id": "800"},
        {"ocid": OCID, "party_id": "S1", "name": "Alfa S.A.", "roles": "supplier", "identifier_scheme": "XX-REG", "identifier_id": "901"},
        {"ocid": OCID, "party_id": "S2", "name": "Ana Ejemplo", "roles": "supplier", "identifier_scheme": "XX-ID", "identifier_id": "4455667", "party_kind": "person"},
    ],
    "tenderers": [{"ocid": OCID, "party_id": "S1", "name": "Alfa S.A."}],
    "awards": [{"ocid": OCID, "award_id": "A1", "date": "2025-02-01T00:00:00Z", "value_amount": "900", "value_currency": "USD"}],
    "award_suppliers": [
        {"ocid": OCID, "award_id": "A1", "party_id": "S1", "name": "Alfa S.A."},
        {"ocid": OCID, "award_id": "A1", "party_id": "S2", "name": "Ana Ejemplo"},
    ],
    "contracts": [
        {"ocid": OCID, "contract_id": "C1", "award_id": "A1", "status": "active", "date_signed": "2025-03-01T00:00:00Z", "value_amount": AMOUNT, "value_currency": "USD"}
    ],
    "contracts_flat": [
        {"ocid": OCID, "contract_id": "C1", "award_id": "A1", "buyer_id": "XX-REG-800", "buyer_id_scheme": "XX-REG", "buyer_name": "Ministério da Saúde", "supplier_id": "S1; S2", "supplier_name": "Alfa S.A.; Ana Ejemplo", "procurement_method": "open", "contract_date_signed": "2025-03-01T00:00:00Z", "contract_value_amount": AMOUNT, "contract_value_currency": "USD"}
    ],
    "transactions": [
        {"ocid": OCID, "contract_id": "C1", "transaction_id": f"T{n:03}", "date": "2025-04-01T00:00:00Z", "value_amount": "10", "value_currency": "USD"}
        for n in range(60)
    ],
    "documents": [
        {"ocid": OCID, "stage": "tender", "parent_id": "", "document_id": "1", "title": "Aviso", "url": "https://example.org/aviso"},
        {"ocid": OCID, "stage": "tender", "parent_id": "", "document_id": "2", "title": "Malo", "url": "javascript:alert(1)"},
    ],
}  # fmt: skip
FLAT = {
    "contracts_flat": [
        {"ocid": "P-1", "contract_id": f"C{n}", "buyer_id": "800", "buyer_id_scheme": "XX-REG", "buyer_name": "Ministério da Saúde", "supplier_id": "55", "supplier_name": f"Bêta Ltée{'.' * n}", "tender_title": "Papel", "contract_title": f"Lote {n}", "contract_date_signed": f"2024-0{n}-01T00:00:00Z", "contract_value_amount": f"{n}00.10", "contract_value_currency": currency, "document_url": "https://example.org/c", "procurement_method": "direct"}
        for n, currency in ((1, "USD"), (2, "USD"), (3, "PYG"))
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def made(serve: Any) -> Any:
    return serve({("XAA", "procurement"): LINKED, ("XBB", "procurement"): FLAT})


def rows(site: Any, kind: str, **asked: str) -> list[dict[str, Any]]:
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    return site.get(f"/{kind}.json?{query}").json()["rows"]


def named(site: Any, kind: str, name: str) -> dict[str, Any]:
    return next(each for each in rows(site, kind) if each["name"] == name)


def test_a_process_tells_its_story_in_order(made: Any) -> None:
    html = made.get(f"/processes/{OCID}", "en").text
    days = re.findall(r'<li><time datetime="([\d-]+)"', html)
    assert days == sorted(days) and {"2025-01-10", "2025-02-01", "2025-03-01", "2025-04-01"} <= set(days)
    assert "123,456,789,012,345,678.25 USD" in html, "amounts are exact"
    assert 'href="https://example.org/aviso" rel="nofollow noopener"' in html
    assert 'href="javascript' not in html and "javascript:alert(1)" in html
    assert "<b>da</b>" not in html and "&lt;b&gt;da" in html
    assert "contracts.csv" in html and "XAA-procurement-000000000000" in html
    assert f"/v/{made.package['version']}/processes/{OCID}" in html
    assert len(html) < 100_000
    for name in ("Alfa S.A.", "Ana Ejemplo"):
        assert f'<a href="/suppliers/{named(made, "suppliers", name)["id"]}">{name}</a>' in html


def test_nothing_of_a_large_process_is_cut_silently(made: Any) -> None:
    html = made.get(f"/processes/{OCID}", "en").text
    assert "The first 50 of 60 rows are shown." in html
    path = unescape(re.search(r'href="(/ingp/procurement_transactions\?[^"]+)"', html)[1])
    assert made.get(path.replace("?", ".json?") + "&_extra=count").json()["count"] == 60
    compiled = made.get(f"/processes/{OCID}.json").json()["records"][0]["compiledRelease"]
    assert len(compiled["contracts"][0]["implementation"]["transactions"]) == 60


def test_every_link_of_a_process_leads_somewhere(made: Any) -> None:
    for path in (f"/processes/{OCID}", "/processes/XBB/P-1"):
        html = made.get(path, "en").text
        main = html[html.index("<main") : html.index("</main>")]
        for href in {unescape(each) for each in re.findall(r'href="(/[^"]*)"', main)}:
            assert made.get(href).status_code in (200, 302), href


def test_what_is_missing_is_said(made: Any) -> None:
    html = made.get("/processes/ocds-xaa000-002", "en").text
    missing = html[html.index('id="missing"') :]
    for name in ("Awards", "Contracts", "Payments", "Method"):
        assert name.casefold() in missing.casefold()


def test_the_json_is_ocds_with_exact_amounts(made: Any) -> None:
    text = made.get(f"/processes/{OCID}.json").text
    assert AMOUNT in text
    package = json.loads(text)
    assert package["version"] == "1.1" and package["ocidIsRegistered"] is False
    (record,) = package["records"]
    assert record["ocid"] == OCID and record["compiledRelease"]["tag"] == ["compiled"]
    assert record["compiledRelease"]["buyer"]["id"] == "XX-REG-800"


def test_a_number_of_two_members_leads_to_both(made: Any) -> None:
    answer = made.get("/processes/P-1", "en")
    assert answer.status_code == 300
    assert "/processes/XAA/P-1" in answer.text and "/processes/XBB/P-1" in answer.text
    assert made.get("/processes/P-1.json").json()["members"].keys() == {"XAA", "XBB"}
    assert made.get("/processes/XCC/P-1").status_code == made.get("/processes/none").status_code == 404


def test_flat_contracts_alone_make_a_process(made: Any) -> None:
    html = made.get("/processes/XBB/P-1", "en").text
    assert "Papel" in html and html.count("Lote ") >= 3
    assert "300.1 PYG" in html and "100.1 USD" in html
    release = made.get("/processes/XBB/P-1.json").json()["records"][0]["compiledRelease"]
    assert len(release["contracts"]) == len(release["awards"]) == 3


def test_identity_is_by_identifier_else_by_name_and_never_across_members(made: Any) -> None:
    buyers = rows(made, "buyers")
    assert sorted((each["member_code"], each["identifier"]) for each in buyers if each["identifier"] == "800") == [
        ("XAA", "800"), ("XBB", "800")
    ]  # fmt: skip
    school = [each for each in buyers if each["member_code"] == "XAA" and "scuela" in each["name"].casefold()]
    # Numbers of a party that no register knows: "7" and "9" are what the member has.
    assert all(each["contracts"] == 0 for each in school)
    suppliers = [each for each in rows(made, "suppliers") if each["member_code"] == "XBB"]
    assert len(suppliers) == 1 and suppliers[0]["contracts"] == 3
    elsewhere = made.get(f"/buyers/{buyers[0]['id']}.json").json()["elsewhere"]
    assert [each["id"] for each in elsewhere] == [
        each["id"] for each in buyers if each["identifier"] == "800" and each["id"] != buyers[0]["id"]
    ]


def test_currencies_are_never_added_and_sums_are_exact(made: Any) -> None:
    (beta,) = [each for each in rows(made, "suppliers") if each["member_code"] == "XBB"]
    assert {each["currency"]: each["amount"] for each in beta["totals"]} == {"USD": "300.2", "PYG": "300.1"}
    alfa = named(made, "suppliers", "Alfa S.A.")
    assert alfa["totals"][0]["amount"] == AMOUNT


def test_each_number_leads_to_its_rows(made: Any) -> None:
    for kind in ("buyers", "suppliers"):
        for own in rows(made, kind):
            html = made.get(f"/{kind}/{own['id']}", "en").text
            for href, shown in re.findall(r'<a href="(/ingp/\w+\?[^"]+)" rel="nofollow">([\d,]+)</a>', html):
                path = unescape(href).replace("?", ".json?", 1) + "&_extra=count"
                assert made.get(path).json()["count"] == int(shown.replace(",", "")), href


def test_rows_of_an_organisation_can_be_exported(made: Any) -> None:
    (beta,) = [each for each in rows(made, "suppliers") if each["member_code"] == "XBB"]
    answer = made.get(f"/ingp/procurement_contracts_flat.csv?_supplier={beta['id']}")
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == 3
    page = made.get(f"/ingp/procurement_contracts_flat?_supplier={beta['id']}", "en").text
    assert "Only rows of this supplier:" in page and f"/suppliers/{beta['id']}" in page
    assert made.get("/ingp/procurement_contracts_flat?_supplier=x'y").status_code == 400


def test_no_identifier_or_name_of_a_person_stands_in_an_address(made: Any) -> None:
    ana = named(made, "suppliers", "Ana Ejemplo")
    answer = made.get(f"/suppliers/{ana['id']}", "en")
    assert answer.headers["x-robots-tag"] == "noindex"
    for path in ("/suppliers", f"/suppliers/{ana['id']}", f"/processes/{OCID}"):
        html = made.get(path, "en").text
        for href in re.findall(r'href="([^"]*)"', html):
            if "_lang" not in href and "/lang/" not in href and "procurement_parties" not in href:
                assert "4455667" not in href and "Ejemplo" not in href, href


def test_lists_are_searched_without_accents_and_paged(made: Any) -> None:
    assert {each["member_code"] for each in rows(made, "buyers", _search="ministerio+SAUDE")} == {
        "XAA",
        "XBB",
    }
    assert rows(made, "buyers", _search="ministerio", member_code="XBB")[0]["member_code"] == "XBB"
    assert rows(made, "buyers", _search="%22%27*") == []
    everyone = rows(made, "buyers")
    seen, path = [], "/buyers.json?_size=1"
    while path:
        body = made.get(path).json()
        seen += body["rows"]
        path = body["next_url"]
    assert [each["id"] for each in seen] == [each["id"] for each in everyone]
    listed = list(csv.DictReader(io.StringIO(made.get("/buyers.csv").text)))
    assert {each["id"] for each in listed} == {each["id"] for each in everyone}
    assert made.get("/buyers?_size=many").status_code == 400


def test_table_and_row_pages_lead_to_process_and_organisations(made: Any) -> None:
    html = made.get("/ingp/procurement_contracts_flat?member_code=XBB", "en").text
    assert 'href="/processes/XBB/P-1"' in html
    path = re.search(r'href="(/suppliers/of/[^"]+)"', html)[1]
    assert made.get(path).headers["location"].startswith("/suppliers/XBB-")
    assert made.get("/suppliers/of/contracts_flat/XBB,P-1,nothing").status_code == 404
    joint = made.get(f"/suppliers/of/contracts_flat/XAA,{OCID},C1")
    assert joint.headers["location"] == f"/processes/XAA/{OCID}", "two suppliers: the process names both"
    row = made.get(f"/ingp/procurement_processes/XAA,{OCID}", "en").text
    assert f'href="/processes/XAA/{OCID}"' in row


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_speak_the_language(made: Any, language: str) -> None:
    pages: Mapping[str, str] = {
        "process": f"/processes/{OCID}", "choice": "/processes/P-1", "list": "/suppliers",
        "supplier": f"/suppliers/{named(made, 'suppliers', 'Alfa S.A.')['id']}",
    }  # fmt: skip
    for path in pages.values():
        html = made.get(path, language).text
        assert f'<html lang="{language}">' in html
        assert html.count("<h1") == 1 and len(html) < 100_000


def test_permanent_addresses_are_pages_too(made: Any) -> None:
    release = made.package["version"]
    for path in (f"/processes/{OCID}", "/buyers", f"/buyers/{rows(made, 'buyers')[0]['id']}.json"):
        assert made.get(f"/v/{release}{path}").status_code == 200
    assert made.get(f"/v/1999.1.1/processes/{OCID}").status_code == 404
