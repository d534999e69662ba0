"""Command ``python -m flows.demo``: from files to a site, on invented members, in a folder of its own.

Nothing here imports Prefect: the flows run in a process of their own (`flows.demo_runs`).
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from pipelines.cli.show import Exit, blocks, err, fits, grid, number, out
from pipelines.cli.site import serve_current
from pipelines.cli.submitting import state_title
from pipelines.cli.words import LANGUAGE, _
from pipelines.publication import current_release
from pipelines.records import Severity
from pipelines.reporting import Sentences, place
from pipelines.settings import Settings
from pipelines.store.ledger import LedgerEntry
from pipelines.validation import read_report
from pipelines.workflow import Installation

MARK = ".ingp-demo"
"""File that says: this folder was made by the demo and may be made anew."""

TOP = 4
"""Findings shown of a submission that was refused."""


class NotADemoFolderError(Exception):
    """The folder holds something that the demo did not make."""


def make_folder(folder: Path) -> None:
    """A fresh folder. One that an earlier demo made is emptied; any other that holds something is left."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise NotADemoFolderError(str(folder))
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def demo_environment(folder: Path, port: int) -> dict[str, str]:
    """Settings that keep the demo away from every other installation, lake, ledger and Prefect server."""
    return {
        "INGP_DATA_DIR": str(folder.resolve()),
        "INGP_LAKE_URL": "",
        "INGP_LEDGER_URL": "",
        "INGP_BASE_URL": f"http://127.0.0.1:{port}",
        "PREFECT_HOME": str(folder.resolve() / ".prefect"),
        "PREFECT_PROFILE": "ephemeral",
    }


def fill_inboxes(site: Installation) -> int:
    """Copy the packages of the demo (``xaa-…`` is XAA's) and of the network into the inboxes; how many."""
    source = site.settings.datapackages_dir
    demo = {code.lower(): code for code, member in site.catalogue.members.items() if member.kind == "demo"}
    packages = [
        (path, demo[path.name.split("-")[0]])
        for path in sorted((source / "demo").iterdir())
        if "-" in path.name and path.name.split("-")[0] in demo
    ]
    for path, member in [*packages, (source / "network", "INGP")]:
        target = site.zones.inbox / member / path.name
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return len(packages) + 1


def run_flows() -> int:
    """Exit code of `flows.demo_runs`."""
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    return subprocess.run([sys.executable, "-m", "flows.demo_runs"], env=environment).returncode


def show_summary(site: Installation) -> None:
    """One line per submission; then what was refused, and why."""
    records = sorted(site.ledger.submissions(), key=lambda record: (record.member, record.received_at))
    headings = (
        _("Member"),
        _("Sent"),
        _("Result"),
        _("Rows read"),
        _("Accepted"),
        _("Refused"),
        _("Version"),
    )
    rows = [
        (
            site.catalogue.members[record.member].names[LANGUAGE],
            record.source_name,
            state_title(record.state),
            *(number(value or 0) for value in (record.rows_in, record.rows_accepted, record.rows_refused)),
            str(record.version_number or ""),
        )
        for record in records
    ]
    out.print()
    table = grid(headings, rows, right=(3, 4, 5, 6))
    out.print(table if fits(table) else blocks(headings, rows))
    for record in records:
        if record.state == "needs_work":
            _show_reasons(site, record)


def _show_reasons(site: Installation, record: LedgerEntry) -> None:
    report = read_report(site.zones.report_folder(record.submission_id))
    sentences = Sentences(site.catalogue, site.catalogue.package_type(report.package_type), LANGUAGE)
    groups = [group for group in report.groups if group.severity is Severity.ERROR]
    out.print()
    out.print(_("Why {name} was refused:").format(name=record.source_name), style="bold", markup=False)
    for group in groups[:TOP]:
        text, example = sentences.group(group), group.examples[0]
        times = f" (×{number(group.count)})" if group.count > 1 else ""
        out.print(f" • {text.what}{times}", markup=False)
        if where := place(example, LANGUAGE):
            out.print(f"   {where}  {example.value or ''}", markup=False, style="dim")
        out.print(f"   → {text.fix}", markup=False)
    if len(groups) > TOP:
        out.print("   " + _("… and {count} more").format(count=number(len(groups) - TOP)), markup=False)


def show_addresses(site: Installation, release: Path) -> None:
    base = site.settings.base_url
    out.print()
    out.print(_("To look at:"), style="bold")
    out.print(f"  {base}/")
    out.print(f"  {base}/ingp/procurement_contracts_flat")
    out.print(f"  {base}/files/datapackage.json")
    out.print(f"  {_('Files of the release')}: {release}", markup=False, soft_wrap=True)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m flows.demo", description=_("The whole way from files to a site, on invented members.")
    )
    parser.add_argument(
        "--data-dir", type=Path, default=Path("var/demo"), help=_("Folder of the demo; made anew each time.")
    )
    parser.add_argument("--no-serve", action="store_true", help=_("Do not open the site at the end."))
    parser.add_argument("--port", type=int, default=8001, help=_("Port of the site."))
    parser.add_argument("--lang", help=_("Language: es, en, pt, fr."))
    options = parser.parse_args()
    if not options.no_serve and not is_free(options.port):
        err.print(
            _("Port {port} is in use. Please choose another one with --port.").format(port=options.port)
        )
        return Exit.USAGE
    try:
        make_folder(options.data_dir)
    except NotADemoFolderError as error:
        err.print(
            _("{folder} holds something else. Please name another folder with --data-dir.").format(
                folder=error
            )
        )
        return Exit.USAGE
    started = time.monotonic()
    # PREFECT_HOME was set when the package was imported, for the installation that is not the demo's.
    os.environ.update(demo_environment(options.data_dir, options.port))
    os.environ["INGP_LANGUAGE"] = LANGUAGE
    site = Installation.open(Settings())
    count = fill_inboxes(site)
    err.print(
        _("{count} packages lie in the inboxes of {folder}.").format(count=count, folder=options.data_dir)
    )
    err.print(_("Starting Prefect; the first time this takes about half a minute …"))
    if code := run_flows():
        return code
    show_summary(site)
    out.print()
    out.print(_("Done in {seconds} seconds.").format(seconds=round(time.monotonic() - started)))
    release = current_release(site.zones)
    if release is None:
        err.print(_("Nothing could be published."))
        return Exit.MACHINE
    show_addresses(site, release)
    if not options.no_serve:
        err.print(_("Ctrl-C stops."))
        serve_current(site.settings, "127.0.0.1", options.port)
    return Exit.OK


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
