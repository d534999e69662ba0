"""Safe fixes: offered as a list to look through, applied to a new file, and only what is certain."""

from pipelines.fixing.apply import checked_fixes
from pipelines.fixing.proposals import KINDS, Fix, FixGroup, Left, Proposal, propose_fixes
from pipelines.fixing.reading import UnfixableError
from pipelines.fixing.split import split_flat

__all__ = [
    "KINDS",
    "Fix",
    "FixGroup",
    "Left",
    "Proposal",
    "UnfixableError",
    "checked_fixes",
    "propose_fixes",
    "split_flat",
]
