"""The language of a page: ``?_lang=`` in the address, then the cookie, then Accept-Language, then English.

Each language has its own Jinja environment, so that every template, also those of errors, finds ``_``,
``ngettext`` and ``site`` in the right language without asking for them.
"""

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

from datasette import Request, Response, hookimpl
from jinja2 import Environment

from pipelines.catalogue import LANGUAGES

COOKIE = "ingp_lang"
YEAR = 365 * 24 * 60 * 60
NAMES = {"es": "Español", "en": "English", "pt": "Português", "fr": "Français"}


def accepted(header: str) -> str | None:
    """The language of the site that an Accept-Language header likes best; None when it names none of them."""
    wishes = []
    for position, part in enumerate(header.split(",")):
        name, _semicolon, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        language = name.split("-")[0].lower()
        if language in LANGUAGES and quality > 0:
            wishes.append((-quality, position, language))
    return min(wishes)[2] if wishes else None


def negotiated(scope: dict[str, Any]) -> tuple[str, bool]:
    """(language of a request, whether its address asks for it)."""
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("_lang", [""])[-1]
    if asked in LANGUAGES:
        return asked, True
    headers = {key.lower(): value.decode("latin-1") for key, value in scope["headers"]}
    try:
        cookie = SimpleCookie(headers.get(b"cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    if cookie and cookie.value in LANGUAGES:
        return cookie.value, False
    return accepted(headers.get(b"accept-language", "")) or "en", False


def remembering(language: str) -> str:
    """Set-Cookie header that keeps a choice for a year."""
    return f"{COOKIE}={language}; Path=/; Max-Age={YEAR}; SameSite=Lax"


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Decide the language before anything else runs, and say in the answer which one it is."""

    def wrap(app: Any) -> Any:
        async def in_language(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            language, in_address = negotiated(scope)

            async def tell(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    headers = list(message.get("headers", []))
                    kinds = [value for key, value in headers if key.lower() == b"content-type"]
                    if kinds and kinds[0].startswith(b"text/html"):
                        headers += [(b"content-language", language.encode()), (b"vary", b"Accept-Language")]
                        if in_address:
                            headers.append((b"set-cookie", remembering(language).encode()))
                    message = {**message, "headers": headers}
                await send(message)

            await app({**scope, "language": language}, receive, tell)

        return in_language

    return wrap


def _place(request: Request | None) -> str:
    """The address of a request without its language: where the reader is."""
    if request is None:
        return "/"
    asked = urlencode(
        [(key, value) for key, value in parse_qsl(request.query_string, True) if key != "_lang"]
    )
    return request.path + (f"?{asked}" if asked else "")


async def choose_language(request: Request) -> Response:
    """Remember the chosen language and go back to where the reader was; never to another site."""
    place = request.args.get("to") or "/"
    # A browser reads "//host" and "/\host" as another site, and a line break would begin another header.
    if not place.startswith("/") or place.startswith("//") or "\\" in place or not place.isprintable():
        place = "/"
    return Response.redirect(place, headers={"Set-Cookie": remembering(request.url_vars["language"])})


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(rf"^/-/lang/(?P<language>{'|'.join(LANGUAGES)})$", choose_language)]


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Any) -> None:
    """One environment per language; the base, for pages without a request, speaks English."""
    sites = {language: datasette.published.in_language(language) for language in LANGUAGES}
    # The base is furnished last: an overlay made from a furnished one would go on filling the base.
    datasette.environments = {language: _furnished(env.overlay(), site) for language, site in sites.items()}
    _furnished(env, sites["en"])


def _furnished(env: Environment, site: Any) -> Environment:
    env.globals = {**env.globals, "site": site}
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_translations(site.translations, newstyle=True)
    return env


@hookimpl
def jinja2_environment_from_request(datasette: Any, request: Request) -> Environment:
    return datasette.environments[request.scope["language"]]


@hookimpl
def extra_template_vars(datasette: Any, request: Request | None) -> dict[str, Any]:
    """``languages``: (code, own name, address that switches to it); ``place``: where the reader is."""
    place = _place(request)
    switch = datasette.urls.path("/-/lang/")
    return {
        "languages": [
            (code, NAMES[code], f"{switch}{code}?{urlencode({'to': place})}") for code in LANGUAGES
        ],
        "place": place,
    }
