"""Who may do what at the desk: one table. Prefect is never asked, and no page decides for itself."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """READER: sees a member's submissions. SUBMITTER: also sends and mends. APPROVER: also says yes, withdraws. SECRETARIAT:
    looks after all members, sees what they see, comments, reminds, decides nothing in their place. ADMINISTRATOR: people and settings as well.
    """

    READER = "reader"
    SUBMITTER = "submitter"
    APPROVER = "approver"
    SECRETARIAT = "secretariat"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What can be done, with a member's data or (BOARD, AUDIT, SETTINGS, INVITE) with the installation."""

    SEE = "see"
    COMMENT = "comment"
    SUBMIT = "submit"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    HARVEST = "harvest"
    WEBHOOKS = "webhooks"
    BOARD = "board"
    REMIND = "remind"
    AUDIT = "audit"
    INVITE = "invite"
    SETTINGS = "settings"


_READS = {Action.SEE, Action.COMMENT}
_SENDS = _READS | {Action.SUBMIT, Action.WEBHOOKS}
_DECIDES = _SENDS | {Action.APPROVE, Action.WITHDRAW, Action.HARVEST}
_LOOKS_AFTER = _READS | {Action.BOARD, Action.REMIND, Action.AUDIT, Action.HARVEST}

ALLOWED: Mapping[Role, frozenset[Action]] = {
    Role.READER: frozenset(_READS),
    Role.SUBMITTER: frozenset(_SENDS),
    Role.APPROVER: frozenset(_DECIDES),
    Role.SECRETARIAT: frozenset(_LOOKS_AFTER),
    Role.ADMINISTRATOR: frozenset(_LOOKS_AFTER | {Action.INVITE, Action.SETTINGS}),
}

EVERYWHERE = frozenset({Role.SECRETARIAT, Role.ADMINISTRATOR})
"""Roles that are not bound to one member."""

SCOPES: Mapping[str, frozenset[Action]] = {
    "read": frozenset({Action.SEE, Action.BOARD}),
    "submit": frozenset({Action.SUBMIT, Action.COMMENT}),
    "approve": frozenset({Action.APPROVE, Action.WITHDRAW}),
}
"""What a token opens, and never more than its person may. People, settings, letters and webhooks are opened by none."""


class Acting(Protocol):
    """Whoever asks."""

    @property
    def role(self) -> str: ...
    @property
    def member(self) -> str | None: ...


def may(
    person: Acting | None, action: Action, member: str | None = None, scopes: Collection[str] | None = None
) -> bool:
    """Whether a person may do something with a member's data; member None: with the installation.

    A member's people see and touch their own member only, whatever their role. scopes: of the token that speaks for the person
    (``request.actor["token"]["scopes"]``); None: the person herself.
    """
    if person is None:
        return False
    if scopes is not None and not any(action in SCOPES.get(each, ()) for each in scopes):
        return False
    role = Role(person.role)
    if action not in ALLOWED[role]:
        return False
    return role in EVERYWHERE or (member is not None and person.member == member)
