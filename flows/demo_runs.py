"""The flow runs of the demo, in a process of their own: with it, Prefect's embedded server ends."""

import atexit
import os
import sys
from collections.abc import Mapping
from typing import Any

from flows.history import finish
from flows.publish_release import publish_release
from flows.receive_submissions import receive_submissions
from pipelines.cli.show import Exit, err, number
from pipelines.cli.words import LANGUAGE, _
from pipelines.workflow import Installation

MARKS = {"Accepted": "[green]✓[/]", "AcceptedWithWarnings": "[yellow]✓[/]"}


def _line(result: Mapping[str, Any]) -> str:
    rows = _("{rows} rows read, {accepted} accepted, {refused} refused.").format(
        rows=number(result["rows_in"]),
        accepted=number(result["rows_accepted"]),
        refused=number(result["rows_refused"]),
    )
    return f"   {MARKS.get(result['name'], '[red]✗[/]')} {result['submission_id']}: {rows}"


def main() -> int:
    site = Installation.open()
    for folder in sorted(site.zones.inbox.iterdir()):
        if folder.name not in site.catalogue.members:
            continue
        err.print(
            _("Reading and checking what {member} sent …").format(
                member=site.catalogue.members[folder.name].names[LANGUAGE]
            )
        )
        # Nobody is still writing into the demo's inboxes.
        received: Any = receive_submissions(member=folder.name, settle_seconds=0, return_state=True)
        if not received.is_completed():
            err.print(str(received.message), markup=False)
            return Exit.MACHINE
        for result in received.result():
            err.print(_line(result))
    err.print(_("Making the release …"))
    published = publish_release(return_state=True)
    if not published.is_completed():
        err.print(str(published.message), markup=False)
        return Exit.MACHINE
    finish()
    return Exit.OK


if __name__ == "__main__":
    code = main()
    # The end of an interpreter in which Prefect's threads held DuckDB is a page of warnings of its binding, which
    # would be the first thing that a newcomer reads. So: what is registered for the end, and then the end at once.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
