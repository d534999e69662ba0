"""The answer of a guided query as a workbook: one sheet of figures, one that says what they are."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_MOST_CHARACTERS = 32_767
_WIDEST = 60
_MADE = dt.datetime(2000, 1, 1)


def write_answer(
    path: Path,
    sheets: tuple[str, str],
    heading: Sequence[str],
    rows: Sequence[Sequence[Any]],
    about: Sequence[tuple[str, str]],
) -> None:
    """Write an answer. sheets: names of the two sheets; a None of `rows` is an empty cell, never a zero."""
    book = Workbook(str(path), dict(_OPTIONS))
    book.set_properties({"title": about[0][1][:200], "created": _MADE})
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    whole, amount = book.add_format({"num_format": "#,##0"}), book.add_format({"num_format": "#,##0.00"})
    sheet = book.add_worksheet(sheets[0])
    sheet.write_row(0, 0, heading, bold)
    widths = [len(title) + 2 for title in heading]
    for place, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, Decimal):
                sheet.write_number(place, column, float(value), amount)
            elif isinstance(value, int):
                sheet.write_number(place, column, value, whole)
            else:
                sheet.write_string(place, column, str(value)[:_MOST_CHARACTERS])
            widths[column] = min(_WIDEST, max(widths[column], len(str(value)) + 4))
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(rows)), len(heading) - 1)
    told = book.add_worksheet(sheets[1])
    told.set_column(0, 0, 18, bold)
    told.set_column(1, 1, 100)
    for place, (name, text) in enumerate(about):
        told.write_string(place, 0, name)
        told.write_string(place, 1, text[:_MOST_CHARACTERS], wrapped)
    book.close()
