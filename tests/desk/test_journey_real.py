"""A dirty workbook that people really published, from its arrival to the receipt, through the pages."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import workflow
from pipelines.desk import Desk, Person
from pipelines.desk.receipts import receipt
from pipelines.store import State
from tests.desk.conftest import as_actor
from tests.desk.test_journey import work

BOOK = "real/xlsx-peru-osce-conosce/DATA_CONSOLIDADA_120.xlsx"
CORRECTED = {
    "tables": [
        {
            "file": "*.xlsx",
            "table": "contracts_flat",
            "columns": {
                "contract_id": "RUCProveedor",
                "local_process_id": "RUCProveedor",
                "buyer_name": {"value": "Estado peruano"},
                "tender_title": "Proveedor",
                "supplier_name": "Proveedor",
                "contract_date_signed": "Fecha de InscripciÃ³n",
                "contract_value_amount": "Moto Adjudicado (millones de soles).",
                "contract_value_currency": {"value": "PEN"},
            },
        }
    ]
}
"""What she says of the columns where the system did not understand them."""


async def test_a_real_workbook_is_understood_approved_and_published(
    desk: Desk, people: Mapping[str, Person], pages: Any, shared: Path
) -> None:
    person = desk.people.add("lima@example.org", "Persona de Lima", "approver", "PER", "es")
    actor = as_actor(person)

    def arrive(instructions: dict[str, Any]) -> str:
        identifier, folder = desk.arrivals.new_folder()
        shutil.copyfile(shared / BOOK, folder / "DATA_CONSOLIDADA_120.xlsx")
        desk.arrivals.add(identifier, "PER", person.actor, period="2023", instructions=instructions)
        work(desk)
        return str(desk.arrivals.get(identifier).submission_id)

    first = arrive({})
    answer = await pages.get(f"/submissions/{first}", actor=actor)
    assert "Hay que corregir" in answer.text and "/arrivals/" in answer.text and len(answer.content) < 100_000
    await pages.get(f"/submissions/{first}/files/marked", actor=actor)
    work(desk)
    marked = await pages.get(f"/submissions/{first}/files/marked", actor=actor)
    assert marked.content.startswith(b"PK") and ".xlsx" in marked.headers["content-disposition"]
    second = arrive(CORRECTED)
    assert desk.site.ledger.submission(second).state is State.READY
    await pages.get(f"/submissions/{second}/preview", actor=actor)
    work(desk)
    answer = await pages.get(f"/submissions/{second}/preview", actor=actor)
    assert "PEN" in answer.text and "120" in answer.text
    form = {"work": re.search(r'name="work" value="([^"]+)"', answer.text)[1]}  # type: ignore[index]
    await pages.post(f"/submissions/{second}/approve", actor=actor, data=form)
    work(desk)
    workflow.publish(desk.site)
    answer = await pages.get(f"/submissions/{second}/receipt", actor=actor)
    entry = desk.site.ledger.submission(second)
    assert (
        entry.state is State.PUBLISHED
        and entry.rows_accepted == 120
        and all(
            each["sha256"] in answer.text for each in receipt(desk, str(entry.submission_id), "")["files"]
        )
    )
    answer = await pages.get(f"/submissions/{second}/history", actor=actor)
    assert "Publicado en la entrega" in answer.text
