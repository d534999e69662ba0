"""What we add to the styles of a workbook: colours for bad cells, and the looks of the sheets that list them."""

from dataclasses import dataclass
from itertools import count

from pipelines.records import Severity
from pipelines.returning.parts import (
    CONTENT,
    DECLARATION,
    Element,
    Package,
    UnpatchableError,
    append_child,
    parse_part,
    splice,
)

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
MAX_FORMATS = 64_000
"""Cell formats that a workbook may have (specification of Excel)."""

ACCENT = "FF1F3864"

COLOURS = {
    Severity.ERROR: ("FFFFC7CE", "FF7A0007", "thin"),
    Severity.WARNING: ("FFFFEB9C", "FF5C4400", "dashed"),
    Severity.NOTICE: ("FFDDEBF7", "FF1F3864", "dotted"),
}
"""Fill, letters and frame of a severity: contrast at least 7 to 1, and a frame for those who see no colours."""

_CONDITIONS = "".join(
    f'<dxf><font>{"<b/>" if severity is Severity.ERROR else ""}<color rgb="{letters}"/></font>'
    f'<fill><patternFill patternType="solid"><fgColor rgb="{fill}"/><bgColor rgb="{fill}"/></patternFill></fill>'
    "<border>"
    + "".join(
        f'<{side} style="{frame}"><color rgb="{letters}"/></{side}>'
        for side in ("left", "right", "top", "bottom")
    )
    + "</border></dxf>"
    for severity, (fill, letters, frame) in COLOURS.items()
)

_FONT = '<name val="Calibri"/><family val="2"/>'
_FONTS = {
    "plain": f'<font><sz val="11"/><color rgb="FF262626"/>{_FONT}</font>',
    "title": f'<font><b/><sz val="18"/><color rgb="{ACCENT}"/>{_FONT}</font>',
    "strong": f'<font><b/><sz val="11"/><color rgb="FF262626"/>{_FONT}</font>',
    "heading": f'<font><b/><sz val="11"/><color rgb="FFFFFFFF"/>{_FONT}</font>',
    "link": f'<font><u/><sz val="11"/><color rgb="FF0B5394"/>{_FONT}</font>',
} | {
    severity.value: f'<font><b/><sz val="11"/><color rgb="{letters}"/>{_FONT}</font>'
    for severity, (_, letters, _) in COLOURS.items()
}
_FILLS = {"heading": ACCENT, "group": "FFF2F2F2"} | {
    severity.value: fill for severity, (fill, _, _) in COLOURS.items()
}
_LINE = (
    '<border><left/><right/><top/><bottom style="thin"><color rgb="FFBFBFBF"/></bottom><diagonal/></border>'
)

# name of a look -> (font, fill, line below, alignment, quoted as text)
_TOP = 'vertical="top" wrapText="1"'
_MIDDLE = 'horizontal="center" vertical="top" wrapText="1"'
_LOOKS: dict[str, tuple[str, str | None, bool, str, bool]] = {
    "title": ("title", None, False, 'vertical="center"', False),
    "text": ("plain", None, False, _TOP, False),
    "strong": ("strong", None, False, _TOP, False),
    "heading": ("heading", "heading", False, 'vertical="center" wrapText="1"', False),
    "group": ("strong", "group", True, _TOP, False),
    "group_text": ("plain", "group", True, _TOP, False),
    "number": ("strong", "group", True, 'horizontal="right" vertical="top"', False),
    "cell": ("plain", None, True, _TOP, False),
    "value": ("plain", None, True, _TOP, True),
    "link": ("link", None, True, 'vertical="top"', False),
} | {severity.value: (severity.value, severity.value, True, _MIDDLE, False) for severity in Severity}


@dataclass(frozen=True, slots=True)
class Styles:
    """colours: severity -> number of its differential style. looks: name -> number of a cell format."""

    colours: dict[Severity, int]
    looks: dict[str, int]


def add_styles(package: Package) -> Styles:
    """Append our styles; those of the workbook keep their numbers. Raises UnpatchableError."""
    part = package.related(package.workbook, "styles")
    if part is None or not package.has(part):
        part = "xl/styles.xml"
        package.write(part, _EMPTY)
        package.declare(part, f"{CONTENT}.styles+xml")
        package.relate(package.workbook, "styles", part)
    data = package.read(part)
    root = parse_part(data)
    lists = {name: root.find(name) for name in ("fonts", "fills", "borders", "cellXfs")}
    counts = {name: len(each.children) if each else 0 for name, each in lists.items()}
    if not all(lists.values()) or counts["cellXfs"] + len(_LOOKS) > MAX_FORMATS:
        raise UnpatchableError("styles without their lists, or too many of them")
    fonts = dict(zip(_FONTS, count(counts["fonts"])))
    fills = dict(zip(_FILLS, count(counts["fills"])))
    added = {
        "fonts": "".join(_FONTS.values()),
        "fills": "".join(
            f'<fill><patternFill patternType="solid"><fgColor rgb="{fill}"/><bgColor indexed="64"/></patternFill></fill>'
            for fill in _FILLS.values()
        ),
        "borders": _LINE,
        "cellXfs": "".join(
            f'<xf numFmtId="{3 if name == "number" else 0}" fontId="{fonts[font]}" fillId="{fills[fill] if fill else 0}" '
            f'borderId="{counts["borders"] if line else 0}" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1" '
            f'applyBorder="1" applyAlignment="1"{" quotePrefix=" + chr(34) + "1" + chr(34) if quoted else ""}>'
            f"<alignment {alignment}/></xf>"
            for name, (font, fill, line, alignment, quoted) in _LOOKS.items()
        ),
    }
    changes = []
    for name, element in lists.items():
        if element is not None:
            changes += _append(data, element, added[name])
    conditions = root.find("dxfs")
    first = len(conditions.children) if conditions else 0
    if conditions is not None:
        changes += _append(data, conditions, _CONDITIONS)
    else:
        after = next(
            (each for each in root.children if each.local in ("tableStyles", "colors", "extLst")), None
        )
        at = after.start if after else root.close_start
        xml = f'<{root.prefix}dxfs count="{len(COLOURS)}"/>'.encode()
        changes.append((at, at, _filled(xml)))
    package.write(part, splice(data, changes))
    return Styles(dict(zip(COLOURS, count(first))), dict(zip(_LOOKS, count(counts["cellXfs"]))))


def _filled(xml: bytes) -> bytes:
    return splice(xml, [append_child(xml, parse_part(xml), _CONDITIONS)])


def _append(data: bytes, element: Element, xml: str) -> list[tuple[int, int, bytes]]:
    """Append children and bring the count of the list, which programs trust, up to date."""
    change = append_child(data, element, xml)
    added = len(parse_part(f"<a>{xml}</a>".encode()).children)
    stated = data[element.start : element.open_end]
    before, sign, after = stated.partition(b'count="')
    if not sign:
        return [change]
    new = before + sign + str(len(element.children) + added).encode() + after[after.index(b'"') :]
    if change[0] == element.start:
        return [
            (
                *change[:2],
                change[2].replace(
                    stated.rstrip(b">").rstrip().rstrip(b"/"), new.rstrip(b">").rstrip().rstrip(b"/")
                ),
            )
        ]
    return [(element.start, element.open_end, new), change]


_EMPTY = (
    f'{DECLARATION}<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
