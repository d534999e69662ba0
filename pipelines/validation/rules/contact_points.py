"""E-mail addresses and telephone numbers are plausible (Pelican: e-mail valid, phone possible).

Several in one cell are usual and right. These columns hold direct personal data (class P1): they are never published, and the
findings name the row and never repeat what the cell says.
"""

from pipelines.validation.rules.base import Rule

_ADDRESS = r"[^@\s,;/<>]+@[^@\s,;/<>]+\.[^@\s,;/<>.]{2,}"
_ADDRESSES = rf"\s*{_ADDRESS}(\s*[,;/\s]\s*{_ADDRESS})*[\s.,;]*"

RULES = (
    Rule(
        code="email-malformed",
        version="1",
        package_type="procurement",
        table="parties",
        field="contact_email",
        needs={"parties": ("contact_email",)},
        sql=f"""WITH wrong AS (SELECT contact_email FROM (SELECT DISTINCT contact_email FROM parties WHERE contact_email IS NOT NULL)
                WHERE NOT regexp_full_match(contact_email, '{_ADDRESSES}'))
            SELECT rid, NULL AS value, '{{}}' AS parameters FROM parties JOIN wrong USING (contact_email)""",
    ),
    *(
        Rule(
            code="telephone-malformed",
            version="1",
            package_type="procurement",
            table="parties",
            field=field,
            needs={"parties": (field,)},
            sql=f"""WITH wrong AS (SELECT {field} FROM (SELECT DISTINCT {field} FROM parties WHERE {field} IS NOT NULL)
                    WHERE length(regexp_replace({field}, '[^0-9]', '', 'g')) < 6 OR regexp_matches({field}, '[0-9]{{16,}}'))
                SELECT rid, NULL AS value, '{{}}' AS parameters FROM parties JOIN wrong USING ({field})""",
        )
        for field in ("contact_telephone", "contact_fax_number")
    ),
)
