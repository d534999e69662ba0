"""OCDS flattened to CSV: headings such as ``contracts/0/items/0/id``, one file per array or one row per release.

A file's columns are grouped by the array element that they describe; each group becomes rows of the table
that the standard keeps for that array. Rows keep their place: one row of the file is one row of the table.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.catalogue import PackageType, Table
from pipelines.catalogue.model import OcdsSource
from pipelines.intake.sources import RawTable
from pipelines.templates import problem_labels

_POINTER = re.compile(r"/?[A-Za-z_]\w*(/\w+)*")


@dataclass(frozen=True)
class _Heading:
    index: int
    path: str
    """Without array positions: ``contracts/items/id``."""
    positions: tuple[tuple[str, int], ...]
    """Array paths with their position: ``(("contracts", 0), ("contracts/items", 0))``."""


def _parse(index: int, label: str) -> _Heading:
    names: list[str] = []
    positions: list[tuple[str, int]] = []
    for part in label.strip().strip("/").split("/"):
        if part.isdigit():
            positions.append(("/".join(names), int(part)))
        else:
            names.append(part)
    return _Heading(index, "/".join(names), tuple(positions))


def field_paths(table: Table, source: OcdsSource) -> dict[str, str]:
    """Field name -> path from the release root without positions, for one source of a table.

    ``../`` climbs one enclosing array element; arrays are told from objects by being sources of tables.
    """
    base = source.path.strip("/")
    paths = {}
    for field in table.fields:
        relative = field.ocds_path
        if relative is None:
            continue
        if relative.startswith("/"):
            paths[field.name] = relative[1:]
            continue
        prefix = base
        while relative.startswith("../"):
            relative = relative[3:]
            prefix = _enclosing(prefix)
        paths[field.name] = f"{prefix}/{relative}".strip("/")
    return paths


_ARRAYS = ("awards", "contracts", "parties")


def _enclosing(path: str) -> str:
    """Path of the array element around an array: ``contracts/implementation/transactions`` -> ``contracts``."""
    parts = path.split("/")[:-1]
    while parts and parts[-1] not in (*_ARRAYS, "items"):
        parts.pop()
    return "/".join(parts)


def is_flattened(labels: Sequence[str | None]) -> bool:
    """Whether a heading row is flattened OCDS: an ocid, and at least one path with a slash."""
    cells = [label.strip() for label in labels if label and label.strip()]
    return "ocid" in [cell.strip("/") for cell in cells] and any(
        "/" in cell and _POINTER.fullmatch(cell) for cell in cells
    )


def plan_flattened(
    raw: RawTable, head: Sequence[tuple[int, list[str | None]]], package_type: PackageType
) -> list[dict[str, Any]] | None:
    """Arguments of the `TablePlan`s of a flattened file; None when it is not one."""
    from pipelines.intake.plan import ColumnPlan

    heading = next(((number, cells) for number, cells in head if is_flattened(cells)), None)
    if heading is None or "additional_fields" not in package_type.by_name:
        return None
    number, cells = heading
    labels = [(cell or "").strip() for cell in cells]
    parsed = [
        _parse(index, label) for index, label in enumerate(labels) if label and label not in problem_labels()
    ]
    deepest = max(
        (array for each in parsed for array, _ in each.positions),
        key=lambda path: path.count("/") + 1,
        default="",
    )

    taken: set[int] = set()
    plans: list[dict[str, Any]] = []
    for table in package_type.tables:
        for source in table.ocds_sources:
            paths = field_paths(table, source)
            base = source.path.strip("/")
            own = {
                name for name in paths if not (table.by_name[name].ocds_path or "").startswith(("/", "../"))
            }
            if not base:
                own -= {"release_id"}
            groups: dict[tuple[int, ...], dict[str, int]] = defaultdict(dict)
            context: dict[str, list[_Heading]] = defaultdict(list)
            for each in parsed:
                for name, path in paths.items():
                    if path != each.path:
                        continue
                    if name in own:
                        groups[tuple(at for _, at in each.positions)][name] = each.index
                    else:
                        context[name].append(each)
            for positions, columns in groups.items():
                informative = set(columns) - set(table.primary_key)
                if not informative and base != deepest:
                    continue
                chosen = {name: ColumnPlan((index,)) for name, index in columns.items()}
                for name, candidates in context.items():
                    fits = [
                        each
                        for each in candidates
                        if tuple(at for _, at in each.positions) == positions[: len(each.positions)]
                    ]
                    if fits:
                        chosen[name] = ColumnPlan((fits[0].index,))
                for name, value in source.constants.items():
                    chosen[name] = ColumnPlan(constant=value)
                taken.update(columns.values())
                taken.update(plan.indexes[0] for plan in chosen.values() if plan.indexes)
                plans.append(
                    {
                        "table": table,
                        "columns": {name: chosen[name] for name in table.by_name if name in chosen},
                        "heading_row": number,
                        "labels": labels,
                        "only_if": tuple(columns.values()) if len(groups) > 1 else (),
                    }
                )
    # `ocid` and the ids of enclosing elements say whose a leftover is; they are not leftovers themselves.
    ids = {
        each.index
        for each in parsed
        if each.path == "id" or each.path == "ocid" or (each.positions and each.path.endswith("/id"))
    }
    leftovers = {each.index: f"/{each.path}" for each in parsed if each.index not in taken | ids}
    if leftovers or not plans:
        ocid = next(each.index for each in parsed if each.path == "ocid")
        parents = tuple(
            each.index for each in parsed if each.index in ids and each.path not in ("ocid", "id")
        )
        plans.append(
            {
                "table": package_type.table("additional_fields"),
                "columns": {"ocid": ColumnPlan((ocid,)), "parent_id": ColumnPlan(parents, "/")},
                "heading_row": number,
                "labels": labels,
                "leftovers": leftovers,
            }
        )
    return plans
