"""Prefect's settings for this installation. What the operator has set in the environment stays as it is."""

import os
import sys
from pathlib import Path

from pipelines.settings import Settings


def prefect_settings(settings: Settings) -> dict[str, str]:
    """Environment variables of Prefect, by name.

    Its files go below the data folder; nothing is sent to anybody; an embedded server has three minutes to
    start, because the default of 20 s is too short for a first start on a busy machine; results are JSON.
    """
    return {
        "PREFECT_HOME": str(settings.zones.root / ".prefect"),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        # History is for looking at, lake and ledger are the truth: it need not grow for ever.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
    }


def prepare(settings: Settings | None = None) -> None:
    """Set what is not set yet. Without effect once Prefect is imported: then somebody else has decided."""
    if "prefect" in sys.modules:
        return
    for name, value in prefect_settings(settings or Settings()).items():
        os.environ.setdefault(name, value)
    # Prefect makes the folder, but not the one above it, and its server then cannot open its database.
    Path(os.environ["PREFECT_HOME"]).expanduser().mkdir(parents=True, exist_ok=True)
