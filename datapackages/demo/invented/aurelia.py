"""XAA, Aurelia: a member with a spreadsheet only. A flat workbook, and a CSV file with faults on purpose."""

import csv
import datetime as dt
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from invented.market import Market, Process, award_id, contract_id, lot_title, signed_contracts

from pipelines.catalogue import Catalogue, Table
from pipelines.templates import write_workbook

Row = dict[str, Any]

BLANK_ROW = 26
FAULTS: tuple[tuple[int, str, str], ...] = (
    (4, "contract_date_signed", "31/02/2025"),
    (6, "buyer_name", ""),
    (8, "procurement_method", "Licitación relámpago"),
    (12, "contract_value_amount", "-18.500,00"),
    (14, "contract_period_end", "01/01/2025"),
    (16, "contract_title", '=HYPERLINK("https://aurelia.example";"ver contrato")'),
    (21, "contract_value_amount", "doce mil"),
    (22, "contract_value_currency", ""),
    (23, "contract_date_signed", "02/01/2025"),
    (24, "tender_period_end", "30/12/2025"),
    (27, "contract_date_signed", "14/03/2205"),
    (28, "number_of_tenderers", "S/D"),
    (29, "supplier_id_scheme", "XA-RUC"),
    (30, "award_value_amount", "1,00"),
)
"""Faults of one cell in ``xaa-contracts-bad.csv``: row as spreadsheets show it, field, what stands there."""

BAD_FIELDS = (
    "contract_id",
    "local_process_id",
    "buyer_name",
    "buyer_id",
    "buyer_id_scheme",
    "tender_title",
    "procurement_method",
    "main_procurement_category",
    "tender_period_start",
    "tender_period_end",
    "number_of_tenderers",
    "award_date",
    "award_value_amount",
    "award_value_currency",
    "supplier_name",
    "supplier_id",
    "supplier_id_scheme",
    "supplier_scale",
    "contract_title",
    "contract_date_signed",
    "contract_period_start",
    "contract_period_end",
    "contract_value_amount",
    "contract_value_currency",
)


def flat_rows(market: Market, processes: Iterable[Process], currency: str) -> list[Row]:
    """Rows of ``contracts_flat``: one per signed contract, codes as codes, dates as dates."""
    rows = []
    for process, contract in signed_contracts(processes):
        direct = process.method == "direct"
        number = contract_id(process, contract)
        row = {
            "contract_id": number,
            "local_process_id": process.local_id,
            "buyer_name": process.buyer.name,
            "buyer_id": process.buyer.number,
            "buyer_id_scheme": process.buyer.scheme,
            "tender_id": process.local_id,
            "tender_title": process.title,
            "tender_status": process.status,
            "procurement_method": process.method,
            "procurement_method_details": market.words["methods"][process.method],
            "procurement_method_rationale": market.words["direct_reason"] if direct else None,
            "main_procurement_category": process.branch.category,
            "tender_value_amount": process.value,
            "tender_value_currency": currency,
            "tender_period_start": process.published,
            "tender_period_end": process.closes,
            "number_of_tenderers": len(process.tenderers),
            "award_id": award_id(process, contract),
            "award_status": "active",
            "award_date": contract.awarded,
            "award_value_amount": contract.amount,
            "award_value_currency": currency,
            "supplier_name": contract.supplier.name,
            "supplier_id": contract.supplier.number,
            "supplier_id_scheme": contract.supplier.scheme,
            "supplier_kind": "organization",
            "supplier_scale": contract.supplier.scale,
            "supplier_women_owned": contract.supplier.women_owned,
            "contract_title": market.words["contract"].format(title=lot_title(market, process, contract)),
            "contract_status": contract.status,
            "contract_date_signed": contract.signed,
            "contract_period_start": contract.start,
            "contract_period_end": contract.end,
            "contract_value_amount": contract.amount,
            "contract_value_currency": currency,
            "item_classification_scheme": "UNSPSC",
            "item_classification_id": process.branch.unspsc,
            "item_description": process.item,
            "item_quantity": contract.quantity,
            "item_unit_name": process.unit,
            "document_url": f"https://compras.aurelia.example/contratos/{number}.pdf",
            "source_url": f"https://compras.aurelia.example/procesos/{process.local_id}",
        }
        rows.append(row)
    return rows


def write_xaa(catalogue: Catalogue, folder: Path) -> None:
    market = Market("XAA", seed=20250111, rate=1)
    rows = flat_rows(market, market.processes(112), "USD")
    path = folder / "xaa-contracts-2025.xlsx"
    member = catalogue.members["XAA"]
    write_workbook(
        catalogue, "procurement", "es", path, member=member, flat_only=True, rows={"contracts_flat": rows}
    )
    (folder / "xaa-contracts-bad.csv").write_bytes(bad_csv(catalogue, rows).encode("cp1252"))


def bad_csv(catalogue: Catalogue, rows: list[Row]) -> str:
    """Thirty rows as a spreadsheet in Spanish exports them, with the faults of README.md."""
    table = catalogue.package_type("procurement").table("contracts_flat")
    lines = [[_spanish(catalogue, table, name, row.get(name)) for name in BAD_FIELDS] for row in rows[:29]]
    lines.insert(BLANK_ROW - 2, [""] * len(BAD_FIELDS))

    def line(number: int) -> list[str]:
        return lines[number - 2]

    for number, field, value in FAULTS:
        line(number)[BAD_FIELDS.index(field)] = value
    line(10)[0] = line(9)[0]
    line(25)[:] = line(20)
    del line(18)[-3:]
    line(19).extend(("", "véase expediente"))
    headings = [catalogue.texts.field("es", "procurement", table.name, name).title for name in BAD_FIELDS]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([*headings, "Observaciones"])
    writer.writerows(each if len(each) != len(BAD_FIELDS) else [*each, ""] for each in lines)
    return text.getvalue()


def _spanish(catalogue: Catalogue, table: Table, name: str, value: Any) -> str:
    """A value as it looks in a Spanish spreadsheet."""
    field = table.by_name[name]
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return value.strftime("%d/%m/%Y")
    if field.type == "number":
        return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")
    codelist = catalogue.codelists.get(field.codelist or "")
    if codelist and value in codelist.codes and codelist.name != "currency":
        return catalogue.texts.code("es", codelist.name, value)
    return str(value)
