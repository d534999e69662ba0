"""What the people of a member and the Secretariat write to each other below a submission. A question is open until somebody answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, func, insert, select, update

from pipelines.desk.people import Person
from pipelines.desk.schema import metadata
from pipelines.exceptions import StoreError, UnknownError
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant

LONGEST = 2_000
"""Characters of a comment."""

comments = Table(
    "desk_comments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("submission_id", String, nullable=False),
    Column("member", String, nullable=False),
    Column("person", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("is_question", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", Integer),
    Index("desk_comments_by_submission", "submission_id"),
)


@dataclass(frozen=True, slots=True)
class Comment:
    """person, answered_by: numbers of persons. text: plain, as written; a page escapes it."""

    id: int
    submission_id: str
    member: str
    person: int
    text: str
    is_question: bool
    at: datetime
    answered_at: datetime | None
    answered_by: int | None

    @property
    def is_open(self) -> bool:
        return self.is_question and self.answered_at is None


class Comments:
    """The comments in a database. Who may write is asked before (`pipelines.desk.permissions`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, submission_id: str, member: str, person: Person, text: str, *, is_question: bool
    ) -> Comment:
        """Write a comment. StoreError: it is empty or longer than `LONGEST` characters."""
        kept = "\n".join(text.replace("\0", "").splitlines()).strip()
        if not kept or len(kept) > LONGEST:
            raise StoreError("comment-empty" if not kept else "comment-too-long")
        with self._database.write() as connection:
            made = connection.execute(
                insert(comments).values(
                    submission_id=submission_id, member=member, person=person.id, text=kept,
                    is_question=is_question, at=datetime.now(UTC),
                )
            )  # fmt: skip
            number = made.inserted_primary_key[0]  # type: ignore[index]
        return self.get(number)

    def get(self, number: int) -> Comment:
        """A comment; UnknownError when there is none."""
        found = self._where(comments.c.id == number)
        if not found:
            raise UnknownError(f"no comment {number}")
        return found[0]

    def answered(self, number: int, person: Person) -> Comment:
        """Mark a question as answered; one that is answered stays as it is."""
        with self._database.write() as connection:
            connection.execute(
                update(comments)
                .where(comments.c.id == number, comments.c.is_question, comments.c.answered_at.is_(None))
                .values(answered_at=datetime.now(UTC), answered_by=person.id)
            )
        return self.get(number)

    def of_submission(self, submission_id: str) -> tuple[Comment, ...]:
        """Oldest first."""
        return self._where(comments.c.submission_id == submission_id)

    def written(self, member: str, since: datetime) -> tuple[Comment, ...]:
        """Of one member since an instant, oldest first."""
        return self._where((comments.c.member == member) & (comments.c.at >= since))

    def open_questions(self) -> Mapping[str, int]:
        """How many questions nobody has answered, by member."""
        query = (
            select(comments.c.member, func.count())
            .where(comments.c.is_question, comments.c.answered_at.is_(None))
            .group_by(comments.c.member)
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def _where(self, condition: Any) -> tuple[Comment, ...]:
        with self._database.read() as connection:
            rows = connection.execute(select(comments).where(condition).order_by(comments.c.id)).all()
        return tuple(Comment(**dict(row._mapping)) for row in rows)
