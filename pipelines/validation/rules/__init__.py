"""Domain rules: one file each, in SQL, with its finding code, its version and its source.

A rule looks at tables named as in the standard, in which every column is text (canonical, see intake); it uses
``try_cast``, so that a cell that is no date or number is simply not its business. Three outcomes: passed,
failed (findings), not applied because a table or column was not sent.
"""

from pipelines.validation.rules.base import Rule, apply_rule, load_rules

__all__ = ["Rule", "apply_rule", "load_rules"]
