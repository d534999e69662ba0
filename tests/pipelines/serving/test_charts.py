"""Charts are pictures with a name and a description, of any text, and what is missing is not drawn as a zero."""

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from pipelines.serving.charts import Chart, ChartError, Drawing, Point, specification

UNITS = {
    "0": "Contratos",
    "3": "Contratos (miles)",
    "6": "Contratos (millones)",
    "9": "Contratos (miles de millones)",
}
HOSTILE = (
    "<script>alert(1)</script>",
    "a\0b\x0b",
    "\ufffe\uffff\ud800",
    "😀 é 漢字",
    "${1+1}`'\"\\",
    "](x)",
    "x" * 5000,
    "\u2028\n",
    "",
)


def chart(
    *points: Point,
    is_line: bool = False,
    title: str = "Contratos",
    language: str = "es",
    is_small: bool = False,
) -> Chart:
    return Chart(title, "Descripción", points, UNITS, "Fuente", is_line, language, is_small)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def drawing(runner: asyncio.Runner) -> Iterator[Drawing]:
    made = Drawing()
    yield made
    runner.run(made.finish())


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("is_line", [False, True])
def test_missing_is_named_and_has_no_mark(drawing: Drawing, runner: asyncio.Runner, is_line: bool) -> None:
    points = (Point("2021", 5.0, "5"), Point("2022", None, "sin datos"), Point("2023", 0.0, "0"))
    svg = runner.run(drawing.draw(chart(*points, is_line=is_line)))
    assert "sin datos" in texts(svg) and {"2021", "2022", "2023"} <= set(texts(svg))
    marks = re.findall(r'<g class="mark-(?:rect|symbol) role-mark[^"]*"[^>]*>(.*?)</g>', svg)
    assert max(mark.count("<path") for mark in marks) == 2


def test_any_text_is_drawn_as_text(drawing: Drawing, runner: asyncio.Runner) -> None:
    points = [Point(text, value, text) for text in HOSTILE for value in (3.0, None)]
    svg = runner.run(drawing.draw(chart(*points, title=" ".join(HOSTILE))))
    root = ET.fromstring(svg)
    kinds = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert kinds <= {"svg", "g", "path", "rect", "text", "tspan", "line", "title", "desc", "defs", "clipPath"}
    assert root.get("role") == "img" and root[0].tag.endswith("title") and root[1].tag.endswith("desc")
    assert not re.search(r"\s(?:on\w+|style|href|xlink:href|src)=", svg)


def test_numbers_are_written_as_the_language_does(drawing: Drawing, runner: asyncio.Runner) -> None:
    for language, sign in (("es", "."), ("en", ","), ("pt", "."), ("fr", "\u00a0")):
        svg = runner.run(drawing.draw(chart(Point("a", 9000.0, ""), language=language)))
        assert f"2{sign}000" in texts(svg)


def test_large_numbers_are_counted_in_a_unit() -> None:
    spec = specification(chart(Point("a", 5e10, "")))
    assert spec["data"]["values"][0]["value"] == 50 and UNITS["9"] in str(spec)
    assert specification(chart(Point("a", 9.0, "")))["data"]["values"][0]["value"] == 9


def test_a_process_that_ends_is_started_again(runner: asyncio.Runner) -> None:
    async def both() -> str:
        own = Drawing()
        await own.draw(chart(Point("a", 1.0, "1")))
        assert own._process
        own._process.kill()
        await own._process.wait()
        try:
            return await own.draw(chart(Point("a", 1.0, "1")))
        finally:
            await own.finish()

    assert "<svg" in runner.run(both())


def test_what_cannot_be_drawn_is_told(drawing: Drawing, runner: asyncio.Runner) -> None:
    with pytest.raises(ChartError):
        runner.run(drawing._drawn({"mark": 5}, "es-ES"))
