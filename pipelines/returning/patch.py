"""A workbook with our marks: bad cells coloured, notes on them, and the sheets that list the problems in front."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.records import Severity
from pipelines.returning.listing import ListSheet, render_sheet
from pipelines.returning.notes import Notes, add_notes
from pipelines.returning.parts import (
    CONTENT,
    DECLARATION,
    OFFICE_RELATIONS,
    PACKAGE_RELATIONS,
    Element,
    Package,
    append_child,
    parse_part,
    splice,
    with_prefix,
    xml_attribute,
)
from pipelines.returning.sheet_part import SheetChange, change_sheet
from pipelines.returning.styles import MAIN, Styles, add_styles

_TAB = re.compile(rb"\s+(?:activeTab|firstSheet)\s*=\s*\"\d+\"")
_SELECTED = re.compile(rb"\s+tabSelected\s*=\s*\"[^\"]*\"")


@dataclass(slots=True)
class SheetMarks:
    """colours: severity -> areas (``F12:F20``); notes: cell -> text."""

    colours: dict[Severity, list[str]] = field(default_factory=dict)
    notes: Notes = field(default_factory=dict)


def mark_workbook(
    source: Path,
    target: Path,
    marks: Mapping[str, SheetMarks],
    lists: Sequence[ListSheet],
    replaced: frozenset[str],
) -> None:
    """Write `source` to `target` with marks and list sheets.

    marks: name of a sheet -> its marks. lists: put in front, in this order. replaced: names of list sheets of
    an earlier return, which are taken out. Raises UnpatchableError when the workbook is built in a way that is
    not changed part by part; nothing is left at `target` then.
    """
    with Package(source) as package:
        styles = add_styles(package)
        changes = {}
        for sheet in package.sheets:
            own = marks.get(sheet.name, SheetMarks())
            if sheet.name not in replaced:
                relation = add_notes(package, sheet.part, own.notes)
                colours = {
                    styles.colours[each]: own.colours[each] for each in Severity if each in own.colours
                }
                changes[sheet.part] = SheetChange(colours, relation)
        _list_first(package, lists, replaced, styles)
        _unselect_charts(package)
        write_package(package, target, changes)


def write_package(package: Package, target: Path, changes: Mapping[str, SheetChange]) -> None:
    """Write all parts: changed sheets as a stream, other parts as they are now."""
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
            for name, entry in package.entries.items():
                if name in package.dropped or entry.is_dir():
                    continue
                info = zipfile.ZipInfo(name, entry.date_time)
                info.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(info, "w", force_zip64=entry.file_size > 2**30) as file:
                    for chunk in _content(package, name, changes):
                        file.write(chunk)
            for name in package.texts.keys() - package.entries.keys():
                archive.writestr(name, package.texts[name])
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _content(package: Package, name: str, changes: Mapping[str, SheetChange]) -> Iterator[bytes]:
    if name in changes:
        yield from change_sheet(package.chunks(name), changes[name])
    elif name in package.texts:
        yield package.texts[name]
    else:
        yield from package.chunks(name)


def _list_first(
    package: Package, lists: Sequence[ListSheet], replaced: frozenset[str], styles: Styles
) -> None:
    """Our sheets before all others; whatever counts sheets from the front is told so."""
    data = package.read(package.workbook)
    root = parse_part(data)
    listed = root.find("sheets")
    assert listed is not None  # a package without it has no sheets and is refused when it is opened
    gone = [each for each in listed.children if each.attributes.get("name") in replaced]
    relations = package.relations(package.workbook)
    changes: list[tuple[int, int, bytes]] = [(each.start, each.end, b"") for each in gone]
    ids = [int(each.attributes.get("sheetId", "0")) for each in listed.children]
    pieces = []
    for position, sheet in enumerate(lists):
        part = package.free_part("xl/worksheets/ingpSheet{}.xml")
        package.write(part, render_sheet(sheet, styles.looks, active=position == 0))
        package.declare(part, f"{CONTENT}.worksheet+xml")
        relation = package.relate(package.workbook, "worksheet", part)
        pieces.append(
            f'<sheet xmlns:r="{OFFICE_RELATIONS}" name="{xml_attribute(sheet.name)}" '
            f'sheetId="{max(ids, default=0) + 1 + position}" r:id="{relation}"/>'
        )
    if listed.children:
        changes.insert(0, (listed.open_end, listed.open_end, with_prefix("".join(pieces), listed.prefix)))
    else:
        changes.append(append_child(data, listed, "".join(pieces)))
    changes += _renumber(data, root, [each in gone for each in listed.children], len(lists))
    views = root.find("bookViews")
    for view in views.children if views else ():
        tag = data[view.start : view.open_end]
        changes.append((view.start, view.open_end, _TAB.sub(b"", tag)))
    package.write(package.workbook, splice(data, changes))
    for each in gone:
        _, part = relations.get(each.attribute("id") or "", ("", ""))
        if part:
            package.unrelate(package.workbook, part)
            package.undeclare(part)
            package.drop(part)


def _renumber(data: bytes, root: Element, gone: Sequence[bool], added: int) -> list[tuple[int, int, bytes]]:
    """Names that belong to a sheet say which by its position."""
    changes = []
    names = root.find("definedNames")
    for each in names.children if names else ():
        told = each.attributes.get("localSheetId")
        if told is None or not told.isdecimal() or int(told) >= len(gone):
            continue
        if gone[int(told)]:
            changes.append((each.start, each.end, b""))
            continue
        number = int(told) - sum(gone[: int(told)]) + added
        tag = data[each.start : each.open_end]
        renumbered = re.sub(rb"(localSheetId\s*=\s*[\"'])\d+", rb"\g<1>%d" % number, tag)
        changes.append((each.start, each.open_end, renumbered))
    return changes


def _unselect_charts(package: Package) -> None:
    """Two selected sheets are edited together: of the officer's, none stays selected."""
    for kind, part in package.relations(package.workbook).values():
        if kind.endswith("/chartsheet") and package.has(part):
            package.write(part, _SELECTED.sub(b"", package.read(part)))


def write_bare_workbook(path: Path, sheets: Sequence[str] = (), styles: str = "") -> None:
    """The parts of a workbook around its sheets, whose own parts (``sheet1.xml`` …) the caller adds."""
    office = f"{OFFICE_RELATIONS}/"
    parts = ["/xl/workbook.xml", *(f"/xl/worksheets/sheet{n}.xml" for n in range(1, len(sheets) + 1))]
    kinds = ["sheet.main", *["worksheet"] * len(sheets)]
    relations = [
        f'Id="rId{n}" Type="{office}worksheet" Target="worksheets/sheet{n}.xml"'
        for n in range(1, len(sheets) + 1)
    ]
    if styles:
        parts.append("/xl/styles.xml")
        kinds.append("styles")
        relations.append(f'Id="rIdStyles" Type="{office}styles" Target="styles.xml"')
    types = "".join(
        f'<Override PartName="{part}" ContentType="{CONTENT}.{kind}+xml"/>'
        for part, kind in zip(parts, kinds, strict=True)
    )
    listed = "".join(
        f'<sheet name="{xml_attribute(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in enumerate(sheets, 1)
    )
    texts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE_RELATIONS}"><Relationship Id="rId1" '
        f'Type="{office}officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE_RELATIONS}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE_RELATIONS}">'
        + "".join(f"<Relationship {each}/>" for each in relations)
        + "</Relationships>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, DECLARATION + text)
        if styles:
            archive.writestr("xl/styles.xml", styles)
