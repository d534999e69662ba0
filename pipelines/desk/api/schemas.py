"""The JSON of answers, as JSON Schema 2020-12: components of the OpenAPI description."""

from typing import Any

from pipelines.desk.arrivals import ArrivalState
from pipelines.desk.deciding import Move
from pipelines.desk.webhooks.messages import TEST, TOPICS
from pipelines.store import State

TEXT: dict[str, Any] = {"type": "string"}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
COUNT: dict[str, Any] = {"type": ["integer", "null"], "minimum": 0}
INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}
MAYBE_INSTANT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
MAYBE_URI: dict[str, Any] = {"type": ["string", "null"], "format": "uri"}
LINKS: dict[str, Any] = {
    "type": "object",
    "description": "Addresses, by what is there.",
    "additionalProperties": {"type": "string", "format": "uri"},
}


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def some(name: str) -> dict[str, Any]:
    return {"type": "array", "items": ref(name)}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_SUBMISSION = {
    "id": TEXT, "member": TEXT, "package_type": TEXT, "period": {"type": "string", "description": "all, 2026, 2026-03, 2026-Q1"},
    "file": TEXT, "state": {"type": "string", "enum": [each.value for each in State]},
    "verdict": {"type": ["string", "null"], "description": "What the check found; null until it is done."},
    "received_at": INSTANT, "updated_at": INSTANT,
    "rows": record(received=COUNT, accepted=COUNT, refused=COUNT),
    "errors": COUNT, "warnings": COUNT, "notices": COUNT,
    "version": {"type": ["integer", "null"], "description": "Version of the member's data that holds its rows."},
    "asked_by": {"type": ["string", "null"], "description": "Who approved and waits for a second person: a number, never a name."},
    "approved_by": MAYBE_TEXT,
    "publish_at": {**MAYBE_INSTANT, "description": "Not public before."},
    "moves": {
        "type": "array", "items": {"type": "string", "enum": [each.value for each in Move]},
        "description": "What the caller can do now; each is the last part of an address below the submission.",
    },
    "links": LINKS,
}  # fmt: skip

SCHEMAS: dict[str, dict[str, Any]] = {
    "Submission": record(**_SUBMISSION),
    "SubmissionDetail": record(
        **_SUBMISSION,
        tables={
            "type": "array",
            "items": record(table=TEXT, rows=COUNT, accepted=COUNT, refused=COUNT, derived={"type": "boolean"}),
            "description": "Tables of the standard that its rows became; empty until it is checked.",
        },
    ),
    "Submissions": record(submissions=some("Submission"), next=MAYBE_TEXT),
    "Arrival": record(
        id=TEXT, member=TEXT, period=TEXT, state={"type": "string", "enum": [each.value for each in ArrivalState]},
        submission=MAYBE_TEXT, trouble=MAYBE_TEXT, received_at=INSTANT, links=LINKS,
    ),
    "Event": record(
        number={"type": "integer"}, at=INSTANT, **{"from": MAYBE_TEXT, "to": MAYBE_TEXT}, by=TEXT, reason=MAYBE_TEXT,
        detail={"type": "object"}, hash=MAYBE_TEXT,
    ),
    "History": record(events=some("Event")),
    "Report": {"type": "object", "description": "The report as it is stored; the page shows the same."},
    "Receipt": {"type": "object", "description": "What was received when, what became of it, where it can be seen."},
    "Preview": record(
        id={"type": "string", "description": "Goes into an approval: what was seen."},
        state={"type": "string", "enum": ["being-made", "made", "broken"]},
        changes={"type": ["object", "null"], "description": "Rows, examples and sums of money that would change."},
    ),
    "Message": record(
        type={"type": "string", "enum": [*TOPICS, TEST]},
        timestamp={**INSTANT, "description": "When it happened; `webhook-timestamp` is when it was sent."},
        data=record(
            submission=MAYBE_TEXT, member=MAYBE_TEXT, package_type=MAYBE_TEXT,
            state={"type": ["string", "null"], "enum": [*(each.value for each in State), None],
                   "description": "What the submission became; it can be something else by now."},
            page={**MAYBE_URI, "description": "Where a person looks."},
            api={**MAYBE_URI, "description": "Where a program asks, with a token."},
            release=MAYBE_TEXT,
        ),
    ),
    "Problem": {
        "type": "object", "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "Where the problem is explained."},
            "title": TEXT, "status": {"type": "integer"}, "detail": {"type": "string", "description": "What to do next."},
            "code": TEXT, "instance": TEXT,
            "errors": {"type": "array", "items": {"type": "object", "required": ["detail"], "properties": {
                "detail": TEXT, "pointer": TEXT, "parameter": TEXT}}},
        },
    },
}  # fmt: skip
