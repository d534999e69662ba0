"""XCC, Cordilheira: a member that publishes OCDS. A release package with several releases per process.

The state of a process follows only from merging: a later release corrects dates, adds awards, contracts and
payments, and repeats nothing that has not changed.
"""

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from invented.market import (
    AS_OF,
    Contract,
    Market,
    Party,
    Process,
    award_id,
    contract_id,
    lot_title,
    signed_contracts,
)

PREFIX = "ocds-xcc000"
CURRENCY = "BRL"
SITE = "https://compras.cordilheira.example"
Release = dict[str, Any]


def write_xcc(path: Path) -> None:
    market = Market("XCC", seed=20250907, rate=5.5)
    releases = [release for process in market.processes(150) for release in _releases(market, process)]
    package = {
        "uri": f"{SITE}/ocds/2025.json",
        "version": "1.1",
        "publishedDate": _at(AS_OF),
        "publisher": {
            "name": "Secretaria de Compras Públicas da Cordilheira (demo)",
            "scheme": "XC-GOV",
            "uid": "0104",
        },
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "extensions": [],
        "releases": sorted(releases, key=lambda release: (release["date"], release["ocid"])),
    }
    text = json.dumps(package, ensure_ascii=False, separators=(",", ":"))
    # No time and no name in the header: the same data give the same bytes.
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())


def _at(day: dt.date, hour: int = 10) -> str:
    return f"{day.isoformat()}T{hour:02d}:00:00-03:00"


def _period(start: dt.date, end: dt.date) -> dict[str, str]:
    return {
        "startDate": f"{start.isoformat()}T00:00:00-03:00",
        "endDate": f"{end.isoformat()}T23:59:59-03:00",
    }


def _money(amount: float) -> dict[str, Any]:
    return {"amount": round(amount, 2), "currency": CURRENCY}


def _reference(party: Party) -> dict[str, str]:
    return {"id": party.party_id, "name": party.name}


def _party(market: Market, party: Party, roles: list[str]) -> dict[str, Any]:
    data = {
        "id": party.party_id,
        "name": party.name,
        "roles": roles,
        "identifier": {"scheme": party.scheme, "id": party.number, "legalName": party.name},
        "address": {
            "locality": party.locality,
            "region": party.region,
            "countryName": market.words["country"],
        },
    }
    if party.scale:
        data["details"] = {"scale": party.scale}
    return data


def _item(process: Process, contract: Contract | None) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": "1",
        "description": process.item,
        "classification": {"scheme": "UNSPSC", "id": process.branch.unspsc},
        "unit": {"scheme": "UNCEFACT", "id": process.branch.unit_id, "name": process.unit},
    }
    if contract:
        item["quantity"] = contract.quantity
        item["unit"]["value"] = _money(contract.amount / contract.quantity)
    return item


def _releases(market: Market, process: Process) -> Iterator[Release]:
    """The releases of one process, oldest first, numbered."""
    ocid = f"{PREFIX}-{process.local_id}"
    common = {"ocid": ocid, "initiationType": "tender", "language": "pt", "buyer": _reference(process.buyer)}
    steps = [*_before_award(market, process), *_from_award(market, process)]
    for number, (day, tag, content) in enumerate(sorted(steps, key=lambda step: step[0]), 1):
        yield {**common, "id": f"{ocid}-{number:02d}", "date": _at(day, 9 + number), "tag": [tag], **content}


Step = tuple[dt.date, str, dict[str, Any]]


