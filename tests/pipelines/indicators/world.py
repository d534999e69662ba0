"""A small country in which every figure can be worked out by hand.

Buyers B1 and B2, suppliers S1 to S5, five processes. In days: P1 is open 10, P2 20, P3 5, P4 31 (cancelled), P5 30.
"""

from typing import Any

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]


def _awarded(ocid: str, award: str, supplier: str, **more: Any) -> dict[str, Any]:
    return {"ocid": ocid, "award_id": award, "party_id": supplier, **more}


def world() -> Tables:
    """Tables of the standard, bids among them; the year is that of the process."""
    usd = "USD"
    return {
        "processes": [
            {"ocid": "P1", "year": 2023, "buyer_id": "B1", "tender_title": "Puente sobre el río",
             "tender_description": "Puente de dos carriles sobre el río grande", "tender_status": "complete",
             "procurement_method": "open", "procurement_method_details": "Licitación", "main_procurement_category": "works",
             "tender_value_amount": 1000, "tender_value_currency": usd, "tender_period_start": "2023-01-01T00:00:00Z",
             "tender_period_end": "2023-01-11T00:00:00Z", "number_of_tenderers": 1},
            {"ocid": "P2", "year": 2023, "buyer_id": "B1", "tender_title": "Papel", "tender_description": "Papel para oficinas",
             "tender_status": "complete", "procurement_method": "selective", "procurement_method_details": "Compra urgente",
             "main_procurement_category": "goods", "tender_value_amount": 600, "tender_value_currency": usd,
             "tender_period_start": "2023-02-01T00:00:00Z", "tender_period_end": "2023-02-21T00:00:00Z", "number_of_tenderers": 3},
            {"ocid": "P3", "year": 2024, "buyer_id": "B2", "tender_title": "Compra de mantas", "tender_status": "complete",
             "procurement_method": "direct", "procurement_method_details": "Compra de emergencia",
             "procurement_method_rationale": "Terremoto", "main_procurement_category": "goods", "tender_value_amount": 200,
             "tender_value_currency": usd, "tender_period_start": "2024-01-01T00:00:00Z",
             "tender_period_end": "2024-01-06T00:00:00Z", "number_of_tenderers": 1},
            {"ocid": "P4", "year": 2024, "buyer_id": "B2", "tender_title": "Camino rural norte", "tender_status": "cancelled",
             "procurement_method": "open", "main_procurement_category": "works", "tender_period_start": "2024-03-01T00:00:00Z",
             "tender_period_end": "2024-04-01T00:00:00Z", "number_of_tenderers": 2},
            {"ocid": "P5", "year": 2024, "buyer_id": "B2", "tender_status": "active", "procurement_method": "open",
             "tender_period_start": "2024-05-01T00:00:00Z", "tender_period_end": "2024-05-31T00:00:00Z"},
        ],
        "planning": [
            {"ocid": "P1", "budget_amount": 800, "budget_currency": usd},
            {"ocid": "P2", "budget_amount": 500, "budget_currency": usd},
        ],
        "tenderers": [
            {"ocid": ocid, "party_id": party}
            for ocid, party in (("P1", "S1"), ("P2", "S1"), ("P2", "S2"), ("P2", "S3"), ("P3", "S5"), ("P4", "S1"), ("P4", "S4"), ("P5", "S1"))
        ],
        "parties": [
            {"ocid": "P1", "party_id": "S1", "region": "Lima", "scale": "sme", "women_owned": True, "country_code": "PE"},
            {"ocid": "P2", "party_id": "S2", "region": "Cusco", "scale": "large", "women_owned": False, "country_code": "CL"},
        ],
        "awards": [
            {"ocid": ocid, "award_id": award, "status": status, "date": f"{day}T00:00:00Z", "value_amount": amount, "value_currency": usd}
            for ocid, award, status, day, amount in (
                ("P1", "A1", "active", "2023-01-21", 900), ("P2", "A2", "active", "2023-03-03", 400),
                ("P3", "A3", "active", "2024-01-08", 200), ("P4", "A4", "cancelled", "2024-04-05", 700),
            )
        ],
        "award_suppliers": [_awarded("P1", "A1", "S1"), _awarded("P2", "A2", "S2"), _awarded("P3", "A3", "S5"), _awarded("P4", "A4", "S4")],
        "contracts": [
            {"ocid": ocid, "contract_id": contract, "award_id": award, "status": status, "date_signed": f"{signed}T00:00:00Z",
             "period_start": f"{start}T00:00:00Z", "period_end": f"{end}T00:00:00Z", "value_amount": amount, "value_currency": usd}
            for ocid, contract, award, status, signed, start, end, amount in (
                ("P1", "C1", "A1", "active", "2023-01-31", "2023-02-01", "2023-12-31", 1100),
                ("P2", "C2", "A2", "terminated", "2023-03-08", "2023-03-13", "2023-06-30", 400),
                ("P3", "C3", "A3", "cancelled", "2024-01-09", "2024-01-10", "2024-02-10", 200),
            )
        ],
        "items": [
            {"ocid": ocid, "stage": "award", "parent_id": award, "item_id": "1", "classification_scheme": "UNSPSC", "classification_id": code}
            for ocid, award, code in (("P1", "A1", "43111111"), ("P2", "A2", "14111500"), ("P3", "A3", "43222222"))
        ],
        "amendments": [{"ocid": "P1", "stage": "contract", "parent_id": "C1", "amendment_id": "1"}],
        "transactions": [{"ocid": "P1", "contract_id": "C1", "transaction_id": "1", "value_amount": 1200, "value_currency": usd}],
        "milestones": [
            {"ocid": "P1", "stage": "tender", "milestone_id": "1", "type": "delivery", "due_date": "2023-12-01T00:00:00Z"},
            {"ocid": "P1", "stage": "implementation", "parent_id": "C1", "milestone_id": "2", "status": "met",
             "due_date": "2023-05-01T00:00:00Z", "date_met": "2023-05-10T00:00:00Z"},
            {"ocid": "P2", "stage": "implementation", "parent_id": "C2", "milestone_id": "3", "status": "met",
             "due_date": "2023-05-01T00:00:00Z", "date_met": "2023-04-30T00:00:00Z"},
        ],
        "documents": [
            {"ocid": ocid, "stage": stage, "parent_id": parent, "document_id": str(number), "document_type": kind,
             "date_published": f"{day}T00:00:00Z"}
            for number, (ocid, stage, parent, kind, day) in enumerate((
                ("P1", "planning", None, "procurementPlan", "2022-12-01"), ("P1", "tender", None, "tenderNotice", "2023-01-01"),
                ("P1", "tender", None, "biddingDocuments", "2023-01-05"), ("P2", "tender", None, "tenderNotice", "2023-02-01"),
                ("P2", "tender", None, "biddingDocuments", "2023-02-01"), ("P1", "contract", "C1", "contractSigned", "2023-02-01"),
                ("P1", "implementation", "C1", "debarments", "2023-03-01"),
            ))
        ],
        "bids": [
            {"ocid": ocid, "bid_id": bid, "status": status, "value_amount": amount, "value_currency": usd, "date": "2023-01-05T00:00:00Z"}
            for ocid, bid, status, amount in (("P1", "1", "valid", 900), ("P2", "1", "valid", 450), ("P2", "2", "valid", 400), ("P2", "3", "disqualified", 380))
        ],
        "bid_tenderers": [
            {"ocid": ocid, "bid_id": bid, "party_id": party}
            for ocid, bid, party in (("P1", "1", "S1"), ("P2", "1", "S1"), ("P2", "2", "S2"), ("P2", "3", "S3"))
        ],
    }  # fmt: skip


