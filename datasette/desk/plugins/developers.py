"""``/developers``: how programs speak with the desk, with a first request that runs as it stands."""

import json
from datetime import timedelta
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk.api import OPERATIONS, PREFIX, STATUS
from pipelines.desk.api.webhooks import example
from pipelines.desk.webhooks.messages import TOPICS
from pipelines.desk.webhooks.sending import RESTS

FIRST = """curl --fail-with-body "{home}{prefix}/submissions" \\
  --header "Authorization: Bearer $INGP_TOKEN" \\
  --header "Idempotency-Key: $(uuidgen)" \\
  --form files=@contracts.csv --form period=2026"""
FOLLOW = """curl --fail-with-body "{home}{prefix}/submissions?state=needs_work" \\
  --header "Authorization: Bearer $INGP_TOKEN" """
COMMAND = """export INGP_TOKEN=ingp_…
ingp submit contracts.csv --to {home} --period 2026"""

VERIFY = """from standardwebhooks import Webhook

def receive(secret, headers, body):
    \"\"\"headers: of the request; body: its bytes, as they came. Raises WebhookVerificationError for what is not ours.\"\"\"
    message = Webhook(secret).verify(body, headers)
    return headers["webhook-id"], message["type"], message["data"]"""
"""How a program checks a message: executed as it stands by tests/desk/test_webhooks_described.py."""


async def developers(datasette: Any, request: Request) -> Response:
    home = datasette.desk.site.settings.desk_url
    told = datasette.problem_words(datasette.words_of(request).gettext)
    values = {
        "first": FIRST.format(home=home, prefix=PREFIX),
        "follow": FOLLOW.format(home=home, prefix=PREFIX).strip(),
        "command": COMMAND.format(home=home),
        "verify": VERIFY,
        "message": json.dumps(example(home), indent=2),
        "topics": TOPICS,
        "hours": int((sum(RESTS, timedelta())).total_seconds() // 3600),
        "operations": [(each.method, PREFIX + each.path) for each in OPERATIONS],
        "problems": [(code, status, *told[code]) for code, status in STATUS.items()],
        "description": f"{PREFIX}/openapi.json",
    }
    return Response.html(await datasette.render_template("developers.html", values, request=request))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/developers$", developers)]
