"""What is due when: the one place that computes it, for the board, the reminders and the calendar.

A period is due on a day of the member's own calendar (time zone of ``schemas/members.csv``): so many days after the last day of the
period. It is late from the first moment of the day after.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.desk.members import MemberPolicy

MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_QUARTER = re.compile(r"(\d{4})-?Q([1-4])", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Due:
    """period: ``2026-03``, ``2026-Q1``, ``2026``. first, last: its days. on: the last day on which it is in time."""

    period: str
    first: date
    last: date
    on: date

    def days_late(self, today: date) -> int:
        """Days after the day on which it was due; negative: days that are left."""
        return (today - self.on).days


def today_of(zone: str | None, now: datetime) -> date:
    """The day that it is in a member's time zone; UTC where none is known."""
    return now.astimezone(ZoneInfo(zone) if zone else UTC).date()


def span(period: str) -> tuple[date, date] | None:
    """First and last day of a period; None for ``all`` and what is no period."""
    if found := _QUARTER.fullmatch(period):
        year, month, months = int(found[1]), 3 * int(found[2]) - 2, 3
    elif (found := _MONTH.fullmatch(period)) and 1 <= int(found[2]) <= 12:
        year, month, months = int(found[1]), int(found[2]), 1
    elif _YEAR.fullmatch(period):
        year, month, months = int(period), 1, 12
    else:
        return None
    if not 1 <= year <= 9999:
        return None
    end = month + months - 1
    return date(year, month, 1), date(year, end, monthrange(year, end)[1])


def due_of(period: str, due_days: int) -> Due:
    """When a period is due; ValueError for what is no period."""
    days = span(period)
    if days is None:
        raise ValueError(f"not a period: {period!r}")
    return Due(period, *days, days[1] + timedelta(days=due_days))


def period_of(frequency: str, day: date) -> str:
    """The period of a frequency in which a day lies."""
    if frequency == "monthly":
        return f"{day:%Y-%m}"
    if frequency == "quarterly":
        return f"{day.year:04}-Q{(day.month + 2) // 3}"
    return f"{day.year:04}"


def ended(policy: MemberPolicy, today: date, count: int = 1) -> tuple[Due, ...]:
    """The newest periods that are over, newest first; none where nothing has been declared."""
    found: list[Due] = []
    day = today
    while policy.frequency and len(found) < count:
        first = due_of(period_of(policy.frequency, day), policy.due_days).first
        if first <= date(2, 1, 1):
            break
        day = first - timedelta(days=1)
        found.append(due_of(period_of(policy.frequency, day), policy.due_days))
    return tuple(found)


def coming(policy: MemberPolicy, today: date, days: int = 366) -> tuple[Due, ...]:
    """What becomes due from today on, within so many days, soonest first."""
    end, found = today + timedelta(days=days), []
    for earlier in reversed(ended(policy, today, 1 + (policy.due_days + 31) // 28)):
        if earlier.on >= today:
            found.append(earlier)
    day = today
    while policy.frequency:
        due = due_of(period_of(policy.frequency, day), policy.due_days)
        if due.on > end:
            break
        found.append(due)
        day = due.last + timedelta(days=1)
    return tuple(due for due in found if due.on <= end)


def covers(period: str, received: date, due: Due) -> bool:
    """Whether a submission of a period, come on a day, holds what is due: the same days, or more days once the period was over."""
    if period == "all":
        return received > due.last
    days = span(period)
    if days is None:
        return False
    if days == (due.first, due.last):
        return True
    return days[0] <= due.first and days[1] >= due.last and received > due.last
