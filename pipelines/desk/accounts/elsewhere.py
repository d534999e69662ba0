"""Signing in with an identity provider: OpenID Connect, authorization code with state, nonce and PKCE.

Nobody becomes a person by it: it opens the desk to active persons whose verified e-mail address it tells, and whose member it may speak for.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, insert, select

from pipelines.desk.accounts.accounts import Accounts, SignIn
from pipelines.desk.accounts.providers import Provider, is_secure
from pipelines.desk.accounts.tables import departures, hashed, new_secret
from pipelines.desk.people import People
from pipelines.exceptions import PipelineError
from pipelines.store import Database

LASTS = timedelta(minutes=10)
"""How long somebody may be on the way."""
TIMEOUT = 10
KNOWN_FOR = 3600
"""Seconds after which a provider is asked again for its addresses and keys."""
FRESH_KEYS = 60
"""Seconds between two looks for a key that is not known."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with a key of the provider's own; never ``none``, never one that the client's secret could make."""
LEEWAY = 60


class ElsewhereError(PipelineError):
    """It did not work: the provider cannot be reached, or what it said is not to be believed. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send a browser, and the secret that its cookie keeps until it is back."""

    address: str
    browser: str


class Elsewhere:
    """back: address of ours to which providers send browsers, with ``{name}``."""

    def __init__(
        self,
        database: Database,
        people: People,
        accounts: Accounts,
        providers: Mapping[str, Provider],
        back: str,
    ) -> None:
        self._database, self._people, self._accounts = database, people, accounts
        self.providers, self._back = providers, back
        self._known: dict[str, tuple[float, dict[str, Any], KeySet]] = {}
        self._lock = threading.Lock()

    def depart(self, name: str, wanted: str) -> Departure:
        """Begin. wanted: page of ours to go to afterwards. KeyError: no such provider; ElsewhereError: it cannot be reached."""
        provider = self.providers[name]
        state, browser, nonce, verifier = (new_secret() for _ in range(4))
        told, _keys = self._about(provider)
        address, _state = self._client(provider).create_authorization_url(
            told["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
        now = datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(delete(departures).where(departures.c.expires_at < now))
            connection.execute(
                insert(departures).values(
                    state=hashed(state), browser=hashed(browser), provider=name, nonce=nonce,
                    verifier=verifier, next=wanted, expires_at=now + LASTS,
                )
            )  # fmt: skip
        return Departure(address, browser)

    def arrive(self, name: str, state: str, code: str, browser: str, issuer: str = "") -> tuple[SignIn, str]:
        """(what came of it, page to go to). Each departure arrives once, in the browser that departed. issuer: as the
        answer names it (RFC 9207), if it does. ElsewhereError: nobody is signed in.
        """
        provider = self.providers[name]
        with self._database.write() as connection:
            row = connection.execute(
                select(departures).where(departures.c.state == hashed(state))
            ).one_or_none()
            gone = connection.execute(delete(departures).where(departures.c.state == hashed(state)))
        if row is None or not gone.rowcount or row.expires_at < datetime.now(UTC):
            raise ElsewhereError("nobody departed with this state, or arrived with it already")
        if row.provider != name or row.browser != hashed(browser):
            raise ElsewhereError("departed to another provider, or with another browser")
        if issuer and issuer != provider.issuer:
            raise ElsewhereError("the answer is another provider's")
        claims = self._claims(provider, code, row.verifier, row.nonce)
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise ElsewhereError("no e-mail address, or one that the provider has not verified")
        person = self._people.by_email(email)
        if person is None or not person.active or not provider.speaks_for(person):
            raise ElsewhereError(
                "nobody here, not active any more, or of a member that is not the provider's"
            )
        told = {*_texts(claims.get("amr")), *_texts(claims.get("acr"))}
        proven_twice = bool(told & provider.second_factor)
        return self._accounts.sign_in_elsewhere(person, proven_twice=proven_twice), row.next

    def _claims(self, provider: Provider, code: str, verifier: str, nonce: str) -> Mapping[str, Any]:
        """What the provider says of who arrived, when every word of it is to be believed."""
        about, keys = self._about(provider)
        try:
            told = self._client(provider).fetch_token(
                about["token_endpoint"],
                code=code,
                code_verifier=verifier,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            text = str(told.get("id_token", ""))
            try:
                token = jwt.decode(text, keys, algorithms=ALGORITHMS)
            except ValueError:
                # Signed with a key that is not known: the provider may have changed its keys.
                _about, keys = self._about(provider, FRESH_KEYS)
                token = jwt.decode(text, keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": provider.issuer},
                    "aud": {"essential": True, "value": provider.client_id},
                    "sub": {"essential": True},
                },
                {"nonce": nonce, "client_id": provider.client_id, "access_token": told.get("access_token")},
            )
            claims.validate(leeway=LEEWAY)
        except (OAuthError, JoseError, requests.RequestException, ValueError, TypeError, KeyError) as error:
            raise ElsewhereError(f"{provider.name}: {type(error).__name__}") from error
        return claims

    def _client(self, provider: Provider) -> OAuth2Session:
        secret = provider.secret
        return OAuth2Session(
            provider.client_id, secret, scope="openid email", redirect_uri=self._back.format(name=provider.name),
            code_challenge_method="S256", token_endpoint_auth_method="client_secret_basic" if secret else "none",
        )  # fmt: skip

    def _about(self, provider: Provider, age: float = KNOWN_FOR) -> tuple[dict[str, Any], KeySet]:
        """What the provider publishes of itself, and its keys, not older than `age` seconds."""
        with self._lock:
            known = self._known.get(provider.name)
            if known and time.monotonic() - known[0] < age:
                return known[1], known[2]
            try:
                told = _fetched(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
                if told.get("issuer") != provider.issuer:
                    raise ElsewhereError(f"{provider.name} calls itself otherwise")
                places = [told[each] for each in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
                if not all(isinstance(each, str) and is_secure(each) for each in places):
                    raise ElsewhereError(f"{provider.name} has an address without https")
                keys = KeySet.import_key_set(_fetched(told["jwks_uri"]))  # type: ignore[arg-type]
            except (requests.RequestException, JoseError, ValueError, TypeError, KeyError) as error:
                raise ElsewhereError(f"{provider.name}: {type(error).__name__}") from error
            self._known[provider.name] = (time.monotonic(), told, keys)
            return told, keys


def _fetched(address: str) -> dict[str, Any]:
    answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
    answer.raise_for_status()
    told = answer.json()
    if not isinstance(told, dict):
        raise ValueError("not an object")
    return told


def _texts(told: Any) -> list[str]:
    return [each for each in (told if isinstance(told, list) else [told]) if isinstance(each, str)]
