"""Files -> raw tables: grids of text with row numbers, nothing interpreted."""

from collections.abc import Iterator

from pipelines.intake.limits import Limits
from pipelines.intake.readers.delimited import read_delimited
from pipelines.intake.readers.objects import read_objects
from pipelines.intake.readers.workbook import read_workbook
from pipelines.intake.sources import Instructions, RawTable, SourceFile

__all__ = ["read_tables"]


def read_tables(file: SourceFile, instructions: Instructions, limits: Limits) -> Iterator[RawTable]:
    """The tables of a file: one of a CSV or JSON file, one per visible sheet with content of a workbook.

    instructions: what was told of this file (``encoding``, ``delimiter``, ``quote``, ``skip_rows``); wins
    over guessing. A file that cannot be read gives one table without rows whose findings say why. Formats
    that hold no table (``descriptor``, ``other``) give none.
    """
    if file.format == "csv":
        yield read_delimited(file, instructions, limits)
    elif file.format in ("xlsx", "xls", "ods"):
        yield from read_workbook(file, instructions, limits)
    elif file.format in ("json", "jsonl"):
        yield read_objects(file, instructions, limits)
