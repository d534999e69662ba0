"""The flows, run embedded over tiny packages. What is true is asked of ledger and folders, not of Prefect."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    DeploymentFilter,
    DeploymentFilterId,
)
from prefect.client.schemas.objects import Artifact
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Failed

from flows import receive_submissions as receiving
from flows.history import finish
from flows.process_submission import process_submission
from flows.publish_release import publish_release
from flows.receive_submissions import receive_submissions, take_package
from flows.recheck_accepted import recheck_accepted
from flows.reports import is_machine_trouble, member_language
from flows.watch_inbox import watch_inbox
from pipelines import workflow
from pipelines.exceptions import StoreError
from pipelines.publication import current_release
from pipelines.workflow import Installation

pytestmark = pytest.mark.usefixtures("prefect_server")


def receive(**parameters: Any) -> Any:
    return receive_submissions(settle_seconds=0, return_state=True, **parameters)


def artifacts(key: str) -> list[Artifact]:
    """All of a key, oldest first."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return sorted(found, key=lambda artifact: artifact.created)


def events(resource: str, since: datetime) -> list[str]:
    """Names of the events about a resource that the server has written down.

    since: when the test began. Each test has a lake of its own, and all of them call their release `<day>.1`.
    """
    finish()
    body = {"filter": {"resource": {"id": [resource]}, "occurred": {"since": since.isoformat()}}}
    deadline = time.monotonic() + 20
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            if found := client.request("POST", "/events/filter", json=body).json()["events"]:
                return [event["event"] for event in found]
            time.sleep(0.2)
    return []


def states(site: Installation) -> dict[str, str]:
    return {record.source_name: str(record.state) for record in site.ledger.submissions()}


def test_from_the_inbox_to_the_release(data_dir: Path, put_contracts: Callable[..., Path]) -> None:
    began = datetime.now(UTC)
    put_contracts("good.csv")
    received = receive()
    assert (received.type, received.name) == ("COMPLETED", "Received")
    (result,) = received.result()
    assert result["name"] in ("Accepted", "AcceptedWithWarnings")
    assert (result["rows_in"], result["rows_accepted"], result["rows_refused"]) == (3, 3, 0)
    site = Installation.open()
    submission = result["submission_id"]
    assert states(site) == {"good.csv": "accepted"}
    assert (data_dir / "inbox" / ".taken" / submission / "good.csv").exists()
    assert not list((data_dir / "inbox" / "BRB").iterdir())

    report = artifacts("report-brb-procurement")[-1]
    assert submission in report.data and "3 rows read, 3 accepted" in report.data
    counts = json.loads(artifacts("rows-brb-procurement")[-1].data)
    assert {"Table": "Contracts", "Rows read": 3, "Accepted": 3, "Refused": 0} in counts
    assert artifacts(f"progress-{submission.lower()}")[-1].data == 100
    assert events(f"ingp.submission.{submission}", began) == ["ingp.submission.accepted"]

    assert receive().name == "NothingNew"

    published = publish_release(return_state=True)
    release = current_release(site.zones)
    assert published.name == "Published" and release is not None
    assert published.result() == release.name
    assert states(site) == {"good.csv": "published"}
    assert f"# Release {release.name}" in artifacts("release")[-1].data
    assert "procurement_contracts" in artifacts("release-tables")[-1].data
    assert artifacts("release-site")
    assert events(f"ingp.release.{release.name}", began) == ["ingp.release.published"]

    assert publish_release(return_state=True).name == "NothingNew"
    assert current_release(site.zones) == release
    assert recheck_accepted(return_state=True).name == "Unchanged"
    assert json.loads(artifacts("recheck")[-1].data) == []


def test_bad_data_is_a_verdict_and_not_a_failure(put_contracts: Callable[..., Path]) -> None:
    began = datetime.now(UTC)
    put_contracts("2024/bad.csv", method="by lottery")
    received = receive(member="brb")
    assert (received.type, received.name) == ("COMPLETED", "Received")
    (result,) = received.result()
    assert (result["name"], result["version"], result["rows_refused"]) == ("Rejected", None, 3)
    assert events(f"ingp.submission.{result['submission_id']}", began) == ["ingp.submission.rejected"]
    again = process_submission(result["submission_id"], return_state=True)
    assert (again.type, again.name) == ("COMPLETED", "Rejected")
    (record,) = Installation.open().ledger.submissions()
    assert (record.state, record.period) == ("needs_work", "2024")
    assert publish_release(return_state=True).name in ("NothingNew", "Published")


def test_a_loss_waits_for_a_person(put_contracts: Callable[..., Path]) -> None:
    began = datetime.now(UTC)
    put_contracts("all.csv", rows=20)
    receive()
    put_contracts("few.csv", rows=2)
    (result,) = receive().result()
    assert result["name"] == "NeedsConfirmation"
    assert events(f"ingp.submission.{result['submission_id']}", began) == [
        "ingp.submission.needs-confirmation"
    ]


