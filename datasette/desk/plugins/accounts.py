"""Who asks: sessions of browsers and tokens of programs; signing in and out, the second factor, links by mail."""

import asyncio
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from datasette import Request, Response, hookimpl

from pipelines.exceptions import StoreError

COOKIE = "ingp_session"
SETTING_UP = "/account/second-factor"


@hookimpl(tryfirst=True)
def actor_from_request(datasette: Any, request: Request) -> Any:
    async def found() -> dict[str, Any] | None:
        accounts = datasette.desk.accounts
        told = request.headers.get("authorization", "")
        if told.lower().startswith("bearer "):
            holder = await asyncio.to_thread(accounts.token, told[7:].strip())
            if holder is None:
                return None
            person, token = holder
            return {"id": person.actor, "language": person.language, "token": token}
        session = await asyncio.to_thread(_session, accounts, request)
        if session is None:
            return None
        person, limited = session
        if limited and request.path not in (SETTING_UP, "/sign-out"):
            return None
        return {"id": person.actor, "language": person.language}

    return found()


def _secret(request: Request) -> str:
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _session(accounts: Any, request: Request) -> Any:
    secret = _secret(request)
    return accounts.session(secret) if secret else None


def _cookie(datasette: Any, secret: str) -> str:
    """Set-Cookie: for this host only, out of reach of scripts, over https where the desk is; empty secret: forget it."""
    secure = "; Secure" if datasette.desk.site.settings.desk_url.startswith("https:") else ""
    ends = "" if secret else "; Max-Age=0"
    return f"{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}"


def _place(wanted: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    parts = urlsplit(wanted)
    is_ours = (
        wanted.startswith("/")
        and not wanted.startswith(("//", "/\\"))
        and not parts.netloc
        and not parts.scheme
    )
    return wanted if is_ours and wanted.isprintable() and "\\" not in wanted else "/"


def _network(request: Request) -> str:
    client = request.scope.get("client")
    return client[0] if client else ""


async def _page(datasette: Any, request: Request, name: str, status: int = 200, **values: Any) -> Response:
    return Response.html(await datasette.render_template(name, values, request=request), status=status)


async def sign_in(datasette: Any, request: Request) -> Response:
    """The form; a session that only lacks its second factor goes on to set it up."""
    wanted = _place(request.args.get("next") or "/")
    if request.method != "POST":
        session = await asyncio.to_thread(_session, datasette.desk.accounts, request)
        if session and session[1]:
            return Response.redirect(SETTING_UP)
        return await _page(datasette, request, "sign_in.html", next=wanted)
    form = await request.post_vars()
    wanted = _place(form.get("next") or "/")
    email, password, code = (form.get(name, "") for name in ("email", "password", "code"))
    done = await asyncio.to_thread(datasette.desk.accounts.sign_in, email, password, code, _network(request))
    if done.session:
        # A session of before is ended: nobody can have put it there to use it afterwards.
        await asyncio.to_thread(datasette.desk.accounts.end_session, _secret(request))
        place = SETTING_UP if done.limited else wanted
        return Response.redirect(place, headers={"set-cookie": _cookie(datasette, done.session)})
    if done.waits_until:
        answer = await _page(
            datasette, request, "sign_in.html", 429, next=wanted, problem="wait", email=email
        )
        answer.headers["retry-after"] = "60"
        return answer
    problem = ("code" if code else "") if done.needs_code else "wrong"
    return await _page(
        datasette, request, "sign_in.html", 200 if not problem else 401,
        next=wanted, problem=problem, email=email, needs_code=done.needs_code,
    )  # fmt: skip


async def sign_out(datasette: Any, request: Request) -> Response:
    if request.method != "POST":
        return Response.redirect("/")
    await asyncio.to_thread(datasette.desk.accounts.end_session, _secret(request))
    return Response.redirect("/sign-in", headers={"set-cookie": _cookie(datasette, "")})


async def second_factor(datasette: Any, request: Request) -> Response:
    """Set up an authenticator; with the first right code the session becomes a whole one."""
    session = await asyncio.to_thread(_session, datasette.desk.accounts, request)
    if session is None:
        return Response.redirect("/sign-in?next=/account/second-factor")
    (person, limited), accounts = session, datasette.desk.accounts
    if accounts.factors.has(person.id):
        return Response.redirect("/account")
    problem = ""
    if request.method == "POST":
        code = (await request.post_vars()).get("code", "")
        if await asyncio.to_thread(accounts.attempts.waits_until, "person", person.email):
            problem = "wait"
        elif codes := await asyncio.to_thread(accounts.factors.confirm, person.id, code):
            await asyncio.to_thread(accounts.end_session, _secret(request))
            secret = await asyncio.to_thread(accounts.begin_session, person)
            answer = await _page(datasette, request, "recovery_codes.html", codes=codes)
            answer.headers["set-cookie"] = _cookie(datasette, secret)
            return answer
        else:
            await asyncio.to_thread(accounts.attempts.failed, "person", person.email)
            problem = "code"
    secret, picture = await asyncio.to_thread(accounts.factors.offer, person.id, person.email)
    return await _page(
        datasette, request, "second_factor.html", 200 if not problem else 401,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), picture=picture, problem=problem, limited=limited,
    )  # fmt: skip


