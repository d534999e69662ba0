"""A report as a document in one language: every text made, every figure written. HTML, Markdown and terminal lay it out."""

from collections import Counter
from dataclasses import dataclass

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from pipelines.catalogue import Catalogue
from pipelines.records import Finding, FindingGroup, Severity, ValidationReport, Verdict, count_rows
from pipelines.reporting.comparison import Comparison, GroupComparison
from pipelines.reporting.details import Details
from pipelines.reporting.language import translations
from pipelines.reporting.places import file_name, where
from pipelines.reporting.sentences import Sentences, labelled
from pipelines.reporting.skipped import by_reason
from pipelines.reporting.understood import SourceText, describe_sources
from pipelines.reporting.visible import CHARACTERS, visible, weight

PLACES = 10
"""Places listed of a problem; the count is always whole."""
PLACES_IN_ALL = 600
BYTES = {Severity.ERROR: 90_000, Severity.WARNING: 60_000, Severity.NOTICE: 20_000}
"""What the problems of a severity may weigh on a page; those beyond are counted, and listed in the CSV."""
FIXED = 20
FOLLOWING = {"reference-refused"}
"""Findings that go when their cause goes: after everything that has to be mended."""

WHATS = 40
"""Sentences of one problem: columns that have the same trouble."""

_TONES = {Verdict.ACCEPTED: "good", Verdict.ACCEPTED_WITH_WARNINGS: "fair", Verdict.REJECTED: "bad"}


