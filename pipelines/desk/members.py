"""What a member has agreed with the Secretariat."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from pipelines.desk import schema
from pipelines.exceptions import StoreError
from pipelines.store import Database

FREQUENCIES = ("", "monthly", "quarterly", "yearly")


@dataclass(frozen=True, slots=True)
class MemberPolicy:
    """two_persons: a second person's yes is needed. frequency: how often the member sends, one of `FREQUENCIES`.
    due_days: days after the end of a period on which it is due. language: of mail to the member, empty for its first one.
    """

    member: str
    two_persons: bool = False
    frequency: str = ""
    due_days: int = 30
    language: str = ""


class MemberPolicies:
    """The policies in a database; a member that has agreed nothing has the defaults."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, member: str) -> MemberPolicy:
        table = schema.member_policies
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.member == member)).one_or_none()
        return MemberPolicy(**dict(row._mapping)) if row else MemberPolicy(member)

    def set(self, policy: MemberPolicy) -> None:
        if policy.frequency not in FREQUENCIES or policy.due_days < 0:
            raise StoreError(f"not a policy: {policy}")
        table = schema.member_policies
        values: dict[str, Any] = {name: getattr(policy, name) for name in table.c.keys()}  # noqa: SIM118
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.member == policy.member))
            connection.execute(insert(table).values(**values))
