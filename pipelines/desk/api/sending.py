"""Sending files."""

from typing import Any

from pipelines.desk.api.declared import PREFIX, Answer, Call, operation
from pipelines.desk.api.problems import ProblemError
from pipelines.desk.api.reading import arrival
from pipelines.desk.api.schemas import TEXT
from pipelines.desk.fetched import ask_for, check_form
from pipelines.desk.fetching import NotFetchedError
from pipelines.desk.permissions import Action
from pipelines.desk.receiving import keep_files
from pipelines.identifiers import parse_period

FORM: dict[str, Any] = {
    "type": "object", "required": ["files"],
    "properties": {
        "files": {
            "type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}, "minItems": 1,
            "description": "One part named `files` for each file.",
        },
        "period": {**TEXT, "description": "all, 2026, 2026-03, 2026-Q1; all when not given."},
        "package_type": {"type": "string", "enum": ["procurement", "activity"], "description": "Found out when not given."},
        "policy": {"type": "string", "enum": ["whole", "rows"], "description": "rows: hold back the rows with errors, take the others."},
    },
}  # fmt: skip

BODY = {
    "type": "object", "additionalProperties": False,
    "properties": {
        "address": {"type": "string", "maxLength": 2_000, "description": "Where the file is published; it is fetched from there."},
        "uploads": {
            "type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "minItems": 1, "maxItems": 200,
            "description": "Files that came in pieces: the last part of the address that `/uploads` gave to each (tus 1.0.0).",
        },
        **{name: each for name, each in FORM["properties"].items() if name != "files"},
    },
}  # fmt: skip
"""Of files that are here already, or at an address."""


@operation(
    "POST", "/submissions", "Send files. They are read and checked afterwards: follow the address that is answered.",
    Action.SUBMIT, {202: ("The files are kept. `Location`: the arrival, which says what becomes of them.", "Arrival")},
    form=FORM, body=BODY, problems=("nothing-sent", "uploads-missing", "address", "too-large"),
)  # fmt: skip
def send(call: Call) -> Answer:
    try:
        period = parse_period(str(call.body.get("period", "")).strip() or None)
    except ValueError as error:
        raise ProblemError("values", [{"detail": "not a period", "pointer": "#/period"}]) from error
    how: Any = {
        "period": period,
        "package_type": call.body.get("package_type"),
        "policy": call.body.get("policy", "whole"),
    }
    if "uploads" in call.body:
        taken = call.desk.uploads.take(call.desk.arrivals, call.person, call.body["uploads"], **how)
        if taken is None:
            raise ProblemError("uploads-missing")
        found = taken
    elif address := call.body.get("address"):
        try:
            check_form(call.desk, address)
        except NotFetchedError as error:
            raise ProblemError("address") from error
        found = ask_for(call.desk, call.person, address, **how)
    elif call.files:
        found = keep_files(call.desk, call.person, call.files, **how)
    else:
        raise ProblemError("nothing-sent")
    return Answer(arrival(call, found), 202, {"location": f"{call.home}{PREFIX}/arrivals/{found.id}"})
