"""The language of a page of the desk: the one just chosen (``?lang=``), the cookie, the person's own, Accept-Language, English.

Each language has its own Jinja environment, so that every template finds ``_`` and ``ngettext`` without asking for them.
"""

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from datasette import Request, hookimpl
from jinja2 import Environment

from pipelines.catalogue import LANGUAGES
from pipelines.reporting.language import accepted, translations

LOCALES = Path(__file__).resolve().parent.parent / "locales"
COOKIE, YEAR = "ingp_lang", 365 * 24 * 60 * 60
NAMES = {"es": "Español", "en": "English", "pt": "Português", "fr": "Français"}


def language_of(request: Request) -> str:
    """The language of an answer to a request."""
    asked = [value for key, value in parse_qsl(request.query_string) if key == "lang" and value in LANGUAGES]
    if asked:
        return asked[-1]
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    if cookie and cookie.value in LANGUAGES:
        return cookie.value
    own = (request.actor or {}).get("language")
    return own or accepted(request.headers.get("accept-language", "")) or "en"


@hookimpl
def startup(datasette: Any) -> None:
    """``datasette.language_of(request)`` and ``datasette.words_of(request)``, whose ``gettext`` the other plugins of the desk use as ``_``;
    ``datasette.words_in(language)``.
    """
    datasette.language_of = language_of
    datasette.words_in = lambda language: translations(language, LOCALES)
    datasette.words_of = lambda request: translations(language_of(request), LOCALES)


@hookimpl(trylast=True)
def asgi_wrapper() -> Callable[[Any], Any]:
    """A language that the address asks for is remembered for a year."""

    def wrap(within: Any) -> Any:
        async def remembering(scope: dict[str, Any], receive: Any, send: Any) -> None:
            asked = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get("lang")

            async def tell(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start" and asked in LANGUAGES:
                    cookie = f"{COOKIE}={asked}; Path=/; Max-Age={YEAR}; SameSite=Lax; HttpOnly".encode()
                    message = {**message, "headers": [*message.get("headers", []), (b"set-cookie", cookie)]}
                await send(message)

            await within(scope, receive, tell)

        return remembering

    return wrap


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Any) -> None:
    # The base is furnished last: an overlay made from a furnished one would go on filling the base.
    datasette.environments = {each: _furnished(env.overlay(), each) for each in LANGUAGES}
    _furnished(env, "en")


def _furnished(env: Environment, language: str) -> Environment:
    env.globals = {**env.globals, "language": language}
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_translations(translations(language, LOCALES), newstyle=True)  # type: ignore[attr-defined]
    return env


@hookimpl
def jinja2_environment_from_request(datasette: Any, request: Request) -> Environment:
    return datasette.environments[language_of(request)]


@hookimpl
def extra_template_vars(request: Request | None) -> dict[str, Any]:
    """``languages``: (code, own name, address that switches to it and stays at the place)."""
    if request is None:
        return {"languages": []}
    kept = [(key, value) for key, value in parse_qsl(request.query_string, True) if key != "lang"]
    return {
        "languages": [
            (code, NAMES[code], f"{request.path}?{urlencode([*kept, ('lang', code)])}") for code in LANGUAGES
        ]
    }
