"""Before a command that ran flows embedded ends: let its history arrive."""

import time

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterState, TaskRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.events.worker import EventsWorker

_OPEN = (StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING)
_PAUSE_SECONDS = 0.5


def finish(timeout_seconds: float = 60.0) -> None:
    """Send what is still to be sent, and wait until the server has written down how the task runs ended.

    An embedded server dies with the process; its recorder works behind, and without this wait the last runs
    would be shown as running for ever (256 quick tasks: 10 of them recorded). Never fails a command: the
    history is for looking at.
    """
    deadline = time.monotonic() + timeout_seconds
    EventsWorker.drain_all(timeout=timeout_seconds, at_exit=False)
    still_open = TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=list(_OPEN))))
    quiet = 0
    with get_client(sync_client=True) as client:
        # Twice in a row: a run of which nothing has been recorded yet does not count as open.
        while quiet < 2 and time.monotonic() < deadline:
            quiet = 0 if client.read_task_runs(task_run_filter=still_open, limit=1) else quiet + 1
            time.sleep(_PAUSE_SECONDS)
