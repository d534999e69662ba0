"""One installation with its desk, opened."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines.desk.accounts import Accounts
from pipelines.desk.arrivals import Arrivals
from pipelines.desk.comments import Comments
from pipelines.desk.harvesting.sources import Harvests
from pipelines.desk.idempotency import Idempotency
from pipelines.desk.made import Made
from pipelines.desk.mail import Mail
from pipelines.desk.members import MemberPolicies
from pipelines.desk.people import People
from pipelines.desk.remembered import Readings
from pipelines.desk.schema import create_tables
from pipelines.desk.uploads import Uploads
from pipelines.desk.webhooks.hooks import Hooks
from pipelines.desk.webhooks.outbox import Outbox
from pipelines.settings import Settings
from pipelines.store import Database
from pipelines.workflow import Installation

if TYPE_CHECKING:
    from pipelines.desk.accounts.elsewhere import Elsewhere


@dataclass(frozen=True)
class Desk:
    """What pages, API, worker and commands of the desk work with."""

    site: Installation
    database: Database
    people: People
    accounts: Accounts
    policies: MemberPolicies
    arrivals: Arrivals
    mail: Mail
    made: Made
    comments: Comments
    readings: Readings
    idempotency: Idempotency
    harvests: Harvests
    hooks: Hooks
    outbox: Outbox

    @cached_property
    def uploads(self) -> Uploads:
        """Files that come in pieces."""
        return Uploads(self.site.zones.uploads)

    @cached_property
    def elsewhere(self) -> "Elsewhere":
        """Signing in with identity providers. StoreError: the file that names them cannot be read."""
        # Only the web process pays for loading its libraries: commands begin a tenth of a second sooner without.
        from pipelines.desk.accounts.elsewhere import Elsewhere
        from pipelines.desk.accounts.providers import read_providers

        settings = self.site.settings
        providers = read_providers(settings.oidc_file)
        back = f"{settings.desk_url}/sign-in/with/{{name}}/back"
        return Elsewhere(self.database, self.people, self.accounts, providers, back)

    @classmethod
    def open(cls, settings: Settings | None = None) -> "Desk":
        return cls.of(Installation.open(settings))

    @classmethod
    def of(cls, site: Installation) -> "Desk":
        database = site.ledger.database
        # Rooms that need the desk themselves: their tables have to be known before tables are created, whoever opens it first.
        from pipelines.desk import events, fetched, letters  # noqa: F401

        with database.write() as connection:
            create_tables(connection)
        people = People(database)
        return cls(
            site,
            database,
            people,
            Accounts(database, people),
            MemberPolicies(database),
            Arrivals(database, site.zones),
            Mail(database, site.settings.site_dir / "desk"),
            Made(database, site.zones),
            Comments(database),
            Readings(database),
            Idempotency(database),
            Harvests(database),
            Hooks(database, frozenset(site.settings.webhook_hosts.lower().split())),
            Outbox(database),
        )
