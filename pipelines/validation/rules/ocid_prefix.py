"""The ocid begins with a prefix registered to the member (OCDS identifiers; OG-45).

A member that has no registered prefix yet uses its own process numbers, and that is right (guidelines 3.3).
"""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="ocid-prefix-unregistered",
        version="1",
        package_type="procurement",
        table="processes",
        field="ocid",
        needs={"processes": ("ocid",)},
        sql="""SELECT rid, ocid AS value, json_object('prefix', CASE WHEN starts_with(ocid, 'ocds-') THEN ocid[:11] ELSE ocid END) AS parameters
            FROM processes WHERE NOT list_contains(getvariable('own_prefixes'), ocid[:11])
            AND (starts_with(ocid, 'ocds-') OR len(getvariable('own_prefixes')) > 0)""",
    ),
)
