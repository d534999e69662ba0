"""Passwords: argon2id with the parameters of RFC 9106 for small memory; rules after NIST SP 800-63B: length, nothing else to remember."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 256

_hasher = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$MRlmtypNRaJ/DQw2FSDOTA$jq9ZqYCZJRiGTDDBZfiBkzqy40iy8Baw4zRSm/nt3Pc"
"""Of a password that nobody has, with the parameters of `_hasher`: comparing with it takes as long as with anybody's."""


def objection(password: str, *own: str) -> str | None:
    """Why a new password cannot be taken: ``short``, ``long``, ``own`` (it is a name or address of the person), ``simple``."""
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    folded = password.casefold()
    parts = [part for each in own for part in (each, *each.replace("@", " ").replace(".", " ").split())]
    if any(len(part) > 3 and part.casefold() in folded and len(part) * 2 > len(password) for part in parts):
        return "own"
    return "simple" if len(set(folded)) < 5 else None


def _normal(password: str) -> str:
    """One spelling for what looks the same: keyboards differ in how they send an ``ñ``."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    return _hasher.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether a password is the kept one; takes as long when there is none."""
    try:
        return _hasher.verify(kept or _NOBODY, _normal(password[: LONGEST + 1])) and kept is not None
    except (VerificationError, InvalidHashError):
        return False