async def reset(datasette: Any, request: Request) -> Response:
    """Ask for a link to set a new password. The answer is the same whoever asks for whom."""
    if request.method != "POST":
        return await _page(datasette, request, "reset.html")
    desk = datasette.desk
    email = (await request.post_vars()).get("email", "").strip().lower()

    def post() -> None:
        # Each address may be written to a few times, known or not.
        if desk.accounts.attempts.waits_until("person", f"reset {email}"):
            return
        desk.accounts.attempts.failed("person", f"reset {email}")
        person = desk.people.by_email(email)
        if person and person.active:
            secret = desk.accounts.link(person, "reset")
            address = f"{desk.site.settings.desk_url}/password/{secret}"
            desk.mail.post(person.email, person.language, "reset", name=person.name, address=address)

    # Not waited for: how long it takes would tell whether the address is known.
    task = asyncio.get_running_loop().create_task(asyncio.to_thread(post))
    datasette.posting.add(task)
    task.add_done_callback(datasette.posting.discard)
    return await _page(datasette, request, "reset.html", sent=True)


async def password(datasette: Any, request: Request) -> Response:
    """Behind a link by mail: set a password, the first or a new one."""
    accounts, secret = datasette.desk.accounts, request.url_vars["secret"]
    owner = await asyncio.to_thread(accounts.person_of_link, secret)
    if owner is None:
        return await _page(datasette, request, "password.html", 404, gone=True)
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
                    return await _page(datasette, request, "password.html", 404, gone=True)
                return Response.redirect("/sign-in", headers={"set-cookie": _cookie(datasette, "")})
    return await _page(
        datasette, request, "password.html", 200 if not problem else 400, problem=problem, email=owner.email
    )


@hookimpl
def startup(datasette: Any) -> None:
    """``datasette.posting``: letters that are being written down; asyncio keeps only weak references to tasks."""
    datasette.posting = set()


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/sign-in$", sign_in),
        (r"^/sign-out$", sign_out),
        (r"^/reset$", reset),
        (r"^/account/second-factor$", second_factor),
        (r"^/password/(?P<secret>[A-Za-z0-9_-]{43})$", password),
    ]


@hookimpl(trylast=True)
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Headers of every answer: nothing of others in our pages, our pages in nobody's, nothing kept."""
    secure = (
        datasette.desk.site.settings.desk_url.startswith("https:") if hasattr(datasette, "desk") else False
    )
    own = {
        b"content-security-policy": b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        b"form-action 'self'; frame-ancestors 'none'",
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
        b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    } | ({b"strict-transport-security": b"max-age=31536000"} if secure else {})

    def wrap(within: Any) -> Any:
        async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
            async def tell(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    headers = [(key.lower(), value) for key, value in message.get("headers", [])]
                    kept = {key for key, _value in headers}
                    more = list(own.items())
                    if not scope["path"].startswith(("/-/static/", "/assets/")):
                        more.append((b"cache-control", b"no-store"))
                    message = {**message, "headers": [*headers, *((k, v) for k, v in more if k not in kept)]}
                await send(message)

            await within(scope, receive, tell)

        return guarded

    return wrap
