"""``current``: a pointer to one release, moved atomically."""

import json
import os
from pathlib import Path

from pipelines.exceptions import PublicationError
from pipelines.identifiers import ReleaseId
from pipelines.zones import Zones


def switch_current(release_id: ReleaseId, zones: Zones) -> None:
    """Serve this release from now on. The pointer is replaced in one step; older releases stay where they are."""
    folder = zones.release_folder(release_id)
    if not (folder / "release.json").exists():
        raise PublicationError(f"release {release_id} is not complete")
    beside = zones.current.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(json.dumps({"release_id": str(release_id)}), encoding="utf-8")
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(zones.current)


def current_release(zones: Zones) -> Path | None:
    """Folder of the release that is served; None before the first, and when somebody has deleted it."""
    try:
        release_id = ReleaseId(json.loads(zones.current.read_text(encoding="utf-8"))["release_id"])
    except FileNotFoundError:
        return None
    folder = zones.release_folder(release_id)
    return folder if (folder / "release.json").exists() else None
