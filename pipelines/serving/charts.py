"""Charts as SVG, drawn on the server by Vega-Lite (vl-convert): no script, no font and no data from elsewhere.

A chart is a picture of a table that stands beside it. It carries a title and a description for those who do not see
it, is dark on white, and prints as it is. What is missing is named where its bar would be; it is never a zero.
"""

import asyncio
import json
import re
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

DRAUGHTSMAN = Path(__file__).with_name("draughtsman.py")
SECONDS = 15
WIDTH, LABELS = 520, 320
SMALL_WIDTH, SMALL_LABELS = 170, 125
"""Pixels of the bars, and of their names; small: for telephones."""

MOST_BARS = 40
LONGEST_LABEL = 42
INK, SOFT, LINE, BLUE = "#1a2433", "#4d5b6e", "#d5dde8", "#123a7d"
FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
"""The engine measures texts with the widths of Liberation Sans, which Arial and Helvetica have too."""

LOCALES = {"es": "es-ES", "en": "en-US", "pt": "pt-BR", "fr": "fr-FR"}
_UNWRITABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""What XML cannot hold: the engine would end its process."""
_PREFERRED = ((10**9, "9"), (10**6, "6"), (10**3, "3"), (1, "0"))


@dataclass(frozen=True, slots=True)
class Point:
    """One group: its name, its value (None when there is none), and the words beside it ("1,234", "no data")."""

    label: str
    value: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. units: power of ten ("0", "3", "6", "9") -> title of the axis in that unit; source: a line below."""

    title: str
    description: str
    points: Sequence[Point]
    units: dict[str, str]
    source: str
    is_line: bool
    language: str
    is_small: bool = False


class ChartError(Exception):
    """The chart could not be drawn; its table can still be shown."""


