"""Women and men are not more than the participants (guidelines 5.4, reconciliation)."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="participants-exceed-total",
        version="1",
        package_type="activity",
        table="activity_countries",
        field="participants",
        needs={"activity_countries": ("participants", "women", "men")},
        sql="""SELECT rid, participants AS value, json_object('total', try_cast(women AS BIGINT) + try_cast(men AS BIGINT)) AS parameters
            FROM activity_countries WHERE try_cast(women AS BIGINT) + try_cast(men AS BIGINT) > try_cast(participants AS BIGINT)""",
    ),
)
