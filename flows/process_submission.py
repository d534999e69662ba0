"""Flow: one staged submission is judged and, if it is sound, becomes a version."""

from typing import Any

from prefect import flow, task
from prefect.states import Completed, State

from flows.reports import announce_submission, is_machine_trouble, show_report, shown_progress
from pipelines import workflow
from pipelines.desk.staging import write_progress
from pipelines.identifiers import SubmissionId
from pipelines.records import AcceptancePolicy, count_rows

STATE_NAMES = {
    "needs_work": "Rejected",
    "in_review": "NeedsConfirmation",
    "ready": "Ready",
    "superseded": "Superseded",
    "withdrawn": "Withdrawn",
}
VERDICT_NAMES = {"accepted": "Accepted", "accepted_with_warnings": "AcceptedWithWarnings"}
"""Names of Prefect states: of the submission's state, else (accepted, published) of its verdict."""


@task(
    task_run_name="process {submission_id}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=is_machine_trouble,
)
def process_package(submission_id: str, policy: str | None = "whole") -> dict[str, Any]:
    """Judge and accept; leave the report and tell the event. Returns what became of it, as JSON data."""
    site = workflow.Installation.open()
    with shown_progress(f"progress-{submission_id.lower()}", submission_id) as shown:

        def progress(what: str, done: int, of: int) -> None:
            shown(what, done, of)
            write_progress(site.zones.progress, submission_id, done, of)

        outcome = workflow.process(
            site,
            SubmissionId(submission_id),
            policy=AcceptancePolicy(policy) if policy else None,
            progress=progress,
        )
    show_report(outcome.report, site.catalogue)
    announce_submission(outcome)
    report = outcome.report
    rows_in, accepted, refused = count_rows(report.sources)
    return {
        "submission_id": submission_id,
        "state": str(outcome.state),
        "name": STATE_NAMES.get(str(outcome.state)) or VERDICT_NAMES[report.verdict.value],
        "verdict": report.verdict.value,
        "rows_in": rows_in,
        "rows_accepted": accepted,
        "rows_refused": refused,
        "version": int(outcome.version.number) if outcome.version else None,
    }


@flow(name="process-submission", flow_run_name="{submission_id}")
def process_submission(submission_id: str, policy: str | None = "whole") -> State:
    """Validate and accept a staged submission; safe to repeat.

    policy: ``whole`` refuses the package when it has an error, ``rows`` only the rows concerned, None what its sender
    asked for. The run is
    Completed whatever the data are like: Accepted, AcceptedWithWarnings, Rejected or NeedsConfirmation.
    """
    result = process_package(submission_id, policy)
    return Completed(name=result["name"], message=submission_id, data=result)
