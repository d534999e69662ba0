"""What can be decided: the moves of a submission, as the pages offer them."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines import review
from pipelines.desk import deciding
from pipelines.desk.api.declared import Answer, Call, operation
from pipelines.desk.api.problems import ProblemError
from pipelines.desk.api.reading import detail
from pipelines.desk.deciding import MOST, NEEDS, Move
from pipelines.exceptions import StoreError

REASON = {
    "type": "object",
    "required": ["reason"],
    "properties": {
        "reason": {
            "type": "string",
            "minLength": 1,
            "maxLength": MOST,
            "description": "Kept for ever and shown.",
        }
    },
    "additionalProperties": False,
}
YES = {
    "type": "object", "required": ["preview"], "additionalProperties": False,
    "properties": {
        "preview": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "Id of the preview that was looked at."},
        "agrees_to_loss": {"type": "boolean", "description": "Earlier rows that the file does not have are to go."},
        "publish_on": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": "Not public before this day."},
    },
}  # fmt: skip
CONFLICTS = ("decided", "not-now")
STANDS = {200: ("The submission as it stands then.", "SubmissionDetail")}


@contextmanager
def _conflicts() -> Iterator[None]:
    """What stands against a decision, as a problem."""
    try:
        yield
    except deciding.ReasonError as error:
        raise ProblemError("values", [{"detail": "empty", "pointer": "#/reason"}]) from error
    except deciding.DayError as error:
        raise ProblemError("values", [{"detail": "not a day", "pointer": "#/publish_on"}]) from error
    except deciding.OutdatedError as error:
        raise ProblemError("preview-first") from error
    except review.LossError as error:
        raise ProblemError("rows-lost") from error
    except review.SecondPersonError as error:
        raise ProblemError("second-person") from error
    except review.DecidedError as error:
        raise ProblemError("decided") from error
    except StoreError as error:
        raise ProblemError("not-now") from error


def _stands(call: Call) -> Answer:
    return Answer(detail(call, call.desk.site.ledger.submission(call.submission.submission_id)))


@operation(
    "POST", f"/submissions/{{id}}/{Move.APPROVE}",
    "Say yes to what a preview has shown; where a member wants two persons, the first yes asks for the second.",
    NEEDS[Move.APPROVE], STANDS, body=YES, problems=("preview-first", "rows-lost", "second-person", *CONFLICTS),
)  # fmt: skip
def approve(call: Call) -> Answer:
    if Move.APPROVE not in deciding.moves(call.person, call.submission) and not call.submission.approved_by:
        raise ProblemError("not-now")
    with _conflicts():
        deciding.approve(
            call.desk,
            call.person,
            call.submission,
            seen=call.body["preview"],
            agrees=call.body.get("agrees_to_loss", False),
            day=call.body.get("publish_on", ""),
            again=True,
        )
    return _stands(call)


def _declare(move: Move, summary: str) -> None:
    """A move that needs a reason and nothing else."""

    def decide(call: Call) -> Answer:
        with _conflicts():
            deciding.decide(call.desk, call.person, call.submission, move, call.body["reason"])
        return _stands(call)

    decide.__name__ = move.name.lower()
    operation(
        "POST", f"/submissions/{{id}}/{move}", summary, NEEDS[move], STANDS, body=REASON, problems=CONFLICTS
    )(decide)  # fmt: skip


for _move, _summary in {
    Move.SEND_BACK: "Send a sound submission back to whoever sent it.",
    Move.ASK_AGAIN: "Take an approval back; it waits for a new one.",
    Move.TAKE_BACK: "Take a submission back that is not accepted yet.",
    Move.WITHDRAW: "Withdraw what is published: its rows leave the next release.",
    Move.CORRECT: "Announce a corrected file for what is published; once accepted, it replaces this one.",
}.items():
    _declare(_move, _summary)
