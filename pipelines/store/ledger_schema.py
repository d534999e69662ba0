"""Tables of the ledger, for SQLite and PostgreSQL, and how an older ledger becomes a current one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)

from pipelines.exceptions import StoreError

MIGRATIONS: tuple[Sequence[str], ...] = (
    (
        "ALTER TABLE submissions ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE submissions ADD COLUMN asked_by VARCHAR",
        "ALTER TABLE submissions ADD COLUMN approved_by VARCHAR",
        "ALTER TABLE submissions ADD COLUMN publish_at TIMESTAMP WITH TIME ZONE",
        "ALTER TABLE events ADD COLUMN hash VARCHAR",
        "UPDATE submissions SET state = 'needs_work' WHERE state = 'rejected'",
        "UPDATE submissions SET state = 'in_review' WHERE state = 'needs_confirmation'",
    ),
)
"""SQL that takes a ledger one step further, oldest first. Append here and change the tables below to match:
a new ledger is created from the tables, an existing one runs the steps that it has not run yet."""


class Instant(TypeDecorator):
    """A moment with time zone: stored in UTC, handed back in UTC by databases that keep no zone as well."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return (
            value.astimezone(UTC)
            if dialect.name == "postgresql"
            else value.astimezone(UTC).replace(tzinfo=None)
        )

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER

submissions = Table(
    "submissions",
    metadata,
    Column("submission_id", String, primary_key=True),
    Column("member", String, nullable=False),
    Column("package_type", String, nullable=False),
    Column("schema_version", String, nullable=False),
    Column("period", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("sha256", String, nullable=False),
    Column("source_name", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("verdict", String),
    Column("rows_in", BigInteger),
    Column("rows_accepted", BigInteger),
    Column("rows_refused", BigInteger),
    Column("errors", BigInteger),
    Column("warnings", BigInteger),
    Column("notices", BigInteger),
    Column("version_number", Integer),
    # Sent at the desk: when it is sound, a person decides, and where the member wants it another one as well.
    Column("held", Boolean, nullable=False, server_default=text("FALSE")),
    Column("asked_by", String),
    Column("approved_by", String),
    Column("publish_at", Instant),
    Column("updated_at", Instant, nullable=False),
    Index("submissions_by_package", "member", "package_type"),
    Index("submissions_by_state", "state"),
)

FACTS = (
    "verdict",
    "rows_in",
    "rows_accepted",
    "rows_refused",
    "errors",
    "warnings",
    "notices",
    "version_number",
    "schema_version",
    "asked_by",
    "approved_by",
    "publish_at",
)
"""Columns of a submission that a move between states may set."""

events = Table(
    "events",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("submission_id", String, ForeignKey("submissions.submission_id")),
    Column("member", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("from_state", String),
    Column("to_state", String),
    Column("actor", String, nullable=False),
    Column("reason", Text),
    Column("detail", JSON, nullable=False),
    Column("hash", String),
    Index("events_by_submission", "submission_id"),
    Index("events_by_member", "member"),
)

releases = Table(
    "releases",
    metadata,
    Column("release_id", String, primary_key=True),
    Column("released_at", Instant, nullable=False),
    Column("path", Text, nullable=False),
    Column("is_current", Boolean, nullable=False),
)

schema_version = Table("schema_version", metadata, Column("number", Integer, primary_key=True))

for _verb in ("UPDATE", "DELETE"):
    event.listen(
        events,
        "after_create",
        DDL(
            f"CREATE TRIGGER events_no_{_verb.lower()} BEFORE {_verb} ON events "
            "BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END"
        ).execute_if(dialect="sqlite"),
    )
event.listen(
    events,
    "after_create",
    DDL(
        "CREATE FUNCTION events_are_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are only ever added'; END $$; "
        "CREATE TRIGGER events_are_kept BEFORE UPDATE OR DELETE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_are_kept()"
    ).execute_if(dialect="postgresql"),
)


def bring_up_to_date(connection: Connection) -> None:
    """Create the tables, or run the migrations that are missing, within the caller's transaction."""
    if connection.dialect.name == "postgresql":  # SQLite's write transaction excludes others by itself
        connection.execute(text("SELECT pg_advisory_xact_lock(714325)"))
    newest = 1 + len(MIGRATIONS)
    if not inspect(connection).has_table(schema_version.name):
        metadata.create_all(connection)
        connection.execute(insert(schema_version).values(number=newest))
        return
    found = connection.execute(select(func.max(schema_version.c.number))).scalar_one()
    if found > newest:
        raise StoreError(f"the ledger has version {found}, this software knows versions up to {newest}")
    for number, statements in enumerate(MIGRATIONS[found - 1 :], start=found + 1):
        for statement in statements:
            connection.execute(text(statement))
        connection.execute(insert(schema_version).values(number=number))