@dataclass(frozen=True, slots=True)
class PlaceText:
    """file: '' when the submission has one file only. suggestion: '' when nothing is near."""

    file: str
    where: str
    value: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A card: findings of one code in one column, or in several columns when they name no row.

    number: counts the problems of a severity from 1. count: findings, as written in the language; '' for one.
    what: one sentence a column. status: what became of it since the report before; '' without one.
    more: how many places are not listed, as a sentence; '' when all are.
    """

    number: int
    anchor: str
    code: str
    severity: Severity
    count: str
    findings: int
    what: tuple[str, ...]
    why: str
    fix: str
    status: str
    places: tuple[PlaceText, ...]
    more: str

    @property
    def weight(self) -> int:
        """Bytes on a page, roughly: the first sentence is said twice, and the card has its frame."""
        told = (self.what[0], *self.what, self.why, self.fix, self.status, self.more)
        cells = (
            cell for each in self.places for cell in (each.file, each.where, each.value, each.suggestion)
        )
        return 900 + sum(weight(text) for text in (*told, *cells))


@dataclass(frozen=True, slots=True)
class Section:
    severity: Severity
    title: str
    problems: tuple[Problem, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Document:
    """tone: good, fair or bad. skipped: (why, names of checks). facts: (name, value), to quote in a letter."""

    language: str
    title: str
    tone: str
    verdict: str
    summary: str
    checked: str
    rows: str
    comparison: str
    comparison_note: str
    fixed: tuple[str, ...]
    sections: tuple[Section, ...]
    sources: tuple[tuple[str, str, str, str], ...]
    tables: tuple[tuple[str, str, str, str], ...]
    understood: tuple[SourceText, ...]
    skipped: tuple[tuple[str, tuple[str, ...]], ...]
    facts: tuple[tuple[str, str], ...]


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


def build_document(
    report: ValidationReport,
    catalogue: Catalogue,
    language: str,
    *,
    details: Details | None = None,
    comparison: Comparison | None = None,
) -> Document:
    """The document of a report. Of bounded size, whatever was found and whatever the files are called."""
    return _Writer(report, catalogue, language, details or Details(), comparison).document()


def comparison_sentence(comparison: Comparison, language: str) -> str:
    """``34 fixed, 3 left, 0 new``; with warnings too, ``Errors: 34 fixed, … · Warnings: …``."""
    _ = translations(language).gettext
    titles = {Severity.ERROR: _("Errors"), Severity.WARNING: _("Warnings")}
    parts = {severity: comparison.counts(severity) for severity in titles}
    told = {severity: counts for severity, counts in parts.items() if any(counts)}
    if len(told) < 2:
        return _fixed_left_new(*next(iter(told.values()), (0, 0, 0)), language)
    return " · ".join(
        labelled(titles[severity], _fixed_left_new(*counts, language), language)
        for severity, counts in told.items()
    )


def _fixed_left_new(fixed: int, left: int, new: int, language: str) -> str:
    ngettext = translations(language).ngettext
    parts = (
        (ngettext("{count} fixed", "{count} fixed", fixed), fixed),
        (ngettext("{count} left", "{count} left", left), left),
        (ngettext("{count} new", "{count} new", new), new),
    )
    return ", ".join(text.format(count=format_decimal(count, locale=language)) for text, count in parts)


class _Writer:
    def __init__(
        self,
        report: ValidationReport,
        catalogue: Catalogue,
        language: str,
        details: Details,
        comparison: Comparison | None,
    ) -> None:
        self.report = report
        self.language = language
        self.details = details
        self.comparison = comparison
        self.sentences = Sentences(catalogue, catalogue.package_type(report.package_type), language)
        self._ = translations(language).gettext
        self.ngettext = translations(language).ngettext
        self.changes = {
            (each.code, each.table, each.field): each for each in (comparison.groups if comparison else ())
        }
        self.places_left = PLACES_IN_ALL
        files = {
            example.source_file
            for group in report.groups
            for example in group.examples
            if example.source_file
        }
        self.several_files = len(files | {entry["file"] for entry in details.understood.get("files", ())}) > 1

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.language)

    def document(self) -> Document:
        _ = self._
        report = self.report
        sections = tuple(section for severity in Severity if (section := self.section(severity)).problems)
        rows_in, accepted, refused = count_rows(report.sources)
        rows = _("{rows} rows read, {accepted} accepted, {refused} refused.")
        return Document(
            self.language,
            labelled(_("Validation report"), str(report.submission_id), self.language),
            _TONES[report.verdict],
            verdict_sentence(report, self.language),
            self.summary(sections, rows_in),
            self.checked(rows_in),
            rows.format(
                rows=self.number(rows_in), accepted=self.number(accepted), refused=self.number(refused)
            ),
            comparison_sentence(self.comparison, self.language) if self.comparison else "",
            self.comparison_note(),
            self.fixed(),
            sections,
            tuple(
                self.figures(
                    self.source_name(count.source), count.rows_in, count.rows_accepted, count.rows_refused
                )
                for count in report.sources
            ),
            tuple(
                self.figures(
                    self.sentences.table_title(count.table) + (f" ({_('derived')})" if count.derived else ""),
                    count.rows_in,
                    count.rows_accepted,
                    count.rows_refused,
                )
                for count in report.counts
            ),
            tuple(describe_sources(self.details.understood, self.sentences)),
            tuple((why, tuple(names)) for why, names in by_reason(report.skipped, self.sentences)),
            self.facts(),
        )

    def source_name(self, source: str) -> str:
        """``book.xlsx, Sheet`` of ``book.xlsx#Sheet``; a file may have a ``#`` in its own name."""
        for entry in self.details.understood.get("files", ()):
            if entry["sheet"] and source == f"{entry['file']}#{entry['sheet']}":
                return f"{file_name(entry['file'])}, {file_name(entry['sheet'])}"
        return file_name(source)

    def figures(self, title: str, *values: int) -> tuple[str, str, str, str]:
        rows_in, accepted, refused = (self.number(value) for value in values)
        return title, rows_in, accepted, refused

    def summary(self, sections: tuple[Section, ...], rows_in: int) -> str:
        """``3 problems to fix, 5 to review; 99,812 of 100,000 rows have no errors.``"""
        _, ngettext = self._, self.ngettext
        kinds = {severity: len(self.cards(severity)) for severity in Severity}
        fix, review = kinds[Severity.ERROR], kinds[Severity.WARNING]
        if not fix and not review:
            return _("No problems found.")
        parts = []
        if fix:
            text = ngettext("{count} problem to fix", "{count} problems to fix", fix)
            parts.append(text.format(count=self.number(fix)))
            if review:
                text = ngettext("{count} to review", "{count} to review", review)
                parts.append(text.format(count=self.number(review)))
        else:
            text = ngettext("{count} point to review", "{count} points to review", review)
            parts.append(text.format(count=self.number(review)))
        problems = ", ".join(parts)
        if self.details.rows_with_errors is None or not rows_in:
            return f"{problems}."
        unplaced = sum(entry["rows"] for entry in self.details.understood.get("unplaced", ()))
        fine = max(0, rows_in - unplaced - self.details.rows_with_errors)
        text = ngettext(
            "{problems}; {fine} of {rows} row has no errors.",
            "{problems}; {fine} of {rows} rows have no errors.",
            rows_in,
        )
        return text.format(problems=problems, fine=self.number(fine), rows=self.number(rows_in))

    def checked(self, rows_in: int) -> str:
        """All of all: a validation that could not look at every row leaves no report."""
        seconds = self.report.seconds
        text = self.ngettext(
            "Checked {checked} of {rows} row in {seconds} s.",
            "Checked {checked} of {rows} rows in {seconds} s.",
            rows_in,
        )
        return text.format(
            checked=self.number(rows_in),
            rows=self.number(rows_in),
            seconds=format_decimal(round(seconds, 1 if seconds >= 0.1 else 2), locale=self.language),
        )

    def comparison_note(self) -> str:
        if self.comparison is None:
            return ""
        note = self._("Compared with the report of {date} ({name}).").format(
            date=format_date(self.comparison.before_at, format="long", locale=self.language),
            name=self.comparison.before,
        )
        if not self.comparison.same_rules:
            note += " " + self._(
                "The rules have changed since then, so what is new may come from a new rule."
            )
        return note

    def fixed(self) -> tuple[str, ...]:
        """What is gone altogether, in the words of the report before."""
        gone = [each for each in self.changes.values() if each.fixed and not each.left and not each.new]
        lines = []
        for change in gone[:FIXED]:
            what = self.sentences.finding(change.example, change.fixed).what
            lines.append(f"{what} (×{self.number(change.fixed)})" if change.fixed > 1 else what)
        if len(gone) > FIXED:
            lines.append(self._("… and {count} more").format(count=self.number(len(gone) - FIXED)))
        return tuple(lines)

    def cards(self, severity: Severity) -> list[list[FindingGroup]]:
        """The groups of a severity; those that name no row and ask for the same thing are put together."""
        cards: dict[tuple[object, ...], list[FindingGroup]] = {}
        groups = [each for each in self.report.groups if each.severity is severity]
        groups.sort(key=lambda each: each.code in FOLLOWING)
        for position, group in enumerate(groups):
            key: tuple[object, ...] = (position,)
            if all(example.row_number is None for example in group.examples):
                text = self.sentences.group(group)
                key = (group.code, group.table if group.field else None, text.why, text.fix)
            cards.setdefault(key, []).append(group)
        return list(cards.values())

    def section(self, severity: Severity) -> Section:
        cards = self.cards(severity)
        problems: list[Problem] = []
        left = BYTES[severity]
        for number, card in enumerate(cards, start=1):
            problem = self.problem(number, card)
            left -= problem.weight
            if left < 0 and problems:
                break
            problems.append(problem)
        more = ""
        if rest := len(cards) - len(problems):
            more = self._("… and {count} more").format(count=self.number(rest))
        return Section(severity, severity_title(severity, self.language), tuple(problems), more)

    def problem(self, number: int, card: list[FindingGroup]) -> Problem:
        first = card[0]
        texts = [self.sentences.group(group) for group in card]
        count = sum(group.count for group in card)
        limit = min(PLACES, self.places_left)
        places = self.places([example for group in card for example in group.examples], limit)
        self.places_left -= len(places)
        rest = count - len(places) if places else 0
        more = ""
        if rest:
            text = self.ngettext("… and {count} more place", "… and {count} more places", rest)
            more = text.format(count=self.number(rest))
        return Problem(
            number,
            f"{first.severity.value}-{number}",
            first.code,
            first.severity,
            self.number(count) if count > 1 and len(card) == 1 else "",
            count,
            tuple(dict.fromkeys(text.what for text in texts))[:WHATS],
            texts[0].why,
            texts[0].fix,
            self.status(card),
            places,
            more,
        )

    def status(self, card: list[FindingGroup]) -> str:
        """``new``, ``left``, or how many of each."""
        if self.comparison is None or card[0].severity is Severity.NOTICE:
            return ""
        found: list[GroupComparison] = [
            self.changes[key]
            for group in card
            if (key := (group.code, group.table, group.field)) in self.changes
        ]
        sums = Counter({"left": sum(each.left for each in found), "new": sum(each.new for each in found)})
        texts = {
            "left": self.ngettext("{count} left", "{count} left", sums["left"]),
            "new": self.ngettext("{count} new", "{count} new", sums["new"]),
        }
        return ", ".join(
            texts[name].format(count=self.number(sums[name])) for name in ("left", "new") if sums[name]
        )

    def places(self, examples: list[Finding], limit: int) -> tuple[PlaceText, ...]:
        named = [(example, example.value or str(example.parameters.get("label", ""))) for example in examples]
        return tuple(
            PlaceText(
                file_name(example.source_file) if example.source_file and self.several_files else "",
                where(example, self.language, self.sentences.ocds_path(example)),
                visible(value, CHARACTERS),
                self.sentences.suggestion(example) or "",
            )
            for example, value in [
                (example, value) for example, value in named if example.row_number or example.column or value
            ][:limit]
        )

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What to quote, so that two people speak of the same report."""
        _ = self._
        report = self.report
        return (
            (_("Report"), str(report.submission_id)),
            (_("Rules"), report.ruleset_version),
            (_("Standard"), f"{report.package_type} {report.schema_version}"),
            (
                _("Checked on"),
                format_datetime(report.validated_at, format="long", locale=self.language),
            ),
        )
