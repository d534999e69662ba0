"""CSV files as people and programs write them, and as accidents leave them."""

import random
from typing import Any

from tests.fuzz.values import odd, sound, wrong

HUGE = 150_000
"""Characters of the huge cell: above Python's own limit of 131,072, which frictionless lifts."""


def rows_of(dice: random.Random, fields: list[dict[str, Any]], count: int, dirt: float) -> list[list[str]]:
    """`count` rows of cells; a share `dirt` of them odd, wrong, missing or repeated."""
    rows: list[list[str]] = []
    serial = dice.random() < 0.6
    for number in range(count):
        row = []
        for at, field in enumerate(fields):
            draw = dice.random()
            if draw < dirt / 2:
                cell = wrong(dice, field)
            elif draw < dirt:
                cell = odd(dice, field)
            elif draw < dirt * 1.3:
                cell = dice.choice(("", "-", "NA", " ", "0", "x"))
            elif serial and at == 0 and field.get("type") in ("string", "integer", "any"):
                cell = str(number)
            else:
                cell = sound(dice, field)
            row.append(cell)
        rows.append(row)
    for _ in range(dice.choice((0, 0, 0, 1, 2)) if rows else 0):
        rows[dice.randrange(len(rows))] = list(dice.choice(rows))
    if rows and dice.random() < 0.2:
        rows[dice.randrange(len(rows))] = [""] * len(fields)
    return rows


def faulty_header(dice: random.Random, names: list[str]) -> list[str]:
    """The labels as somebody typed them."""
    labels = list(names)
    fault = dice.choice(
        ("none", "order", "drop", "extra", "double", "blank", "case", "spaces", "newline", "bom", "rename")
    )
    if not labels:
        return labels if dice.random() < 0.5 else ["x"]
    at = dice.randrange(len(labels))
    if fault == "order":
        dice.shuffle(labels)
    elif fault == "drop":
        del labels[at]
    elif fault == "extra":
        labels.insert(dice.randrange(len(labels) + 1), dice.choice(("otra", "", "id2")))
    elif fault == "double":
        labels.append(labels[at])
    elif fault == "blank":
        labels[at] = ""
    elif fault == "case":
        labels = [label.upper() for label in labels]
    elif fault == "spaces":
        labels[at] = f" {labels[at]}\t"
    elif fault == "newline":
        labels[at] = labels[at] + "\n(texto)"
    elif fault == "bom":
        labels[0] = "\ufeff" + labels[0]
    elif fault == "rename":
        labels[at] += "_x"
    return labels


def write(dice: random.Random, rows: list[list[str]], control: dict[str, Any], newline: str) -> str:
    """Text of a delimited file; quotes only where needed, everywhere, or at random."""
    delimiter, quote = control.get("delimiter", ","), control.get("quoteChar", '"')
    style = dice.choice(("needed", "needed", "needed", "all", "some"))
    lines = []
    for row in rows:
        cells = []
        for cell in row:
            needs = any(mark in cell for mark in (delimiter, quote or '"', "\n", "\r"))
            if quote and (needs or style == "all" or (style == "some" and dice.random() < 0.3)):
                escape = control.get("escapeChar")
                doubled = escape + quote if escape and not control.get("doubleQuote", True) else quote * 2
                cell = quote + cell.replace(quote, doubled) + quote
            cells.append(cell)
        lines.append(delimiter.join(cells))
    text = newline.join(lines)
    return text + newline if dice.random() < 0.85 else text


_SPOILS = (
    "cut", "glue", "blank line", "blank cells", "stray quote", "space quote", "quote tail", "open quote", "lone cr", "mixed",
    "nul", "huge", "digits", "comment", "heading", "repeat", "trailing delimiter", "blank end", "spaces", "control", "escape",
)  # fmt: skip


def spoil(dice: random.Random, text: str, delimiter: str) -> str:
    """One accident to a text."""
    lines = text.splitlines(keepends=True) or [""]
    at = dice.randrange(len(lines))
    line = lines[at]
    body = line.rstrip("\r\n")
    end = line[len(body) :]
    place = dice.randrange(len(body) + 1)
    match dice.choice(_SPOILS):
        case "cut":
            body = body.rpartition(delimiter)[0]
        case "glue":
            body += delimiter + dice.choice(("x", "", "1"))
        case "blank line":
            lines.insert(at, dice.choice((end or "\n", " \n", "\t\n")))
        case "blank cells":
            body = delimiter * body.count(delimiter)
        case "stray quote":
            body = body[:place] + '"' + body[place:]
        case "space quote":
            body = body.replace(delimiter, delimiter + ' "', 1)
        case "quote tail":
            body = body.replace(delimiter, '"x" ' + delimiter, 1)
        case "open quote":
            body = '"' + body
        case "lone cr":
            body = body[:place] + "\r" + body[place:]
        case "mixed":
            end = dice.choice(("\n", "\r\n", "\r"))
        case "nul":
            body = body[:place] + "\0" + body[place:]
        case "huge":
            body = body[:place] + "z" * dice.choice((3_000, HUGE)) + body[place:]
        case "digits":
            body = body.translate({ord(str(n)): chr(0x0660 + n) for n in range(10)})
        case "comment":
            lines.insert(at, "#" + delimiter + "nota" + (end or "\n"))
        case "heading":
            lines[:0] = [dice.choice(("Contratos 2026", "a" + delimiter, "")) + (end or "\n")] * dice.choice(
                (1, 2)
            )
            return "".join(lines)
        case "repeat":
            lines.insert(at, line)
        case "trailing delimiter":
            lines = [each.rstrip("\r\n") + delimiter + each[len(each.rstrip("\r\n")) :] for each in lines]
            return "".join(lines)
        case "blank end":
            lines.append(dice.choice(("\n", "\r\n", "\n\n\n", delimiter + "\n")))
            return "".join(lines)
        case "spaces":
            body = body.replace(delimiter, delimiter + " ")
        case "control":
            body = body[:place] + dice.choice("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\u00a0\x1a") + body[place:]
        case "escape":
            body = body[:place] + "\\" + dice.choice(('"', delimiter, "\\", "n")) + body[place:]
    lines[at if at < len(lines) else -1] = body + end
    return "".join(lines)


def spoil_bytes(dice: random.Random, data: bytes) -> bytes:
    """Bytes that no decoder should meet there."""
    at = dice.randrange(len(data) + 1)
    bad = dice.choice(
        (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf", b"\x81", b"\x00", b"\xe2\x82")
    )
    return data[:at] + bad + data[at:]
