"""Counts of an activity agree with what is counted by country (guidelines 5.4, reconciliation)."""

from pipelines.validation.rules.base import Rule


def _rule(table: str, field: str, needs: dict[str, tuple[str, ...]], sql: str) -> Rule:
    return Rule(
        code="parts-exceed-total",
        version="1",
        package_type="activity",
        table=table,
        field=field,
        needs=needs,
        sql=sql,
    )


def _by_country(field: str, counted: str, columns: tuple[str, ...]) -> Rule:
    return _rule(
        "activities",
        field,
        {"activities": ("activity_id", field), "activity_countries": ("activity_id", *columns)},
        f"""WITH parts AS (SELECT activity_id, {counted} AS n FROM activity_countries GROUP BY activity_id)
            SELECT a.rid, a.{field} AS value, json_object('total', a.{field}, 'found', p.n) AS parameters
            FROM activities a JOIN parts p USING (activity_id) WHERE p.n > try_cast(a.{field} AS BIGINT)""",
    )


RULES = (
    _by_country(
        "participants_total", "CAST(sum(try_cast(participants AS BIGINT)) AS BIGINT)", ("participants",)
    ),
    _by_country("countries_count", "count(DISTINCT country)", ("country",)),
    _rule(
        "courses",
        "enrolled",
        {"courses": ("enrolled", "completed")},
        """SELECT rid, enrolled AS value, json_object('total', enrolled, 'found', try_cast(completed AS BIGINT)) AS parameters
            FROM courses WHERE try_cast(completed AS BIGINT) > try_cast(enrolled AS BIGINT)""",
    ),
)
