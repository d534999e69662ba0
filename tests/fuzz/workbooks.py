"""XLSX files written part by part, so that every way of writing a cell, and every fault, can be drawn."""

import io
import random
import zipfile
from typing import Any
from xml.sax.saxutils import escape

from tests.fuzz import texts

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FORMATS = (0, 14, 22, 21, 46, 10, 4, 164, 165, 166, 1, 49)
"""Number format of each cell style: general, dates, times, duration, per cent, own ones, text."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_NUMBERS = (
    "1", "0", "-5", "12.5", "1.0", "100", "2020", "43831", "43831.5", "0.5", "59", "60", "61", "0.99999999", "1E5", "1e-7", "9007199254740993",
    "123456789012345678901", "0.1", "274.65999999999997", "-1", "2958465", "2958466", "1E400", "43831.999999999", "2020.0", "-0", "00012",
)  # fmt: skip
_WRONG_NUMBERS = ("abc", "", " 5 ", "NaN", "1,5", "INF", "0x1")


def draw(dice: random.Random, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A resource descriptor and its workbook."""
    names = [each["name"] for each in table["fields"]]
    count = dice.choice((0, 1, 3, 10, 40, 120, 250))
    rows = texts.rows_of(dice, table["fields"], count, dice.choice((0.0, 0.02, 0.2)))
    header = texts.faulty_header(dice, names) if dice.random() < 0.2 else names
    excel: dict[str, Any] = {}
    if dice.random() < 0.15:
        excel["sheet"] = dice.choice((1, 2, 3, "Hoja1", "Datos", "No"))
    for name in ("fillMergedCells", "preserveFormatting", "adjustFloatingPointError", "stringified"):
        if dice.random() < 0.06:
            excel[name] = True
    data = _workbook(dice, [header, *rows], table["fields"])
    if dice.random() < 0.02:
        at = dice.randrange(len(data))
        data = data[:at] + b"\xff\x00" + data[at + 2 :]
    resource: dict[str, Any] = {"name": "table", "type": "table", "path": "table.xlsx", "schema": table}
    dialect: dict[str, Any] = {"excel": excel} if excel else {}
    if dice.random() < 0.05:
        dialect["header"] = False
    elif dice.random() < 0.06:
        dialect["headerRows"] = dice.choice(([1, 2], [2]))
    if dice.random() < 0.05:
        dialect["commentRows"] = [2]
    if dice.random() < 0.06:
        dialect["skipBlankRows"] = True
    if dialect:
        resource["dialect"] = dialect
    return resource, {"table.xlsx": data}


