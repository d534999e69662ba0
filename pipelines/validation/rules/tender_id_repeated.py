"""The number of a tender is used by one process only (Pelican: tender.id unique; OG-44)."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="tender-id-repeated",
        version="1",
        package_type="procurement",
        table="processes",
        field="tender_id",
        needs={"processes": ("ocid", "tender_id")},
        sql="""WITH repeated AS (
                SELECT tender_id, min(ocid) AS first, count(*) AS n FROM processes WHERE tender_id IS NOT NULL
                GROUP BY tender_id HAVING count(*) > 1)
            SELECT p.rid, p.tender_id AS value, json_object('key', r.first, 'total', r.n) AS parameters
            FROM processes p JOIN repeated r USING (tender_id) WHERE p.ocid > r.first""",
    ),
)
