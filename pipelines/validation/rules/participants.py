"""Women and men are not more than the participants (guidelines 5.4, reconciliation)."""

from pipelines.validation.rules.base import Rule

_COUNTED = (("activity_countries", "participants"), ("course_countries", "trained"))

RULES = tuple(
    Rule(
        code="participants-exceed-total",
        version="1",
        package_type="activity",
        table=table,
        field=field,
        needs={table: (field, "women", "men")},
        sql=f"""SELECT rid, {field} AS value, json_object('total', try_cast(women AS BIGINT) + try_cast(men AS BIGINT)) AS parameters
            FROM {table} WHERE try_cast(women AS BIGINT) + try_cast(men AS BIGINT) > try_cast({field} AS BIGINT)""",
    )
    for table, field in _COUNTED
)
