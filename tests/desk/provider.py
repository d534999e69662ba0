"""A small identity provider on the loopback address: real HTTP, real signatures, and told to lie."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "ingp"


class IdentityProvider:
    """email: of whom it signs in. claims: what its tokens say besides or instead (None: leave it out). key: what they are signed with."""

    def __init__(self, issuer: str) -> None:
        self.issuer, self.email = issuer, ""
        self.claims: dict[str, Any] = {}
        self.own = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self.key = self.own
        self.algorithm = "RS256"
        self.asked: dict[str, dict[str, str]] = {}
        self.about: dict[str, Any] = {}

    def send_back(self, address: str) -> dict[str, str]:
        """What the provider's page answers a browser with: the arguments of the way back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256" and asked["nonce"] and asked["state"]
        code = f"code-{len(self.asked)}"
        self.asked[code] = asked
        return {"state": asked["state"], "code": code}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return 200, {"issuer": self.issuer} | {
                key: self.issuer + path for key, path in places.items()
            } | self.about
        if path == "/keys":
            return 200, {"keys": [self.own.as_dict(private=False)]}
        asked = self.asked.pop(form.get("code", ""), None)
        challenge = _part(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "s1", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "email": self.email, "email_verified": True,
        } | self.claims  # fmt: skip
        told = {name: value for name, value in claims.items() if value is not None}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self._signed(told)}

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm in ("none", "HS256"):
            parts = ({"alg": self.algorithm, "kid": "1"}, claims)
            text = ".".join(_part(json.dumps(each).encode()) for each in parts)
            mac = hmac.digest(self.own.as_pem(private=False), text.encode(), "sha256")
            return f"{text}.{_part(mac) if self.algorithm == 'HS256' else ''}"
        return jwt.encode({"alg": self.algorithm, "kid": "1"}, claims, self.key, algorithms=[self.algorithm])


def _part(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()


@contextmanager
def running() -> Iterator[IdentityProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._tell({})

        def do_POST(self) -> None:
            told = self.rfile.read(int(self.headers["content-length"])).decode()
            self._tell({name: values[0] for name, values in parse_qs(told).items()})

        def _tell(self, form: dict[str, str]) -> None:
            status, body = provider.answer(self.path, form)
            told = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_told: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
