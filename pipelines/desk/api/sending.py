"""Sending files."""

from pipelines.desk.api.declared import PREFIX, Answer, Call, operation
from pipelines.desk.api.problems import ProblemError
from pipelines.desk.api.reading import arrival
from pipelines.desk.api.schemas import TEXT
from pipelines.desk.permissions import Action
from pipelines.desk.receiving import keep_files
from pipelines.identifiers import parse_period

FORM = {
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


@operation(
    "POST", "/submissions", "Send files. They are read and checked afterwards: follow the address that is answered.",
    Action.SUBMIT, {202: ("The files are kept. `Location`: the arrival, which says what becomes of them.", "Arrival")},
    form=FORM, problems=("nothing-sent", "too-large"),
)  # fmt: skip
def send(call: Call) -> Answer:
    try:
        period = parse_period(str(call.body.get("period", "")).strip() or None)
    except ValueError as error:
        raise ProblemError("values", [{"detail": "not a period", "pointer": "#/period"}]) from error
    if not call.files:
        raise ProblemError("nothing-sent")
    found = keep_files(
        call.desk,
        call.person,
        call.files,
        period=period,
        package_type=call.body.get("package_type"),
        policy=call.body.get("policy", "whole"),
    )
    return Answer(arrival(call, found), 202, {"location": f"{call.home}{PREFIX}/arrivals/{found.id}"})
