"""Why a question got no answer: for people a page in their language, for programs RFC 9457 in all four."""

from collections.abc import Mapping
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.catalogue import LANGUAGES
from pipelines.publication.formats.answer import MOST_ROWS

STATUS = {"busy": 503, "your_turn": 429, "too_many_exports": 503}
LATER = {"busy": "10", "your_turn": "5", "too_many_exports": "30"}
OPEN = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": (
        "Content-Disposition, X-Row-Count, X-Release, X-Limit-Seconds, X-Limit-Memory, X-Limit-Rows, X-Limit-Bytes, "
        "Retry-After"
    ),
}


def sentences(site: Any, limits: Any) -> dict[str, str]:
    """Kind of a problem -> what to tell, in the language of `site`."""
    _ = site._
    return {
        "one_statement": _("Please send exactly one question: one SELECT, without a semicolon in between."),
        "only_select": _(
            "Only reading is possible here: the query must begin with SELECT, FROM, WITH or DESCRIBE."
        ),
        "no_access": _("The query may read the published tables only: no files, no network, no settings."),
        "wrong_sql": _("The database could not run this query. Check the names of tables and columns."),
        "too_slow": _(
            "The query took longer than %(seconds)s seconds and was stopped. Add a filter, or download the tables and ask on your own computer, without a limit."
        )
        % {"seconds": site.number(limits.seconds)},
        "too_much_memory": _(
            "The query needed more than the %(memory)s of memory that a question may use. Group or filter earlier, or download the tables."
        )
        % {"memory": limits.memory},
        "too_long_text": _(
            "A text in this query became longer than %(n)s characters. Shorten it with substr(), or download the tables and ask on your own computer."
        )
        % {"n": site.number(limits.text_length)},
        "too_many_rows": _(
            "The answer has more than %(rows)s rows. Nothing was cut: take it whole as CSV, JSON Lines or Parquet, or narrow the query."
        )
        % {"rows": site.number(limits.rows)},
        "too_many_bytes": _(
            "The answer is larger than %(size)s. Nothing was cut: narrow the query, or download the tables."
        )
        % {"size": site.size(limits.spool_bytes)},
        "too_many_for_excel": _(
            "A workbook made on request may have %(rows)s rows, and there are more. Nothing was cut: take the rows as CSV for Excel or Parquet, or add a filter."
        )
        % {"rows": site.number(MOST_ROWS)},
        "busy": _("Many people are asking at this moment. Please try again in some seconds."),
        "your_turn": _("You already have %(n)s questions running. Please wait until one of them is answered.")
        % {"n": limits.of_one_reader},
        "too_many_exports": _(
            "Many downloads are running at this moment. Please try again in half a minute."
        ),
    }


def limit_headers(limits: Any) -> dict[str, str]:
    return {
        "x-limit-seconds": f"{limits.seconds:g}",
        "x-limit-memory": limits.memory,
        "x-limit-rows": str(limits.rows),
        "x-limit-bytes": str(limits.spool_bytes),
    }


def problem(datasette: Any, request: Request, kind: str, message: str, limits: Any) -> Response:
    """``application/problem+json`` for a kind of problem; the sentence in four languages, the engine's own words as `said`."""
    details: Mapping[str, str] = {
        language: sentences(datasette.published.in_language(language), limits)[kind] for language in LANGUAGES
    }
    status = STATUS.get(kind, 400)
    body = {
        "type": f"https://www.rfc-editor.org/rfc/rfc9457#{kind}",
        "title": kind,
        "status": status,
        "detail": details[request.scope["language"]],
        "details": details,
        "said": message,
        "instance": request.path,
    }
    headers = OPEN | limit_headers(limits) | ({"retry-after": LATER[kind]} if kind in LATER else {})
    answer = Response.json(body, status=status, headers=headers)
    answer.content_type = "application/problem+json"
    return answer


@hookimpl(tryfirst=True)
def startup(datasette: Any) -> None:
    datasette.problem = problem
    datasette.problem_sentences = sentences
    datasette.limit_headers = lambda limits: OPEN | limit_headers(limits)
