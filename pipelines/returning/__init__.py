"""The officer's own file given back: bad cells coloured and explained, the problems listed in front."""

from pipelines.returning.returned import return_file
from pipelines.templates import problem_labels, problem_sheets

__all__ = ["problem_labels", "problem_sheets", "return_file"]
