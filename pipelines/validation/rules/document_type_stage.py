"""A document stands at the stage that its type belongs to (Pelican: document type; OG-41).

The stages of each type are in the codelist; types that name none of our stages (papers of bidders) are not judged.
"""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="document-type-stage-differs",
        version="1",
        package_type="procurement",
        table="documents",
        field="document_type",
        needs={"documents": ("document_type", "stage")},
        codelists=("documentType",),
        sql="""SELECT d.rid, d.document_type AS value, json_object('stage', d.stage, 'stage_codelist', 'stage', 'stages', c.stages, 'stages_codelist', 'stage') AS parameters
            FROM documents d JOIN codelist_documentType c ON c.code = d.document_type
            WHERE d.stage IS NOT NULL AND c.stages <> '' AND NOT contains(concat(';', c.stages, ';'), concat(';', d.stage, ';'))""",
    ),
)