class Drawing:
    """The process that draws, started when the first chart is asked for and again when it has ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def draw(self, chart: Chart) -> str:
        """The chart as an SVG document of its own. Raises ChartError."""
        return _told(await self._drawn(specification(chart), LOCALES[chart.language]), chart)

    async def _drawn(self, spec: dict[str, Any], locale: str) -> str:
        job = {"spec": spec, "locale": locale}
        async with self._turn:
            try:
                said = await asyncio.wait_for(self._asked(json.dumps(job).encode() + b"\n"), SECONDS)
            except BaseException as error:
                self.close()
                if isinstance(error, TimeoutError | OSError | ValueError):
                    raise ChartError(type(error).__name__) from error
                raise
        if "svg" not in said:
            raise ChartError(said["error"])
        return said["svg"]

    async def _asked(self, line: bytes) -> dict[str, Any]:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(DRAUGHTSMAN), stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={}, limit=2**24,
                close_fds=True, start_new_session=True,
            )  # fmt: skip
            assert self._process.stdout
            json.loads(await self._process.stdout.readline())
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(line)
        return json.loads(await self._process.stdout.readline())

    async def finish(self) -> None:
        """End the process and wait for its end."""
        process = self._process
        self.close()
        if process:
            await process.wait()

    def close(self) -> None:
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._process = None


def specification(chart: Chart) -> dict[str, Any]:
    """The chart in the language of Vega-Lite, with its own data and nothing to load."""
    largest = max((abs(point.value) for point in chart.points if point.value is not None), default=0)
    divisor, power = next(pair for pair in _PREFERRED if largest >= pair[0] * 10 or pair[0] == 1)
    values = [
        {
            "group": _short(point.label),
            "value": None if point.value is None else point.value / divisor,
            "words": _short(point.words),
            "place": place,
        }
        for place, point in enumerate(chart.points)
    ]
    title = {
        "text": textwrap.wrap(_UNWRITABLE.sub("", chart.title), 32 if chart.is_small else 72)[:5],
        "subtitle": textwrap.wrap(_UNWRITABLE.sub("", chart.source), 38 if chart.is_small else 92)[:3],
    }
    width, labels = (SMALL_WIDTH, SMALL_LABELS) if chart.is_small else (WIDTH, LABELS)
    if chart.is_line:
        drawn = _line(values, _short(chart.units[power]), width + 100)
    else:
        drawn = _bars(values, _short(chart.units[power]), width)
    # Where none of the fonts is there, the names of the bars are wider than the engine thinks.
    longest = 0 if chart.is_line else max((len(_short(point.label)) for point in chart.points), default=0)
    padding = {"left": 8 + longest, "right": 14, "top": 8, "bottom": 8}
    config = {**_CONFIG, "axis": {**_CONFIG["axis"], "labelLimit": labels}}
    return {
        **drawn,
        "title": title,
        "data": {"values": values},
        "config": config,
        "background": "white",
        "padding": padding,
    }


def _short(label: str) -> str:
    """A label as Vega writes it: one line, not too long."""
    text = " ".join(_UNWRITABLE.sub("", label).split())
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1].rstrip() + "…"


_CONFIG: dict[str, Any] = {
    "font": FONT,
    "view": {"stroke": None},
    "title": {
        "anchor": "start", "frame": "bounds", "color": INK, "fontSize": 15, "fontWeight": 600, "subtitleColor": SOFT,
        "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 14,
    },
    "axis": {
        "labelColor": INK, "titleColor": SOFT, "gridColor": LINE, "domainColor": SOFT, "tickColor": SOFT,
        "labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal", "titlePadding": 10,
    },
}  # fmt: skip


def _bars(values: list[dict[str, Any]], unit: str, width: int) -> dict[str, Any]:
    order = [each["place"] for each in values]
    names = {"field": "place", "type": "ordinal", "sort": order}
    labels = {str(each["place"]): each["group"] for each in values}
    axis = {
        "title": None, "labelExpr": _expression(labels), "ticks": False, "domain": False, "labelPadding": 8,
    }  # fmt: skip
    length = {
        "field": "value",
        "type": "quantitative",
        "title": unit,
        "axis": {"tickCount": 5 if width > SMALL_WIDTH else 3, "format": ",~r", "domain": False},
        "scale": {"zero": True},
    }
    return {
        "width": width,
        "height": {"step": 26},
        "layer": [
            {
                "transform": [{"filter": "isValid(datum.value)"}],
                "mark": {"type": "bar", "color": BLUE, "height": {"band": 0.72}},
                "encoding": {"y": {**names, "axis": axis}, "x": length},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 12, "color": INK},
                "encoding": {
                    "y": {**names, "axis": axis},
                    "x": {**length, "field": "end"},
                    "text": {"field": "words"},
                },
                "transform": [{"calculate": "isValid(datum.value) ? max(datum.value, 0) : 0", "as": "end"}],
            },
        ],
    }


def _line(values: list[dict[str, Any]], unit: str, width: int) -> dict[str, Any]:
    labels = {str(each["place"]): each["group"] for each in values}
    across = {
        "field": "place",
        "type": "ordinal",
        "sort": [each["place"] for each in values],
        "axis": {"title": None, "labelExpr": _expression(labels), "labelAngle": 0, "labelOverlap": "parity"},
    }
    up = {
        "field": "value",
        "type": "quantitative",
        "title": unit,
        "axis": {"tickCount": 5, "format": ",~r", "domain": False},
        "scale": {"zero": True},
    }
    missing = {
        "transform": [{"filter": "!isValid(datum.value)"}],
        "mark": {
            "type": "text", "angle": 270, "align": "left", "baseline": "middle", "dx": 8, "color": SOFT, "fontSize": 12,
        },
        "encoding": {"x": across, "y": {"datum": 0}, "text": {"field": "words"}},
    }  # fmt: skip
    lined = {
        "mark": {
            "type": "line", "color": BLUE, "strokeWidth": 2.5, "invalid": "break-paths-filter-domains",
            "point": {"filled": True, "size": 60, "color": BLUE},
        },
        "encoding": {"x": across, "y": up},
    }  # fmt: skip
    return {"width": width, "height": 280, "layer": [lined, missing]}


def _expression(labels: dict[str, str]) -> str:
    """A Vega expression that names the places of an axis: texts in it are JSON, whatever they hold."""
    return f"({json.dumps(labels)})[datum.value]"


def _told(svg: str, chart: Chart) -> str:
    """The SVG with a title and a description, as an image with a name, of the width that there is."""
    head, _end, rest = svg.partition(">")
    head = re.sub(r' class="marks"', ' class="chart"', head, count=1)
    names = f' role="img" aria-labelledby="chart-title chart-desc" lang="{chart.language}"'
    told = f'<title id="chart-title">{_xml(chart.title)}</title><desc id="chart-desc">{_xml(chart.description)}</desc>'
    # Marks with roles of their own would be read out one by one beside the description.
    rest = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", rest)
    return f"{head}{names}>{told}{rest}"


def _xml(text: str) -> str:
    """Text of an XML document."""
    return escape(_UNWRITABLE.sub("", text))
