"""The command as people and scripts use it: a process of its own, its output and its exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def ingp(
    folder: Path, *words: str, language: str = "en", columns: int = 120, text: bool = True
) -> subprocess.CompletedProcess[Any]:
    """Run ``ingp`` in a folder whose data lie in ``var`` below it. text: output decoded; else as bytes."""
    environment = {
        **os.environ,
        "INGP_DATA_DIR": str(folder / "var"),
        "INGP_LANGUAGE": language,
        "COLUMNS": str(columns),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "pipelines.cli.main", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=text, check=False, timeout=300
    )
