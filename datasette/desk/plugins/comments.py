"""Comments below a submission: written, and questions marked as answered. A page of it includes `_comments.html`."""

import asyncio
from typing import Any

from datasette import NotFound, Request, Response, hookimpl

from pipelines.desk import Action, Desk, Person, may
from pipelines.desk.letters import Kind, wants
from pipelines.exceptions import StoreError, UnknownError


async def _about(datasette: Any, request: Request) -> tuple[Person, str, str] | Response:
    """(who writes, submission, member); what she may not see is not there."""
    if request.method != "POST":  # an address that is only opened changes nothing
        raise NotFound("no such page")
    person = await asyncio.to_thread(datasette.journey.person, request)
    if person is None:
        return Response.redirect("/sign-in")
    desk, submission = datasette.desk, request.url_vars["submission"]
    try:
        entry = await asyncio.to_thread(desk.site.ledger.submission, submission)
    except UnknownError as error:
        raise NotFound("no such submission") from error
    if not may(person, Action.COMMENT, entry.member):
        raise NotFound("no such submission")
    return person, submission, str(entry.member)


def _tell(desk: Desk, writer: Person, member: str, submission: str, number: int, text: str) -> None:
    """A letter to the other side: the member's people, or the Secretariat."""
    url = f"{desk.site.settings.desk_url}/submissions/{submission}#comment-{number}"
    for person in desk.people.of_member(None if writer.member else member):
        if wants(desk, person, Kind.COMMENTED):
            desk.mail.post(
                person.email, person.language, "commented", once=f"comment-{number}-{person.id}",
                member=member, text=text, url=url,
            )  # fmt: skip


async def write(datasette: Any, request: Request) -> Response:
    about = await _about(datasette, request)
    if isinstance(about, Response):
        return about
    person, submission, member = about
    told, desk = await request.post_vars(), datasette.desk
    try:
        made = await asyncio.to_thread(
            lambda: desk.comments.add(
                submission, member, person, told.get("text", ""), is_question=told.get("question") == "1"
            )
        )
    except StoreError as error:
        return Response.redirect(f"/submissions/{submission}?trouble={error}#comments")
    await asyncio.to_thread(_tell, desk, person, member, submission, made.id, made.text)
    return Response.redirect(f"/submissions/{submission}#comment-{made.id}")


async def answered(datasette: Any, request: Request) -> Response:
    about = await _about(datasette, request)
    if isinstance(about, Response):
        return about
    person, submission, _member = about
    number, comments = int(request.url_vars["number"]), datasette.desk.comments
    if number not in {each.id for each in await asyncio.to_thread(comments.of_submission, submission)}:
        raise NotFound("no such comment")
    await asyncio.to_thread(comments.answered, number, person)
    return Response.redirect(f"/submissions/{submission}#comment-{number}")


@hookimpl
def extra_template_vars(datasette: Any) -> dict[str, Any]:
    """``comments_of(submission)``: (comment, who wrote it) of each, oldest first."""

    def comments_of(submission: str) -> list[tuple[Any, Person]]:
        desk = datasette.desk
        return [(each, desk.people.get(each.person)) for each in desk.comments.of_submission(submission)]

    return {"comments_of": comments_of}


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    start = r"^/submissions/(?P<submission>[^/]+)/comments"
    return [(start + r"$", write), (start + r"/(?P<number>\d{1,9})/answered$", answered)]
