"""The board as files: CSV and XLSX that run nothing, and a calendar (iCalendar, RFC 5545) of what is due."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event
from xlsxwriter import Workbook

from pipelines.desk.calendar import Due
from pipelines.reporting.findings_file import guarded

Cell = str | int | float | None


def csv_file(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with byte order mark, comma, CRLF. No cell begins a formula."""
    told = io.StringIO(newline="")
    writer = csv.writer(told)
    writer.writerow(headings)
    for row in rows:
        writer.writerow(
            ["" if cell is None else guarded(cell) if isinstance(cell, str) else cell for cell in row]
        )
    return told.getvalue().encode("utf-8-sig")


def xlsx_file(title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One sheet with a heading that stays; texts are texts, never formulas or links."""
    told = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(told, {"in_memory": True, **plain}) as book:
        sheet = book.add_worksheet(title[:31])
        bold = book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
            sheet.set_column(column, column, max(12, len(heading) + 2))
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, cell)
                elif cell is not None:
                    sheet.write_number(number, column, cell)
        sheet.freeze_panes(1, 0)
    return told.getvalue()


def ics_file(name: str, dues: Iterable[tuple[str, Due, str]], address: str, now: datetime) -> bytes:
    """dues: (member, due, words of the event). An event of a whole day each, with an alarm five days before."""
    calendar = Calendar()
    for key, value in {"prodid": "-//INGP//desk//", "version": "2.0", "x-wr-calname": name}.items():
        calendar.add(key, value)
    for member, due, words in dues:
        event, alarm = Event(), Alarm()
        event.add("uid", f"{member}-{due.period}@ingp-desk")
        event.add("dtstamp", now)
        event.add("dtstart", due.on)
        event.add("dtend", due.on + timedelta(days=1))
        event.add("summary", words)
        event.add("url", address)
        alarm.add("action", "DISPLAY")
        alarm.add("description", words)
        alarm.add("trigger", timedelta(days=-5))
        event.add_component(alarm)
        calendar.add_component(event)
    return calendar.to_ical()
