"""The table of the validation benchmarks: 25 columns of every common type, keys, the same bytes everywhere.

A package of two resources: ``contracts`` (primary key, a unique column, two foreign keys) and ``organisations``.
"""

import csv
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

ORGANISATIONS = 20_000
STATUSES = ("planned", "active", "complete", "cancelled", "terminated", "withdrawn")
METHODS = ("open", "selective", "limited", "direct")
CATEGORIES = ("goods", "works", "services")
TYPES = ("framework", "single", "lease")
COUNTRIES = ("ARG", "BOL", "BRA", "CAN", "CHL", "COL", "CRI", "ECU", "GTM", "MEX", "PER", "PRY", "URY")
CURRENCIES = ("USD", "BRL", "CLP", "COP", "MXN", "PEN", "PYG")
_WORDS = (
    "servicio", "suministro", "equipo", "médico", "vial", "escolar", "obra", "reparación", "puente", "agua", "energía", "papel",
    "licencia", "camión", "técnico", "São Paulo", 'marca "Sol"', "lote 2,", "anexo\nsegundo",
)  # fmt: skip
DIRT = {
    "amount": "doce", "number_of_tenderers": "3.5", "signed_at": "31/12/2025", "updated_at": "2025-13-01T00:00:00Z", "is_urgent": "quizás",
    "fiscal_year": "25", "document_url": "www.example.org", "title": "", "status": "abierto", "cpv": "4500000-X", "ocid": "",
    "vat_amount": "-1", "country": "Perú", "supplier_name": "é" * 250, "starts_on": "2025-2-30", "currency": "usd",
}  # fmt: skip
"""Column -> a cell that its field refuses: sixteen kinds; `DIRTY_ROWS` are seven more."""
DIRTY_ROWS = (
    "duplicate id",
    "no such buyer",
    "extra cell",
    "missing cells",
    "blank line",
    "empty cells",
    "odd but right",
)


def schema() -> dict[str, Any]:
    """Table Schema of ``contracts``."""

    def field(name: str, kind: str = "string", form: str | None = None, **constraints: Any) -> dict[str, Any]:
        told: dict[str, Any] = {"name": name, "type": kind}
        if form:
            told["format"] = form
        return told | ({"constraints": constraints} if constraints else {})

    return {
        "fields": [
            field("id", required=True, unique=True, pattern="C-[0-9]{9}"),
            field("ocid", required=True, pattern="ocds-[0-9a-z]{6}-[0-9]{8}"),
            field("title", required=True, maxLength=400),
            field("description"),
            field("status", required=True, enum=list(STATUSES)),
            field("method", enum=list(METHODS)),
            field("category", enum=list(CATEGORIES)),
            field("contract_type", enum=list(TYPES)),
            field("cpv", pattern="[0-9]{8}-[0-9]"),
            field("buyer_id", required=True),
            field("buyer_name"),
            field("supplier_id", required=True),
            field("supplier_name", maxLength=200),
            field("country", enum=list(COUNTRIES)),
            field("amount", "number", minimum=0, maximum=1_000_000_000_000),
            field("currency", enum=list(CURRENCIES)),
            field("vat_amount", "number", minimum=0),
            field("number_of_tenderers", "integer", minimum=0, maximum=500),
            field("fiscal_year", "year", minimum=2000, maximum=2035),
            field("published_on", "date"),
            field("signed_at", "date", required=True),
            field("starts_on", "date"),
            field("updated_at", "datetime"),
            field("is_urgent", "boolean"),
            field("document_url", "string", "uri"),
        ],
        "primaryKey": ["id"],
        "foreignKeys": [
            {"fields": [name], "reference": {"resource": "organisations", "fields": ["id"]}}
            for name in ("buyer_id", "supplier_id")
        ],
    }


def package(file: str, *, keys: bool = True) -> dict[str, Any]:
    """Data package descriptor of a file beside ``organisations.csv``; without foreign keys when told so."""
    table = schema()
    if not keys:
        del table["foreignKeys"]
    contracts: dict[str, Any] = {"name": "contracts", "path": file, "schema": table}
    plain = {"dialect": {"csv": {"delimiter": ","}}, "encoding": "utf-8"}
    if file.endswith(".csv"):
        contracts |= plain
    organisations = {"name": "organisations", "path": "organisations.csv", **plain}
    organisations["schema"] = {
        "fields": [{"name": "id", "type": "string"}, {"name": "name", "type": "string"}],
        "primaryKey": ["id"],
    }
    return {"name": "benchmark", "resources": [contracts, *([organisations] if keys else [])]}


