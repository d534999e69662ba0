"""Submit and publish one file with this project; prints the figures of each stage as JSON.

python -m benchmarks.ours FILE FOLDER
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines import workflow
from pipelines.settings import Settings

MEMBER = "PRY"


def measure(stages: dict[str, dict[str, float]], name: str, step: Callable[[], Any]) -> Any:
    """Run a step; wall and processor seconds of it, and the peak memory of the process until then."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = step()
    stages[name] = {
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    return result


def main(file: Path, folder: Path) -> None:
    stages: dict[str, dict[str, float]] = {}
    site = workflow.Installation.open(Settings(data_dir=folder))
    staged = measure(stages, "receive", lambda: workflow.receive(site, [file], MEMBER))
    submission_id = staged.submission.submission_id
    outcome = measure(stages, "validate and accept", lambda: workflow.process(site, submission_id))
    if outcome.version is None:
        raise SystemExit(f"refused: {[group.code for group in outcome.report.groups]}")
    measure(stages, "publish", lambda: workflow.publish(site))
    print(json.dumps(stages))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
