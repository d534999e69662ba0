"""``ingp submit``, ``status``, ``confirm``, ``versions``, ``diff``, ``withdraw``."""

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.checking import Files, Json, Mapping, PackageTypeName, RowsPolicy, read_mapping
from pipelines.cli.show import (
    Exit,
    blocks,
    fits,
    grid,
    labelled,
    number,
    out,
    print_changes,
    print_json,
    print_report,
    progress_bar,
    table_titles,
)
from pipelines.cli.words import LANGUAGE, _
from pipelines.identifiers import VersionNumber, parse_period


def _period(given: str | None) -> str | None:
    """A period that cannot be read is a slip of the command line, not a trouble of the data."""
    try:
        return given and parse_period(given)
    except ValueError:
        raise typer.BadParameter(
            _("“{name}” is not a period. Write for example 2024, 2024-03 or 2024-Q1.").format(name=given)
        ) from None


Member = Annotated[str, typer.Option("--member", metavar=_("CODE"), help=_("Member code, for example PRY."))]
Period = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar=_("PERIOD"),
        help=_("What the data speaks for: 2024, 2024-03, 2024-Q1; everything when not given."),
        callback=_period,
    ),
]
By = Annotated[
    str, typer.Option("--by", metavar=_("NAME"), help=_("Who decides; your user name when not given."))
]
OneType = Annotated[str, typer.Option("--type", metavar=_("TYPE"), help=_("procurement or activity."))]


def _member(site: Any, code: str) -> str:
    known = site.catalogue.members.get(code)
    if known is None or known.kind == "anybody":
        raise typer.BadParameter(_("{member} is not the code of a member.").format(member=code))
    return code