class _Strings:
    """The shared strings of a workbook."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.items, self.places = dice, [], {}
        self.wild = dice.random() < 0.05

    def place(self, text: str) -> int:
        if text not in self.places or self.dice.random() < 0.05:
            self.places[text] = len(self.items)
            self.items.append(self._item(text))
        return self.places[text]

    def _item(self, text: str) -> str:
        told = escape(text)
        draw = self.dice.random()
        if draw < 0.03:
            half = len(text) // 2
            first, second = escape(text[:half]), escape(text[half:])
            return f'<si><r><t>{first}</t></r><r><rPr><b/></rPr><t xml:space="preserve">{second}</t></r></si>'
        if draw < 0.05:
            return f'<si><t>{told}</t><rPh sb="0" eb="1"><t>x</t></rPh><phoneticPr fontId="1"/></si>'
        if draw < 0.06:
            return "<si/>"
        if draw < 0.07:
            return f"<si><t>{told}_x000D_ _x005F_x0041_ &#233;</t></si>"
        if draw < 0.08 and self.wild:
            return f"<si><t><![CDATA[{text}]]></t></si>" if "]]>" not in text else "<si><t/></si>"
        if draw < 0.3:
            return f'<si><t xml:space="preserve">{told}</t></si>'
        return f"<si><t>{told}</t></si>"


def _plain(text: str) -> str:
    """Without characters that XML has no way to write."""
    return "".join(mark for mark in text if mark in "\t\n\r" or ord(mark) >= 32)


def _cell(
    dice: random.Random, strings: _Strings, place: str, text: str, field: dict[str, Any] | None, odd: float
) -> str:
    """One ``<c>`` element, or nothing."""
    text = _plain(text)
    style = dice.randrange(len(_FORMATS)) if dice.random() < odd else 0
    worn = f' s="{style}"' if style or dice.random() < 0.1 else ""
    if dice.random() < odd / 2:
        return dice.choice(
            (
                "",
                f'<c r="{place}"{worn}/>',
                f'<c r="{place}"{worn}></c>',
                f'<c r="{place}"{worn} t="s"/>',
                f'<c r="{place}"{worn} t="e"><v>#DIV/0!</v></c>',
                f'<c r="{place}"{worn} t="e"><f>1/0</f><v>#N/A</v></c>',
                f'<c r="{place}"{worn}><f>A1+1</f></c>',
                f'<c r="{place}"{worn}><f>A1+1</f><v>{dice.choice(_NUMBERS)}</v></c>',
                f'<c r="{place}"{worn}><f t="shared" ref="A1:B2" si="0"/><v>3</v></c>',
                f'<c r="{place}"{worn} t="str"><f>T(A1)</f><v>{escape(text)}</v></c>',
                f'<c r="{place}"{worn} t="b"><v>{dice.choice("01")}</v></c>',
                f'<c r="{place}"{worn} t="d"><v>2020-01-0{dice.randrange(1, 9)}{dice.choice(("", "T10:00:00Z", "T10:00:00.123"))}</v></c>',
                f'<c r="{place}"{worn} t="n"><v>{dice.choice(_NUMBERS)}</v></c>',
                f'<c t="n" r="{place}"{worn}><v>{dice.choice(_NUMBERS)}</v></c>',
                f"<c{worn}><v>7</v></c>",
                f'<c r="{place}"{worn}>\n <v>{dice.choice(_NUMBERS)}</v>\n</c>',
                f'<c r="{place}" t="inlineStr"><is><r><t>a</t></r><r><t>{escape(text)}</t></r></is></c>',
                f'<c r="{place}" t="inlineStr"><is><t/></is></c>',
                f'<c r="{place}" t="inlineStr"/>',
                f'<c r="{place}"><v>5</v><extLst><ext uri="x"/></extLst></c>',
                f'<c r="{place}" cm="1" ph="1"><v>5</v></c>',
                f'<c r="{place}"><v>&#49;2</v></c>',
                f'<c r="{place}">{"<!-- 3 -->" if strings.wild else ""}<v>4</v></c>',
                f'<c r="{place}" t="str"><v>_x000D_&amp;</v></c>',
            )
        )
    kind = (field or {}).get("type", "any")
    if kind in ("integer", "number", "year", "any") and dice.random() < 0.8 and _number(text):
        return f'<c r="{place}"{worn}><v>{text}</v></c>'
    if kind in ("date", "datetime") and dice.random() < 0.7:
        whole = dice.randrange(30_000, 47_000)
        serial = (
            str(whole)
            if kind == "date" or dice.random() < 0.3
            else f"{whole + dice.randrange(86_400) / 86_400!r}"
        )
        return f'<c r="{place}" s="{1 if kind == "date" else 2}"><v>{serial}</v></c>'
    if kind == "boolean" and dice.random() < 0.7:
        return f'<c r="{place}" t="b"><v>{dice.choice("01")}</v></c>'
    if not text and dice.random() < 0.8:
        return "" if dice.random() < 0.5 else f'<c r="{place}"{worn}/>'
    if dice.random() < 0.2:
        return f'<c r="{place}"{worn} t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
    if strings.wild and dice.random() < odd / 10:
        return f'<c r="{place}"><v>{dice.choice(_WRONG_NUMBERS)}</v></c>'
    return f'<c r="{place}"{worn} t="s"><v>{strings.place(text)}</v></c>'


def _number(text: str) -> bool:
    return text.isascii() and text.lstrip("-").replace(".", "", 1).isdigit() and text[-1:] != "."


def _sheet(
    dice: random.Random, strings: _Strings, rows: list[list[str]], fields: list[dict[str, Any]]
) -> str:
    odd = dice.choice((0.0, 0.02, 0.2))
    lines, number, width = [], 0, max([len(row) for row in rows] or [0])
    for at, row in enumerate(rows):
        number += 1
        if dice.random() < odd / 5:
            number += dice.choice((1, 2))
        cells = "".join(
            _cell(
                dice,
                strings,
                f"{chr(65 + place)}{number}",
                text,
                fields[place] if at and place < len(fields) else None,
                odd if at else odd / 4,
            )
            for place, text in enumerate(row)
        )
        if dice.random() < odd / 5:
            cells += f'<c r="{chr(65 + width)}{number}" s="1"/>'
        worn = dice.choice(
            ("", "", f' spans="1:{max(width, 1)}"', ' ht="15" customHeight="1"', ' hidden="1"')
        )
        lines.append(
            f'<row r="{number}"{worn}>{cells}</row>'
            if cells or dice.random() < 0.5
            else f'<row r="{number}"{worn}/>'
        )
        if dice.random() < odd / 20:
            lines[-1] = f"<row>{cells}</row>"
    last = f"{chr(64 + max(width, 1))}{max(number, 1)}"
    size = dice.choice(
        (
            f'<dimension ref="A1:{last}"/>',
            f'<dimension ref="A1:{last}"/>',
            "",
            *(
                ('<dimension ref="A1"/>', f'<dimension ref="B2:{last}"/>', '<dimension ref="A1:Z400"/>')
                if dice.random() < odd
                else ()
            ),
        )
    )
    merged = (
        f'<mergeCells count="1"><mergeCell ref="A2:A{dice.randrange(3, 6)}"/></mergeCells>'
        if dice.random() < 0.1
        else ""
    )
    joint = dice.choice(("", "", "\n"))
    return f'{_HEAD}<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{size}<sheetData>{joint.join(lines)}</sheetData>{merged}</worksheet>'


def _workbook(dice: random.Random, rows: list[list[str]], fields: list[dict[str, Any]]) -> bytes:
    strings = _Strings(dice)
    titles = dice.choice((["Hoja1"], ["Hoja1"], ["Datos", "Hoja1"], ["Hoja1", "Datos", "Otra"]))
    sheets = [_sheet(dice, strings, rows, fields) for _ in titles]
    old = '<workbookPr date1904="1"/>' if dice.random() < 0.06 else ""
    told = "".join(
        f'<sheet name="{title}" sheetId="{at}"{" state=" + chr(34) + "hidden" + chr(34) if dice.random() < 0.1 else ""} r:id="rId{at}"/>'
        for at, title in enumerate(titles, start=1)
    )
    count = len(titles)
    links = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, count + 1)
    )
    links += f'<Relationship Id="rId{count + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    links += f'<Relationship Id="rId{count + 2}" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    own = '<numFmts count="3"><numFmt numFmtId="164" formatCode="dd/mm/yyyy;@"/><numFmt numFmtId="165" formatCode="[h]:mm:ss"/><numFmt numFmtId="166" formatCode="&quot;USD&quot; 0.00"/></numFmts>'
    worn = "".join(
        f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0" xfId="0"/>' for number in _FORMATS
    )
    styles = (
        f'{_HEAD}<styleSheet xmlns="{_MAIN}">{own}<fonts count="1"><font/></fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/></border></borders>'
        f'<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="{len(_FORMATS)}">{worn}</cellXfs></styleSheet>'
    )
    parts = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{_KINDS}.sheet.main+xml"/>'
        + "".join(f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{_KINDS}.worksheet+xml"/>' for at in range(1, count + 1))
        + f'<Override PartName="/xl/styles.xml" ContentType="{_KINDS}.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="{_KINDS}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{old}<sheets>{told}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        "xl/styles.xml": styles,
        "xl/sharedStrings.xml": f'{_HEAD}<sst xmlns="{_MAIN}">{"".join(strings.items)}</sst>',
    }  # fmt: skip
    parts |= {f"xl/worksheets/sheet{at}.xml": sheet for at, sheet in enumerate(sheets, start=1)}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            data = text.encode()
            if name.startswith("xl/worksheets") and dice.random() < 0.02:
                at = dice.randrange(len(data))
                data = data[:at] + dice.choice((b"<", b"\x01", b"&", b"\xff", b"</row>", b'"')) + data[at:]
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()
