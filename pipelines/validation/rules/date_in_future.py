"""What has happened has a date that is past (Pelican: no past date after the release date; OG-55).

Compared with the day of the submission, so that a report does not change when it is read again later.
"""

from pipelines.validation.rules.base import Rule

_EVENTS = (
    ("procurement", "awards", "date"),
    ("procurement", "contracts", "date_signed"),
    ("procurement", "transactions", "date"),
    ("procurement", "milestones", "date_met"),
    ("procurement", "amendments", "date"),
    ("procurement", "processes", "release_date"),
    ("procurement", "documents", "date_published"),
    ("procurement", "documents", "date_modified"),
    ("activity", "declarations", "declaration_date"),
    ("activity", "exchanges", "exchange_date"),
    ("activity", "totals", "as_of"),
)

# As text first: canonical dates compare as they are written, and only what is late has to be read.
RULES = tuple(
    Rule(
        code="date-in-future",
        version="1",
        package_type=package_type,
        table=table,
        field=field,
        needs={table: (field,)},
        sql=f"""SELECT rid, {field}[:10] AS value, '{{}}' AS parameters FROM {table}
            WHERE {field}[:10] > CAST(getvariable('received_on') AS VARCHAR)
            AND try_cast({field}[:10] AS DATE) > getvariable('received_on') + INTERVAL 1 DAY
            AND year(try_cast({field}[:10] AS DATE)) <= 2050""",
    )
    for package_type, table, field in _EVENTS
)
