"""Text in the wrong encoding: what is repaired, what is lost, and what is left alone."""

import json
from typing import Any

import pyarrow as pa
import pytest

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.validation.garbled import MAX_REPAIR, check_garbled_text, judge_text
from pipelines.validation.workspace import Workspace


def judged(text: str) -> list[tuple[str, dict[str, Any]]]:
    return [(code, json.loads(parameters)) for code, parameters in judge_text(text)]


GARBLED = [
    ("LicitaciÃ³n pÃºblica", "LicitaciÃ³n", "Licitación"),
    ("Obras en EspaÃ±a", "EspaÃ±a", "España"),
    ("ASSOCIÃ‰S INC.", "ASSOCIÃ‰S", "ASSOCIÉS"),
    ("Rua das AcÃ¡cias NÂº 944", "AcÃ¡cias", "Acácias"),
    ("vis Ã  vis du marchÃ©", "Ã", "à"),
    ("the supplierâ€™s offer", "supplierâ€™s", "supplier’s"),
]


@pytest.mark.parametrize(("text", "found", "repaired"), GARBLED)
def test_garbled_text_comes_with_its_repair(text: str, found: str, repaired: str) -> None:
    ((code, parameters),) = judged(text)
    assert (code, parameters["found"], parameters["repaired"]) == ("text-garbled", found, repaired)
    assert repaired in parameters["repair"] and "Ã" not in parameters["repair"]
    assert judged(parameters["repair"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "Selecci�n Abreviada",
        "evaluaci?n de ofertas",
        "A?O 2020",
        "PREVENCIÃ?N",
        "IMOBILIÃ�RIOS",
        "contrataci??n",
    ],
)
def test_lost_letters_have_no_repair(text: str) -> None:
    ((code, parameters),) = judged(text)
    assert code == "text-lost" and parameters["found"] in text and set(parameters) == {"found"}


@pytest.mark.parametrize(
    "text",
    [
        "LICITAÇÃO PÚBLICA Nº 5", "AÇÃO DE SAÚDE", "Âmbito e Ângulo", "pâte à papier, château", "São João da Barra", "ÃO",
        "https://example.org/detalle?id=5", "www.example.org/ficha.php?cp=22", "Desks? Chairs? Lamps?", "¿Cuántos?", "5?6",
        "Wäsche für Ärzte", "5 µm – 10 °C", "√2 m", "日本語", "e-mail?to=a",
    ],
)  # fmt: skip
def test_sound_text_is_left_alone(text: str) -> None:
    assert judged(text) == []


def test_a_very_long_text_is_told_without_a_proposal_to_put_in_its_place() -> None:
    ((code, parameters),) = judged("LicitaciÃ³n " * MAX_REPAIR)
    assert code == "text-garbled" and "repair" not in parameters and parameters["repaired"] == "Licitación"


def test_the_database_finds_what_is_to_be_judged(catalogue: Catalogue) -> None:
    con = connect(memory_limit="500MB", threads=1)
    texts = [text for text, _, _ in GARBLED] + ["Selecci�n", "evaluaci?n de", "A?O", "LICITAÇÃO"]
    try:
        space = Workspace(con, catalogue, catalogue.package_type("procurement"))
        con.register(
            "sent",
            pa.table(
                {
                    "tender_title": texts,
                    "source_file": ["a.csv"] * len(texts),
                    "source_row_number": range(len(texts)),
                }
            ),
        )
        space.add_table("processes", "SELECT * FROM sent", ["tender_title"])
        check_garbled_text(space, catalogue.package_type("procurement").table("processes"))
        counts = {each.code: each.count for each in space.groups()}
    finally:
        con.close()
    assert counts == {"text-garbled": len(GARBLED), "text-lost": 3}


def test_cells_are_named_and_only_text_is_looked_at(catalogue: Catalogue) -> None:
    con = connect(memory_limit="500MB", threads=1)
    try:
        space = Workspace(con, catalogue, catalogue.package_type("procurement"))
        rows = [
            {
                "ocid": "1",
                "tender_title": "LicitaciÃ³n",
                "tender_description": "Mesas",
                "tender_status": "Ã³",
            },
            {
                "ocid": "2",
                "tender_title": "Licitación",
                "tender_description": "evaluaci?n",
                "tender_status": None,
            },
            {"ocid": "3", "tender_title": "LicitaciÃ³n", "tender_description": None, "tender_status": None},
        ]
        table = pa.Table.from_pylist(
            [{**row, "source_file": "a.csv", "source_row_number": int(row["ocid"]) + 1} for row in rows]
        )
        con.register("sent", table)
        space.add_table(
            "processes", "SELECT * FROM sent", ["ocid", "tender_title", "tender_description", "tender_status"]
        )
        check_garbled_text(space, catalogue.package_type("procurement").table("processes"))
        groups = {(each.code, each.field): each for each in space.groups()}
    finally:
        con.close()
    assert set(groups) == {("text-garbled", "tender_title"), ("text-lost", "tender_description")}
    garbled = groups["text-garbled", "tender_title"]
    assert [example.row_number for example in garbled.examples] == [2, 4]
    assert garbled.examples[0].parameters["repair"] == "Licitación"
