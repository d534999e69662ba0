"""Flow: the rules of now, tried on everything accepted; nothing is changed."""

from prefect import flow, task
from prefect.states import Completed, State

from flows.history import finish
from flows.reports import is_machine_trouble, show_recheck, shown_progress
from pipelines import workflow


@task(retries=1, retry_delay_seconds=60, retry_condition_fn=is_machine_trouble)
def recheck_all() -> list[str]:
    """Leave the table of what would be judged otherwise; returns those submissions."""
    site = workflow.Installation.open()
    with shown_progress("progress-recheck", "recheck") as progress:
        results = workflow.recheck(site, progress=progress)
    return show_recheck(results, site.settings)


@flow(name="recheck-accepted")
def recheck_accepted() -> State:
    """Judge all that is accepted again. States: Unchanged, JudgedOtherwise (artifact recheck)."""
    changed = recheck_all()
    return Completed(
        name="JudgedOtherwise" if changed else "Unchanged", message=", ".join(changed), data=changed
    )


if __name__ == "__main__":
    recheck_accepted(return_state=True)
    finish()