def _before_award(market: Market, process: Process) -> Iterator[Step]:
    buyer = _party(market, process.buyer, ["buyer", "procuringEntity"])
    if process.serial % 5 < 3:
        budget = {
            "id": f"2025-{process.buyer.number}-{process.branch.unspsc[:4]}",
            "description": market.words["budget"].format(buyer=process.buyer.name),
            "amount": _money(process.value * 1.05),
        }
        planning = {"rationale": market.words["need"], "budget": budget}
        yield process.planned, "planning", {"parties": [buyer], "planning": planning}
    extended = process.serial % 4 == 0 and process.method != "direct"
    first_end = process.closes - dt.timedelta(days=4) if extended else process.closes
    tender: dict[str, Any] = {
        "id": process.local_id,
        "title": process.title,
        "status": "active",
        "value": _money(process.value),
        "procurementMethod": process.method,
        "procurementMethodDetails": market.words["methods"][process.method],
        "mainProcurementCategory": process.branch.category,
        "awardCriteria": "priceOnly" if process.branch.category == "goods" else "ratedCriteria",
        "submissionMethod": ["electronicSubmission"],
        "procuringEntity": _reference(process.buyer),
        "tenderPeriod": _period(process.published, first_end),
        "items": [_item(process, None)],
        "documents": [
            {
                "id": "edital",
                "documentType": "tenderNotice",
                "title": f"Edital {process.local_id}",
                "url": f"{SITE}/editais/{process.local_id}.pdf",
                "datePublished": _at(process.published),
                "format": "application/pdf",
                "language": "pt",
            }
        ],
    }
    if process.method == "direct":
        tender["procurementMethodRationale"] = market.words["direct_reason"]
    yield process.published, "tender", {"parties": [buyer], "tender": tender}
    if extended:
        day = process.published + (first_end - process.published) // 2
        yield (
            day,
            "tenderUpdate",
            {"tender": {"id": process.local_id, "tenderPeriod": _period(process.published, process.closes)}},
        )


def _from_award(market: Market, process: Process) -> Iterator[Step]:
    tender: dict[str, Any] = {"id": process.local_id, "status": process.status}
    if process.status == "cancelled":
        yield process.closes, "tenderCancellation", {"tender": tender}
    elif process.status == "unsuccessful":
        yield process.decided, "tenderUpdate", {"tender": {**tender, "numberOfTenderers": 0}}
    if not process.contracts:
        return
    tender["numberOfTenderers"] = len(process.tenderers)
    tender["tenderers"] = [_reference(each) for each in process.tenderers]
    winners = [contract.supplier for contract in process.contracts]
    parties = [
        _party(market, each, ["tenderer", "supplier"] if each in winners else ["tenderer"])
        for each in process.tenderers
    ]
    awards = [
        {
            "id": award_id(process, contract),
            "title": lot_title(market, process, contract),
            "status": "active",
            "date": _at(contract.awarded),
            "value": _money(contract.amount),
            "suppliers": [_reference(contract.supplier)],
            "items": [_item(process, contract)],
        }
        for contract in process.contracts
    ]
    yield process.decided, "award", {"parties": parties, "tender": tender, "awards": awards}
    for _, contract in signed_contracts([process]):
        yield from _from_signature(market, process, contract)


def _from_signature(market: Market, process: Process, contract: Contract) -> Iterator[Step]:
    number = contract_id(process, contract)
    signed = contract.signed or contract.start
    data: dict[str, Any] = {
        "id": number,
        "awardID": award_id(process, contract),
        "title": market.words["contract"].format(title=lot_title(market, process, contract)),
        "status": "active",
        "period": _period(contract.start, contract.end),
        "value": _money(contract.amount),
        "dateSigned": _at(signed),
        "items": [_item(process, contract)],
        "documents": [
            {
                "id": "contrato",
                "documentType": "contractSigned",
                "title": f"Contrato {number}",
                "url": f"{SITE}/contratos/{number}.pdf",
                "datePublished": _at(signed),
                "format": "application/pdf",
                "language": "pt",
            }
        ],
    }
    yield signed, "contract", {"contracts": [data]}
    half = contract.start + (contract.end - contract.start) // 2
    if process.serial % 10 == 0 and half <= AS_OF:
        amendment = {"id": "1", "date": _at(half), "rationale": market.words["amendment"]}
        change = {"id": number, "value": _money(contract.amount * 1.12), "amendments": [amendment]}
        yield half, "contractAmendment", {"contracts": [change]}
    for position, (day, amount) in enumerate(contract.payments, 1):
        transaction = {
            "id": f"P-{process.serial:04d}-{contract.number}-{position}",
            "date": _at(day),
            "value": _money(amount),
            "payer": _reference(process.buyer),
            "payee": _reference(contract.supplier),
        }
        yield (
            day,
            "implementation",
            {"contracts": [{"id": number, "implementation": {"transactions": [transaction]}}]},
        )
    if contract.end < AS_OF:
        milestone = {
            "id": "M1",
            "title": market.words["milestone"],
            "type": "delivery",
            "dueDate": _at(contract.end, 23),
            "dateMet": _at(contract.end),
            "status": "met",
        }
        closing = {"id": number, "status": "terminated", "implementation": {"milestones": [milestone]}}
        yield contract.end + dt.timedelta(days=1), "contractTermination", {"contracts": [closing]}
