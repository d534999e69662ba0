"""Who asks: sessions of browsers and tokens of programs; signing in and out, links by mail.

``datasette.door`` is what the other plugins of accounts share: the session of a request, its cookie, its network.
"""

import asyncio
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from datasette import Request, Response, hookimpl

from pipelines.desk import Desk, Person
from pipelines.exceptions import StoreError

SECOND_FACTOR = "/account/second-factor"
OPEN_TO_LIMITED = (SECOND_FACTOR, "/sign-out")


class Door:
    """What pages of accounts share."""

    def __init__(self, datasette: Any) -> None:
        self.datasette = datasette

    @property
    def desk(self) -> Desk:
        desk: Desk = self.datasette.desk
        return desk

    @property
    def is_secure(self) -> bool:
        return self.desk.site.settings.desk_url.startswith("https:")

    @property
    def cookie_name(self) -> str:
        """Under https with the prefix with which browsers take it from this host only, and over https only."""
        return "__Host-ingp_session" if self.is_secure else "ingp_session"

    def read(self, request: Request, name: str) -> str:
        """A cookie; empty when there is none."""
        try:
            cookie = SimpleCookie(request.headers.get("cookie", "")).get(name)
        except CookieError:
            return ""
        return cookie.value if cookie else ""

    def secret(self, request: Request) -> str:
        return self.read(request, self.cookie_name)

    def cookie(self, secret: str, name: str = "", seconds: int | None = None) -> str:
        """Set-Cookie: for this host only, out of reach of scripts, over https where the desk is; empty secret: forget it."""
        ends = "; Max-Age=0" if not secret else f"; Max-Age={seconds}" if seconds else ""
        secure = "; Secure" if self.is_secure else ""
        return f"{name or self.cookie_name}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}"

    async def session(self, request: Request) -> tuple[Person, bool] | None:
        """(person, limited) of the session that the request brings."""
        secret = self.secret(request)
        return await asyncio.to_thread(self.desk.accounts.session, secret) if secret else None

    async def page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        values["status"] = status
        page = await self.datasette.render_template(name, values, request=request)
        return Response.html(page, status=status)

    async def tell(self, person: Person, what: str) -> None:
        """A letter to somebody whose account was changed, so that a change by somebody else is noticed. what: an event."""
        desk = self.desk
        address = f"{desk.site.settings.desk_url}/account"
        await asyncio.to_thread(
            lambda: desk.mail.post(
                person.email, person.language, "account_changed", name=person.name, what=what, address=address
            )
        )

    @staticmethod
    def network(request: Request) -> str:
        client = request.scope.get("client")
        return client[0] if client else ""

    @staticmethod
    def place(wanted: str) -> str:
        """Where to go after signing in: a page of ours, never another site."""
        parts = urlsplit(wanted)
        is_ours = (
            wanted.startswith("/")
            and not wanted.startswith(("//", "/\\"))
            and not parts.netloc
            and not parts.scheme
        )
        return wanted if is_ours and wanted.isprintable() and "\\" not in wanted else "/"

    @staticmethod
    def to_second_factor(wanted: str) -> str:
        """Where a session without its second factor goes first; it goes on to the page that was wanted."""
        return SECOND_FACTOR if wanted == "/" else f"{SECOND_FACTOR}?{urlencode({'next': wanted})}"


@hookimpl(tryfirst=True)
def actor_from_request(datasette: Any, request: Request) -> Any:
    async def found() -> dict[str, Any] | None:
        told = request.headers.get("authorization", "")
        if told.lower().startswith("bearer "):
            holder = await asyncio.to_thread(datasette.desk.accounts.token, told[7:].strip())
            if holder is None:
                return None
            person, token = holder
            return {"id": person.actor, "language": person.language, "token": token}
        session = await datasette.door.session(request)
        if session is None:
            return None
        person, limited = session
        if limited and request.path not in OPEN_TO_LIMITED:
            return None
        return {"id": person.actor, "language": person.language}

    return found()


