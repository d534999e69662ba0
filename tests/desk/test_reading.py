"""What was understood of a file: shown, corrected in the page, read anew, and remembered for the next file of the same form."""

import io
import re
from collections.abc import Mapping
from typing import Any

import openpyxl
import pytest

from pipelines.desk import Desk, Person
from pipelines.desk.arrivals import Arrival
from pipelines.desk.reading import SourceRead, sources_read
from pipelines.desk.staging import stage_arrival
from pipelines.intake import read_staged
from pipelines.intake.labels import fold
from pipelines.store import State
from tests.desk.conftest import as_actor
from tests.desk.test_sending import post

HEADINGS = ["Nro", "Proveedor", "Objeto", "Importe total", "Firmado el", "Notas"]
ROWS = [
    ["HN-1", "Ferretería Ñandú", "Cemento", "1.234,50", "03/04/2024", "x"],
    ["HN-2", "Papelería Sol", "Papel", "99,00", "05/04/2024", "y"],
]
RIGHT = {
    "Nro": "contract_id",
    "Proveedor": "Nombre del proveedor",
    "Objeto": "contract_title",
    "Importe total": "contract_value_amount",
    "Firmado el": "contract_date_signed",
    "Notas": "",
}


def book(title: str = "Contratos 2024", more: tuple[str, ...] = ()) -> bytes:
    """A sheet with a title above its headings, and a sheet that is no data."""
    made, target = openpyxl.Workbook(), io.BytesIO()
    sheet = made.active
    assert sheet is not None
    sheet.title = "Hoja1"
    for row in ([title], [], [*HEADINGS, *more], *([*row, *more] for row in ROWS)):
        sheet.append(row)
    other = made.create_sheet("Resumen")
    for row in (["contract_id", "title", "Total"], ["x", "y", "2"]):
        other.append(row)
    made.save(target)
    return target.getvalue()


async def arrive(pages: Any, desk: Desk, person: Person, name: str, data: bytes) -> Arrival:
    answer = await post(pages, person, [(name, data)], period="2024")
    return _staged(desk, answer.headers["location"])


def _staged(desk: Desk, address: str) -> Arrival:
    found = desk.arrivals.get(address.removeprefix("/arrivals/"))
    stage_arrival(desk, found)
    return desk.arrivals.get(found.id)


def _sources(desk: Desk, arrival: Arrival) -> Mapping[str | None, SourceRead]:
    assert arrival.submission_id
    return {each.head.sheet: each for each in sources_read(desk.site, arrival.submission_id)[1]}


def _typed(source: SourceRead, told: Mapping[str, str]) -> dict[str, str]:
    return {f"c{at}": told[column.heading] for at, column in enumerate(source.columns)}


def _fields(source: SourceRead) -> dict[str, str | None]:
    return {column.heading: column.field for column in source.columns}


async def correct(pages: Any, desk: Desk, person: Person, arrival: Arrival, number: int, **told: str) -> Any:
    answer = await pages.post(f"/arrivals/{arrival.id}/reading/{number}", data=told, actor=as_actor(person))
    return _staged(desk, answer.headers["location"]) if answer.status_code == 302 else answer


