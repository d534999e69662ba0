"""``ingp audit``: shown, exported, checked, and a change found."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from pipelines import workflow
from pipelines.cli.main import app
from pipelines.workflow import Installation
from tests.pipelines.test_workflow import ONE, flat


def test_a_changed_event_is_found(
    site: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGP_DATA_DIR", str(site.settings.data_dir))
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    run = CliRunner().invoke
    shown = run(app, ["audit"])
    assert shown.exit_code == 0 and "checking > ready" in shown.output
    exported = tmp_path / "log.jsonl"
    assert run(app, ["audit", "--check", "--export", str(exported)]).exit_code == 0
    events = [json.loads(line) for line in exported.read_text(encoding="utf-8").splitlines()]
    assert [event["to_state"] for event in events] == ["received", "checking", "ready", "accepted"]
    with site.ledger.database.write() as connection:
        for (name,) in connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE events SET actor = 'somebody' WHERE id = 2"))
    broken = run(app, ["audit", "--check"])
    assert broken.exit_code == 1
    assert "2" in broken.output
