"""The second factor: six digits of an authenticator app (TOTP, RFC 6238), each taken once; ten recovery codes, each taken once."""

import secrets
import time
from typing import Any

import pyotp
import segno
from sqlalchemy import Connection, select, update

from pipelines.desk.accounts.tables import credentials, hashed
from pipelines.store import Database

SECONDS = 30
CODES = 10
ISSUER = "INGP Open Data"


class Factors:
    """The second factors in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, person: int) -> bool:
        return bool(self._value(person, credentials.c.totp))

    def offer(self, person: int, account: str) -> tuple[str, str]:
        """(secret to type, picture of it as SVG) for an app; the same until it is confirmed."""
        secret = self._value(person, credentials.c.totp_offered)
        if not secret:
            secret = pyotp.random_base32()
            self._set(person, totp_offered=secret)
        address = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)
        picture = segno.make(address, error="m").svg_inline(scale=5, border=2, dark="#0d2c61", light="#fff")
        return secret, picture

    def confirm(self, person: int, code: str) -> list[str] | None:
        """Take the offered secret, when a code of it is right; returns the recovery codes, which are shown once."""
        secret = self._value(person, credentials.c.totp_offered)
        step = _step(secret, code) if secret else None
        if step is None:
            return None
        codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(CODES)]
        self._set(
            person, totp=secret, totp_offered=None, totp_step=step, recovery=[hashed(code) for code in codes]
        )
        return codes

    def remove(self, person: int) -> None:
        self._set(person, totp=None, totp_offered=None, totp_step=0, recovery=[])

    def takes(self, person: int, code: str) -> bool:
        """Whether a code is right and new; it is not taken again."""
        code = code.strip().lower()
        with self._database.write() as connection:
            row = connection.execute(select(credentials).where(credentials.c.person == person)).one_or_none()
            if row is None or not row.totp:
                return False
            if hashed(code) in row.recovery:
                left = [each for each in row.recovery if each != hashed(code)]
                _write(connection, person, recovery=left)
                return True
            step = _step(row.totp, code)
            if step is None or step <= row.totp_step:
                return False
            _write(connection, person, totp_step=step)
            return True

    def _value(self, person: int, column: Any) -> Any:
        with self._database.read() as connection:
            return connection.execute(
                select(column).where(credentials.c.person == person)
            ).scalar_one_or_none()

    def _set(self, person: int, **values: Any) -> None:
        with self._database.write() as connection:
            _write(connection, person, **values)


def _write(connection: Connection, person: int, **values: Any) -> None:
    connection.execute(update(credentials).where(credentials.c.person == person).values(**values))


def _step(secret: str, code: str) -> int | None:
    """The half minute whose code this is: this one, the one before or the next; None: none of them."""
    code = "".join(code.split())
    now = int(time.time()) // SECONDS
    totp = pyotp.TOTP(secret)
    return next(
        (
            now + away
            for away in (0, -1, 1)
            if pyotp.utils.strings_equal(totp.at((now + away) * SECONDS), code)
        ),
        None,
    )
