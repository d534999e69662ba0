"""accepted -> release -> ``current``."""

from pipelines.publication.assemble import assemble_release, next_release_id, read_release
from pipelines.publication.switch import current_release, switch_current

__all__ = ["assemble_release", "current_release", "next_release_id", "read_release", "switch_current"]
