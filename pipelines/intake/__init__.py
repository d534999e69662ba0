"""inbox -> staged: bytes kept, tables read, everything understood is written down."""

from pipelines.intake.limits import Limits
from pipelines.intake.manifest import read_staged
from pipelines.intake.receive import receive_submission
from pipelines.intake.sources import Instructions

__all__ = ["Instructions", "Limits", "read_staged", "receive_submission"]
