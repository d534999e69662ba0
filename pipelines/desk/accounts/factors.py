"""The second factor: six digits of an authenticator app (TOTP, RFC 6238), each taken once; ten recovery codes, each taken once.

A recovery code is 80 random bits, kept like a password: argon2id with a salt of its own.
"""

import re
import secrets
import time
from typing import Any

import pyotp
import segno
from sqlalchemy import Connection, select, update

from pipelines.desk.accounts.passwords import hash_password, matches
from pipelines.desk.accounts.tables import credentials
from pipelines.store import Database

SECONDS = 30
CODES = 10
ISSUER = "INGP Open Data"
LETTERS = "abcdefghjkmnpqrstvwxyz0123456789"
"""32 that are not taken for one another when they are read off paper."""
RECOVERY = re.compile(rf"[{LETTERS}]{{4}}(-[{LETTERS}]{{4}}){{3}}")


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
        codes = [_recovery_code() for _ in range(CODES)]
        kept = [hash_password(code) for code in codes]
        self._set(person, totp=secret, totp_offered=None, totp_step=step, recovery=kept)
        return codes

    def remove(self, person: int) -> None:
        self._set(person, totp=None, totp_offered=None, totp_step=0, recovery=[])

    def takes(self, person: int, code: str) -> bool:
        """Whether a code is right and new; it is not taken again."""
        code = code.strip().lower()
        # Comparing takes long on purpose: nobody else's writes wait for it.
        meant = (
            next((each for each in self._recovery(person) if matches(each, code)), None)
            if RECOVERY.fullmatch(code)
            else None
        )
        with self._database.write() as connection:
            row = connection.execute(
                select(credentials).where(credentials.c.person == person).with_for_update()
            ).one_or_none()
            if row is None or not row.totp:
                return False
            if meant is not None:
                left = [each for each in row.recovery if each != meant]
                _write(connection, person, recovery=left)
                return len(left) < len(row.recovery)
            step = _step(row.totp, code)
            if step is None or step <= row.totp_step:
                return False
            _write(connection, person, totp_step=step)
            return True

    def count_recovery(self, person: int) -> int:
        """Recovery codes that are left."""
        return len(self._recovery(person))

    def _recovery(self, person: int) -> list[str]:
        return self._value(person, credentials.c.recovery) or []

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


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


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
