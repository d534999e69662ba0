"""An organization has one name, where it is listed and where it is named (Pelican: references have the party's name; OG-43).

Case, accents and punctuation do not count: they are how people write, and readers recognise the name all the same.
"""

from pipelines.validation.rules.base import Rule
from pipelines.validation.rules.party_roles import REFERENCES


def _plain(name: str) -> str:
    return f"regexp_replace(lower(strip_accents({name})), '[^a-z0-9]', '', 'g')"


RULES = tuple(
    Rule(
        code="party-name-differs",
        version="1",
        package_type="procurement",
        table=table,
        field=name,
        needs={table: ("ocid", column, name), "parties": ("ocid", "party_id", "name")},
        # First who is not named like this, which is few: names are made plain for those only.
        sql=f"""WITH unlike AS MATERIALIZED (
                SELECT r.rid, r.ocid, r.{column} AS party_id, r.{name} AS own FROM {table} r
                ANTI JOIN parties p ON p.ocid = r.ocid AND p.party_id = r.{column} AND p.name = r.{name} WHERE r.{name} IS NOT NULL),
            other AS MATERIALIZED (SELECT u.rid, u.party_id, u.own, p.name FROM unlike u JOIN parties p USING (ocid, party_id))
            SELECT rid, own AS value, json_object('key', party_id, 'other_value', name) AS parameters
            FROM other WHERE {_plain("own")} <> {_plain("name")}""",
    )
    for role, table, column, name in REFERENCES
)
