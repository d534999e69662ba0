"""``ingp audit``: what happened, and whether the log of it is whole."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.cli.help import App
from pipelines.cli.show import err, out
from pipelines.cli.words import _
from pipelines.store import audit as log
from pipelines.workflow import Installation

SHOWN = 20
"""Newest events that are shown when nothing else is asked for."""


def audit(
    check: Annotated[bool, typer.Option("--check", help=_("Follow the chain of hashes."))] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help=_("Write all events as JSON Lines."))
    ] = None,
) -> None:
    """Exit code 1: the chain is broken."""
    ledger = Installation.open().ledger
    if export is not None:
        with export.open("w", encoding="utf-8") as file:
            for record in log.export(ledger.database):
                file.write(json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n")
        err.print(escape(str(export)))
    if check:
        found = log.check(ledger.database)
        if found.broken is not None:
            err.print(
                _("The chain is broken at event {number}: it or one before it was changed.").format(
                    number=found.broken
                )
            )
            raise typer.Exit(1)
        err.print(
            _(
                "{events} events, {unchained} of them older than the chain. The chain is whole; last hash: {head}"
            ).format(events=found.events, unchained=found.unchained, head=found.head)
        )
    if export is None and not check:
        for event in ledger.events()[-SHOWN:]:
            at = event.at.isoformat(timespec="seconds")
            moved = f"{event.from_state or '·'} > {event.to_state or '·'}"
            told = f"{event.id}  {at}  {event.member}  {event.submission_id or ''}  {moved}  {event.actor}  {event.reason or ''}"
            out.print(escape(told), soft_wrap=True)


def register(app: App) -> None:
    app.command(help=_("Show what happened; check or export the log."))(audit)
