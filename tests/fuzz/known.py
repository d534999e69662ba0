"""The differences that stand, one entry a kind: where frictionless itself stops with an exception that is no verdict.

Every entry is a row of the table in docs/frictionless.md (a test compares the two).
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """`raised` and `says`: class name and text (pattern) of the exception that leaves frictionless."""

    code: str
    raised: str
    says: str
    reason: str


KNOWN = (
    Known(
        "unhashable-key",
        "TypeError",
        "unhashable type",
        "A key or a unique field of type list, array, object or geojson: frictionless puts the cell in a dictionary.",
    ),
    Known(
        "naive-and-aware",
        "TypeError",
        "can't compare offset-naive and offset-aware",
        "A bound without a time zone and a cell with one, or the other way round.",
    ),
    Known(
        "pattern-no-regex",
        "error|PatternError",
        "",
        "A pattern that Python's re does not take between ^ and $, such as (?i)abc.",
    ),
    Known(
        "signalling-nan",
        "InvalidOperation|TypeError|ValueError",
        "sNaN|signaling NaN|InvalidOperation|comparison involving sNaN|Cannot hash a signaling NaN",
        "The number sNaN, compared with a bound or used as a key.",
    ),
    Known(
        "bound-without-value",
        "TypeError",
        "not supported between instances of .* 'NoneType'",
        "A bound that its own field cannot read (a minimum of \"x\"): frictionless compares with nothing.",
    ),
    Known(
        "offset-of-a-day",
        "ValueError",
        "offset must be a timedelta strictly between",
        "A time zone of 24 hours or more, which Python refuses when the value is compared, not when it is read.",
    ),
)  # fmt: skip


def recognise(theirs: BaseException | None) -> Known | None:
    """The entry for what frictionless raised, or None."""
    if theirs is None:
        return None
    kind, text = type(theirs).__name__, str(theirs)
    return next(
        (each for each in KNOWN if re.fullmatch(each.raised, kind) and re.search(each.says, text)), None
    )