def processes(**columns: list[Any]) -> Rows:
    """Rows of processes P0, P1, ... from columns; a column of one value holds for all."""
    count = max(len(values) for values in columns.values())
    return [
        {
            "ocid": f"P{place}",
            "year": 2024,
            **{name: values[place % len(values)] for name, values in columns.items()},
        }
        for place in range(count)
    ]


def bids_of(gaps: list[tuple[float, ...]], statuses: tuple[str, ...] = ()) -> Tables:
    """Process P<i> with a bid of bidder T<j> for each price; T0 wins. statuses: of the bids, valid when not told."""
    tables: Tables = {"processes": [], "awards": [], "award_suppliers": [], "bids": [], "bid_tenderers": []}
    for place, prices in enumerate(gaps):
        ocid = f"P{place}"
        tables["processes"].append(
            {"ocid": ocid, "year": 2024, "buyer_id": "B1", "tender_period_end": "2024-01-31T00:00:00Z"}
        )
        tables["awards"].append({"ocid": ocid, "award_id": "A", "status": "active"})
        tables["award_suppliers"].append({"ocid": ocid, "award_id": "A", "party_id": "T0"})
        for number, price in enumerate(prices):
            status = statuses[number] if number < len(statuses) else "valid"
            tables["bids"].append(
                {
                    "ocid": ocid,
                    "bid_id": str(number),
                    "status": status,
                    "value_amount": price,
                    "value_currency": "USD",
                    "date": "2024-01-30T00:00:00Z",
                }
            )
            tables["bid_tenderers"].append({"ocid": ocid, "bid_id": str(number), "party_id": f"T{number}"})
    return tables


def awards_of(*told: tuple[str, str, float, str], method: str = "open", cls: str = "43") -> Tables:
    """Process P<i> of (buyer, supplier, amount, day of the award), with one award and one contract of the same amount."""
    tables: Tables = {name: [] for name in ("processes", "awards", "award_suppliers", "contracts", "items")}
    for place, (buyer, supplier, amount, day) in enumerate(told):
        ocid, year = f"P{place}", int(day[:4])
        money = {"value_amount": amount, "value_currency": "USD"}
        tables["processes"].append(
            {
                "ocid": ocid,
                "year": year,
                "buyer_id": buyer,
                "procurement_method": method,
                "tender_value_amount": amount,
                "tender_value_currency": "USD",
                "tender_period_start": f"{day}T00:00:00Z",
                "tender_period_end": f"{day}T00:00:00Z",
            }
        )
        tables["awards"].append(
            {"ocid": ocid, "award_id": "A", "status": "active", "date": f"{day}T00:00:00Z", **money}
        )
        tables["award_suppliers"].append({"ocid": ocid, "award_id": "A", "party_id": supplier})
        tables["contracts"].append(
            {
                "ocid": ocid,
                "contract_id": "C",
                "award_id": "A",
                "status": "active",
                "date_signed": f"{day}T00:00:00Z",
                **money,
            }
        )
        tables["items"].append(
            {
                "ocid": ocid,
                "stage": "award",
                "parent_id": "A",
                "item_id": "1",
                "classification_id": f"{cls}000000",
            }
        )
    return tables  # fmt: skip