def submit(
    files: Files,
    member: Annotated[
        str | None,
        typer.Option("--member", metavar=_("CODE"), help=_("Member code, for example PRY.")),
    ] = None,
    package_type: PackageTypeName = None,
    period: Period = None,
    mapping: Mapping = None,
    rows: RowsPolicy = False,
    confirm_loss: Annotated[
        bool, typer.Option("--confirm-loss", help=_("Accept although rows that were there before are gone."))
    ] = False,
    publish: Annotated[bool, typer.Option("--publish", help=_("Publish at once when accepted."))] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar=_("ADDRESS"),
            help=_("Send to the members' desk at this address, with the token in INGP_TOKEN."),
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", metavar=_("FILE"), help=_("File that holds the token, in place of INGP_TOKEN.")
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    if to is None and token_file is not None:
        raise typer.BadParameter(_("--token-file goes with --to: nothing is sent anywhere without it."))
    if to is not None:
        here_only = {
            "--member": member,
            "--mapping": mapping,
            "--confirm-loss": confirm_loss,
            "--publish": publish,
        }
        if given := [name for name, value in here_only.items() if value]:
            raise typer.BadParameter(
                _(
                    "{options}: not together with --to. The desk knows the member by the token; reading, losses and publishing are decided there."
                ).format(options=", ".join(given))
            )
        from pipelines.cli.sending import send_to

        raise typer.Exit(
            send_to(
                to,
                files,
                period=period,
                package_type=package_type,
                rows=rows,
                token_file=token_file,
                as_json=as_json,
            )
        )
    if member is None:
        raise typer.BadParameter(_("Say whose data they are: --member and the code of the member."))
    from pipelines import workflow
    from pipelines.records import AcceptancePolicy
    from pipelines.reporting import Sentences
    from pipelines.reporting.comparison import read_comparison
    from pipelines.validation.report import read_details, report_to_dict

    site = workflow.Installation.open()
    with progress_bar(as_json, table_titles(site.catalogue)) as progress:
        progress(_("Reading"), 0, 1)
        try:
            outcome = workflow.submit(
                site,
                files,
                _member(site, member),
                package_type=package_type,
                period=period,
                instructions=read_mapping(mapping),
                policy=AcceptancePolicy.ROWS if rows else AcceptancePolicy.WHOLE,
                confirmed_by=getpass.getuser() if confirm_loss else None,
                progress=progress,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        release = workflow.publish(site, progress=progress) if publish and outcome.version else None
    submission = outcome.staged.submission
    if as_json:
        print_json(
            {
                "submission_id": submission.submission_id,
                "already_received": outcome.staged.already_received,
                "state": outcome.state,
                "version": int(outcome.version.number) if outcome.version else None,
                "release_id": release.release_id if release else None,
                "report": report_to_dict(outcome.report),
            }
        )
    else:
        if outcome.staged.already_received:
            sentences = Sentences(
                site.catalogue, site.catalogue.package_type(submission.package_type), LANGUAGE
            )
            out.print(sentences.finding(outcome.staged.findings[-1]).what)
        folder = site.zones.report_folder(submission.submission_id)
        print_report(
            outcome.report,
            site.catalogue,
            details=read_details(folder),
            comparison=read_comparison(folder),
            notices=False,
        )
        out.print()
        named = labelled(_("Submission"), f"[bold]{submission.submission_id}[/]")
        out.print(f"{named}  {labelled(_('State'), f'[bold]{state_title(outcome.state)}[/]')}")
        if outcome.version:
            out.print(labelled(_("Version"), f"[bold]{outcome.version.number}[/]"))
        if outcome.pending:
            out.print(
                _("Rows that were published before are gone. Look at the table; if this is right, run:")
            )
            out.print(f"  ingp confirm {submission.submission_id}")
            print_changes(outcome.pending, site.catalogue, submission.package_type)
        if release:
            out.print(labelled(_("Release"), f"[bold]{release.release_id}[/]"))
        refused = sum(count.rows_refused for count in outcome.report.sources)
        if outcome.state == "needs_work" and not rows and refused:
            out.print(_("To publish the rows without errors now and hold back the others, add --rows."))
    raise typer.Exit(Exit.OK if outcome.version or outcome.state in ("accepted", "published") else Exit.DATA)


def state_title(state: str) -> str:
    """Name of a state in the reader's language."""
    titles = {
        "received": _("received"),
        "checking": _("being checked"),
        "needs_work": _("needs work"),
        "ready": _("ready, waits for a person"),
        "in_review": _("waiting for confirmation"),
        "accepted": _("accepted"),
        "published": _("published"),
        "superseded": _("replaced by a newer version"),
        "withdrawn": _("withdrawn"),
    }
    return titles.get(state, state)


def period_title(period: str) -> str:
    """A period as people read it; ``all`` is a word of ours."""
    return _("everything") if period == "all" else period


def confirm(
    submission: Annotated[
        str, typer.Argument(metavar=_("SUBMISSION"), help=_("Submission, or the beginning of its name."))
    ],
    by: By = "",
    as_json: Json = False,
) -> None:
    from pipelines import workflow

    site = workflow.Installation.open()
    submission_id = workflow.find_submission(site, submission)
    report = workflow.read_report(site.zones.report_folder(submission_id))
    outcome = workflow.process(
        site, submission_id, policy=report.policy, confirmed_by=by or getpass.getuser()
    )
    if as_json:
        print_json({"submission_id": submission_id, "state": outcome.state})
    else:
        out.print(f"{submission_id}: {state_title(outcome.state)}")


def status(
    member: Annotated[
        str | None, typer.Option("--member", metavar=_("CODE"), help=_("Only this member."))
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help=_("Finish what was interrupted."))] = False,
    as_json: Json = False,
) -> None:
    from pipelines import workflow
    from pipelines.publication import current_release

    site = workflow.Installation.open()
    waiting = workflow.unfinished(site)
    if resume:
        for submission_id in waiting:
            workflow.process(site, submission_id)
        workflow.clean(site)
        waiting = workflow.unfinished(site)
    records = site.ledger.submissions(member=member)
    folder = current_release(site.zones)
    if as_json:
        print_json(
            {
                "release_id": folder.name if folder else None,
                "unfinished": waiting,
                "submissions": [asdict(record) for record in records],
            }
        )
        return
    headings = (
        _("Submission"),
        _("State"),
        _("Period"),
        _("Received"),
        _("Rows"),
        _("Refused"),
        _("Errors"),
        _("Warnings"),
        _("Version"),
    )
    rows = [
        (
            record.submission_id,
            state_title(record.state),
            period_title(record.period),
            f"{record.received_at:%Y-%m-%d}",
            *(
                number(value or 0)
                for value in (record.rows_in, record.rows_refused, record.errors, record.warnings)
            ),
            str(VersionNumber(record.version_number)) if record.version_number else "",
        )
        for record in records
    ]
    table = grid(headings, rows, right=(4, 5, 6, 7))
    out.print(table if fits(table) else blocks(headings, rows))
    out.print(labelled(_("Release"), folder.name if folder else _("none yet; run “ingp publish”")))
    if waiting:
        out.print(_("{count} unfinished; run “ingp status --resume”.").format(count=len(waiting)))


def versions(member: Member, package_type: OneType = "procurement", as_json: Json = False) -> None:
    from pipelines import workflow
    from pipelines.store import read_history

    site = workflow.Installation.open()
    history = read_history(site.lake, _member(site, member), package_type)
    if as_json:
        print_json([asdict(version) for version in history])
        return
    rows = [
        (
            str(version.number),
            f"{version.accepted_at:%Y-%m-%d %H:%M}",
            period_title(version.period),
            version.submission_id or "",
            number(sum(each.rows for each in version.tables if not each.derived)),
            version.reason or "",
        )
        for version in history
    ]
    headings = (_("Version"), _("Accepted on"), _("Period"), _("Submission"), _("Rows"), _("Reason"))
    table = grid(headings, rows, right=(4,))
    out.print(table if fits(table) else blocks(headings, rows))


def diff(
    member: Member,
    package_type: OneType = "procurement",
    version: Annotated[
        int | None,
        typer.Option(
            "--version",
            metavar=_("NUMBER"),
            help=_("Version to compare with the one before it; the newest when not given."),
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    from pipelines import workflow
    from pipelines.store import read_changes

    site = workflow.Installation.open()
    changes = read_changes(site.lake, _member(site, member), package_type, version)
    if as_json:
        print_json(asdict(changes))
    else:
        print_changes(changes, site.catalogue, package_type)


def withdraw(
    member: Member,
    reason: Annotated[
        str, typer.Option("--reason", metavar=_("TEXT"), help=_("Why; kept for ever and shown."))
    ],
    package_type: OneType = "procurement",
    period: Period = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    from pipelines import workflow

    site = workflow.Installation.open()
    version = workflow.withdraw(
        site, _member(site, member), package_type, period=period, reason=reason, by=by or getpass.getuser()
    )
    if as_json:
        print_json(asdict(version))
    else:
        out.print(
            _(
                "Withdrawn with version {version}. Run “ingp publish” to take it off the site; "
                "earlier releases keep it."
            ).format(version=version.number)
        )


def register(app: typer.Typer) -> None:
    app.command(help=_("Check files and, when they are in order, accept them as a new version."))(submit)
    app.command(help=_("What has been received, and what became of it."))(status)
    app.command(help=_("Accept a submission although rows that were there before are gone."))(confirm)
    app.command(help=_("All accepted versions of a member."))(versions)
    app.command(help=_("Rows added, removed and changed by a version."))(diff)
    app.command(help=_("Take a member's data out of the next releases, with the reason."))(withdraw)