async def test_a_reading_is_corrected_step_by_step_and_remembered(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    first = await arrive(pages, desk, person, "enero.xlsx", book())
    page = await pages.get(f"/arrivals/{first.id}", actor=as_actor(person))
    assert f"/arrivals/{first.id}/reading/0" in page.text
    source = _sources(desk, first)["Hoja1"]
    form = await pages.get(f"/arrivals/{first.id}/reading/{source.number}", actor=as_actor(person))
    assert "Ferretería Ñandú" in form.text and "Importe total" in form.text

    told = {"table": "contracts_flat", "heading_row": "3", "date_order": "dmy", "decimal": ","}
    second = await correct(pages, desk, person, first, source.number, remember="1", **told)
    assert second.submission_id != first.submission_id
    assert desk.site.ledger.submission(first.submission_id).state is State.WITHDRAWN
    source = _sources(desk, second)["Hoja1"]
    assert (source.table, source.heading_row, source.rows) == ("contracts_flat", 3, 2)

    said = {
        **told,
        **_typed(source, RIGHT),
        "field0": "contract_value_currency",
        "value0": "HNL",
        "field1": "local_process_id",
        "from1": "0",
    }
    third = await correct(pages, desk, person, second, source.number, remember="1", **said)
    source = _sources(desk, third)["Hoja1"]
    assert _fields(source) == {
        "Nro": "contract_id",
        "Proveedor": "supplier_name",
        "Objeto": "contract_title",
        "Importe total": "contract_value_amount",
        "Firmado el": "contract_date_signed",
        "Notas": None,
    }
    assert source.further == {"contract_value_currency": "HNL", "local_process_id": 0}
    summary = _sources(desk, third)["Resumen"]
    fourth = await correct(pages, desk, person, third, summary.number, remember="1", skip="1")
    assert _sources(desk, fourth)["Resumen"].skipped and not _sources(desk, fourth)["Resumen"].rows
    assert _fields(_sources(desk, fourth)["Hoja1"]) == _fields(source)
    staged = read_staged(desk.site.zones.staged_folder(fourth.submission_id))
    assert [table.name for table in staged.tables] == ["contracts_flat"]
    assert any(finding.code == "file-ignored" for finding in staged.findings)

    # The next month: another name, another title, a row less above the headings, one column more.
    later = await arrive(pages, desk, person, "febrero 2024.xlsx", book("Contratos de febrero", ("Región",)))
    again = _sources(desk, later)
    assert _fields(again["Hoja1"])["Proveedor"] == "supplier_name" and again["Resumen"].skipped
    assert again["Hoja1"].further == source.further
    page = await pages.get(f"/arrivals/{later.id}", actor=as_actor(person))
    assert f"/arrivals/{later.id}/forget" in page.text

    answer = await pages.post(f"/arrivals/{later.id}/forget", actor=as_actor(person))
    plain = _staged(desk, answer.headers["location"])
    assert not _sources(desk, plain)["Resumen"].skipped and not desk.readings.of_arrival(plain.id)
    assert desk.readings.of_member("HND") == ()


async def test_columns_change_places(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    person = people["submitter"]
    data = b"contract_id,title,description\n1,a,b\n"
    arrival = await arrive(pages, desk, person, "a.csv", data)
    (source,) = _sources(desk, arrival).values()
    told = {"contract_id": "contract_id", "title": "description", "description": "title"}
    changed = await correct(
        pages, desk, person, arrival, 0, table=source.table or "", heading_row="1", **_typed(source, told)
    )
    (source,) = _sources(desk, changed).values()
    assert _fields(source) == told
    # And back again, from what was told.
    told = {name: name for name in told}
    back = await correct(
        pages, desk, person, changed, 0, table=source.table or "", heading_row="1", **_typed(source, told)
    )
    (source,) = _sources(desk, back).values()
    assert _fields(source) == told and desk.readings.of_member("HND") == ()


async def test_the_second_of_two_alike_is_not_taken_for_the_first(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    arrival = await arrive(pages, desk, person, "a.csv", b"contract_id,title,title\n1,first,second\n")
    (source,) = _sources(desk, arrival).values()
    assert [(each.field, each.repeated) for each in source.columns] == [
        ("contract_id", False), ("title", False), (None, True),
    ]  # fmt: skip
    page = await pages.get(f"/arrivals/{arrival.id}/reading/0", actor=as_actor(person))
    assert 'name="c1"' in page.text and 'name="c2"' not in page.text
    told = {"table": source.table or "", "heading_row": "1", "c0": "contract_id", "c1": "title", "c2": ""}
    again = await correct(pages, desk, person, arrival, 0, **told)
    (source,) = _sources(desk, again).values()
    assert [each.field for each in source.columns] == ["contract_id", "title", None]
    refused = await correct(pages, desk, person, again, 0, **told, field0="description", from0="2")
    assert refused.status_code == 400 and "columna C" in refused.text


async def test_long_headings_are_spoken_of_whole(
    pages: Any, desk: Desk, people: Mapping[str, Person]
) -> None:
    person = people["submitter"]
    long = (
        "Descripción general del objeto del contrato tal como figura en el pliego de condiciones y en letras"
    )
    data = f"contract_id,title,{long} A,{long} B\n1,t,a,b\n".encode()
    arrival = await arrive(pages, desk, person, "a.csv", data)
    (source,) = _sources(desk, arrival).values()
    told = {"table": source.table or "", "heading_row": "1", "c0": "contract_id", "c1": "title", "c2": ""}
    again = await correct(pages, desk, person, arrival, 0, **told, c3="description")
    (source,) = _sources(desk, again).values()
    assert [each.field for each in source.columns] == ["contract_id", "title", None, "description"]
    assert len(source.columns[3].heading) > 80


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (f"{','.join(HEADINGS)}\n1,1,1,1,1,1\n{','.join(HEADINGS)} 2\n2,2,2,2,2,2\n".encode(), {"heading_row": "3"}),
        ("contract_id;Año;Título\n1;2024;Cal\n".encode("cp850"), {"heading_row": "1", "encoding": "cp850"}),
    ],
    ids=["another row", "another encoding"],
)  # fmt: skip
async def test_what_is_remembered_are_the_headings_of_the_corrected_reading(
    pages: Any, desk: Desk, people: Mapping[str, Person], data: bytes, told: Mapping[str, str]
) -> None:
    person = people["submitter"]
    arrival = await arrive(pages, desk, person, "a.csv", data)
    told = {"table": "contracts_flat", "delimiter": ";" if b";" in data else ",", **told}
    again = await correct(pages, desk, person, arrival, 0, remember="1", **told)
    (source,) = _sources(desk, again).values()
    (remembered,) = desk.readings.of_member("HND")
    assert remembered.labels == tuple(fold(each.heading) for each in source.columns)
    later = await arrive(pages, desk, person, "b.csv", data.replace(b"1", b"7"))
    assert desk.readings.of_arrival(later.id) == (remembered.id,)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"c1": "<b>no such field</b>"}, "&lt;b&gt;no such field&lt;/b&gt;"),
        ({"c1": "contract_id"}, "Identificador del contrato"),
        ({"field0": "title", "from0": "99"}, "No existe el campo"),
        ({"field0": "title", "value0": "x"}, "Dos columnas"),
        ({"heading_row": "-1"}, "1, 2, 3"),
        ({"heading_row": "9" * 400}, "1, 2, 3"),
        ({"heading_row": "²"}, "1, 2, 3"),
    ],
)
async def test_what_cannot_be_followed_is_told(
    pages: Any, desk: Desk, people: Mapping[str, Person], told: Mapping[str, str], shown: str
) -> None:
    person = people["submitter"]
    arrival = await arrive(pages, desk, person, "a.csv", b"contract_id,title,description\n1,a,b\n")
    (source,) = _sources(desk, arrival).values()
    kept = _typed(source, {name: name for name in ("contract_id", "title", "description")})
    answer = await correct(pages, desk, person, arrival, 0, **{"heading_row": "1", **kept, **told})
    assert answer.status_code == 400 and 'role="alert"' in answer.text
    alert = answer.text.split('role="alert"')[1].split("</p>")[0]
    assert re.search(shown, alert) and len(desk.arrivals.of_member("HND")) == 1


async def test_whose_file_it_is(pages: Any, desk: Desk, people: Mapping[str, Person]) -> None:
    arrival = await arrive(pages, desk, people["submitter"], "a.csv", b"contract_id,title\n1,a\n")
    address = f"/arrivals/{arrival.id}/reading/0"
    answers = {who: (await pages.get(address, actor=as_actor(people[who]))).status_code for who in people}
    assert answers == {
        "reader": 403, "submitter": 200, "approver": 200, "second": 200,
        "secretariat": 403, "administrator": 403, "other": 404,
    }  # fmt: skip
    answer = await pages.post(address, data={"skip": "1"}, actor=as_actor(people["other"]))
    assert answer.status_code == 404 and len(desk.arrivals.of_member("HND")) == 1
    missing = await pages.get(f"/arrivals/{arrival.id}/reading/7", actor=as_actor(people["submitter"]))
    assert missing.status_code == 404
