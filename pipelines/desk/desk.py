"""One installation with its desk, opened."""

from dataclasses import dataclass

from pipelines.desk.accounts import Accounts
from pipelines.desk.accounts.elsewhere import Elsewhere
from pipelines.desk.accounts.providers import read_providers
from pipelines.desk.arrivals import Arrivals
from pipelines.desk.comments import Comments
from pipelines.desk.made import Made
from pipelines.desk.mail import Mail
from pipelines.desk.members import MemberPolicies
from pipelines.desk.people import People
from pipelines.desk.schema import create_tables
from pipelines.settings import Settings
from pipelines.store import Database
from pipelines.workflow import Installation


@dataclass(frozen=True)
class Desk:
    """What pages, API, worker and commands of the desk work with."""

    site: Installation
    database: Database
    people: People
    accounts: Accounts
    elsewhere: Elsewhere
    policies: MemberPolicies
    arrivals: Arrivals
    mail: Mail
    made: Made
    comments: Comments

    @classmethod
    def open(cls, settings: Settings | None = None) -> "Desk":
        return cls.of(Installation.open(settings))

    @classmethod
    def of(cls, site: Installation) -> "Desk":
        database = site.ledger.database
        with database.write() as connection:
            create_tables(connection)
        people = People(database)
        accounts = Accounts(database, people)
        back = f"{site.settings.desk_url}/sign-in/with/{{name}}/back"
        return cls(
            site,
            database,
            people,
            accounts,
            Elsewhere(database, people, accounts, read_providers(site.settings.oidc_file), back),
            MemberPolicies(database),
            Arrivals(database, site.zones),
            Mail(database, site.settings.site_dir / "desk"),
            Made(database, site.zones),
            Comments(database),
        )
