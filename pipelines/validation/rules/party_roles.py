"""Organizations have the roles in which they are named, and are named in the roles they have (Pelican: roles; OG-43)."""

from pipelines.validation.rules.base import Rule

REFERENCES = (
    ("buyer", "processes", "buyer_id", "buyer_name"),
    ("procuringEntity", "processes", "procuring_entity_id", "procuring_entity_name"),
    ("tenderer", "tenderers", "party_id", "name"),
    ("supplier", "award_suppliers", "party_id", "name"),
    ("supplier", "contract_suppliers", "party_id", "name"),
    ("payer", "transactions", "payer_id", "payer_name"),
    ("payee", "transactions", "payee_id", "payee_name"),
)
"""role, table, and the columns that name the organization there."""

_KNOWN = "['" + "', '".join(dict.fromkeys(role for role, *_ in REFERENCES)) + "']"
"""Roles in words of the sender's own say nothing about these; they are told with the codes."""


def _has(role: str, roles: str) -> str:
    return f"contains(concat(';', {roles}, ';'), ';{role};')"


def _missing(role: str, table: str, column: str) -> Rule:
    return Rule(
        code="party-role-missing",
        version="1",
        package_type="procurement",
        table=table,
        field=column,
        needs={table: ("ocid", column), "parties": ("ocid", "party_id", "roles")},
        shape="linked",
        sql=f"""WITH others AS (SELECT ocid, party_id, roles FROM parties WHERE NOT {_has(role, "roles")}
                AND list_has_any(string_split(roles, ';'), {_KNOWN}))
            SELECT r.rid, r.{column} AS value, json_object('key', r.{column}, 'role', '{role}', 'role_codelist', 'partyRole',
                'roles', p.roles, 'roles_codelist', 'partyRole', 'typed', concat(p.roles, ';{role}')) AS parameters
            FROM {table} r JOIN others p ON p.ocid = r.ocid AND p.party_id = r.{column}""",
    )


def _unused(role: str) -> Rule:
    named = [(table, column) for each, table, column, _ in REFERENCES if each == role]
    references = " UNION ALL ".join(
        f"SELECT ocid, {column} AS party_id FROM {table}" for table, column in named
    )
    alone = len(named) == 1
    needs = {"parties": ("ocid", "party_id", "roles")}
    # Where a number of the role leads nowhere, that is told, and it is most likely this organization's, mistyped.
    return Rule(
        code="party-role-unused",
        version="1",
        package_type="procurement",
        table="parties",
        field="roles",
        needs=needs | ({table: ("ocid", column) for table, column in named} if alone else {}),
        optional={} if alone else {table: ("ocid", column) for table, column in named},
        one_of=() if alone else tuple(table for table, _ in named),
        shape="linked",
        sql=f"""WITH named AS ({references}), holders AS (SELECT rid, ocid, party_id FROM parties WHERE {_has(role, "roles")}),
            astray AS (SELECT DISTINCT n.ocid FROM named n ANTI JOIN parties p ON p.ocid = n.ocid AND p.party_id = n.party_id WHERE n.party_id IS NOT NULL)
            SELECT h.rid, h.party_id AS value, json_object('key', h.party_id, 'role', '{role}', 'role_codelist', 'partyRole') AS parameters
            FROM holders h ANTI JOIN named n ON n.ocid = h.ocid AND n.party_id = h.party_id ANTI JOIN astray s ON s.ocid = h.ocid""",
    )


RULES = (
    *(_missing(role, table, column) for role, table, column, _ in REFERENCES),
    # Not buyers: the offices above the one that buys are listed with the same role, and a release names one of them.
    *(_unused(role) for role in dict.fromkeys(role for role, *_ in REFERENCES) if role != "buyer"),
)
