"""A deterministic ``contracts_flat`` of any size: the same bytes for the same number of rows, everywhere."""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

COLUMNS = (
    "contract_id", "local_process_id", "buyer_name", "buyer_id", "tender_title", "tender_status", "procurement_method",
    "main_procurement_category", "tender_value_amount", "tender_value_currency", "tender_period_start", "tender_period_end",
    "number_of_tenderers", "award_id", "award_status", "award_date", "award_value_amount", "award_value_currency",
    "supplier_name", "supplier_id", "contract_title", "contract_status", "contract_date_signed", "contract_period_start",
    "contract_period_end", "contract_value_amount", "contract_value_currency", "item_description", "document_url",
)  # fmt: skip
_WORDS = (
    "servicio",
    "suministro",
    "equipo",
    "médico",
    "vial",
    "escolar",
    "obra",
    "reparación",
    "puente",
    "agua",
    "energía",
    "papel",
    "licencia",
    "camión",
    "técnico",
)
_METHODS = ("open", "open", "open", "selective", "limited", "direct")
_CATEGORIES = ("goods", "works", "services")


def write_contracts_flat(path: Path, rows: int, seed: int = 2026) -> None:
    """Write a clean CSV of `rows` contracts, about 440 bytes each, four contracts to a process."""
    dice = random.Random(seed)
    buyers = [
        (f"Ministerio de {dice.choice(_WORDS).title()} {number}", f"8{number:07d}-{number % 10}")
        for number in range(400)
    ]
    suppliers = [
        (f"Empresa {dice.choice(_WORDS).title()} {number} S.A.", f"9{number:07d}-{number % 10}")
        for number in range(20_000)
    ]
    start = date(2024, 1, 1)
    process: tuple[str, ...] = ()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in range(rows):
            if row % 4 == 0:
                opened = start + timedelta(days=dice.randrange(600))
                closed = opened + timedelta(days=20 + dice.randrange(40))
                buyer = dice.choice(buyers)
                title = " ".join(dice.choice(_WORDS) for _ in range(8)).capitalize() + ", lote único"
                value = f"{dice.lognormvariate(11, 1.6):.2f}"
                process = (
                    f"LP-{row // 4:08d}", *buyer, title, "complete", dice.choice(_METHODS), dice.choice(_CATEGORIES), value, "PYG",
                    opened.isoformat(), closed.isoformat(), str(1 + dice.randrange(9)),
                )  # fmt: skip
            supplier = dice.choice(suppliers)
            amount = f"{dice.lognormvariate(10, 1.8):.2f}"
            awarded = closed + timedelta(days=5 + dice.randrange(30))
            signed = awarded + timedelta(days=1 + dice.randrange(15))
            ended = signed + timedelta(days=30 + dice.randrange(600))
            writer.writerow(
                (
                    f"C-{row:09d}", *process, f"A-{row:09d}", "active", awarded.isoformat(), amount, "PYG", *supplier,
                    f"Contrato {row} de {process[3].lower()}", "active", signed.isoformat(), signed.isoformat(), ended.isoformat(),
                    amount, "PYG", "Ítem, " + dice.choice(_WORDS), f"https://www.example.org/contratos/{row:09d}.pdf",
                )
            )  # fmt: skip
