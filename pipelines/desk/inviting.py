"""New persons: written down, and sent a link with which they set their password."""

from pipelines.desk.desk import Desk
from pipelines.desk.people import Person
from pipelines.desk.permissions import EVERYWHERE, Role
from pipelines.exceptions import StoreError


def invite(desk: Desk, email: str, name: str, role: str, member: str | None, language: str) -> Person:
    """A new person, and the letter with the link. StoreError: see `People.add`; ValueError: no such role."""
    if Role(role) in EVERYWHERE:
        member = None
    elif member not in desk.site.catalogue.members:
        raise StoreError(f"{member} is not a member")
    person = desk.people.add(email, name, role, member, language)
    send_invitation(desk, person)
    return person


def send_invitation(desk: Desk, person: Person) -> Person:
    """A new link by mail; the one before does not work any more."""
    desk.mail.post(
        person.email,
        person.language,
        "invitation",
        name=person.name,
        address=invitation_address(desk, person),
    )
    return person


def invitation_address(desk: Desk, person: Person) -> str:
    """The address of a new link."""
    return f"{desk.site.settings.desk_url}/password/{desk.accounts.link(person, 'invitation')}"
