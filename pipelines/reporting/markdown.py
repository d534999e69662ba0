"""A validation report as Markdown: what a Prefect artifact, a mail or ``ingp validate --format markdown`` shows."""

from babel.numbers import format_decimal

from pipelines.catalogue import Catalogue
from pipelines.records import Finding, FindingGroup, Severity, ValidationReport, Verdict, count_rows
from pipelines.reporting.language import translations
from pipelines.reporting.sentences import Sentences

PLACES = 10
"""Places listed of a group; the count is always whole."""


def verdict_sentence(report: ValidationReport, language: str) -> str:
    """The verdict in one sentence."""
    _ = translations(language).gettext
    match report.verdict:
        case Verdict.ACCEPTED:
            return _("Everything is in order: the data can be published.")
        case Verdict.ACCEPTED_WITH_WARNINGS:
            return _("The data can be published. Please look at the remarks below.")
        case Verdict.REJECTED:
            return _(
                "The data cannot be published yet. Please correct what is marked as an error and send it again."
            )


def severity_title(severity: Severity, language: str) -> str:
    _ = translations(language).gettext
    return {
        Severity.ERROR: _("Errors: to be corrected"),
        Severity.WARNING: _("Warnings: published, but worth a look"),
        Severity.NOTICE: _("Notices: how the file was read"),
    }[severity]


def place(finding: Finding) -> str:
    """Where a finding is: ``awards.xlsx, Sheet1!D17``; '' for the whole package."""
    cell = finding.cell or (str(finding.row_number) if finding.row_number else finding.column or "")
    if finding.sheet:
        cell = f"{finding.sheet}!{cell}" if cell else finding.sheet
    return ", ".join(part for part in (finding.source_file, cell) if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _group(group: FindingGroup, sentences: Sentences, language: str) -> list[str]:
    _ = translations(language).gettext
    text = sentences.group(group)
    times = format_decimal(group.count, locale=language)
    lines = [
        f"### {text.what} ({times}×)" if group.count > 1 else f"### {text.what}",
        "",
        text.why,
        "",
        f"**{text.fix}**",
        "",
    ]
    places = [(place(each), each) for each in group.examples if each.row_number or each.value]
    if places:
        lines += [f"| {_('Place')} | {_('Value')} | |", "|---|---|---|"]
        for where, example in places[:PLACES]:
            lines.append(
                f"| {_cell(where)} | {_cell(example.value or '')} | {_cell(sentences.suggestion(example) or '')} |"
            )
        if group.count > PLACES:
            more = format_decimal(group.count - PLACES, locale=language)
            lines += ["", _("… and {count} more").format(count=more)]
        lines.append("")
    return lines


def render_markdown(report: ValidationReport, catalogue: Catalogue, language: str) -> str:
    """The whole report in one language."""
    _ = translations(language).gettext
    sentences = Sentences(catalogue, catalogue.package_type(report.package_type), language)

    def number(value: int) -> str:
        return format_decimal(value, locale=language)

    rows_in, accepted, refused = count_rows(report.sources)
    lines = [
        f"# {_('Validation report')}: {report.submission_id}",
        "",
        f"**{verdict_sentence(report, language)}**",
        "",
        _("{rows} rows read, {accepted} accepted, {refused} refused.").format(
            rows=number(rows_in), accepted=number(accepted), refused=number(refused)
        ),
        "",
        f"| {_('Table')} | {_('Rows read')} | {_('Accepted')} | {_('Refused')} |",
        "|---|--:|--:|--:|",
    ]
    for count in report.counts:
        title = sentences.table_title(count.table) + (f" ({_('derived')})" if count.derived else "")
        figures = " | ".join(
            number(value) for value in (count.rows_in, count.rows_accepted, count.rows_refused)
        )
        lines.append(f"| {_cell(title)} | {figures} |")
    for severity in Severity:
        groups = [group for group in report.groups if group.severity is severity]
        if groups:
            lines += ["", f"## {severity_title(severity, language)}", ""]
            for group in groups:
                lines += _group(group, sentences, language)
    note = _("Standard {version}, rules {rules}, checked in {seconds} s.")
    seconds = format_decimal(round(report.seconds, 1), locale=language)
    lines += [
        "",
        "---",
        note.format(version=report.schema_version, rules=report.ruleset_version, seconds=seconds),
        "",
    ]
    return "\n".join(lines)
