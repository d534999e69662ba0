"""The format of a document is a media type, or ``offline/print`` (Pelican: document format; OG-41).

Any name below a registered top-level type passes: the register has thousands, and the codelist those in use. What people
write instead is most often the ending of the file, for which the media type is known.
"""

from pipelines.validation.rules.base import Rule

_MEDIA_TYPE = "(?i)(application|audio|font|haptics|image|message|model|multipart|text|video)/[a-z0-9][a-z0-9!#$&^_.+-]*(;.*)?"

RULES = (
    Rule(
        code="document-format-unknown",
        version="1",
        package_type="procurement",
        table="documents",
        field="format",
        needs={"documents": ("format",)},
        codelists=("mediaType",),
        sql=f"""WITH used AS (SELECT DISTINCT format FROM documents WHERE format IS NOT NULL),
            unknown AS (
                SELECT u.format, any_value(c.code) AS near FROM used u
                ANTI JOIN (SELECT code FROM codelist_mediaType) k ON k.code = u.format
                LEFT JOIN (SELECT code, extension FROM codelist_mediaType WHERE extension <> '') c
                ON c.extension = lower(ltrim(u.format, '.'))
                WHERE NOT regexp_full_match(u.format, '{_MEDIA_TYPE}') GROUP BY u.format)
            SELECT d.rid, d.format AS value, json_object('codelist', 'mediaType', 'suggestion', coalesce(u.near, '')) AS parameters
            FROM documents d JOIN unknown u USING (format)""",
    ),
)