async def sign_in(datasette: Any, request: Request) -> Response:
    """The form; a session that only lacks its second factor goes on to that."""
    door, accounts = datasette.door, datasette.desk.accounts
    providers = datasette.desk.elsewhere.providers.values()
    wanted = door.place(request.args.get("next") or "/")
    if request.method != "POST":
        session = await door.session(request)
        if session and session[1]:
            return Response.redirect(door.to_second_factor(wanted))
        if session and request.args.get(
            "next"
        ):  # a letter's link, opened where somebody is signed in already
            return Response.redirect(wanted)
        problem = "elsewhere" if request.args.get("elsewhere") else ""
        return await door.page(request, "sign_in.html", next=wanted, providers=providers, problem=problem)
    form = await request.post_vars()
    wanted = door.place(form.get("next") or "/")
    email, password, code = (form.get(name, "") for name in ("email", "password", "code"))
    done = await asyncio.to_thread(accounts.sign_in, email, password, code, door.network(request))
    if done.session:
        # A session of before is ended: nobody can have put it there to use it afterwards.
        await asyncio.to_thread(accounts.end_session, door.secret(request))
        place = door.to_second_factor(wanted) if done.limited else wanted
        return Response.redirect(place, headers={"set-cookie": door.cookie(done.session)})
    values = {"next": wanted, "email": email, "providers": providers}
    if done.waits_until:
        answer = await door.page(request, "sign_in.html", 429, problem="wait", **values)
        answer.headers["retry-after"] = "60"
        return answer
    problem = ("code" if code else "") if done.needs_code else "wrong"
    status = 401 if problem else 200
    return await door.page(
        request, "sign_in.html", status, problem=problem, needs_code=done.needs_code, **values
    )


async def sign_out(datasette: Any, request: Request) -> Response:
    if request.method != "POST":
        return Response.redirect("/")
    await asyncio.to_thread(datasette.desk.accounts.end_session, datasette.door.secret(request))
    return Response.redirect("/sign-in", headers={"set-cookie": datasette.door.cookie("")})


async def reset(datasette: Any, request: Request) -> Response:
    """Ask for a link to set a new password. The answer is the same whoever asks for whom."""
    if request.method != "POST":
        return await datasette.door.page(request, "reset.html")
    desk = datasette.desk
    email = (await request.post_vars()).get("email", "").strip().lower()

    def post() -> None:
        # Each address may be written to a few times, known or not.
        if desk.accounts.attempts.begin("person", f"reset {email}").waits_until:
            return
        person = desk.people.by_email(email)
        if person and person.active:
            secret = desk.accounts.link(person, "reset")
            desk.accounts.events.write("link", person.id)
            address = f"{desk.site.settings.desk_url}/password/{secret}"
            desk.mail.post(person.email, person.language, "reset", name=person.name, address=address)

    # Not waited for: how long it takes would tell whether the address is known.
    task = asyncio.get_running_loop().create_task(asyncio.to_thread(post))
    datasette.posting.add(task)
    task.add_done_callback(datasette.posting.discard)
    return await datasette.door.page(request, "reset.html", sent=True)


async def password(datasette: Any, request: Request) -> Response:
    """Behind a link by mail: set a password, the first or a new one."""
    accounts, secret = datasette.desk.accounts, request.url_vars["secret"]
    owner = await asyncio.to_thread(accounts.person_of_link, secret)
    if owner is None:
        return await datasette.door.page(request, "password.html", 404, gone=True)
    problem = ""
    if request.method == "POST":
        form = await request.post_vars()
        chosen = form.get("password", "")
        if chosen != form.get("again", ""):
            problem = "different"
        else:
            try:
                done = await asyncio.to_thread(accounts.set_password, secret, chosen)
            except StoreError as error:
                problem = str(error)
            else:
                if done is None:
                    return await datasette.door.page(request, "password.html", 404, gone=True)
                await datasette.door.tell(done, "password")
                return Response.redirect("/sign-in", headers={"set-cookie": datasette.door.cookie("")})
    status = 400 if problem else 200
    return await datasette.door.page(request, "password.html", status, problem=problem, email=owner.email)


@hookimpl
def startup(datasette: Any) -> None:
    """``datasette.posting``: letters that are being written down; asyncio keeps only weak references to tasks."""
    # A file of identity providers that cannot be read ends the start, not the first sign-in.
    _ = datasette.desk.elsewhere
    datasette.door, datasette.posting = Door(datasette), set()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/sign-in$", sign_in),
        (r"^/sign-out$", sign_out),
        (r"^/reset$", reset),
        (r"^/password/(?P<secret>[A-Za-z0-9_-]{43})$", password),
    ]
