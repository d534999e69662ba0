"""Flow: everything accepted becomes one release, and the release becomes the one that is served."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.states import Completed, State

from flows.history import finish
from flows.reports import announce_release, is_machine_trouble, show_release, shown_progress
from pipelines import workflow
from pipelines.records import Release

PUBLISHING = "ingp-publish"
"""Global concurrency limit of Prefect."""


@contextmanager
def one_publisher() -> Iterator[None]:
    """One release at a time on this Prefect server.

    Two servers do not see each other; then the store lets one win, and the other finds at its next try that
    nothing is new.
    """
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(PUBLISHING, 1)
    with concurrency(PUBLISHING, occupy=1, strict=True):
        yield


@task(retries=3, retry_delay_seconds=[10, 60, 300], retry_condition_fn=is_machine_trouble)
def make_release(force: bool = False) -> Release | None:
    """Assemble, verify, switch. None when nothing is new."""
    site = workflow.Installation.open()
    with shown_progress("progress-release", "publish") as progress, one_publisher():
        return workflow.publish(site, progress=progress, force=force)


@task
def show_published(release: Release) -> str:
    """Leave the artifacts and tell the event; returns the release's identifier."""
    show_release(release, workflow.Installation.open().settings)
    announce_release(release)
    return str(release.release_id)


@flow(name="publish-release")
def publish_release(force: bool = False) -> State:
    """Release everything accepted; safe to repeat. States: Published, NothingNew.

    force: make a release although nothing is new (other licence, new standard).
    """
    release = make_release(force)
    if release is None:
        return Completed(name="NothingNew")
    release_id = show_published(release)
    return Completed(name="Published", message=release_id, data=release_id)


if __name__ == "__main__":
    publish_release(return_state=True)
    finish()
