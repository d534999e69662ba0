"""Nothing is paid on a contract that nobody signed (Pelican: contracts status; OG-57)."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="payment-on-unsigned-contract",
        version="1",
        package_type="procurement",
        table="transactions",
        field="contract_id",
        needs={"transactions": ("ocid", "contract_id"), "contracts": ("ocid", "contract_id", "status")},
        sql="""SELECT t.rid, t.contract_id AS value, json_object('status', c.status, 'status_codelist', 'contractStatus', 'key', c.contract_id) AS parameters
            FROM transactions t JOIN contracts c USING (ocid, contract_id) WHERE c.status IN ('pending', 'cancelled')""",
    ),
)
