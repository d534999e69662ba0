"""What a person decides about a submission: ``/submissions/<id>/preview`` and the forms that it sends."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from datasette import Request, Response, hookimpl

from pipelines import review
from pipelines.desk import Action, Person, deciding
from pipelines.desk.deciding import NEEDS, Move
from pipelines.desk.previewing import ask_preview
from pipelines.exceptions import ConflictError, StoreError
from pipelines.reporting import Sentences
from pipelines.reporting.visible import visible
from pipelines.store import LedgerEntry
from pipelines.store.states import WAITING

CELL = 80


async def preview_page(datasette: Any, request: Request) -> Response:
    """What accepting would change; the place to say yes."""
    opened = await datasette.journey.open(request)
    if isinstance(opened, Response):
        return opened
    person, entry = opened
    if entry.state not in WAITING or entry.is_unfinished_yes:
        return Response.redirect(datasette.journey.named(entry, request)["path"])
    return await _preview(datasette, request, person, entry)


async def _preview(
    datasette: Any, request: Request, person: Person, entry: LedgerEntry, problem: str = ""
) -> Response:
    journey = datasette.journey
    desk, own = journey.desk, str(entry.submission_id)
    work, parent = await asyncio.to_thread(ask_preview, desk, own, person.actor)
    values = {
        "named": journey.named(entry, request), "entry": entry, "work": work, "problem": problem, "parent": parent,
        "refresh": None if work.is_done else 2,
        "approves": journey.may(person, Action.APPROVE, entry), "policy": desk.policies.get(entry.member),
        "is_second": entry.asked_by is not None and entry.asked_by != person.actor, "asked_self": entry.asked_by == person.actor,
        "asked_by": journey.who(entry.asked_by, request) if entry.asked_by else "",
        "today": datetime.now(UTC).date().isoformat(),
        "made": _in_words(datasette, request, entry, work.result) if work.result else None,
    }  # fmt: skip
    return await journey.render(request, "submission_preview.html", values, 409 if problem else 200)


def _in_words(datasette: Any, request: Request, entry: LedgerEntry, made: dict[str, Any]) -> dict[str, Any]:
    language, catalogue = datasette.language_of(request), datasette.desk.site.catalogue
    sentences = Sentences(catalogue, catalogue.package_type(entry.package_type), language)

    def money(text: str | None) -> str:
        return "" if text is None else format_decimal(Decimal(text), locale=language)

    def difference(total: dict[str, Any]) -> str:
        gap = Decimal(total["after"] or 0) - Decimal(total["before"] or 0)
        return ("+" if gap > 0 else "") + format_decimal(gap, locale=language)

    def changed(table: str, example: dict[str, Any]) -> list[tuple[str, str, str]]:
        before, after = json.loads(example["before"] or "{}"), json.loads(example["after"] or "{}")
        return [
            (sentences.field_title(table, name) or name, _cell(before.get(name)), _cell(after.get(name)))
            for name in example["fields"][:6]
        ]

    return {
        **made,
        "loss": format_decimal(round(made["loss_share"] * 100, 1), locale=language),
        "tables": [
            table
            | {
                "title": sentences.table_title(table["table"]),
                "examples": [
                    {"change": each["change"], "key": ", ".join(_cell(part) for part in each["key"]), "cells": changed(table["table"], each)}
                    for each in table["examples"]
                ],
            }
            for table in made["tables"]
            if not table["derived"]
        ],
        "totals": [
            {
                "title": f"{sentences.table_title(total['table'])}: {sentences.field_title(total['table'], total['field'])}",
                "currency": total["currency"], "before": money(total["before"]), "after": money(total["after"]),
                "difference": difference(total),
            }
            for total in made["totals"]
        ],
    }  # fmt: skip


def _cell(value: Any) -> str:
    return "" if value is None else visible(str(value), CELL)


def _decision(
    action: Action, decide: Callable[[Any, Request, Person, LedgerEntry, dict[str, str]], Any]
) -> Any:
    """A route that only a form may call, by whoever may do this to the submission."""

    async def answered(datasette: Any, request: Request) -> Response:
        opened = await datasette.journey.open(request, action)
        if isinstance(opened, Response):
            return opened
        person, entry = opened
        path = datasette.journey.named(entry, request)["path"]
        if request.method != "POST":
            return Response.redirect(path)
        form = await request.post_vars()
        _ = datasette.words_of(request).gettext
        try:
            answer = await decide(datasette, request, person, entry, form)
        except review.DecidedError:
            return await _told(
                datasette,
                request,
                entry,
                _("Somebody was quicker"),
                _(
                    "The decision had been taken already, so yours changed nothing. Below is what became of it."
                ),
            )
        except review.SecondPersonError:
            return await _told(
                datasette,
                request,
                entry,
                _("A second person is needed"),
                _(
                    "You have said yes already. Now another person of this member who may approve has to say yes."
                ),
            )
        except (StoreError, ConflictError):
            return await _told(
                datasette,
                request,
                entry,
                _("This is not possible any more"),
                _("The submission has gone on meanwhile. Please look at where it stands now."),
            )
        return answer if isinstance(answer, Response) else Response.redirect(path)

    return answered


async def _told(
    datasette: Any, request: Request, entry: LedgerEntry, title: str, text: str, status: int = 409
) -> Response:
    """A clear answer for whom nothing was changed."""
    entry = await asyncio.to_thread(datasette.desk.site.ledger.submission, entry.submission_id)
    values = {
        "named": datasette.journey.named(entry, request),
        "head": title,
        "text": text,
        "state": datasette.journey.state_words(entry, request),
    }
    return await datasette.journey.render(request, "submission_told.html", values, status)


async def _approve(
    datasette: Any, request: Request, person: Person, entry: LedgerEntry, form: dict[str, str]
) -> Response | None:
    _ = datasette.words_of(request).gettext
    try:
        await asyncio.to_thread(
            lambda: deciding.approve(
                datasette.desk,
                person,
                entry,
                seen=form.get("work", ""),
                agrees=form.get("agrees") == "yes",
                day=form.get("publish_on", "").strip(),
                again=form.get("second") == "1",
            )
        )
    except deciding.OutdatedError:
        text = _("Other data of this member were accepted meanwhile. Please look again at what would change.")
    except deciding.DayError:
        text = _("The day cannot be read. Please write it as year-month-day, for example 2027-03-15.")
    except review.LossError:
        text = _("Rows of before would be lost. If that is right, tick the box and approve again.")
    else:
        return None
    return await _preview(datasette, request, person, entry, text)


def _with_reason(move: Move) -> Any:
    """A decision that is nothing without a reason: without one, the form comes again and says so."""

    async def decide(
        datasette: Any, request: Request, person: Person, entry: LedgerEntry, form: dict[str, str]
    ) -> Response | None:
        try:
            await asyncio.to_thread(
                deciding.decide, datasette.desk, person, entry, move, form.get("reason", "")
            )
        except deciding.ReasonError:
            return Response.redirect(datasette.journey.named(entry, request)["path"] + "?needs=reason#decide")
        if move is Move.CORRECT:
            return Response.redirect(f"/send?period={entry.period}&package_type={entry.package_type}")
        return None

    return decide


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    below = r"^/submissions/(?P<id>[^/]+)/"
    return [
        (below + "preview$", preview_page),
        *(
            (
                below + move.value + "$",
                _decision(NEEDS[move], _approve if move is Move.APPROVE else _with_reason(move)),
            )
            for move in Move
        ),
    ]
