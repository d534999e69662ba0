"""Flow: everything that lies complete in the inboxes is staged, moved out, judged and, if sound, accepted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow, task
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed, State

from flows.history import finish
from flows.inbox import InboxPackage, complete_packages, find_packages, find_strays, move_taken, one_receiver
from flows.process_submission import process_package
from flows.reports import is_machine_trouble, show_left
from pipelines import workflow


def read_sidecar(package: InboxPackage) -> dict[str, Any]:
    """The JSON object of the mapping file, empty without one. ValueError when it is not one."""
    if package.sidecar is None:
        return {}
    told = json.loads(package.sidecar.read_text(encoding="utf-8-sig"))
    if not isinstance(told, dict):
        raise ValueError(f"{package.sidecar.name} is not a mapping file")
    return told


@task(
    task_run_name="take {package.path.name}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=is_machine_trouble,
)
def take_package(package: InboxPackage) -> str | None:
    """Stage a package, then move the original out of the inbox. None when another process has taken it.

    When the machine dies in between, the next run stages the same bytes: the same submission; and moves.
    """
    site = workflow.Installation.open()
    with one_receiver(site.zones.tmp / "inbox.lock"):
        if not package.path.exists():
            return None
        staged = workflow.receive(
            site, [package.path], package.member, period=package.period, instructions=read_sidecar(package)
        )
        move_taken(package, staged.submission.submission_id, site.zones.inbox)
    return str(staged.submission.submission_id)


def interrupted(site: workflow.Installation, minutes: float) -> list[str]:
    """Submissions that nobody has taken further for so long: whoever worked on them is gone."""
    limit = datetime.now(UTC) - timedelta(minutes=minutes)
    return [
        str(each) for each in workflow.unfinished(site) if site.ledger.submission(each).updated_at <= limit
    ]


def _has_usable_sidecar(package: InboxPackage) -> bool:
    try:
        read_sidecar(package)
    except ValueError:
        return False
    except OSError:
        return True  # `take_package` meets it again, alone, and may retry
    return True


@flow(name="receive-submissions")
def receive_submissions(
    member: str | None = None,
    policy: str = "whole",
    settle_seconds: float = 5.0,
    resume_after_minutes: float = 60.0,
) -> State:
    """Take what is complete in the inboxes of all members, or of one, and process it; safe to repeat.

    settle_seconds: a package is complete when it did not change for so long. resume_after_minutes: what an
    interrupted run left unfinished so long ago is finished as well.
    States: NothingNew, Received, NeedsAttention (something stays in the inbox until a person looks: artifact
    inbox-left), Failed when the machine failed for one of them, after all others have been done.
    """
    site = workflow.Installation.open()
    inbox, members = site.zones.inbox, site.catalogue.members
    found = complete_packages(find_packages(inbox, members, member), settle_seconds)
    sound = [package for package in found if _has_usable_sidecar(package)]
    left = [(str(path.relative_to(inbox)), "no-member") for path in find_strays(inbox, members)]
    left += [(str(package.path.relative_to(inbox)), "mapping") for package in found if package not in sound]

    taken: list[Any] = [take_package(package, return_state=True) for package in sound]
    own = [state.result() for state in taken if state.is_completed()]
    waiting = dict.fromkeys([each for each in own if each] + interrupted(site, resume_after_minutes))
    processed: list[Any] = [process_package(each, policy, return_state=True) for each in waiting]

    results = [state.result() for state in processed if state.is_completed()]
    failed = [state for state in (*taken, *processed) if not state.is_completed()]
    if left:
        show_left(left, site.settings)
        get_run_logger().warning("%d left in the inbox, see the artifact inbox-left", len(left))
    if failed:
        return Failed(message="; ".join(str(state.message) for state in failed), data=results)
    name = "NeedsAttention" if left else "Received" if results else "NothingNew"
    message = ", ".join(f"{each['submission_id']}: {each['name']}" for each in results)
    return Completed(name=name, message=message, data=results)


if __name__ == "__main__":
    receive_submissions(return_state=True)
    finish()
