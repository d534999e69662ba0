"""What the worker makes for pages: kind of work -> how."""

import logging
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.desk.desk import Desk
from pipelines.desk.made import CannotError, Work
from pipelines.desk.mending import apply_fixes, offer_fixes, write_cells
from pipelines.desk.previewing import make_preview
from pipelines.identifiers import SubmissionId
from pipelines.intake import read_staged
from pipelines.returning import return_file


def mark(desk: Desk, work: Work, folder: Path) -> list[str]:
    """Her own files back, marked; several as one archive. arguments: ``language``."""
    own = SubmissionId(work.submission_id)
    staged = read_staged(desk.site.zones.staged_folder(own))
    written = return_file(
        Path(staged.folder) / "original", desk.site.zones.report_folder(own), staged, desk.site.catalogue,
        work.arguments["language"], folder,
    )  # fmt: skip
    if not written:
        raise CannotError("nothing-to-mark")
    return bundle(folder, written, "marked.zip")


def pack(desk: Desk, work: Work, folder: Path) -> list[str]:
    """What was sent, as one archive."""
    original = Path(read_staged(desk.site.zones.staged_folder(SubmissionId(work.submission_id))).folder)
    files = [path for path in sorted((original / "original").rglob("*")) if path.is_file()]
    return bundle(folder, files, "original.zip", original / "original")


def bundle(folder: Path, files: list[Path], name: str, root: Path | None = None) -> list[str]:
    """The name of the one file, or of an archive of all of them, in the folder."""
    if len(files) == 1 and root is None:
        return [files[0].name]
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(root or folder).as_posix())
    return [name]


log = logging.getLogger(__name__)

HOW: Mapping[str, Callable[[Desk, Work, Path], Any]] = {
    "fixes": offer_fixes,
    "mend": apply_fixes,
    "edit": write_cells,
    "marked": mark,
    "original": pack,
    "preview": lambda desk, work, _folder: make_preview(desk, work.submission_id),
}


def make_waiting(desk: Desk) -> bool:
    """Make what pages have asked for; True when there was something. What breaks is told on the page, and stops nothing else."""
    waiting = desk.made.waiting()
    for work in waiting:
        try:
            desk.made.make(work, lambda each, folder: HOW[each.kind](desk, each, folder))
        except (
            Exception
        ):  # the machine: the others are made, and whoever asks for this one later starts it anew
            log.exception("%s of %s", work.kind, work.submission_id)
            desk.made.give_up(work)
    return bool(waiting)
