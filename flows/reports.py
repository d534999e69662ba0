"""What the flows leave for people in Prefect: artifacts, progress, events. Nothing reads them back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.events import emit_event

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.exceptions import PipelineError
from pipelines.rechecked import Recheck
from pipelines.records import Release, ValidationReport, count_rows
from pipelines.reporting import Sentences, render_markdown, translations
from pipelines.settings import Settings
from pipelines.workflow import Outcome, Progress

PROGRESS_SECONDS = 1.0
"""Shortest time between two updates of a progress artifact: each is a call to the server."""

SUBMISSION_EVENTS = {
    "accepted": "ingp.submission.accepted",
    "needs_work": "ingp.submission.rejected",
    "in_review": "ingp.submission.needs-confirmation",
}
"""State of a submission -> event. Published, superseded and withdrawn are no news of a submission."""

RELEASE_EVENT = "ingp.release.published"


def is_machine_trouble(_task: object, _run: object, state: object) -> bool:
    """Whether waiting may help: lake, ledger, disk or network failed; a mistake in the code stays one."""
    trouble = state.result(raise_on_failure=False)  # type: ignore[attr-defined]
    return isinstance(trouble, PipelineError | OSError)


def member_language(catalogue: Catalogue, member: str) -> str:
    """The member's first language that is one of the four; English when there is none."""
    return next((each for each in catalogue.members[member].languages if each in LANGUAGES), "en")


def operator_language(settings: Settings) -> str:
    return settings.language if settings.language in LANGUAGES else "en"


@contextmanager
def shown_progress(key: str, description: str) -> Iterator[Progress]:
    """A function (what, done, of) that moves a progress artifact; at the end it stands at 100 %."""
    artifact: Any = create_progress_artifact(0.0, key=key, description=description)
    told = time.monotonic()

    def tell(what: str, done: int, of: int) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_SECONDS:
            update_progress_artifact(
                artifact, 100.0 * done / max(of, 1), description=f"{description}: {what}"
            )
            told = time.monotonic()

    yield tell
    update_progress_artifact(artifact, 100.0, description=description)


def artifact_name(report: ValidationReport) -> str:
    """``xaa-procurement``: end of the keys of a member's artifacts; Prefect shows them as one history."""
    return f"{report.member}-{report.package_type}".lower()


def show_report(report: ValidationReport, catalogue: Catalogue) -> None:
    """The validation summary and the row counts, in the member's language."""
    language = member_language(catalogue, report.member)
    _ = translations(language).gettext
    name = artifact_name(report)
    create_markdown_artifact(
        render_markdown(report, catalogue, language),
        key=f"report-{name}",
        description=str(report.submission_id),
    )
    sentences = Sentences(catalogue, catalogue.package_type(report.package_type), language)
    headings = (_("Table"), _("Rows read"), _("Accepted"), _("Refused"))
    rows = [
        (sentences.table_title(each.table), each.rows_in, each.rows_accepted, each.rows_refused)
        for each in report.counts
    ]
    table = [dict(zip(headings, row, strict=True)) for row in rows]
    create_table_artifact(table, key=f"rows-{name}", description=str(report.submission_id))


def announce_submission(outcome: Outcome) -> None:
    """Emit the event of the state that the submission is in, if it has one."""
    event = SUBMISSION_EVENTS.get(str(outcome.state))
    if event is None:
        return
    report = outcome.report
    rows_in, accepted, refused = count_rows(report.sources)
    emit_event(
        event,
        resource={
            "prefect.resource.id": f"ingp.submission.{report.submission_id}",
            "prefect.resource.name": str(report.submission_id),
            "ingp.member": str(report.member),
            "ingp.package-type": report.package_type,
        },
        related=[{"prefect.resource.id": f"ingp.member.{report.member}", "prefect.resource.role": "member"}],
        payload={
            "verdict": report.verdict.value,
            "rows_in": rows_in,
            "rows_accepted": accepted,
            "rows_refused": refused,
            "version": int(outcome.version.number) if outcome.version else None,
        },
    )


def show_release(release: Release, settings: Settings) -> None:
    """The release's tables with links, as Markdown and as a table; and the address of the site."""
    _ = translations(operator_language(settings)).gettext
    base = settings.base_url
    tables = [
        file for file in release.files if file.table and not file.member and file.path.startswith("csv/")
    ]
    lines = [
        "# " + _("Release {release}").format(release=release.release_id),
        "",
        f"[{base}/]({base}/)",
        "",
        f"| {_('Table')} | {_('Rows')} | CSV | Parquet |",
        "|---|--:|---|---|",
    ]
    for file in tables:
        page, csv, parquet = (
            f"{base}/ingp/{file.table}",
            f"{base}/files/{file.path}",
            f"{base}/files/parquet/{file.table}.parquet",
        )
        lines.append(f"| [{file.table}]({page}) | {file.rows} | [CSV]({csv}) | [Parquet]({parquet}) |")
    lines += ["", f"| {_('Member')} | {_('Package')} | {_('Version')} |", "|---|---|--:|"]
    lines += [
        f"| {each['member']} | {each['package_type']} | {each['number']} |" for each in release.versions
    ]
    create_markdown_artifact("\n".join(lines), key="release", description=str(release.release_id))
    create_table_artifact(
        [{_("Table"): file.table, _("Rows"): file.rows, _("Bytes"): file.bytes} for file in tables],
        key="release-tables",
        description=str(release.release_id),
    )
    create_link_artifact(f"{base}/", link_text=base, key="release-site", description=str(release.release_id))


def announce_release(release: Release) -> None:
    members = sorted({str(each["member"]) for each in release.versions})
    emit_event(
        RELEASE_EVENT,
        resource={
            "prefect.resource.id": f"ingp.release.{release.release_id}",
            "prefect.resource.name": str(release.release_id),
        },
        related=[
            {"prefect.resource.id": f"ingp.member.{each}", "prefect.resource.role": "member"}
            for each in members
        ],
        payload={"files": len(release.files), "versions": len(release.versions)},
    )


def show_recheck(results: list[Recheck], settings: Settings) -> list[str]:
    """The table of submissions that would be judged otherwise today; returns which."""
    _ = translations(operator_language(settings)).gettext
    changed = [each for each in results if each.is_otherwise]
    table = [
        {
            _("Submission"): str(each.submission_id),
            _("Then"): each.before.value,
            _("Now"): each.after.value,
            _("New findings"): ", ".join(each.new_codes),
        }
        for each in changed
    ]
    summary = _("{count} accepted submissions checked again, {changed} would be judged otherwise.")
    create_table_artifact(
        table, key="recheck", description=summary.format(count=len(results), changed=len(changed))
    )
    return [str(each.submission_id) for each in changed]


def show_left(left: list[tuple[str, str]], settings: Settings) -> None:
    """What stays in the inbox until a person looks at it: (path, reason)."""
    _ = translations(operator_language(settings)).gettext
    reasons = {
        "no-member": _(
            "This is not in the folder of a member. Please move it to the folder with the member's code."
        ),
        "mapping": _("The mapping file cannot be read as JSON. Please correct it, or take it away."),
    }
    table = [{_("File"): path, _("What to do"): reasons[reason]} for path, reason in left]
    create_table_artifact(table, key="inbox-left", description=_("Still in the inbox"))
