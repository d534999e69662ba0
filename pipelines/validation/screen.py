"""The screen of `pipelines.validation.exact`, for staged tables: cells are columns of their own name, NULL when missing.

The proofs themselves are in `pipelines.validation.exact.screen`, and only there.
"""

from collections.abc import Mapping
from typing import Any

from frictionless import Field

from pipelines.engine import quote_name
from pipelines.validation.exact.screen import screen_field


def clean_cell(descriptor: Mapping[str, Any]) -> str:
    """SQL that is true only for cells of this field in which Frictionless finds nothing."""
    screen = screen_field(
        Field.from_descriptor(dict(descriptor)), quote_name(descriptor["name"]), quick=False
    )
    if screen.always:
        return "true"
    empty = "true" if screen.empty_is_clean else "false"
    return f"CASE WHEN {quote_name(descriptor['name'])} IS NULL THEN {empty} ELSE {screen.condition()} END"


def suspect_row(fields: list[Mapping[str, Any]]) -> str:
    """SQL that is true for rows with a cell that could not be proved clean."""
    proofs = [proof for field in fields if (proof := clean_cell(field)) != "true"]
    return f"NOT ({' AND '.join(proofs)})" if proofs else "false"
