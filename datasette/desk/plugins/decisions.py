"""What a person decides about a submission: ``/submissions/<id>/preview`` and the forms that it sends."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from datasette import Request, Response, hookimpl

from pipelines import review, workflow
from pipelines.desk import Action, Person
from pipelines.desk.previewing import compared_with
from pipelines.exceptions import ConflictError, StoreError
from pipelines.identifiers import SubmissionId
from pipelines.reporting import Sentences
from pipelines.reporting.visible import visible
from pipelines.store import LedgerEntry
from pipelines.store.states import LIVE, WAITING
from pipelines.validation import read_report

MOST = 2_000
"""Characters of a reason."""
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
    parent = await asyncio.to_thread(compared_with, desk, own)
    work = await asyncio.to_thread(
        lambda: desk.made.ask(own, "preview", person.actor, parent=parent, report=_judged(desk, entry))
    )
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


def _judged(desk: Any, entry: LedgerEntry) -> str:
    return read_report(desk.site.zones.report_folder(entry.submission_id)).validated_at.isoformat()


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
    desk, own = datasette.desk, str(entry.submission_id)
    _ = datasette.words_of(request).gettext
    if entry.state in LIVE or entry.is_unfinished_yes:
        if entry.approved_by == person.actor:
            return None  # her second click, or the back button: what she said has been heard
        raise review.DecidedError(own)
    if entry.asked_by == person.actor and form.get("second") != "1":
        return None
    work = await asyncio.to_thread(desk.made.find, own, form.get("work", ""))
    parent = await asyncio.to_thread(compared_with, desk, own)
    if entry.state in WAITING and (work is None or work.result is None or work.result["parent"] != parent):
        text = _("Other data of this member were accepted meanwhile. Please look again at what would change.")
        return await _preview(datasette, request, person, entry, text)
    day, publish_at = form.get("publish_on", "").strip(), None
    if day:
        try:
            publish_at = datetime.combine(datetime.fromisoformat(day).date(), time(), UTC)
        except ValueError:
            text = _("The day cannot be read. Please write it as year-month-day, for example 2027-03-15.")
            return await _preview(datasette, request, person, entry, text)
    try:
        await asyncio.to_thread(
            review.say_yes,
            desk.site,
            SubmissionId(own),
            by=person.actor,
            needs_second=desk.policies.get(entry.member).two_persons,
            agrees_to_loss=form.get("agrees") == "yes",
            loses=bool(work.result["loses"]) if work and work.result else None,
            publish_at=publish_at,
        )
    except review.LossError:
        text = _("Rows of before would be lost. If that is right, tick the box and approve again.")
        return await _preview(datasette, request, person, entry, text)
    return None


def _reason(form: dict[str, str]) -> str:
    """What was written, on one page; empty when nothing was."""
    return " ".join(form.get("reason", "").split())[:MOST]


def _with_reason(act: Callable[[Any, Person, LedgerEntry, str], Any]) -> Any:
    """A decision that is nothing without a reason: without one, the form comes again and says so."""

    async def decide(
        datasette: Any, request: Request, person: Person, entry: LedgerEntry, form: dict[str, str]
    ) -> Response | None:
        reason = _reason(form)
        if not reason:
            return Response.redirect(datasette.journey.named(entry, request)["path"] + "?needs=reason#decide")
        answer = await asyncio.to_thread(act, datasette.desk, person, entry, reason)
        return answer if isinstance(answer, Response) else None

    return decide


def _send_back(desk: Any, person: Person, entry: LedgerEntry, reason: str) -> None:
    review.send_back(desk.site, entry.submission_id, by=person.actor, reason=reason)


def _ask_again(desk: Any, person: Person, entry: LedgerEntry, reason: str) -> None:
    review.ask_again(desk.site, entry.submission_id, by=person.actor, reason=reason)


def _take_back(desk: Any, person: Person, entry: LedgerEntry, reason: str) -> None:
    review.take_back(desk.site, entry.submission_id, by=person.actor, reason=reason)


def _withdraw(desk: Any, person: Person, entry: LedgerEntry, reason: str) -> None:
    """The rows of this submission leave the next release."""
    if entry.state not in LIVE:
        raise StoreError(f"{entry.submission_id} is {entry.state}")
    workflow.withdraw(
        desk.site, entry.member, entry.package_type, period=entry.period, reason=reason, by=person.actor
    )


def _correct(desk: Any, person: Person, entry: LedgerEntry, reason: str) -> Response:
    """Why a corrected file is coming is kept; it replaces this submission when it is accepted."""
    desk.site.ledger.record(
        entry.submission_id, actor=person.actor, reason=reason, detail={"correction": True}
    )
    return Response.redirect(f"/send?period={entry.period}&package_type={entry.package_type}")


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    below = r"^/submissions/(?P<id>[^/]+)/"
    return [
        (below + "preview$", preview_page),
        (below + "approve$", _decision(Action.APPROVE, _approve)),
        (below + "send-back$", _decision(Action.APPROVE, _with_reason(_send_back))),
        (below + "ask-again$", _decision(Action.APPROVE, _with_reason(_ask_again))),
        (below + "take-back$", _decision(Action.SUBMIT, _with_reason(_take_back))),
        (below + "withdraw$", _decision(Action.WITHDRAW, _with_reason(_withdraw))),
        (below + "correct$", _decision(Action.SUBMIT, _with_reason(_correct))),
    ]
