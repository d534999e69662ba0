"""Processes that others name are found, under the same title (Pelican: related process; OG-43).

Only ids with a prefix of the member: others publish theirs elsewhere. One may also be in an earlier submission, which a
check of one submission cannot see, so this only informs.
"""

from pipelines.validation.rules.base import Rule

_OWN = "r.scheme = 'ocid' AND list_contains(getvariable('own_prefixes'), r.identifier[:11])"

RULES = (
    Rule(
        code="related-process-not-here",
        version="1",
        package_type="procurement",
        table="related_processes",
        field="identifier",
        needs={"related_processes": ("scheme", "identifier"), "processes": ("ocid",)},
        sql=f"""SELECT r.rid, r.identifier AS value, json_object('key', r.identifier) AS parameters
            FROM related_processes r ANTI JOIN processes p ON p.ocid = r.identifier WHERE {_OWN}""",
    ),
    Rule(
        code="related-process-title-differs",
        version="1",
        package_type="procurement",
        table="related_processes",
        field="title",
        needs={"related_processes": ("scheme", "identifier", "title"), "processes": ("ocid", "tender_title")},
        sql="""SELECT r.rid, r.title AS value, json_object('key', r.identifier, 'other_value', p.tender_title) AS parameters
            FROM related_processes r JOIN processes p ON p.ocid = r.identifier
            WHERE r.scheme = 'ocid' AND trim(lower(r.title)) <> trim(lower(p.tender_title))""",
    ),
)
