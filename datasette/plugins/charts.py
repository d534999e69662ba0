"""``/v/<release>/chart.svg?…``: the answer of a guided query as a picture, the same for ever, kept by caches."""

from collections import OrderedDict
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.serving.answers import Answer
from pipelines.serving.charts import MOST_BARS, Chart, ChartError, Drawing, Point
from pipelines.serving.workers import SqlRefusedError

MOST_CHARTS = 3
"""Charts on a page: one for each currency, since amounts of two currencies have no common axis."""

KEPT = 200
SHOWN = 80
FOREVER, FOR_NOW = "public, max-age=31536000, immutable", "public, max-age=60"
TELLING_CUT = 12
"""Groups that a description names; the table beside the chart has all."""


def chart_addresses(telling: Any, answer: Answer) -> list[dict[str, str]]:
    """The charts of an answer: address, and the words for those who do not see it."""
    if not answer.n or telling.question.by == "none":
        return []
    currencies = [""] if telling.question.measure == "count" else answer.currencies[:MOST_CHARTS]
    charts = []
    for currency in currencies:
        more = {"axis": currency} if currency else {}
        chart = chart_of(telling, answer, currency)
        charts.append(
            {
                "address": telling.address(form="chart.svg", **more, _lang=telling.site.language),
                "small": telling.address(form="chart.svg", **more, size="small", _lang=telling.site.language),
                "title": chart.title,
                "description": chart.description,
                "drawn": min(len(telling.told_apart(answer)[0]), MOST_BARS),
            }
        )
    return charts


def chart_of(telling: Any, answer: Answer, currency: str, is_small: bool = False) -> Chart:
    """The chart of an answer; currency: of the amounts, "" for a chart of numbers of rows."""
    _, question = telling._, telling.question
    points = []
    drawn, absent_members = telling.told_apart(answer)
    for group in drawn[:MOST_BARS]:
        figure = group.figure(currency) if currency else None
        value = (figure.measured(question.measure) if figure else None) if currency else group.n
        if group.state in ("no_data", "not_stated"):
            value = None
        absent = telling.state(group) or (
            _("no amount in %(currency)s") % {"currency": currency} if currency else ""
        )
        points.append(
            Point(
                telling.label(group.key),
                None if value is None else float(value),
                absent if value is None else telling.compact(value),
            )
        )
    if absent_members:
        count = len(absent_members)
        others = telling.site.translations.ngettext("%(n)s member", "%(n)s members", count) % {"n": count}
        points.append(Point(others, None, _("no data")))
    what = telling.whats[question.what]
    if currency:
        unit = {"sum": _("Total, %(currency)s"), "median": _("Median, %(currency)s")}[question.measure]
        unit %= {"currency": currency}
    else:
        unit = what
    units = {
        "0": unit,
        "3": _("%(unit)s (thousands)") % {"unit": unit},
        "6": _("%(unit)s (millions)") % {"unit": unit},
        "9": _("%(unit)s (thousand millions)") % {"unit": unit},
    }
    described = "; ".join(f"{point.label}: {point.words}" for point in points[:TELLING_CUT])
    if len(answer.groups) > TELLING_CUT:
        described += "; …"
    title = f"{telling.title} ({unit})" if currency else telling.title
    is_line = question.by == "year" and sum(point.value is not None for point in points) > 1
    return Chart(
        title,
        f"{unit}. {described}",
        points[: MOST_BARS + 1],
        units,
        telling.source_line,
        is_line,
        telling.site.language,
        is_small,
    )


async def chart(datasette: Any, request: Request) -> Response:
    telling, _left = datasette.telling_of(datasette, request)
    limits = telling.source.workers.limits
    try:
        answer, _coverage = await datasette.asking.answer(
            telling.source, telling.question, datasette.reader_of(request), SHOWN
        )
    except SqlRefusedError as error:
        return datasette.problem(datasette, request, error.kind, error.message, limits)
    wanted = request.args.get("axis") or ""
    currencies = answer.currencies
    if telling.question.measure == "count" or not currencies:
        currency = ""
    else:
        currency = wanted if wanted in currencies else currencies[0]
    drawn = chart_of(telling, answer, currency, request.args.get("size") == "small")
    kept: OrderedDict[tuple[Any, ...], str] = datasette.charts_kept
    key = (
        drawn.title,
        drawn.source,
        drawn.description,
        tuple(drawn.points),
        drawn.is_line,
        drawn.is_small,
        drawn.language,
    )
    if key not in kept:
        try:
            kept[key] = await datasette.drawing.draw(drawn)
        except ChartError:
            return datasette.problem(datasette, request, "busy", "", limits)
        if len(kept) > KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    # Only an address that names the release and the language is the same picture for ever.
    lasting = request.url_vars.get("release") and request.args.get("_lang") == telling.site.language
    headers = {
        "access-control-allow-origin": "*",
        "cache-control": FOREVER if lasting else FOR_NOW,
        "content-language": telling.site.language,
    }
    return Response(kept[key], headers=headers, content_type="image/svg+xml; charset=utf-8")


@hookimpl
def startup(datasette: Any) -> None:
    datasette.drawing = Drawing()
    datasette.charts_kept = OrderedDict()
    datasette.chart_addresses = chart_addresses


@hookimpl
def shutdown(datasette: Any) -> None:
    datasette.drawing.close()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^(?:/v/(?P<release>[^/]+))?/chart\.svg$", chart)]
