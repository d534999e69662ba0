"""staged -> ValidationReport: our schema judges, by Frictionless, DuckDB and domain rules."""

from pipelines.validation.report import read_report, report_to_dict
from pipelines.validation.validate import ruleset_version, validate_package

__all__ = ["read_report", "report_to_dict", "ruleset_version", "validate_package"]
