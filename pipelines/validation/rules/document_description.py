"""The description of a document is short enough for a list (Pelican: at most 250 characters; OG-41)."""

from pipelines.validation.rules.base import Rule

LIMIT = 250

RULES = (
    Rule(
        code="document-description-long",
        version="1",
        package_type="procurement",
        table="documents",
        field="description",
        needs={"documents": ("description",)},
        sql=f"""SELECT rid, left(description, 60) AS value, json_object('length', length(description), 'limit', {LIMIT}) AS parameters
            FROM documents WHERE length(description) > {LIMIT}""",
    ),
)
