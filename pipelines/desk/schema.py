"""Tables of the desk. A room of the desk defines its own tables in its own module, with this `metadata`."""

from sqlalchemy import Boolean, Column, Connection, Integer, MetaData, String, Table, text

from pipelines.store.ledger_schema import Instant

metadata = MetaData()

people = Table(
    "desk_people",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("email", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    # None for the Secretariat's own people.
    Column("member", String),
    Column("role", String, nullable=False),
    Column("language", String, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("TRUE")),
    Column("created_at", Instant, nullable=False),
)

member_policies = Table(
    "desk_member_policies",
    metadata,
    Column("member", String, primary_key=True),
    Column("two_persons", Boolean, nullable=False, server_default=text("FALSE")),
    # monthly, quarterly, yearly, or empty where nothing has been declared.
    Column("frequency", String, nullable=False, server_default=""),
    # Days after the end of a period on which it is due.
    Column("due_days", Integer, nullable=False, server_default="30"),
    Column("language", String, nullable=False, server_default=""),
)


def create_tables(connection: Connection) -> None:
    """Create what is not there yet, within the caller's transaction."""
    if connection.dialect.name == "postgresql":  # SQLite's write transaction excludes others by itself
        connection.execute(text("SELECT pg_advisory_xact_lock(714327)"))
    metadata.create_all(connection, checkfirst=True)
