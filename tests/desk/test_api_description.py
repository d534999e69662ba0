"""Requests that nobody would think of, from the interface's own description: no answer is 500, and each is as described.

Longer by hand: ``INGP_API_EXAMPLES=2000 python -m pytest tests/desk/test_api_description.py``.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import hypothesis
import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pipelines.desk import Desk, Person
from pipelines.desk.api import OPERATIONS, PREFIX, openapi
from tests.desk.conftest import as_actor
from tests.desk.test_api import ALL, bearer
from tests.desk.test_journey import send
from tests.pipelines.test_workflow import BAD, ONE

CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance)
EXAMPLES = int(os.environ.get("INGP_API_EXAMPLES", "12"))
"""Of each operation, and of each way to be asked."""


async def test_whatever_is_asked_is_answered_as_described(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    own = [str(send(desk, people["approver"], row, name=f"{n}.csv")) for n, row in enumerate((ONE, BAD))]
    token = bearer(desk, people["approver"], *ALL)
    described = schemathesis.openapi.from_dict(openapi("http://localhost"))
    loop = asyncio.get_running_loop()

    def ask(case: Any, headers: dict[str, str], actor: Any) -> None:
        told = case.as_transport_kwargs(base_url=f"http://localhost{PREFIX}")
        ready = requests.Request(
            **{name: value for name, value in told.items() if name not in ("cookies", "timeout")}
        ).prepare()

        def asked() -> Any:
            return pages.request(
                ready.method, ready.url.removeprefix("http://localhost"), content=ready.body or b"",
                headers={**ready.headers, **headers}, **({"actor": actor} if actor else {}),
            )  # fmt: skip

        answer = asyncio.run_coroutine_threadsafe(asked(), loop).result(60)
        case.validate_response(schemathesis.Response.from_httpx(answer, verify=True), checks=CHECKS)

    def everything() -> set[str]:
        seen: set[str] = set()
        for found in described.get_all_operations():
            operation = found.ok()
            strategy = operation.as_strategy(
                generation_mode=schemathesis.GenerationMode.POSITIVE
            ) | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

            @hypothesis.settings(
                max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES < 100,
                suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
            )  # fmt: skip
            @hypothesis.given(case=strategy, who=hypothesis.strategies.integers(0, 5))
            def asks(case: Any, who: int) -> None:
                if who > 1 and "id" in (case.path_parameters or {}):
                    case.path_parameters = {**case.path_parameters, "id": own[who % 2]}
                headers = token if 0 < who < 5 else {}
                ask(case, headers, as_actor(people["secretariat"]) if who == 5 else None)

            asks()
            seen.add(operation.definition.raw["operationId"])
        return seen

    assert await asyncio.to_thread(everything) == {each.name for each in OPERATIONS}