def test_the_sender_may_tell_what_is_what(put_contracts: Callable[..., Path]) -> None:
    path = put_contracts("good.csv")
    path.write_text(path.read_text().replace("contract_title", "Folio", 1))
    mapping = path.with_name("good.csv.mapping.json")
    mapping.write_text(json.dumps({"tables": [{"file": "good.csv", "columns": {"contract_title": "Folio"}}]}))
    (result,) = receive().result()
    site = Installation.open()
    staged = workflow.read_staged(site.zones.staged / result["submission_id"])
    assert staged.understood["instructions"]["tables"][0]["columns"] == {"contract_title": "Folio"}
    assert not mapping.exists()


def test_what_cannot_be_taken_stays_and_is_told(data_dir: Path, put_contracts: Callable[..., Path]) -> None:
    put_contracts("good.csv")
    broken = put_contracts("odd.csv", rows=4)
    broken.with_name("odd.csv.mapping.json").write_text("[")
    (data_dir / "inbox" / "lost.csv").write_text("a\n")
    received = receive()
    assert (received.type, received.name) == ("COMPLETED", "NeedsAttention")
    assert states(Installation.open()) == {"good.csv": "accepted"}
    assert broken.exists()
    told = json.loads(artifacts("inbox-left")[-1].data)
    assert [row["File"] for row in told] == ["lost.csv", "BRB/odd.csv"]


def test_a_machine_that_fails_for_one_package_does_not_stop_the_others(
    put_contracts: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "take_package", take_package.with_options(retries=0))
    put_contracts("good.csv")
    stuck = put_contracts("stuck.csv", rows=4)
    stuck.with_name("stuck.csv.mapping.json").mkdir()  # cannot be opened, whoever asks
    received = receive()
    assert received.type == "FAILED"
    assert states(Installation.open()) == {"good.csv": "accepted"}
    assert stuck.exists()


def test_staged_but_not_moved_is_the_same_submission(put_contracts: Callable[..., Path]) -> None:
    path = put_contracts("good.csv")
    site = Installation.open()
    staged = workflow.receive(site, [path], "BRB")
    (result,) = receive().result()
    assert result["submission_id"] == staged.submission.submission_id
    assert len(site.ledger.submissions()) == 1
    assert not path.exists()


def test_what_was_interrupted_is_finished_once_it_is_old(put_contracts: Callable[..., Path]) -> None:
    path = put_contracts("good.csv")
    site = Installation.open()
    workflow.receive(site, [path], "BRB")
    path.unlink()
    assert receive().name == "NothingNew"  # somebody may be at work on it
    assert states(site) == {"good.csv": "received"}
    assert receive(resume_after_minutes=0).name == "Received"
    assert states(site) == {"good.csv": "accepted"}


def test_the_watcher_receives_and_publishes(put_contracts: Callable[..., Path]) -> None:
    site = Installation.open()
    stop = threading.Event()
    watcher = threading.Thread(
        target=watch_inbox, args=(stop,), kwargs={"settle_seconds": 0.1, "look_every_seconds": 0.5}
    )
    watcher.start()
    try:
        put_contracts("good.csv")
        deadline = time.monotonic() + 60
        while current_release(site.zones) is None and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        stop.set()
        watcher.join()
    assert states(site) == {"good.csv": "published"}


def test_a_schedule_plans_runs() -> None:
    """It does not with SQLAlchemy 2.1, whatever Prefect 3.8 declares: hence the bound in pyproject.toml."""
    deployment = receive_submissions.to_deployment("scheduled", interval=300).apply()
    # Without retries, or the client waits two minutes for a server that answers 500.
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
        deadline = time.monotonic() + 60
        while True:
            try:
                client.request("POST", f"/deployments/{deployment}/schedule", json={})
                break
            except PrefectHTTPStatusError as error:  # 503: its database is busy with the runs of before
                if error.response.status_code != 503 or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        of_it = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
        assert client.read_flow_runs(deployment_filter=of_it)


def test_only_troubles_of_the_machine_are_tried_again() -> None:
    assert is_machine_trouble(None, None, Failed(data=StoreError("the lake does not answer")))
    assert is_machine_trouble(None, None, Failed(data=PermissionError()))
    assert not is_machine_trouble(None, None, Failed(data=KeyError("mistake")))


def test_reports_are_in_the_members_language() -> None:
    members = Installation.open().catalogue
    assert [member_language(members, code) for code in ("PRY", "BRA", "HTI", "BRB")] == [
        "es",
        "pt",
        "fr",
        "en",
    ]
