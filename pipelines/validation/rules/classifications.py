"""What is bought is classified with a known scheme, by code and in the form of the scheme (OG-48).

An unknown scheme is told with the codes (``code-unknown``); a linked column that is mostly empty, with its share, by
``recommended-empty``. The flat table recommends no classification, so its share is counted here.
"""

from pipelines.validation.rules.base import Rule

_PLACES = (
    ("items", "classification_scheme", "classification_id"),
    ("item_classifications", "scheme", "classification_id"),
)


def _incomplete(table: str, scheme: str, code: str) -> Rule:
    return Rule(
        code="classification-incomplete",
        version="1",
        package_type="procurement",
        table=table,
        field=code,
        needs={table: (code,)},
        optional={table: (scheme,)},
        sql=f"""SELECT rid, coalesce({code}, {scheme}) AS value, '{{}}' AS parameters
            FROM {table} WHERE ({scheme} IS NULL) <> ({code} IS NULL)""",
    )


def _malformed(table: str, scheme: str, code: str) -> Rule:
    # The dots and blanks with which people group digits do not count; few different codes are used.
    bare = f"regexp_replace({code}, '[. ]', '', 'g')"
    return Rule(
        code="classification-malformed",
        version="1",
        package_type="procurement",
        table=table,
        field=code,
        needs={table: (scheme, code)},
        codelists=("itemClassificationScheme",),
        sql=f"""WITH used AS (SELECT DISTINCT {scheme}, {code} FROM {table} WHERE {code} IS NOT NULL),
            wrong AS (
                SELECT {scheme}, {code} FROM used JOIN codelist_itemClassificationScheme c ON c.code = {scheme}
                WHERE c.pattern <> '' AND NOT regexp_full_match({code}, c.pattern)
                AND NOT regexp_full_match({bare}, c.pattern))
            SELECT rid, {code} AS value, json_object('scheme', {scheme}) AS parameters FROM {table} JOIN wrong USING ({scheme}, {code})""",
    )


RULES = (
    *(_incomplete(*each) for each in _PLACES[:1]),
    *(_malformed(*each) for each in _PLACES),
    Rule(
        code="items-unclassified",
        version="1",
        package_type="procurement",
        table="contracts_flat",
        field="item_classification_id",
        needs={"contracts_flat": ("item_description",)},
        optional={"contracts_flat": ("item_classification_scheme", "item_classification_id")},
        general=True,
        shape="flat",
        sql="""SELECT NULL AS value, json_object('share', round(100 * missing / described)::INTEGER, 'count', missing) AS parameters
            FROM (SELECT count(item_description) AS described, count(*) FILTER (item_description IS NOT NULL
                AND (item_classification_id IS NULL OR item_classification_scheme IS NULL)) AS missing FROM contracts_flat)
            WHERE missing * 5 > described""",
    ),
)
