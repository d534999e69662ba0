"""OpenAPI 3.1 of ``/api/v1``, made from the declarations that the routes are made from."""

from collections.abc import Iterable
from typing import Any

from pipelines.desk.api.declared import FORM, JSON, OPERATIONS, PREFIX, Operation
from pipelines.desk.api.problems import STATUS
from pipelines.desk.api.schemas import SCHEMAS, ref
from pipelines.desk.api.webhooks import webhooks

PROBLEM = "application/problem+json"
KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "The same key with the same request is done once, and answered alike, for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}  # fmt: skip
LANGUAGE = {
    "name": "lang", "in": "query", "required": False, "description": "Language of sentences; otherwise Accept-Language.",
    "schema": {"type": "string", "enum": ["es", "en", "pt", "fr"]},
}  # fmt: skip


def openapi(home: str, version: str = "1") -> dict[str, Any]:
    """home: address of the desk, without a final slash."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The members' desk", "version": version,
            "description": "Send data, follow them, decide. What it may do is what the person may do whose token speaks: "
            f"see {home}/developers.",
        },
        "servers": [{"url": f"{home}{PREFIX}"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of /account: ingp_…"},
                "session": {"type": "apiKey", "in": "cookie", "name": "ingp_session"},
            },
        },
    }  # fmt: skip


def _operation(each: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _places(each.path)
    ]
    parameters += [
        {
            "name": one.name,
            "in": "query",
            "required": False,
            "description": one.words,
            "schema": dict(one.schema),
        }
        for one in each.query
    ]
    parameters += [LANGUAGE, *([KEY] if each.changes else [])]
    answers = {
        str(status): {
            "description": words,
            **({"content": {JSON: {"schema": ref(schema)}}} if schema else {}),
        }
        for status, (words, schema) in each.answers.items()
    }
    for status, codes in _problems(each).items():
        answers[str(status)] = _problem(f"Problem: {', '.join(codes)}.")
    found: dict[str, Any] = {
        "operationId": each.name, "summary": each.summary, "parameters": parameters, "responses": answers,
    }  # fmt: skip
    content: dict[str, Any] = {}
    if each.body is not None:
        content[JSON] = {"schema": dict(each.body)}
    if each.form is not None:
        content[FORM] = {"schema": dict(each.form)}
    if content:
        found["requestBody"] = {"required": True, "content": content}
    return found


def _places(path: str) -> Iterable[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _problems(each: Operation) -> dict[int, list[str]]:
    codes = ["sign-in", "bad-token", "not-allowed", "token-scope", "values"]
    if _places(each.path) or each.query:
        codes.append("not-found")
    if each.changes:
        codes += ["key-reused", "key-running", "unreadable", "media-type", "too-large"]
    found: dict[int, list[str]] = {}
    for code in [*codes, *(code for code in each.problems if code not in codes)]:
        found.setdefault(STATUS[code], []).append(code)
    return found


def _problem(words: str) -> dict[str, Any]:
    return {"description": words, "content": {PROBLEM: {"schema": ref("Problem")}}}
