"""Tables of the accounts. A secret is kept as its hash only: who reads the database cannot sign in with it."""

import hashlib
import secrets

from sqlalchemy import JSON, Boolean, Column, Integer, String, Table, text

from pipelines.desk.schema import metadata
from pipelines.store.ledger_schema import Instant

credentials = Table(
    "desk_credentials",
    metadata,
    Column("person", Integer, primary_key=True),
    Column("password", String),
    Column("totp", String),
    Column("totp_offered", String),
    # The half minute of the last code that was taken: an older one, or the same again, is not.
    Column("totp_step", Integer, nullable=False, server_default="0"),
    Column("recovery", JSON, nullable=False),
)

sessions = Table(
    "desk_sessions",
    metadata,
    Column("hash", String, primary_key=True),
    Column("person", Integer, nullable=False, index=True),
    # Only good for setting up a second factor.
    Column("limited", Boolean, nullable=False, server_default=text("FALSE")),
    Column("begun_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

links = Table(
    "desk_links",
    metadata,
    Column("hash", String, primary_key=True),
    Column("person", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

tokens = Table(
    "desk_tokens",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hash", String, nullable=False, unique=True),
    Column("person", Integer, nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)

attempts = Table(
    "desk_attempts",
    metadata,
    Column("key", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("wait_until", Instant, nullable=False),
)

events = Table(
    "desk_account_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
    Column("event", String, nullable=False),
    # None: nobody has the address that was tried.
    Column("person", Integer, index=True),
    # Who did it, where it was not the person.
    Column("by", Integer),
)

departures = Table(
    "desk_departures",
    metadata,
    Column("state", String, primary_key=True),
    Column("browser", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("nonce", String, nullable=False),
    Column("verifier", String, nullable=False),
    Column("next", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
"""Browsers that are on their way to an identity provider and back; state and browser as hashes."""


def new_secret() -> str:
    """256 bits that nobody guesses, as text for an address or a cookie."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """SHA-256: enough for what is random; passwords have a hash of their own."""
    return hashlib.sha256(secret.encode()).hexdigest()
