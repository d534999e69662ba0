"""What can be looked at: submissions, arrivals, reports, history, receipt, preview."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from pipelines.desk.api.declared import PREFIX, Answer, Call, Query, operation
from pipelines.desk.api.problems import ProblemError
from pipelines.desk.api.schemas import TEXT
from pipelines.desk.deciding import moves
from pipelines.desk.permissions import EVERYWHERE, Action, may
from pipelines.desk.previewing import ask_preview
from pipelines.desk.receipts import receipt
from pipelines.exceptions import UnknownError
from pipelines.store import LedgerEntry, State
from pipelines.store.states import WAITING
from pipelines.validation import read_report

MOST, USUAL = 200, 50


def instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None


def told(call: Call, entry: LedgerEntry) -> dict[str, Any]:
    """A submission as JSON data. Persons are numbers, never names."""
    own = f"{call.home}{PREFIX}/submissions/{entry.submission_id}"
    return {
        "id": str(entry.submission_id), "member": str(entry.member), "package_type": entry.package_type, "period": entry.period,
        "file": entry.source_name, "state": entry.state.value, "verdict": entry.verdict,
        "received_at": instant(entry.received_at), "updated_at": instant(entry.updated_at),
        "rows": {"received": entry.rows_in, "accepted": entry.rows_accepted, "refused": entry.rows_refused},
        "errors": entry.errors, "warnings": entry.warnings, "notices": entry.notices, "version": entry.version_number,
        "asked_by": entry.asked_by, "approved_by": entry.approved_by, "publish_at": instant(entry.publish_at),
        "moves": [each.value for each in moves(call.person, entry, call.scopes)],
        "links": {
            "self": own, "report": f"{own}/report", "history": f"{own}/history", "receipt": f"{own}/receipt",
            "preview": f"{own}/preview", "page": f"{call.home}/submissions/{entry.submission_id}",
        },
    }  # fmt: skip


def detail(call: Call, entry: LedgerEntry) -> dict[str, Any]:
    """The same, with its tables."""
    folder = call.desk.site.zones.report_folder(entry.submission_id)
    counts = read_report(folder).counts if (folder / "report.json").exists() else ()
    tables = [
        {
            "table": each.table, "rows": each.rows_in, "accepted": each.rows_accepted, "refused": each.rows_refused,
            "derived": each.derived,
        }
        for each in counts
    ]  # fmt: skip
    return told(call, entry) | {"tables": tables}


def _cursor(entry: LedgerEntry) -> str:
    place = json.dumps([-entry.received_at.timestamp(), str(entry.submission_id)])
    return base64.urlsafe_b64encode(place.encode()).decode()


def _place(cursor: str) -> tuple[float, str]:
    try:
        at, own = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return float(at), str(own)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProblemError(
            "values", [{"detail": "not a cursor of an answer", "parameter": "cursor"}]
        ) from error


@operation(
    "GET",
    "/submissions",
    "What has been sent, newest first.",
    Action.SEE,
    {200: ("A page of submissions; `next` is the address of the following one.", "Submissions")},
    query=(
        Query("member", "Code of a member; your own when not given.", TEXT),
        Query("state", "Only in this state.", {"type": "string", "enum": [each.value for each in State]}),
        Query("period", "Only of this period.", TEXT),
        Query("limit", "Most in an answer.", {"type": "integer", "minimum": 1, "maximum": MOST}),
        Query("cursor", "From `next` of the answer before.", TEXT),
    ),
)
def list_submissions(call: Call) -> Answer:
    member = call.query.get("member")
    if member is None and call.person.role not in EVERYWHERE:
        member = str(call.person.member)
    if member is not None and (
        member not in call.desk.site.catalogue.members or not may(call.person, Action.SEE, member)
    ):
        raise ProblemError("not-found")
    period, after = call.query.get("period"), call.query.get("cursor")
    found = [
        each
        for each in call.desk.site.ledger.submissions(member, call.query.get("state"))
        if period in (None, each.period)
    ]
    if after is not None:
        place = _place(after)
        found = [each for each in found if (-each.received_at.timestamp(), str(each.submission_id)) > place]
    limit = call.query.get("limit", USUAL)
    shown = found[:limit]
    following = _cursor(shown[-1]) if len(found) > limit else None
    return Answer({"submissions": [told(call, each) for each in shown], "next": following})


@operation(
    "GET",
    "/submissions/{id}",
    "One submission: where it stands, and what can be done with it.",
    Action.SEE,
    {200: ("The submission.", "SubmissionDetail")},
)
def get_submission(call: Call) -> Answer:
    return Answer(detail(call, call.submission))


@operation(
    "GET",
    "/submissions/{id}/report",
    "What the check has found.",
    Action.SEE,
    {200: ("The report, as it is stored.", "Report")},
    problems=("not-now",),
)
def get_report(call: Call) -> Answer:
    path = call.desk.site.zones.report_folder(call.submission.submission_id) / "report.json"
    if not path.exists():
        raise ProblemError("not-now")
    return Answer(file=path)


@operation(
    "GET",
    "/submissions/{id}/history",
    "Everything that happened to a submission, from the audit log.",
    Action.SEE,
    {200: ("The events, oldest first.", "History")},
)
def get_history(call: Call) -> Answer:
    events = call.desk.site.ledger.events(str(call.submission.submission_id))
    return Answer(
        {
            "events": [
                {
                    "number": each.id, "at": instant(each.at), "from": each.from_state and each.from_state.value,
                    "to": each.to_state and each.to_state.value, "by": each.actor, "reason": each.reason,
                    "detail": dict(each.detail), "hash": each.hash,
                }
                for each in events
            ]
        }
    )  # fmt: skip


@operation(
    "GET",
    "/submissions/{id}/receipt",
    "The receipt, to keep.",
    Action.SEE,
    {200: ("The receipt.", "Receipt")},
)
def get_receipt(call: Call) -> Answer:
    return Answer(receipt(call.desk, str(call.submission.submission_id), call.public))


@operation(
    "GET",
    "/submissions/{id}/preview",
    "What accepting the submission would change. Its `id` goes into an approval.",
    Action.SEE,
    {
        200: ("What would change.", "Preview"),
        202: ("It is being made; ask again in some seconds.", "Preview"),
    },
    problems=("not-now",),
)
def get_preview(call: Call) -> Answer:
    entry, desk = call.submission, call.desk
    if entry.state not in WAITING or entry.is_unfinished_yes:
        raise ProblemError("not-now")
    work, _parent = ask_preview(desk, str(entry.submission_id), call.person.actor)
    if not work.is_done:
        return Answer({"id": work.id, "state": "being-made", "changes": None}, 202, {"retry-after": "2"})
    state = "made" if work.result is not None and (desk.made.folder(work)).is_dir() else "broken"
    return Answer({"id": work.id, "state": state, "changes": work.result})


@operation(
    "GET",
    "/arrivals/{id}",
    "Files that have been sent: whether they have become a submission.",
    Action.SEE,
    {200: ("The arrival; `submission` once its files are read.", "Arrival")},
)
def get_arrival(call: Call) -> Answer:
    try:
        found = call.desk.arrivals.get(call.place["id"])
    except UnknownError as error:
        raise ProblemError("not-found") from error
    if not may(call.person, Action.SEE, found.member):
        raise ProblemError("not-found")
    return Answer(arrival(call, found))


def arrival(call: Call, found: Any) -> dict[str, Any]:
    links = {
        "self": f"{call.home}{PREFIX}/arrivals/{found.id}",
        "page": f"{call.home}/arrivals/{found.id}",
    }
    if found.submission_id:
        links["submission"] = f"{call.home}{PREFIX}/submissions/{found.submission_id}"
    return {
        "id": found.id, "member": found.member, "period": found.period, "state": found.state.value,
        "submission": found.submission_id, "trouble": found.trouble, "received_at": instant(found.at), "links": links,
    }  # fmt: skip
