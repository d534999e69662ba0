"""Persons of the members and of the Secretariat. Passwords, second factors, sessions and tokens are the room next door's."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, update

from pipelines.catalogue import LANGUAGES
from pipelines.desk import schema
from pipelines.desk.permissions import EVERYWHERE, Role
from pipelines.exceptions import StoreError, UnknownError
from pipelines.store import Database

ADDRESS = re.compile(r"""[^\s@<>()\[\],;:"\\\x00-\x1f]+@[^\s@<>()\[\],;:"\\\x00-\x1f]+""")
"""One mailbox, and nothing that a letter's head would read as a second one."""


@dataclass(frozen=True, slots=True)
class Person:
    """member: code of the member whose data the person sees; None for the Secretariat. language: es, en, pt, fr."""

    id: int
    email: str
    name: str
    member: str | None
    role: Role
    language: str
    active: bool
    created_at: datetime

    @property
    def actor(self) -> str:
        """Who acts, as the ledger and the audit log name it: no name, no address."""
        return f"person:{self.id}"


class People:
    """The persons in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, email: str, name: str, role: Role | str, member: str | None, language: str) -> Person:
        """A new person. StoreError: the address is taken, or role, member and language do not fit together."""
        role, email = Role(role), email.strip().lower()
        if not ADDRESS.fullmatch(email) or len(email) > 254:
            raise StoreError(f"not an e-mail address: {email!r}")
        if language not in LANGUAGES:
            raise StoreError(f"no language {language!r}")
        if (member is None) != (role in EVERYWHERE):
            raise StoreError(
                f"a person with the role {role} {'has no' if role in EVERYWHERE else 'needs a'} member"
            )
        with self._database.write() as connection:
            table = schema.people
            if connection.execute(select(table.c.id).where(table.c.email == email)).first():
                raise StoreError("somebody with this e-mail address is known already")
            made = connection.execute(
                insert(table).values(
                    email=email, name=name.strip(), role=role.value, member=member, language=language, created_at=datetime.now(UTC),
                )
            )  # fmt: skip
            number = made.inserted_primary_key[0]  # type: ignore[index]
        return self.get(number)

    def get(self, number: int) -> Person:
        """A person by number; UnknownError when there is none."""
        found = self._where(schema.people.c.id == number)
        if not found:
            raise UnknownError(f"no person {number}")
        return found[0]

    def by_email(self, email: str) -> Person | None:
        found = self._where(schema.people.c.email == email.strip().lower())
        return found[0] if found else None

    def of_member(self, member: str | None) -> tuple[Person, ...]:
        """The persons of a member, None: of the Secretariat."""
        column = schema.people.c.member
        return self._where(column.is_(None) if member is None else column == member)

    def all(self) -> tuple[Person, ...]:
        return self._where(True)

    def change(self, number: int, **values: Any) -> Person:
        """Set name, role, language or active of a person."""
        if unknown := set(values) - {"name", "role", "language", "active"}:
            raise StoreError(f"cannot change {', '.join(sorted(unknown))}")
        with self._database.write() as connection:
            connection.execute(update(schema.people).where(schema.people.c.id == number).values(**values))
        return self.get(number)

    def _where(self, condition: Any) -> tuple[Person, ...]:
        query = select(schema.people).where(condition).order_by(schema.people.c.id)
        with self._database.read() as connection:
            return tuple(
                Person(**dict(row._mapping) | {"role": Role(row.role)}) for row in connection.execute(query)
            )
