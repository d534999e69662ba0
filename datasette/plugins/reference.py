"""Words for the tables that say something about the data themselves, which the standard does not describe.

`published` finds them as ``datasette.published.reference``.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from datasette import hookimpl


class Reference(NamedTuple):
    """A table of the platform. columns: name -> title, of those that are its own."""

    title: str
    description: str
    columns: Mapping[str, str]


def reference(_: Callable[[str], str]) -> dict[str, Reference]:
    """Table -> its words, in the language of the function that translates."""
    counted = {"table_name": _("Table"), "rows_count": _("Rows")}
    of_version = {
        "package_type": _("Kind of data"),
        "version_number": _("Version"),
        "period": _("Period"),
        "table_name": _("Table"),
    }
    return {
        "codelists": Reference(
            _("Codes and their labels"),
            _("One row is one code of the standard. It gives the label of the code in four languages."),
            {
                "codelist": _("List of codes"),
                "code": _("Code"),
                "title_es": _("In Spanish"),
                "title_en": _("In English"),
                "title_pt": _("In Portuguese"),
                "title_fr": _("In French"),
                "status": _("State of the code"),
            },
        ),
        "release_versions": Reference(
            _("What this release is made of"),
            _("One row is one table of one accepted version. It says from which submission."),
            {
                **of_version,
                "member_name": _("Name of the member"),
                "institution": _("Institution"),
                "submission_id": _("Submission"),
                "accepted_at": _("Accepted"),
                "schema_version": _("Version of the standard"),
                "is_derived": _("Made by the platform"),
                "rows_count": _("Rows"),
            },
        ),
        "coverage": Reference(
            _("Rows by table, member and year"),
            _("One row is one year of one member in one table. What is not listed has no data."),
            counted,
        ),
        "fill_rates": Reference(
            _("How full the columns are"),
            _("One row is one column in one year of one member. It counts rows, and rows with a value."),
            {
                **counted,
                "column_name": _("Column"),
                "level": _("In the standard"),
                "filled_count": _("Rows with a value"),
            },
        ),
        "quality": Reference(
            _("What the checks found"),
            _(
                "One row is one kind of finding in one column of accepted data. A table without findings has one row without a code."
            ),
            {
                **of_version,
                "column_name": _("Column"),
                "code": _("What was found"),
                "severity": _("Weight"),
                "findings_count": _("How often"),
            },
        ),
        **_indicators(_),
    }


def _indicators(_: Callable[[str], str]) -> dict[str, Reference]:
    """The tables of the indicators."""
    figure = {
        "indicator": _("Indicator"),
        "scope": _("Of what"),
        "scope_id": _("Of which"),
        "value": _("Value"),
        "currency": _("Currency"),
    }
    return {
        "indicators": Reference(
            _("Indicators"),
            _(
                "One row is one figure: of the network, a member, a buyer or a supplier, of a year or of all. Where it cannot be told it is empty, with the reason."
            ),
            {
                **figure,
                "category": _("Group"),
                "numerator": _("Above the line"),
                "denominator": _("Below the line"),
                "n": _("Cases"),
                "minimum_n": _("Cases needed"),
                "coverage": _("Part of the rows that has the fields"),
                "unit": _("Unit"),
                "reason": _("Why there is no value"),
            },
        ),
        "indicator_flags": Reference(
            _("Red flags"),
            _(
                "One row is one process, contract, bidder, supplier or buyer that an indicator flags. A flag is a reason to look, not a proof."
            ),
            {**figure, "ocid": _("Process"), "threshold": _("Limit used"), "inputs": _("Worked out from")},
        ),
        "indicator_computability": Reference(
            _("What can be computed"),
            _("One row is one indicator of one member in one year. It names the fields that are missing."),
            {"indicator": _("Indicator"), "computable": _("Can be computed"), "missing": _("Missing fields")},
        ),
        "indicator_next_fields": Reference(
            _("What to publish next"),
            _(
                "One row is one field, or fields needed together. It says how many indicators it would make possible."
            ),
            {"fields": _("Fields"), "gain": _("Indicators gained"), "indicators": _("Indicators")},
        ),
        "indicator_definitions": Reference(
            _("Definitions of the indicators"),
            _("One row is one indicator. It gives its words in four languages, its fields and its SQL."),
            {
                "indicator": _("Indicator"),
                "kind": _("Kind"),
                "needs": _("Needed fields"),
                "parameters": _("Settings"),
                "source": _("Source"),
            },
        ),
    }


@hookimpl
def prepare_jinja2_environment(datasette: Any) -> None:
    """After `published`, before anybody asks for a page. On its class: an older release that is asked has one of its own."""
    type(datasette.published).reference = staticmethod(reference)
