"""Nothing is paid on a contract before it is signed (Pelican: timeline; OG-55)."""

from pipelines.validation.rules.base import Rule, day_before

RULES = (
    Rule(
        code="payment-before-signature",
        version="1",
        package_type="procurement",
        table="transactions",
        field="date",
        needs={
            "transactions": ("ocid", "contract_id", "date"),
            "contracts": ("ocid", "contract_id", "date_signed"),
        },
        sql=f"""SELECT t.rid, t.date[:10] AS value, json_object('earlier', t.date[:10], 'later', c.date_signed[:10]) AS parameters
            FROM transactions t JOIN contracts c USING (ocid, contract_id) WHERE {day_before("t.date", "c.date_signed")}""",
    ),
)
