"""The accounts of an installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from pipelines.desk.accounts.attempts import Attempts, Try, network_of
from pipelines.desk.accounts.events import AccountEvents
from pipelines.desk.accounts.factors import Factors
from pipelines.desk.accounts.passwords import hash_password, matches, objection
from pipelines.desk.accounts.tables import credentials, hashed, links, new_secret, sessions, tokens
from pipelines.desk.people import People, Person
from pipelines.desk.permissions import SCOPES, Role
from pipelines.exceptions import StoreError
from pipelines.store import Database

STRONG = frozenset({Role.APPROVER, Role.SECRETARIAT, Role.ADMINISTRATOR})
"""Roles that sign in with a second factor: whoever decides, or sees more than one member."""
KEY = 16
"""Characters of a session's hash that name it to its owner."""
LINK_LASTS = {"invitation": timedelta(days=7), "reset": timedelta(hours=1)}
IDLE, ABSOLUTE = timedelta(hours=2), timedelta(hours=12)
"""A session ends so long after the last request, and so long after its first."""
FRESH = timedelta(minutes=1)
"""How exactly it is known when a session or a token was last used; so not every request writes."""
TOKEN = "ingp_"
LONGEST_TOKEN = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What came of signing in. session: of the cookie, None when refused; limited: it is good for the second factor only.
    waits_until: nothing was looked at. needs_code: the password is right, the code is missing or wrong.
    """

    session: str | None = None
    limited: bool = False
    needs_code: bool = False
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it. key: names it, and does not open it."""

    key: str
    begun_at: datetime
    seen_at: datetime
    is_this: bool


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
        self.events = AccountEvents(database)

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
        kept = hash_password(password)
        with self._database.write() as connection:
            used = connection.execute(
                update(links)
                .where(links.c.hash == hashed(secret), links.c.used_at.is_(None))
                .values(used_at=datetime.now(UTC))
            )
            if not used.rowcount:
                return None
            self._keep_password(connection, person, kept)
        self.attempts.forget("person", person.email)
        self.events.write("password", person.id)
        return person

    def change_password(self, person: Person, current: str, password: str, network: str) -> str | None:
        """Set another password, knowing the one of before; ends all sessions and links. None: done; ``wait``, ``wrong``, or see `objection`."""
        tried = self._begin(person.email, network)
        if isinstance(tried, datetime):
            return "wait"
        if not matches(self._password(person.id), current):
            self.events.write("refused", person.id)
            return "wrong"
        for each in tried:
            self.attempts.take_back(each)
        if wrong := objection(password, person.email, person.name):
            return wrong
        kept = hash_password(password)
        with self._database.write() as connection:
            self._keep_password(connection, person, kept)
        self.events.write("password", person.id)
        return None

    @staticmethod
    def _keep_password(connection: Connection, person: Person, kept: str) -> None:
        known = connection.execute(
            update(credentials).where(credentials.c.person == person.id).values(password=kept)
        )
        if not known.rowcount:
            connection.execute(insert(credentials).values(person=person.id, password=kept, recovery=[]))
        connection.execute(delete(sessions).where(sessions.c.person == person.id))
        connection.execute(delete(links).where(links.c.person == person.id, links.c.used_at.is_(None)))

    # Signing in

    def sign_in(self, email: str, password: str, code: str, network: str) -> SignIn:
        """Begin a session. Unknown address, wrong password and deactivated person cannot be told apart, by answer or by time."""
        email = email.strip().lower()
        tried = self._begin(email, network)
        if isinstance(tried, datetime):
            return SignIn(waits_until=tried)
        person = self._people.by_email(email)
        kept = self._password(person.id if person else 0)
        is_right = matches(kept, password) and person is not None and person.active
        if not is_right or person is None:
            self.events.write("refused", person.id if person else None)
            return SignIn()
        limited = False
        if self.factors.has(person.id):
            if not code:
                for each in tried:
                    self.attempts.take_back(each)
                return SignIn(needs_code=True)
            if not self.factors.takes(person.id, code):
                self.events.write("refused", person.id)
                return SignIn(needs_code=True)
        else:
            limited = person.role in STRONG
        self._succeeded(email, tried)
        return SignIn(self.begin_session(person, limited=limited), limited)

    def sign_in_elsewhere(self, person: Person, *, proven_twice: bool) -> SignIn:
        """Begin a session of somebody whom an identity provider knows; limited, where it did not ask for a second factor and we would."""
        limited = not proven_twice and (self.factors.has(person.id) or person.role in STRONG)
        return SignIn(self.begin_session(person, limited=limited), limited)

    def prove(self, person: Person, code: str, network: str) -> bool | None:
        """Take a code of the second factor; None: it was not looked at."""
        tried = self._begin(person.email, network)
        if isinstance(tried, datetime):
            return None
        if not self.factors.takes(person.id, code):
            self.events.write("refused", person.id)
            return False
        self._succeeded(person.email, tried)
        return True

    def set_up_factor(self, person: Person, code: str, network: str) -> list[str] | None:
        """Take the offered factor, when a code of it is right; returns the recovery codes, none when it is wrong. None: it was not looked at."""
        tried = self._begin(person.email, network)
        if isinstance(tried, datetime):
            return None
        codes = self.factors.confirm(person.id, code)
        if codes:
            self._succeeded(person.email, tried)
            self.end_sessions(person)
            self.events.write("factor", person.id)
        return codes or []

    def remove_factor(self, person: Person, by: Person | None = None) -> None:
        """The next sign-in asks for a new one where the role needs it; ends all sessions."""
        self.factors.remove(person.id)
        self.end_sessions(person)
        self.events.write("factor-removed", person.id, by.id if by else None)

    def _begin(self, email: str, network: str) -> datetime | tuple[Try, Try]:
        """Count a try by address and by network; until when it must not be looked at, where it must not."""
        by_network = self.attempts.begin("network", network_of(network))
        if by_network.waits_until:
            return by_network.waits_until
        by_person = self.attempts.begin("person", email)
        if by_person.waits_until:
            self.attempts.take_back(by_network)
            return by_person.waits_until
        return by_network, by_person

    def _succeeded(self, email: str, tried: tuple[Try, Try]) -> None:
        self.attempts.take_back(tried[0])
        self.attempts.forget("person", email)

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
        if not limited:
            self.events.write("sign-in", person.id)
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
        if row.seen_at < now - FRESH:
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

    def sessions(self, person: Person, this: str = "") -> tuple[Session, ...]:
        """The sessions of a person that hold, newest first. this: the secret of the one that asks."""
        now = datetime.now(UTC)
        query = select(sessions).where(
            sessions.c.person == person.id,
            sessions.c.seen_at > now - IDLE,
            sessions.c.begun_at > now - ABSOLUTE,
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(sessions.c.begun_at.desc())).all()
        return tuple(
            Session(row.hash[:KEY], row.begun_at, row.seen_at, row.hash == hashed(this)) for row in rows
        )

    def end_session_of(self, person: Person, key: str) -> None:
        """End one of a person's own sessions; another's is left alone."""
        if len(key) == KEY and key.isalnum():
            with self._database.write() as connection:
                connection.execute(
                    delete(sessions).where(
                        sessions.c.person == person.id, sessions.c.hash.startswith(key, autoescape=True)
                    )
                )

    # Tokens

    def new_token(self, person: Person, name: str, scopes: Sequence[str], lasts: timedelta) -> str:
        """The text of a new token, which is shown once. StoreError: no such scope, or it would last too long."""
        if not scopes or set(scopes) - SCOPES.keys():
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
        self.events.write("token", person.id)
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
            found = connection.execute(
                update(tokens)
                .where(tokens.c.id == number, tokens.c.person == person.id, tokens.c.revoked_at.is_(None))
                .values(revoked_at=datetime.now(UTC))
            )
        if found.rowcount:
            self.events.write("token-revoked", person.id)

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
        if row.used_at is None or row.used_at < now - FRESH:
            with self._database.write() as connection:
                connection.execute(update(tokens).where(tokens.c.id == row.id).values(used_at=now))
        return person, {"id": row.id, "scopes": list(row.scopes), "member": person.member}

    def deactivate(self, person: Person, by: Person | None = None) -> Person:
        """No more signing in; sessions, links and tokens end at once."""
        changed = self._people.change(person.id, active=False)
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.person == person.id))
            connection.execute(delete(links).where(links.c.person == person.id))
            connection.execute(
                update(tokens).where(tokens.c.person == person.id).values(revoked_at=datetime.now(UTC))
            )
        self.events.write("deactivated", person.id, by.id if by else None)
        return changed
