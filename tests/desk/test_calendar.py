"""What is due when: month ends, leap years, quarters, the member's own day."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.desk import MemberPolicy
from pipelines.desk.calendar import coming, covers, due_of, ended, span, today_of


@pytest.mark.parametrize(
    ("period", "days", "last", "on"),
    [
        ("2028-02", 0, date(2028, 2, 29), date(2028, 2, 29)),
        ("2027-02", 1, date(2027, 2, 28), date(2027, 3, 1)),
        ("2100-02", 0, date(2100, 2, 28), date(2100, 2, 28)),
        ("2026-12", 30, date(2026, 12, 31), date(2027, 1, 30)),
        ("2026-Q1", 15, date(2026, 3, 31), date(2026, 4, 15)),
        ("2026-Q4", 15, date(2026, 12, 31), date(2027, 1, 15)),
        ("2027", 60, date(2027, 12, 31), date(2028, 2, 29)),
    ],
)
def test_a_period_ends_and_is_due(period: str, days: int, last: date, on: date) -> None:
    due = due_of(period, days)
    assert (due.last, due.on) == (last, on)
    assert due.days_late(on) == 0 and due.days_late(on + timedelta(days=1)) == 1


@pytest.mark.parametrize("wrong", ["all", "", "2026-13", "2026-00", "2026-Q5", "0000", "26", "2026-1"])
def test_what_is_no_period_is_not_due(wrong: str) -> None:
    assert span(wrong) is None
    with pytest.raises(ValueError, match="not a period"):
        due_of(wrong, 1)


def test_the_day_is_the_members_own() -> None:
    now = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
    assert today_of("America/Tegucigalpa", now) == date(2026, 3, 31)
    assert today_of("America/Sao_Paulo", now) == date(2026, 3, 31)
    assert today_of(None, now) == date(2026, 4, 1)
    monthly = MemberPolicy("HND", frequency="monthly")
    assert ended(monthly, date(2026, 3, 31))[0].period == "2026-02"
    assert ended(monthly, date(2026, 4, 1))[0].period == "2026-03"


def test_what_ended_and_what_comes() -> None:
    quarterly = MemberPolicy("HND", frequency="quarterly", due_days=45)
    assert [due.period for due in ended(quarterly, date(2026, 1, 10), 3)] == ["2025-Q4", "2025-Q3", "2025-Q2"]
    assert [due.period for due in coming(quarterly, date(2026, 1, 10), 200)] == ["2025-Q4", "2026-Q1"]
    assert (
        ended(MemberPolicy("HND"), date(2026, 1, 10)) == coming(MemberPolicy("HND"), date(2026, 1, 10)) == ()
    )


def test_what_covers_a_period() -> None:
    due = due_of("2026-03", 30)
    april = date(2026, 4, 2)
    assert covers("2026-03", date(2026, 3, 20), due)
    assert covers("2026", april, due) and covers("2026-Q1", april, due) and covers("all", april, due)
    assert not covers("2026", date(2026, 3, 20), due) and not covers("all", date(2026, 3, 31), due)
    assert not covers("2026-02", april, due) and not covers("2025", april, due)


@given(
    st.sampled_from(["monthly", "quarterly", "yearly"]),
    st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    st.integers(0, 120),
)
def test_periods_follow_each_other_without_a_gap(frequency: str, today: date, days: int) -> None:
    policy = MemberPolicy("HND", frequency=frequency, due_days=days)
    dues = ended(policy, today, 6)
    assert dues[0].last < today
    assert all(new.first - old.last == timedelta(days=1) for new, old in pairwise(dues))
    nearest = coming(policy, today, 500)
    assert all(today <= due.on for due in nearest)
    assert [due.on for due in nearest] == sorted({due.on for due in nearest})
