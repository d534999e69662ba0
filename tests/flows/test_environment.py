"""Prefect's settings, and the deployments: read as Prefect reads them, without a server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows.environment import prefect_settings, prepare
from pipelines.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOYED = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]

ASK = """
import json, flows.history, prefect.settings as told
now = told.get_current_settings()
print(json.dumps([str(now.home), now.server.ephemeral.startup_timeout_seconds, now.server.analytics_enabled,
    str(now.results.default_serializer), now.logging.level, now.server.events.retention_period.days]))
"""


def test_the_settings_reach_prefect_and_the_operators_own_win(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DO_NOT"))
    }
    environment |= {"INGP_DATA_DIR": str(tmp_path / "new" / "var"), "PREFECT_LOGGING_LEVEL": "ERROR"}
    answer = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    home = tmp_path / "new" / "var" / ".prefect"
    assert json.loads(answer.stdout) == [str(home), 180, False, "json", "ERROR", 7]
    assert home.is_dir()


def test_a_shell_gets_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGP_DATA_DIR", str(tmp_path / "it's here"))
    command = f'eval "$({sys.executable} -m flows)"; echo "$PREFECT_HOME"'
    answer = subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == str(tmp_path / "it's here" / ".prefect")


def test_nothing_is_set_once_prefect_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import prefect  # noqa: F401

    for name in prefect_settings(Settings()):
        monkeypatch.delenv(name, raising=False)
    prepare(Settings(data_dir=tmp_path))
    assert not set(prefect_settings(Settings())) & set(os.environ)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("deployment", DEPLOYED, ids=lambda each: each["entrypoint"].split(".")[-1])
def test_deployments_name_flows_by_module(deployment: dict) -> None:
    from prefect.flows import load_flow_from_entrypoint

    entrypoint = deployment["entrypoint"]
    assert ":" not in entrypoint and "/" not in entrypoint
    assert (
        load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False).fn.__name__
        == entrypoint.split(".")[-1]
    )
    assert deployment["work_pool"] == {"name": "ingp"}


def test_the_trigger_waits_for_an_event_that_is_emitted() -> None:
    from prefect.cli.deploy._triggers import DeploymentTriggerAdapter

    from flows.reports import SUBMISSION_EVENTS

    (specification,) = [trigger for each in DEPLOYED for trigger in each.get("triggers", ())]
    trigger = DeploymentTriggerAdapter.validate_python(specification)
    assert trigger.expect == {SUBMISSION_EVENTS["accepted"]}
