"""The accounts of an installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from pipelines.desk.accounts.attempts import Attempts
from pipelines.desk.accounts.factors import Factors
from pipelines.desk.accounts.passwords import hash_password, matches, objection
from pipelines.desk.accounts.tables import credentials, hashed, links, new_secret, sessions, tokens
from pipelines.desk.people import People, Person
from pipelines.desk.permissions import Role
from pipelines.exceptions import StoreError
from pipelines.store import Database

STRONG = frozenset({Role.APPROVER, Role.SECRETARIAT, Role.ADMINISTRATOR})
"""Roles that sign in with a second factor: whoever decides, or sees more than one member."""
LINK_LASTS = {"invitation": timedelta(days=7), "reset": timedelta(hours=1)}
IDLE, ABSOLUTE = timedelta(hours=2), timedelta(hours=12)
"""A session ends so long after the last request, and so long after its first."""
SCOPES = ("read", "submit", "approve")
TOKEN = "ingp_"
LONGEST_TOKEN = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What came of signing in. session: of the cookie, None when refused; limited: it is good for setting up a second factor only.
    waits_until: nothing was looked at. needs_code: the password is right, the code is missing or wrong.
    """

    session: str | None = None
    limited: bool = False
    needs_code: bool = False
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it: never its text."""

    id: int
    person: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class Accounts:
    """Accounts of the persons in a database."""

    def __init__(self, database: Database, people: People) -> None:
        self._database, self._people = database, people
        self.attempts, self.factors = Attempts(database), Factors(database)

    # Links by mail

    def link(self, person: Person, kind: str) -> str:
        """The secret of a new link; those of the same kind that were not used are not good any more."""
        secret, now = new_secret(), datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(
                delete(links).where(
                    links.c.person == person.id, links.c.kind == kind, links.c.used_at.is_(None)
                )
            )
            connection.execute(
                insert(links).values(
                    hash=hashed(secret), person=person.id, kind=kind, expires_at=now + LINK_LASTS[kind]
                )
            )
        return secret

    def person_of_link(self, secret: str) -> Person | None:
        """Whose link this is, as long as it can be used."""
        query = select(links.c.person).where(
            links.c.hash == hashed(secret), links.c.used_at.is_(None), links.c.expires_at > datetime.now(UTC)
        )
        with self._database.read() as connection:
            number = connection.execute(query).scalar_one_or_none()
        person = self._people.get(number) if number is not None else None
        return person if person and person.active else None

    def set_password(self, secret: str, password: str) -> Person | None:
        """Use a link to set a password; ends all sessions. None: the link has been used, or is too old. StoreError: see `objection`."""
        person = self.person_of_link(secret)
        if person is None:
            return None
        if wrong := objection(password, person.email, person.name):
            raise StoreError(wrong)
        kept, now = hash_password(password), datetime.now(UTC)
        with self._database.write() as connection:
            used = connection.execute(
                update(links)
                .where(links.c.hash == hashed(secret), links.c.used_at.is_(None))
                .values(used_at=now)
            )
            if not used.rowcount:
                return None
            known = connection.execute(
                update(credentials).where(credentials.c.person == person.id).values(password=kept)
            )
            if not known.rowcount:
                connection.execute(insert(credentials).values(person=person.id, password=kept, recovery=[]))
            connection.execute(delete(sessions).where(sessions.c.person == person.id))
        self.attempts.forget("person", person.email)
        return person

    # Signing in

    def sign_in(self, email: str, password: str, code: str, network: str) -> SignIn:
        """Begin a session. Unknown address, wrong password and deactivated person cannot be told apart, by answer or by time."""
        email = email.strip().lower()
        waits = [
            until
            for until in (
                self.attempts.waits_until("person", email),
                self.attempts.waits_until("network", network),
            )
            if until
        ]
        if waits:
            return SignIn(waits_until=max(waits))
        person = self._people.by_email(email)
        kept = self._password(person.id) if person else None
        is_right = matches(kept, password) and person is not None and person.active
        if not is_right or person is None:
            self._failed(email, network)
            return SignIn()
        if self.factors.has(person.id):
            if not self.factors.takes(person.id, code):
                if code:
                    self._failed(email, network)
                return SignIn(needs_code=True)
            limited = False
        else:
            limited = person.role in STRONG
        self.attempts.forget("person", email)
        return SignIn(self.begin_session(person, limited=limited), limited)

    def _failed(self, email: str, network: str) -> None:
        self.attempts.failed("person", email)
        self.attempts.failed("network", network)

    def _password(self, person: int) -> str | None:
        with self._database.read() as connection:
            return connection.execute(
                select(credentials.c.password).where(credentials.c.person == person)
            ).scalar_one_or_none()

    # Sessions

    def begin_session(self, person: Person, *, limited: bool = False) -> str:
        secret, now = new_secret(), datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.begun_at < now - ABSOLUTE))
            connection.execute(
                insert(sessions).values(
                    hash=hashed(secret), person=person.id, limited=limited, begun_at=now, seen_at=now
                )
            )
        return secret

    def session(self, secret: str) -> tuple[Person, bool] | None:
        """(person, limited) of a session that holds; it goes on being good."""
        now = datetime.now(UTC)
        query = select(sessions).where(
            sessions.c.hash == hashed(secret),
            sessions.c.seen_at > now - IDLE,
            sessions.c.begun_at > now - ABSOLUTE,
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        person = self._people.get(row.person)
        if not person.active:
            return None
        if row.seen_at < now - timedelta(minutes=1):
            with self._database.write() as connection:
                connection.execute(
                    update(sessions).where(sessions.c.hash == hashed(secret)).values(seen_at=now)
                )
        return person, row.limited

    def end_session(self, secret: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == hashed(secret)))

    def end_sessions(self, person: Person) -> int:
        """End all sessions of a person; returns how many."""
        with self._database.write() as connection:
            return connection.execute(delete(sessions).where(sessions.c.person == person.id)).rowcount

    def count_sessions(self, person: Person) -> int:
        query = select(sessions.c.hash).where(
            sessions.c.person == person.id, sessions.c.seen_at > datetime.now(UTC) - IDLE
        )
        with self._database.read() as connection:
            return len(connection.execute(query).all())

    # Tokens

    def new_token(self, person: Person, name: str, scopes: Sequence[str], lasts: timedelta) -> str:
        """The text of a new token, which is shown once. StoreError: no such scope, or it would last too long."""
        if not scopes or set(scopes) - set(SCOPES):
            raise StoreError(f"scopes are some of {', '.join(SCOPES)}")
        if not timedelta(0) < lasts <= LONGEST_TOKEN:
            raise StoreError("a token lasts a year at most")
        secret, now = TOKEN + new_secret(), datetime.now(UTC)
        with self._database.write() as connection:
            connection.execute(
                insert(tokens).values(
                    hash=hashed(secret), person=person.id, name=name.strip()[:80], scopes=sorted(set(scopes)),
                    created_at=now, expires_at=now + lasts,
                )
            )  # fmt: skip
        return secret

    def tokens(self, person: Person) -> tuple[Token, ...]:
        """The tokens of a person that can be used, newest first."""
        query = select(tokens).where(
            tokens.c.person == person.id,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > datetime.now(UTC),
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(tokens.c.id.desc())).all()
        return tuple(
            Token(
                row.id, row.person, row.name, tuple(row.scopes), row.created_at, row.expires_at, row.used_at
            )
            for row in rows
        )

    def revoke_token(self, person: Person, number: int) -> None:
        """Revoke one of a person's own tokens; another's is left alone."""
        with self._database.write() as connection:
            connection.execute(
                update(tokens)
                .where(tokens.c.id == number, tokens.c.person == person.id)
                .values(revoked_at=datetime.now(UTC))
            )

    def token(self, secret: str) -> tuple[Person, dict[str, Any]] | None:
        """(person, {"id", "scopes", "member"}) of a token that holds."""
        now = datetime.now(UTC)
        query = select(tokens).where(
            tokens.c.hash == hashed(secret), tokens.c.revoked_at.is_(None), tokens.c.expires_at > now
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        person = self._people.get(row.person) if row else None
        if row is None or person is None or not person.active:
            return None
        with self._database.write() as connection:
            connection.execute(update(tokens).where(tokens.c.id == row.id).values(used_at=now))
        return person, {"id": row.id, "scopes": list(row.scopes), "member": person.member}

    def deactivate(self, person: Person) -> Person:
        """No more signing in; sessions, links and tokens end at once."""
        changed = self._people.change(person.id, active=False)
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.person == person.id))
            connection.execute(delete(links).where(links.c.person == person.id))
            connection.execute(
                update(tokens).where(tokens.c.person == person.id).values(revoked_at=datetime.now(UTC))
            )
        return changed
