"""The ocid begins with a prefix registered to the member (OCDS identifiers; OG-45). A local process number is told too."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="ocid-prefix-unregistered",
        version="1",
        package_type="procurement",
        table="processes",
        field="ocid",
        needs={"processes": ("ocid",)},
        sql="""SELECT rid, ocid AS value, json_object('prefix', CASE WHEN starts_with(ocid, 'ocds-') THEN ocid[:11] ELSE '' END) AS parameters
            FROM processes WHERE NOT list_contains(getvariable('own_prefixes'), ocid[:11])""",
    ),
)