def columns() -> list[str]:
    return [each["name"] for each in schema()["fields"]]


def rows(count: int, seed: int = 2026) -> Iterator[list[str]]:
    """Clean rows, about 440 bytes each as CSV."""
    dice = random.Random(seed)
    pick, number = dice.choice, dice.random
    start = date(2023, 1, 1)
    days = [(start + timedelta(days=each)).isoformat() for each in range(1_200)]
    titles = [" ".join(pick(_WORDS) for _ in range(9)).capitalize() for _ in range(5_000)]
    for row in range(count):
        day = int(number() * 1_000)
        buyer, supplier = int(number() ** 2 * ORGANISATIONS), int(number() * ORGANISATIONS)
        amount = 100 + number() ** 4 * 5_000_000
        yield [
            f"C-{row:09d}", f"ocds-ab12cd-{row // 3:08d}", f"{pick(titles)} {row}", pick(titles), pick(STATUSES), pick(METHODS), pick(CATEGORIES), pick(TYPES),
            f"{int(number() * 1e8):08d}-{row % 10}", f"ORG-{buyer:06d}", f"Ministerio {buyer} de {_WORDS[buyer % 15]}", f"ORG-{supplier:06d}",
            f"Empresa {supplier} S.A.", pick(COUNTRIES), f"{amount:.2f}", pick(CURRENCIES), f"{amount * 0.18:.2f}", str(1 + int(number() * 12)), days[day][:4], days[day],
            days[day + 30], days[day + 45], f"{days[day + 60]}T{row % 24:02d}:{row % 60:02d}:00Z", "true" if row % 7 == 0 else "false", f"https://www.example.org/contratos/{row:09d}.pdf",
        ]  # fmt: skip


def write_organisations(folder: Path) -> None:
    with (folder / "organisations.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "name"))
        writer.writerows((f"ORG-{each:06d}", f"Organización {each}") for each in range(ORGANISATIONS))


def write_csv(path: Path, count: int, *, dirty: bool = False) -> None:
    """The table as CSV; dirty: 0.01 % of the rows for each of 23 kinds of trouble."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns())
        if not dirty:
            writer.writerows(rows(count))
            return
        dice = random.Random(7)
        kinds = (*DIRT, *DIRTY_ROWS)
        for row in rows(count):
            if dice.random() >= 0.0001 * len(kinds):
                writer.writerow(row)
            else:
                _write_dirty(file, writer, row, dice.choice(kinds))


def _write_dirty(file: Any, writer: Any, row: list[str], kind: str) -> None:
    match kind:
        case "duplicate id":
            row[0] = "C-000000001"
        case "no such buyer":
            row[9] = "ORG-999999"
        case "extra cell":
            row.append("?")
        case "missing cells":
            del row[20:]
        case "blank line":
            file.write("\n")
        case "empty cells":
            row = [""] * len(row)
        case "odd but right":
            row[14], row[17] = " 1e5 ", "٣"
        case _:
            row[columns().index(kind)] = DIRT[kind]
    writer.writerow(row)


def write_xlsx(path: Path, count: int) -> None:
    """The table as a workbook with typed cells: numbers, dates with a format, truths, shared strings."""
    # Without constant_memory, which would write texts into the cells: Excel itself shares them.
    book = Workbook(str(path))
    sheet = book.add_worksheet("contracts")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    epoch = date(1899, 12, 30)
    sheet.write_row(0, 0, columns())
    kinds = [each["type"] for each in schema()["fields"]]
    for number, row in enumerate(rows(count), start=1):
        for place, (kind, cell) in enumerate(zip(kinds, row, strict=True)):
            if kind in ("integer", "number", "year"):
                sheet.write_number(number, place, float(cell))
            elif kind == "date":
                sheet.write_number(number, place, (date.fromisoformat(cell) - epoch).days, day)
            elif kind == "boolean":
                sheet.write_boolean(number, place, cell == "true")
            else:
                sheet.write_string(number, place, cell)
    book.close()
