"""XBB, Boreal Islands: a member with a database. Linked tables as a data package, in English and French."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

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
from invented.packages import Row, write_package

from pipelines.catalogue import Catalogue

PREFIX = "ocds-xbb000"
CURRENCY = "XCD"
SITE = "https://marches.boreal.example"


def ocid(process: Process) -> str:
    return f"{PREFIX}-{process.local_id}"


def instant(day: dt.date, end: bool = False) -> str:
    """A day as the instant at which it begins or ends."""
    return f"{day.isoformat()}T{'23:59:59' if end else '00:00:00'}Z"


def write_xbb(catalogue: Catalogue, folder: Path) -> None:
    market = Market("XBB", seed=20250722, rate=2.7)
    tables: dict[str, list[Row]] = defaultdict(list)
    for process in market.processes(150):
        tables["processes"].append(_process(market, process))
        tables["planning"].append(_planning(market, process))
        tables["parties"] += _parties(market, process)
        tables["tenderers"] += [
            {"ocid": ocid(process), "party_id": each.party_id, "name": each.name}
            for each in process.tenderers
        ]
        tables["items"].append(_item(process, "tender", "", None))
        tables["documents"].append(_document(process, "tender", "", "tenderNotice", process.published))
        for contract in process.contracts:
            tables["awards"].append(_award(market, process, contract))
            tables["award_suppliers"].append(
                {
                    "ocid": ocid(process),
                    "award_id": award_id(process, contract),
                    "party_id": contract.supplier.party_id,
                    "name": contract.supplier.name,
                }
            )
            tables["items"].append(_item(process, "award", award_id(process, contract), contract))
        for _, contract in signed_contracts([process]):
            number = contract_id(process, contract)
            tables["contracts"].append(_contract(market, process, contract))
            tables["items"].append(_item(process, "contract", number, contract))
            tables["documents"].append(
                _document(process, "contract", number, "contractSigned", contract.signed)
            )
            tables["milestones"].append(_milestone(market, process, contract))
            tables["transactions"] += _transactions(process, contract)
    about = {
        "name": "xbb-procurement-2025",
        "title": "Public contracts 2025, Boreal Islands (demo)",
        "description": "Invented data of an invented member: purchases of 2025, as of January 2026.",
    }
    write_package(folder, catalogue.package_type("procurement"), "XBB", about, tables)


def _process(market: Market, process: Process) -> Row:
    direct = process.method == "direct"
    return {
        "ocid": ocid(process),
        "local_process_id": process.local_id,
        "release_id": f"{ocid(process)}-{AS_OF.isoformat()}",
        "release_date": instant(AS_OF),
        "release_tag": "compiled",
        "initiation_type": "tender",
        "language": process.language,
        "buyer_id": process.buyer.party_id,
        "buyer_name": process.buyer.name,
        "tender_id": process.local_id,
        "tender_title": process.title,
        "tender_status": process.status,
        "tender_value_amount": process.value,
        "tender_value_currency": CURRENCY,
        "procurement_method": process.method,
        "procurement_method_details": market.words["methods"][process.method],
        "procurement_method_rationale": market.words["direct_reason"] if direct else None,
        "main_procurement_category": process.branch.category,
        "award_criteria": "priceOnly" if process.branch.category == "goods" else "ratedCriteria",
        "submission_method": "written" if direct else "electronicSubmission",
        "tender_period_start": instant(process.published),
        "tender_period_end": instant(process.closes, end=True),
        "number_of_tenderers": len(process.tenderers) if process.contracts else None,
    }


def _planning(market: Market, process: Process) -> Row:
    return {
        "ocid": ocid(process),
        "rationale": market.words["need"],
        "budget_id": f"2025-{process.buyer.number}-{process.branch.unspsc[:4]}",
        "budget_description": market.words["budget"].format(buyer=process.buyer.name),
        "budget_amount": round(process.value * 1.04, -3) or process.value,
        "budget_currency": CURRENCY,
    }


def _parties(market: Market, process: Process) -> Iterator[Row]:
    winners = {contract.supplier for contract in process.contracts}
    paid = {contract.supplier for contract in process.contracts if contract.payments}
    yield _party(market, process, process.buyer, ["buyer", "payer"] if paid else ["buyer"])
    for each in process.tenderers:
        roles = ["tenderer"]
        if each in winners:
            roles.append("supplier")
        if each in paid:
            roles.append("payee")
        yield _party(market, process, each, roles)


def _party(market: Market, process: Process, party: Party, roles: list[str]) -> Row:
    return {
        "ocid": ocid(process),
        "party_id": party.party_id,
        "name": party.name,
        "roles": ";".join(roles),
        "identifier_scheme": party.scheme,
        "identifier_id": party.number,
        "identifier_legal_name": party.name,
        "locality": party.locality,
        "region": party.region,
        "country_name": market.words["country"],
        "party_kind": "organization",
        "scale": party.scale,
        "women_owned": party.women_owned,
    }


def _award(market: Market, process: Process, contract: Contract) -> Row:
    return {
        "ocid": ocid(process),
        "award_id": award_id(process, contract),
        "title": lot_title(market, process, contract),
        "status": "active",
        "date": instant(contract.awarded),
        "value_amount": contract.amount,
        "value_currency": CURRENCY,
    }


def _contract(market: Market, process: Process, contract: Contract) -> Row:
    return {
        "ocid": ocid(process),
        "contract_id": contract_id(process, contract),
        "award_id": award_id(process, contract),
        "title": market.words["contract"].format(title=lot_title(market, process, contract)),
        "status": contract.status,
        "period_start": instant(contract.start),
        "period_end": instant(contract.end, end=True),
        "value_amount": contract.amount,
        "value_currency": CURRENCY,
        "date_signed": instant(contract.signed or contract.start),
    }


def _item(process: Process, stage: str, parent: str, contract: Contract | None) -> Row:
    """The line item of a tender (without a price), an award or a contract."""
    return {
        "ocid": ocid(process),
        "stage": stage,
        "parent_id": parent,
        "item_id": "1",
        "description": process.item,
        "classification_scheme": "UNSPSC",
        "classification_id": process.branch.unspsc,
        "quantity": contract.quantity if contract else None,
        "unit_scheme": "UNCEFACT",
        "unit_id": process.branch.unit_id,
        "unit_name": process.unit,
        "unit_value_amount": round(contract.amount / contract.quantity, 2) if contract else None,
        "unit_value_currency": CURRENCY if contract else None,
    }


def _transactions(process: Process, contract: Contract) -> Iterator[Row]:
    for number, (day, amount) in enumerate(contract.payments, 1):
        yield {
            "ocid": ocid(process),
            "contract_id": contract_id(process, contract),
            "transaction_id": f"P-{process.serial:04d}-{contract.number}-{number}",
            "date": instant(day),
            "value_amount": amount,
            "value_currency": CURRENCY,
            "payer_id": process.buyer.party_id,
            "payer_name": process.buyer.name,
            "payee_id": contract.supplier.party_id,
            "payee_name": contract.supplier.name,
        }


def _milestone(market: Market, process: Process, contract: Contract) -> Row:
    done = contract.end < AS_OF
    return {
        "ocid": ocid(process),
        "stage": "implementation",
        "parent_id": contract_id(process, contract),
        "milestone_id": "M1",
        "title": market.words["milestone"],
        "type": "delivery",
        "due_date": instant(contract.end, end=True),
        "date_met": instant(contract.end) if done else None,
        "status": "met" if done else "scheduled",
    }


def _document(process: Process, stage: str, parent: str, kind: str, day: dt.date | None) -> Row:
    name = parent or process.local_id
    return {
        "ocid": ocid(process),
        "stage": stage,
        "parent_id": parent,
        "document_id": "D1",
        "document_type": kind,
        "title": f"{process.title} ({name})",
        "url": f"{SITE}/{stage}/{name}.pdf",
        "date_published": instant(day or process.published),
        "format": "application/pdf",
        "language": process.language,
    }
