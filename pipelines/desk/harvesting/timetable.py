"""When an address is asked again. All hours are UTC."""

from datetime import datetime, timedelta

OFTEN = ("daily", "weekly", "monthly")
"""Every day; every Monday; the first day of every month."""

BACK_OFF = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
    timedelta(days=1),
)
"""After the first failure, the second … and every one after the last."""

LONGEST_WAIT = timedelta(days=7)
"""A server that asks for more rest than this is asked again all the same."""

LETTER_AFTER = timedelta(days=3)
"""So long an address fails before its member is told."""


def next_time(often: str, hour: int, now: datetime) -> datetime:
    """The first time of a timetable after now. ValueError: there is no such timetable."""
    if often not in OFTEN or not 0 <= hour <= 23:
        raise ValueError(f"no timetable: {often!r} at {hour}")
    time = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    while time <= now or (often == "weekly" and time.weekday()) or (often == "monthly" and time.day != 1):
        time += timedelta(days=1)
    return time


def next_try(failures: int, asked_to_wait: float | None, now: datetime) -> datetime:
    """After so many failures in a row, at least 1. asked_to_wait: seconds that the server wants (Retry-After)."""
    rest = BACK_OFF[min(failures, len(BACK_OFF)) - 1]
    asked = min(timedelta(seconds=min(asked_to_wait or 0.0, LONGEST_WAIT.total_seconds())), LONGEST_WAIT)
    return now + max(rest, asked)
