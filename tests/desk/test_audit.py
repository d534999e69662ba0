"""The Secretariat's page of what happened."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from pipelines import workflow
from pipelines.desk import Desk, Person
from tests.desk.conftest import as_actor
from tests.pipelines.test_workflow import BAD, ONE, flat


async def test_what_happened_is_the_secretariats(pages: Any, people: Mapping[str, Person]) -> None:
    for path in ("/audit", "/audit.jsonl"):
        assert (await pages.get(path)).status_code == 302
        assert (await pages.get(path, actor=as_actor(people["approver"]))).status_code == 403
    assert "/audit" in (await pages.get("/", actor=as_actor(people["secretariat"]))).text


async def test_events_are_found_and_exported(
    desk: Desk, pages: Any, people: Mapping[str, Person], tmp_path: Path
) -> None:
    workflow.submit(desk.site, [flat(tmp_path / "b.csv", ONE, BAD)], "HND")
    desk.site.ledger.note("BRA", actor=people["secretariat"].actor, reason="<script>x</script>")
    seen, events = as_actor(people["secretariat"]), desk.site.ledger.events()

    async def found(query: str) -> list[dict[str, Any]]:
        told = await pages.get(f"/audit.jsonl?{query}", actor=seen)
        return [json.loads(line) for line in told.text.splitlines()]

    assert [each["id"] for each in await found("")] == [each.id for each in events]
    assert [each["member"] for each in await found("member=BRA")] == ["BRA"]
    assert [each["to_state"] for each in await found("action=needs_work")] == ["needs_work"]
    assert [each["to_state"] for each in await found("action=note")] == [None]
    assert len(await found(f"submission={events[0].submission_id[:8]}")) == len(events) - 1  # type: ignore[index]
    day = events[0].at.date().isoformat()
    assert len(await found(f"from={day}")) == len(events) and await found("until=2001-01-01") == []
    assert len(await found("from=x&until=9999-12-31&action=nothing")) == len(events)
    page = await pages.get("/audit", actor=seen)
    assert (
        "The log is whole" in page.text
        and "<script>x" not in page.text
        and "Persona secretariat" in page.text
    )


async def test_pages_and_a_broken_chain(desk: Desk, pages: Any, people: Mapping[str, Person]) -> None:
    for number in range(130):
        desk.site.ledger.note("HND", actor="person:1", reason=f"nr {number:03}")
    seen = as_actor(people["administrator"])
    first = await pages.get("/audit?member=HND", actor=seen)
    assert "nr 129" in first.text and "nr 030" in first.text and "nr 029" not in first.text
    assert "before=31" in first.text and ">Older<" in first.text
    older = await pages.get("/audit?member=HND&before=31", actor=seen)
    assert "nr 029" in older.text and "nr 030" not in older.text and ">Older<" not in older.text
    with desk.database.write() as connection:
        connection.execute(text("DROP TRIGGER events_no_update"))
        connection.execute(text("UPDATE events SET reason = 'other' WHERE id = 7"))
    assert "broken at event 7" in (await pages.get("/audit", actor=seen)).text
