"""``/developers``: how programs speak with the desk, with a first request that runs as it stands."""

from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk.api import OPERATIONS, PREFIX, STATUS

FIRST = """curl --fail-with-body "{home}{prefix}/submissions" \\
  --header "Authorization: Bearer $INGP_TOKEN" \\
  --header "Idempotency-Key: $(uuidgen)" \\
  --form files=@contracts.csv --form period=2026"""
FOLLOW = """curl --fail-with-body "{home}{prefix}/submissions?state=needs_work" \\
  --header "Authorization: Bearer $INGP_TOKEN" """
COMMAND = """export INGP_TOKEN=ingp_…
ingp submit contracts.csv --to {home} --period 2026"""


async def developers(datasette: Any, request: Request) -> Response:
    home = datasette.desk.site.settings.desk_url
    told = datasette.problem_words(datasette.words_of(request).gettext)
    values = {
        "first": FIRST.format(home=home, prefix=PREFIX),
        "follow": FOLLOW.format(home=home, prefix=PREFIX).strip(),
        "command": COMMAND.format(home=home),
        "operations": [(each.method, PREFIX + each.path) for each in OPERATIONS],
        "problems": [(code, status, *told[code]) for code, status in STATUS.items()],
        "description": f"{PREFIX}/openapi.json",
    }
    return Response.html(await datasette.render_template("developers.html", values, request=request))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/developers$", developers)]
