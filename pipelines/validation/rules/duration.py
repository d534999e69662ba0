"""The duration of a period is the days from its beginning to its end (Pelican: period duration; OG-55).

A day more or less is nobody's mistake: some count the first day, and times of the day round either way. Where the end
is not given, the latest possible end stands for it.
"""

from pipelines.validation.rules.base import Rule, field_name

_PERIODS = (
    ("processes", "tender_period"),
    ("processes", "enquiry_period"),
    ("processes", "award_period"),
    ("processes", "tender_contract_period"),
    ("awards", "contract_period"),
    ("contracts", "period"),
)


def _duration(table: str, period: str) -> Rule:
    start, end, extent, days = (
        f"{period}_{each}" for each in ("start", "end", "max_extent", "duration_days")
    )
    return Rule(
        code="duration-differs",
        version="1",
        package_type="procurement",
        table=table,
        field=days,
        needs={table: (days, start)},
        optional={table: (end, extent)},
        sql=f"""WITH measured AS (
                SELECT rid, {days} AS told, {start}[:10] AS first, coalesce({end}, {extent})[:10] AS last,
                    date_diff('day', try_cast({start}[:10] AS DATE), try_cast(coalesce({end}, {extent})[:10] AS DATE)) AS days
                FROM {table} WHERE {days} IS NOT NULL)
            SELECT rid, told AS value, json_object('earlier', first, 'later', last, 'found', days,
                'earlier_field', {field_name(table, start)}) AS parameters
            FROM measured WHERE days >= 0 AND abs(try_cast(told AS BIGINT) - days) > 1""",
    )


RULES = tuple(_duration(*each) for each in _PERIODS)
