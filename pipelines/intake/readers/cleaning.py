"""What is taken out of cells before anybody reads them, and how values become text, in all formats."""

from collections.abc import Callable
from decimal import Decimal

from pipelines.intake.readers.log import FindingLog
from pipelines.intake.readers.text import CONTROLS, SUSPECTS

MAX_EXPONENT = 400
"""Numbers with more digits stay as written: ``1e999999999`` must not become a gigabyte of zeros."""

_SHOWN = 200


def clean_cells(
    number: int,
    cells: list[str | None],
    limit: int,
    log: FindingLog,
    length_of: Callable[[str], int] = len,
) -> None:
    """Empty the cells over the limit, remove control characters, replace what could not be decoded by U+FFFD.

    number: the row's. length_of: how long a cell was before the reader cut it.
    """
    text = "".join(filter(None, cells))
    if len(text) > limit:
        for index, cell in enumerate(cells):
            if cell and len(cell) > limit:
                log.add("value-too-long", number, index, length=length_of(cell), limit=limit)
                cells[index] = None
        text = "".join(filter(None, cells))
    if not SUSPECTS.search(text):
        return
    damaged: int | None = None
    for index, cell in enumerate(cells):
        if not cell or not SUSPECTS.search(cell):
            continue
        if signs := CONTROLS.findall(cell):
            cell = CONTROLS.sub("", cell)
            names = " ".join(f"U+{ord(sign):04X}" for sign in sorted(set(signs)))
            log.add("control-characters", number, index, _shown(cell), characters=names)
        if SUSPECTS.search(cell):
            cell = SUSPECTS.sub("\ufffd", cell)
            damaged = index if damaged is None else damaged
        cells[index] = cell or None
    if damaged is not None:
        log.add("invalid-bytes", number, damaged, _shown(cells[damaged] or ""))


def _shown(cell: str) -> str:
    return SUSPECTS.sub("\ufffd", cell[:_SHOWN])


def number_text(value: int | float | Decimal) -> str:
    """Shortest exact decimal without exponent: ``1.0`` -> ``1``, ``1E-7`` -> ``0.0000001``.

    Floats are taken as the shortest decimal that means them, as spreadsheet programs show them.
    """
    if isinstance(value, int):
        return str(value) if abs(value) < 10**4000 else str(Decimal(value))
    if isinstance(value, float):
        text = repr(value)
        if "e" not in text and "n" not in text:
            # Nearly every number of a sheet: what Python shows is the shortest decimal already.
            text = text.removesuffix(".0")
            return "0" if text == "-0" else text
        value = Decimal(text)
    if not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT:
        return str(value)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
