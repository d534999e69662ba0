"""Troubles of the machine. Troubles of the data are `pipelines.records.Finding`.

::

    PipelineError
    ├── CatalogueError       schemas/ is incomplete or contradicts itself
    ├── IntakeError          a submission could not be staged for a reason outside its bytes
    ├── ValidationError      the validator itself failed
    │   └── StoppedError     somebody stopped it, or its time was over
    ├── StoreError           lake or ledger could not be read or written
    │   ├── ConflictError    somebody else committed first; read again and retry
    │   └── UnknownError     no such submission, version or release
    └── PublicationError     a release could not be built or did not pass its own verification
"""


class PipelineError(Exception):
    """Root of every trouble that is not the data's."""


class CatalogueError(PipelineError):
    """The standard in ``schemas/`` is incomplete or contradicts itself."""


class IntakeError(PipelineError):
    """A submission could not be staged for a reason outside its bytes."""


class ValidationError(PipelineError):
    """The validator itself failed; says nothing about the data."""


class StoppedError(ValidationError):
    """A validation ended before all rows were checked. reason: ``cancelled`` or ``budget``; checked, total: rows."""

    def __init__(self, reason: str, checked: int, total: int) -> None:
        super().__init__(f"{reason}: checked {checked} of {total} rows")
        self.reason = reason
        self.checked = checked
        self.total = total


class StoreError(PipelineError):
    """The lake or the ledger could not be read or written."""


class ConflictError(StoreError):
    """Another writer committed first."""


class UnknownError(StoreError):
    """No submission, version or release has that identifier."""


class PublicationError(PipelineError):
    """A release could not be built, or did not pass its own verification."""
