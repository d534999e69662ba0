"""Checks that were not applied, and why, in plain words."""

from collections.abc import Iterable

from babel.numbers import format_decimal

from pipelines.records import SkippedCheck
from pipelines.reporting.check_titles import check_titles
from pipelines.reporting.language import translations
from pipelines.reporting.sentences import Sentences


def check_title(check: SkippedCheck, sentences: Sentences) -> str:
    """The name of a check: short, a noun."""
    _ = translations(sentences.language).gettext
    if check.check.startswith("reference "):
        own, other = check.check.removeprefix("reference ").split(" -> ")
        return _("links from {table} to {parent}").format(
            table=sentences.table_title(own.partition(".")[0]), parent=sentences.table_title(other)
        )
    return check_titles(sentences.language).get(check.check, check.check)


def reason(check: SkippedCheck, sentences: Sentences) -> str:
    """Why a check was not applied: a whole sentence."""
    _ = translations(sentences.language).gettext
    told = check.parameters
    table = sentences.table_title(str(told.get("table", "")))
    if check.reason == "table-not-sent":
        return _("The table “{table}” was not sent.").format(table=table)
    if check.reason == "column-not-sent":
        column = sentences.field_title(str(told.get("table", "")), str(told.get("column", "")))
        return _("The table “{table}” came without the column “{column}”.").format(table=table, column=column)
    if check.reason == "too-few-rows":
        return _(
            "The table “{table}” has too few rows for it: {found} of the {needed} that it needs."
        ).format(
            table=table,
            found=format_decimal(int(told.get("found", 0)), locale=sentences.language),
            needed=format_decimal(int(told.get("needed", 0)), locale=sentences.language),
        )
    return _("This check does not fit what was sent.")


def by_reason(checks: Iterable[SkippedCheck], sentences: Sentences) -> list[tuple[str, list[str]]]:
    """(why, names of the checks), each reason and each name once, in the order in which they came."""
    groups: dict[str, dict[str, None]] = {}
    for check in checks:
        groups.setdefault(reason(check, sentences), {})[check_title(check, sentences)] = None
    return [(why, list(names)) for why, names in groups.items()]
