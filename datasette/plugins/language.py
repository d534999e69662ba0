"""The language of a page: the one of the address (``/es/…``), then the cookie, then Accept-Language, then English.

The outermost layer takes the folder of the site (``base_url``) and the language off the address, so that everything
within knows plain addresses only, and `datasette.urls` puts both back. An address without a language is answered in
the language of the reader, where it is: a link that names none is for everybody, and programs are never redirected.
What programs read has no language: with one in its address, the answer is the plain address.

Each language has its own Jinja environment, so that every template, also those of errors, finds ``_``,
``ngettext`` and ``site`` in the right language without asking for them.
"""

from collections.abc import Callable
from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from datasette import Request, Response, app, hookimpl
from datasette.url_builder import Urls
from datasette.utils import PrefixedUrlString
from jinja2 import Environment

from pipelines.catalogue import LANGUAGES
from pipelines.reporting.language import accepted
from pipelines.serving.addresses import has_language, split_language, with_language, without_base

COOKIE = "ingp_lang"
YEAR = 365 * 24 * 60 * 60
LONGEST_QUERY = 2_000
"""Characters of a query that search engines are told; with a longer one, six links would be most of the page."""

ASCII = "".join(map(chr, range(128)))
NAMES = {"es": "Español", "en": "English", "pt": "Português", "fr": "Français"}

_named: ContextVar[str | None] = ContextVar("language of the address", default=None)


class LanguageUrls(Urls):
    """Addresses that Datasette and the templates write: in the language that the address of the request names."""

    def path(self, path: str, format: str | None = None) -> Any:
        return self._spoken(super().path(path, format=format))

    def table(self, database: str, table: str, format: str | None = None) -> Any:
        return self._spoken(super().table(database, table, format=format))

    def query(self, database: str, query: str, format: str | None = None) -> Any:
        return self._spoken(super().query(database, query, format=format))

    def row(self, database: str, table: str, row_path: str, format: str | None = None) -> Any:
        return self._spoken(super().row(database, table, row_path, format=format))

    def _spoken(self, address: str) -> Any:
        return PrefixedUrlString(with_language(address, _named.get(), self.ds.setting("base_url")))


