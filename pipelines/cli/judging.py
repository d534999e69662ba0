"""Files looked at for once: staged, judged, and gone again when the command ends."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipelines.cli.show import progress_bar, table_titles
from pipelines.cli.words import _
from pipelines.settings import Settings

# Imported where they are used: `ingp --help` and mistyped options answer at once.
if TYPE_CHECKING:
    from pipelines.catalogue import Catalogue
    from pipelines.records import StagedPackage, ValidationReport


@dataclass(frozen=True, slots=True)
class Judged:
    """A package, its report, and the folder of the report."""

    staged: "StagedPackage"
    report: "ValidationReport"
    folder: Path


def catalogue_for(settings: Settings, member: str) -> "Catalogue":
    """The standard; a code that is no member's ends the command."""
    from pipelines.catalogue import load_catalogue

    catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
    if member not in catalogue.members:
        raise typer.BadParameter(_("{member} is not the code of a member.").format(member=member))
    return catalogue


@contextmanager
def judged(
    files: list[Path],
    member: str,
    catalogue: "Catalogue",
    settings: Settings,
    *,
    package_type: str | None,
    instructions: dict[str, object],
    rows: bool,
    quiet: bool,
) -> Iterator[Judged]:
    """Files staged and judged in a folder that is removed on leaving. quiet: without a progress bar."""
    from pipelines.identifiers import MemberCode
    from pipelines.intake import receive_submission
    from pipelines.records import AcceptancePolicy
    from pipelines.validation import validate_package
    from pipelines.zones import Zones

    with tempfile.TemporaryDirectory(prefix="ingp-") as kept:
        zones = Zones(Path(kept))
        with progress_bar(quiet, table_titles(catalogue)) as progress:
            progress(_("Reading"), 0, 1)
            staged = receive_submission(
                files,
                MemberCode(member),
                zones,
                catalogue,
                package_type=package_type,
                instructions=instructions,
            )
            folder = zones.report_folder(staged.submission.submission_id)
            report = validate_package(
                staged,
                catalogue,
                folder,
                policy=AcceptancePolicy.ROWS if rows else AcceptancePolicy.WHOLE,
                memory_limit=settings.memory_limit,
                threads=settings.threads,
                progress=progress,
                budget_seconds=settings.validation_seconds or None,
            )
        yield Judged(staged, report, folder)
