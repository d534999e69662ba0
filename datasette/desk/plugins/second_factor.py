"""``/account/second-factor``: set up an authenticator app, replace it, or prove oneself with it after coming from an identity provider."""

import asyncio
from typing import Any

from datasette import Request, Response, hookimpl

from pipelines.desk import Person

PATH = "/account/second-factor"


async def second_factor(datasette: Any, request: Request) -> Response:
    """What is missing of a limited session; with a whole one, the way to another app."""
    session = await datasette.door.session(request)
    if session is None:
        return Response.redirect(f"/sign-in?next={PATH}")
    person, limited = session
    if await asyncio.to_thread(datasette.desk.accounts.factors.has, person.id):
        return await _asked_for_it(datasette, request, person, limited)
    return await _set_up(datasette, request, person, limited)


async def _asked_for_it(datasette: Any, request: Request, person: Person, limited: bool) -> Response:
    """A code makes a limited session whole; with a whole one it takes the app away, so that another can be set up."""
    door, accounts, problem = datasette.door, datasette.desk.accounts, ""
    if request.method == "POST":
        code = (await request.post_vars()).get("code", "")
        match await asyncio.to_thread(accounts.prove, person, code, door.network(request)):
            case None:
                problem = "wait"
            case False:
                problem = "code"
            case _:
                if not limited:
                    await asyncio.to_thread(accounts.remove_factor, person)
                    await door.tell(person, "factor-removed")
                await asyncio.to_thread(accounts.end_session, door.secret(request))
                secret = await asyncio.to_thread(accounts.begin_session, person, limited=not limited)
                place = door.place(request.args.get("next") or "/") if limited else PATH
                return Response.redirect(place, headers={"set-cookie": door.cookie(secret)})
    status = {"": 200, "code": 401, "wait": 429}[problem]
    page: Response = await door.page(
        request, "second_factor_code.html", status, problem=problem, limited=limited
    )
    return page


async def _set_up(datasette: Any, request: Request, person: Person, limited: bool) -> Response:
    """With the first right code the session becomes a whole one, and the recovery codes are shown."""
    door, accounts, problem = datasette.door, datasette.desk.accounts, ""
    if request.method == "POST":
        code = (await request.post_vars()).get("code", "")
        codes = await asyncio.to_thread(accounts.set_up_factor, person, code, door.network(request))
        if codes:
            secret = await asyncio.to_thread(accounts.begin_session, person)
            await door.tell(person, "factor")
            wanted = door.place(request.args.get("next") or "/")
            answer: Response = await door.page(request, "recovery_codes.html", codes=codes, next=wanted)
            answer.headers["set-cookie"] = door.cookie(secret)
            return answer
        problem = "wait" if codes is None else "code"
    secret, picture = await asyncio.to_thread(accounts.factors.offer, person.id, person.email)
    page: Response = await door.page(
        request, "second_factor.html", {"": 200, "code": 401, "wait": 429}[problem], picture=picture, problem=problem,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), limited=limited,
    )  # fmt: skip
    return page


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(rf"^{PATH}$", second_factor)]
