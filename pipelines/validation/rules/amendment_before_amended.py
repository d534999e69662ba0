"""A change is dated after the beginning of what it changes (Pelican: amendment dates; OG-55)."""

from pipelines.validation.rules.base import Rule, day_before

_AMENDED = (
    ("tender", "processes", "tender_period_start", "p.ocid = a.ocid"),
    ("award", "awards", "date", "p.ocid = a.ocid AND p.award_id = a.parent_id"),
    ("contract", "contracts", "date_signed", "p.ocid = a.ocid AND p.contract_id = a.parent_id"),
)
_KEYS = {"processes": ("ocid",), "awards": ("ocid", "award_id"), "contracts": ("ocid", "contract_id")}

RULES = tuple(
    Rule(
        code="amendment-before-amended",
        version="1",
        package_type="procurement",
        table="amendments",
        field="date",
        needs={"amendments": ("ocid", "stage", "parent_id", "date"), table: (*_KEYS[table], column)},
        sql=f"""SELECT a.rid, a.date[:10] AS value, json_object('earlier', a.date[:10], 'later', p.{column}[:10]) AS parameters
            FROM amendments a JOIN {table} p ON {match} WHERE a.stage = '{stage}' AND {day_before("a.date", f"p.{column}")}""",
    )
    for stage, table, column, match in _AMENDED
)
