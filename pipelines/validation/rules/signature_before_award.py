"""A contract is signed on or after the day of its award (Pelican: timeline; OG-55)."""

from pipelines.validation.rules.base import Rule, day_before

RULES = (
    Rule(
        code="signature-before-award",
        version="1",
        package_type="procurement",
        table="contracts",
        field="date_signed",
        needs={"contracts": ("ocid", "award_id", "date_signed"), "awards": ("ocid", "award_id", "date")},
        sql=f"""SELECT c.rid, c.date_signed[:10] AS value, json_object('earlier', a.date[:10], 'later', c.date_signed[:10]) AS parameters
            FROM contracts c JOIN awards a USING (ocid, award_id) WHERE {day_before("c.date_signed", "a.date")}""",
    ),
)
