"""The same process or contract under two numbers, the same supplier under two (OG-44).

Primary keys cannot see these. What is equal in everything that describes it is shown side by side; whether it is one thing
or two, only the sender knows, so nothing is taken out.
"""

from pipelines.validation.rules.base import Rule

_SAME_CONTRACT = "title, value_amount, value_currency, day"
_SAME_PROCESS = "buyer, tender_title, tender_value_amount, tender_value_currency, day"


def _several_ids(shape: str, table: str, name: str, scheme: str, identifier: str, roles: str = "") -> Rule:
    return Rule(
        code="supplier-under-several-ids",
        version="1",
        package_type="procurement",
        table=table,
        field=identifier,
        needs={table: (name, identifier, *(("roles",) if roles else ()))},
        optional={table: (scheme,)},
        shape=shape,
        sql=f"""WITH suppliers AS (
                SELECT {name} AS name, {scheme} AS scheme, {identifier} AS id, min(rid) AS rid FROM {table}
                WHERE {identifier} IS NOT NULL AND {name} IS NOT NULL{roles} GROUP BY ALL),
            plain AS (SELECT rid, scheme, id, upper(strip_accents(trim(name))) AS name FROM suppliers),
            firsts AS (SELECT name, scheme, min(id) AS first FROM plain GROUP BY ALL HAVING count(DISTINCT id) > 1)
            SELECT p.rid, p.id AS value, json_object('key', f.first) AS parameters
            FROM plain p JOIN firsts f ON f.name = p.name AND f.scheme IS NOT DISTINCT FROM p.scheme WHERE p.id > f.first""",
    )


RULES = (
    Rule(
        code="possible-duplicate",
        version="1",
        package_type="procurement",
        table="contracts",
        field="contract_id",
        needs={
            "contracts": ("ocid", "contract_id", "title", "value_amount", "value_currency", "date_signed"),
        },
        optional={
            "contracts": ("award_id",),
            "award_suppliers": ("ocid", "award_id", "party_id"),
            "contract_suppliers": ("ocid", "contract_id", "party_id"),
        },
        one_of=("award_suppliers", "contract_suppliers"),
        sql=f"""WITH described AS (SELECT rid, ocid, contract_id, award_id, title, value_amount, value_currency, date_signed[:10] AS day FROM contracts
                WHERE value_amount IS NOT NULL AND value_currency IS NOT NULL AND date_signed IS NOT NULL AND title IS NOT NULL),
            alike AS MATERIALIZED (SELECT d.* FROM described d SEMI JOIN (SELECT {_SAME_CONTRACT} FROM described GROUP BY ALL HAVING count(*) > 1) s
                USING ({_SAME_CONTRACT})),
            supplied AS (
                SELECT a.ocid, a.contract_id, s.party_id FROM alike a JOIN award_suppliers s ON s.ocid = a.ocid AND s.award_id = a.award_id
                UNION SELECT a.ocid, a.contract_id, s.party_id FROM alike a JOIN contract_suppliers s
                ON s.ocid = a.ocid AND s.contract_id = a.contract_id),
            whole AS (SELECT a.*, s.suppliers FROM alike a
                JOIN (SELECT ocid, contract_id, string_agg(party_id, ';' ORDER BY party_id) AS suppliers FROM supplied GROUP BY ALL) s
                USING (ocid, contract_id)),
            firsts AS (SELECT {_SAME_CONTRACT}, suppliers, min((contract_id, ocid)) AS first FROM whole
                GROUP BY ALL HAVING count(DISTINCT (contract_id, ocid)) > 1)
            SELECT w.rid, w.contract_id AS value, json_object('key', f.first[1]) AS parameters
            FROM whole w JOIN firsts f USING ({_SAME_CONTRACT}, suppliers) WHERE (w.contract_id, w.ocid) > f.first""",
    ),
    Rule(
        code="possible-duplicate",
        version="1",
        package_type="procurement",
        table="processes",
        field="ocid",
        needs={
            "processes": (
                "ocid",
                "tender_title",
                "tender_value_amount",
                "tender_value_currency",
                "tender_period_start",
            ),
        },
        optional={"processes": ("buyer_id", "buyer_name")},
        sql=f"""WITH described AS (SELECT rid, ocid, coalesce(buyer_id, buyer_name) AS buyer, tender_title, tender_value_amount,
                tender_value_currency, tender_period_start[:10] AS day FROM processes
                WHERE tender_title IS NOT NULL AND tender_value_amount IS NOT NULL AND tender_value_currency IS NOT NULL
                AND tender_period_start IS NOT NULL AND coalesce(buyer_id, buyer_name) IS NOT NULL),
            firsts AS (SELECT {_SAME_PROCESS}, min(ocid) AS first FROM described GROUP BY ALL HAVING count(*) > 1)
            SELECT d.rid, d.ocid AS value, json_object('key', f.first) AS parameters
            FROM described d JOIN firsts f USING ({_SAME_PROCESS}) WHERE d.ocid > f.first""",
    ),
    _several_ids(
        "linked",
        "parties",
        "name",
        "identifier_scheme",
        "identifier_id",
        " AND contains(concat(';', roles, ';'), ';supplier;')",
    ),
    _several_ids("flat", "contracts_flat", "supplier_name", "supplier_id_scheme", "supplier_id"),
)
