"""A submission interrupted anywhere is whole after a rerun: nothing lost, doubled or half there."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("interrupted.py")


def test_killed_at_every_step_from_the_file_to_the_site(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-4000:]
    steps = json.loads(done.stdout)
    assert len(steps) > 40
    names = " ".join(steps)
    for name in (
        "write_manifest",
        "write_report",
        "lake/accepted",
        "commit",
        "write_sqlite",
        "verify_release",
        "switch_current",
        "os.rename",
    ):
        assert name in names, f"never killed at {name}"
