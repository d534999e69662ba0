"""``python -m pipelines.reporting.reference``: write docs/findings.md, the reference of all finding codes."""

from pathlib import Path

from pipelines.catalogue import Catalogue, load_catalogue
from pipelines.records import Severity

CHECKOUT = Path(__file__).resolve().parents[2]
REFERENCE = CHECKOUT / "docs" / "findings.md"

WITHOUT_EXAMPLE = {
    "ocds-merge-failed": "a safeguard: no input is known that cannot be merged once its shape is repaired",
    "unique-key-duplicate": "No table of this version of the standard has unique keys beside its primary key, so no file can give this finding yet.",
    "constraint-pattern": "No column of this version of the standard prescribes a pattern, so no file can give this finding yet.",
}
"""Codes that no package can give, and why."""

_INTRODUCTION = """# Findings

What a validation report can say: one section per code, in the order of `schemas/findings.csv`, which also decides
the severity. An **error** refuses the package; under the policy `rows` it refuses only the row that it names, and the
package when it names none. A **warning** is published and shown. A **notice** only tells how the file was read. The
level is the smallest place that a finding names: package, table, row or cell. Each section gives severity, level, source,
first version of the standard and an example; then what, why and what to do. Names in braces, such as `{field}`, are filled
in by the report.

Each example is the smallest package that gives the finding: the files as sent, and in `expected.json` who sends them,
how, and what must come out. Where it says `build`, the files are first made into what cannot be kept here as such (an
archive, a workbook, damaged bytes) by the recipe of that name in `tests/schemas/test_examples.py`.

Written from the standard by `python -m pipelines.reporting.reference`; change `schemas/findings.csv` and
`schemas/translations/en/findings.csv` instead of this file. The same texts exist in Spanish, Portuguese and French.
"""


def example_folder(catalogue: Catalogue, code: str) -> Path | None:
    """Folder of the smallest package that gives a finding; None when there is none."""
    for package_type in catalogue.package_types.values():
        folder = catalogue.folder / package_type.name / package_type.version / "examples" / "invalid" / code
        if folder.is_dir():
            return folder
    return None


def render_findings_reference(catalogue: Catalogue) -> str:
    """The reference as Markdown, in English: overview by severity, then what, why and what to do for each code."""
    lines = [_INTRODUCTION]
    for severity in Severity:
        codes = [code for code, policy in catalogue.findings.items() if policy.severity is severity]
        links = ", ".join(f"[{code}](#{code})" for code in codes)
        lines += [f"**{severity.value.capitalize()}s ({len(codes)}):** {links}", ""]
    for code in catalogue.findings:
        lines += _section(catalogue, code)
    return "\n".join(lines)


def _section(catalogue: Catalogue, code: str) -> list[str]:
    policy, text = catalogue.findings[code], catalogue.texts.finding("en", code)
    folder = example_folder(catalogue, code)
    if folder is None:
        example = WITHOUT_EXAMPLE[code]
    else:
        path = folder.relative_to(catalogue.folder.parent).as_posix()
        example = f"[Example](../{path})"
    facts = f"{policy.severity.value.capitalize()} · {policy.level} · {policy.source} · since {policy.since} · {example}"
    # One line of source per code: the file stays short enough to be read and reviewed.
    return [f"## {code}", f"{facts}<br>**{text.what}**<br>{text.why}<br>*What to do:* {text.fix}", ""]


def main() -> None:
    text = render_findings_reference(load_catalogue(CHECKOUT / "schemas", CHECKOUT / "datapackages"))
    REFERENCE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
