"""The number of tenderers is the number of those who are listed (Pelican: number of tenderers; OG-57)."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="tenderers-count-differs",
        version="1",
        package_type="procurement",
        table="processes",
        field="number_of_tenderers",
        needs={"processes": ("ocid", "number_of_tenderers"), "tenderers": ("ocid",)},
        sql="""WITH listed AS (SELECT ocid, count(*) AS n FROM tenderers GROUP BY ocid)
            SELECT p.rid, p.number_of_tenderers AS value, json_object('found', l.n, 'expected', p.number_of_tenderers) AS parameters
            FROM processes p JOIN listed l USING (ocid) WHERE try_cast(p.number_of_tenderers AS BIGINT) <> l.n""",
    ),
)