def negotiated(scope: dict[str, Any]) -> str:
    """Language for a reader whose address names none."""
    headers = {key.lower(): value.decode("latin-1") for key, value in scope["headers"]}
    try:
        cookie = SimpleCookie(headers.get(b"cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    if cookie and cookie.value in LANGUAGES:
        return cookie.value
    return accepted(headers.get(b"accept-language", "")) or "en"


def _wished(query: str) -> tuple[str | None, str]:
    """(language that ``_lang`` asks for, the query without it)."""
    pairs = parse_qsl(query, True)
    wishes = [value for key, value in pairs if key == "_lang" and value in LANGUAGES]
    rest = urlencode([(key, value) for key, value in pairs if key != "_lang"])
    return (wishes[-1] if wishes else None), rest


def remembering(language: str) -> str:
    """Set-Cookie header that keeps a choice for a year."""
    return f"{COOKIE}={language}; Path=/; Max-Age={YEAR}; SameSite=Lax"


@hookimpl(trylast=True)
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Last among the wrappers, which is the outermost: the others know plain addresses and the language."""

    def wrap(within: Any) -> Any:
        async def in_language(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await within(scope, receive, send)
                return
            base = datasette.setting("base_url")
            whole = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
            # Datasette takes only ASCII here, and not every client writes it.
            whole = quote(whole.encode("latin-1"), safe=ASCII)
            named, raw = split_language(without_base(whole, base))
            _language, path = split_language(without_base(scope["path"], base))
            query = scope["query_string"].decode("latin-1")
            moved = _moved(base, named, raw, query) if scope["method"] in ("GET", "HEAD") else None
            if moved:
                await moved.asgi_send(send)
                return
            # Files and pictures with sentences in them have one address, and take their language from `_lang`.
            wished = _wished(query)[0]
            language = named or wished or negotiated(scope)
            is_negotiated = not (named or wished)

            async def tell(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    headers = _told(message.get("headers", []), named, language, is_negotiated, base)
                    message = {**message, "headers": headers}
                await send(message)

            token = _named.set(named)
            try:
                inner = {
                    **scope,
                    "path": path,
                    "raw_path": raw.encode("latin-1"),
                    "language": language,
                    "place": raw,
                }
                await within(inner, receive, tell)
            finally:
                _named.reset(token)

        return in_language

    return wrap


def _moved(base: str, named: str | None, path: str, query: str) -> Response | None:
    """Redirect from an address that is not the one of its page: ``?_lang=``, and files below a language."""
    below = f"{path}?{query}" if query else path
    if not has_language(below):
        address = base + below.lstrip("/")
        headers = {"access-control-allow-origin": "*", "cache-control": "public, max-age=86400"}
        return Response.redirect(address, status=301, headers=headers) if named else None
    if "_lang=" not in query:
        return None
    wish, rest = _wished(query)
    if wish is None:
        return None
    address = f"{base}{wish}/{path.lstrip('/')}" + (f"?{rest}" if rest else "")
    return Response.redirect(address, headers={"set-cookie": remembering(wish)})


def _told(
    headers: list[tuple[bytes, bytes]], named: str | None, language: str, is_negotiated: bool, base: str
) -> list[tuple[bytes, bytes]]:
    """Headers of an answer, with its language where it has one, and redirects that stay in it.

    Pages and feeds have a language, and what says so itself (``content-language``): JSON with words in it, pictures.
    """
    told = []
    for key, value in headers:
        if key.lower() == b"location" and value.startswith(b"/") and not value.startswith(b"//"):
            # Datasette leads away from a final slash by the path that it saw, which had no folder.
            address = base + without_base(value.decode("latin-1"), base)[1:]
            value = with_language(address, named, base).encode("latin-1")
        told.append((key, value))
    kinds = [value for key, value in headers if key.lower() == b"content-type"]
    has_language = any(key.lower() == b"content-language" for key, _value in headers)
    if not has_language and kinds and kinds[0].startswith((b"text/html", b"application/atom+xml")):
        told.append((b"content-language", language.encode()))
        has_language = True
    if has_language and is_negotiated:
        told.append((b"vary", b"Accept-Language, Cookie"))
    return told


def _place(request: Request | None) -> str:
    """Where the reader is, with filters: the address below the base, without its language."""
    if request is None:
        return "/"
    _wish, asked = _wished(request.query_string)
    return request.scope.get("place", request.path) + (f"?{asked}" if asked else "")


async def choose_language(datasette: Any, request: Request) -> Response:
    """Remember the chosen language and go back to where the reader was; never to another site."""
    place = request.args.get("to") or "/"
    # A browser reads "//host" and "/\host" as another site, and a line break would begin another header.
    if not place.startswith("/") or place.startswith("//") or "\\" in place or not place.isprintable():
        place = "/"
    language, base = request.url_vars["language"], datasette.setting("base_url")
    _other, place = split_language(without_base(place, base))
    address = with_language(base + place.lstrip("/"), language, base)
    return Response.redirect(address, headers={"Set-Cookie": remembering(language)})


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(rf"^/-/lang/(?P<language>{'|'.join(LANGUAGES)})$", choose_language)]


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Any) -> None:
    """One environment per language; the base, for pages without a request, speaks English."""
    # `Datasette.urls` makes a new one at each use, and has no hook for it. Set here and not when the module is read:
    # each Datasette of a process reads it again, but the hooks that run are those of the first.
    app.Urls = LanguageUrls
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
    """``languages``: (code, own name, address that switches to it); ``canonical`` and ``alternates``: where search
    engines find the page, in its language and in each, on the public address of the site."""
    switch = datasette.urls.path("/-/lang/")
    to = urlencode({"to": _place(request)})
    public = datasette.published.release.descriptor["homepage"].rstrip("/")
    # The page of the running release is the one that search engines know; the same page under /v/ leads to it.
    _wish, query = _wished(request.query_string) if request else (None, "")
    live = (request.path if request else "/") + (f"?{query}" if query and len(query) <= LONGEST_QUERY else "")
    alternates = [(code, f"{public}/{code}{live}") for code in LANGUAGES]
    language = request.scope["language"] if request else "en"
    return {
        "languages": [(code, NAMES[code], f"{switch}{code}?{to}") for code in LANGUAGES],
        "canonical": dict(alternates)[language],
        "alternates": [*alternates, ("x-default", public + live)],
        "public": public,
    }
