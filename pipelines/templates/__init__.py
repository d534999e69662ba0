"""What a member copies and fills in, made from the catalogue: workbooks with dropdowns, and data packages."""

from pathlib import Path

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.templates.package import write_package_template
from pipelines.templates.texts import guide_sheets, load_words, problem_labels, problem_sheets
from pipelines.templates.workbook import write_workbook

__all__ = [
    "guide_sheets",
    "load_words",
    "problem_labels",
    "problem_sheets",
    "write_package_template",
    "write_templates",
    "write_workbook",
]


def write_templates(catalogue: Catalogue, folder: Path) -> None:
    """Write ``<type>.<language>.xlsx`` and the package ``<type>/`` of every package type into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in catalogue.package_types:
        for language in LANGUAGES:
            write_workbook(catalogue, name, language, folder / f"{name}.{language}.xlsx")
        write_package_template(catalogue, name, folder / name)
