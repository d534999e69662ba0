"""OCDS 1.0, and fields that 1.1 deprecated, written the way of OCDS 1.1.

Decided by what is there, not by a version number, since releases are often sent without their package.

==================================================  ===============================================
organization written out where it takes part        entry in ``parties`` with its role, and a reference
``amendment`` of tender, award, contract            entry in ``amendments``
``amount`` of a transaction                         ``value``
``providerOrganization``, ``receiverOrganization``  ``payer``, ``payee``
==================================================  ===============================================

Two steps, because releases are merged between them: each release gets the ids by which its arrays are merged,
and ``parties`` is filled from the merged release (a list of roles would be replaced, not united, by merging).
Nothing is overwritten: what contradicts a value already there stays where it was.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.intake.ocds.shape import scalar_text

DETAILS = ("identifier", "additionalIdentifiers", "address", "contactPoint")
"""Parts of an organization that OCDS 1.1 has in ``parties`` only."""

_TRANSACTION_PARTIES = {"providerOrganization": "payer", "receiverOrganization": "payee"}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        # Arrays of extensions are not repaired by the schema; a single object stands for an array of one.
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _transactions(release: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for contract in _dicts(release.get("contracts")):
        yield from _dicts(_dict(contract.get("implementation")).get("transactions"))


def _references(release: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(role, organization reference) of every place where OCDS has one."""
    tender = _dict(release.get("tender"))
    yield "buyer", _dict(release.get("buyer"))
    yield "procuringEntity", _dict(tender.get("procuringEntity"))
    for tenderer in _dicts(tender.get("tenderers")):
        yield "tenderer", tenderer
    for part in ("awards", "contracts"):
        for element in _dicts(release.get(part)):
            for supplier in _dicts(element.get("suppliers")):
                yield "supplier", supplier
    for transaction in _transactions(release):
        for role in _TRANSACTION_PARTIES.values():
            yield role, _dict(transaction.get(role))


class _Parties:
    """The parties that a release lists: to find the id by which an organization without one is meant."""

    def __init__(self, release: Mapping[str, Any]) -> None:
        parties = _dicts(release.get("parties"))
        self.ids = {scalar_text(party.get("id")) for party in parties} - {""}
        self._by_name: dict[str, str | None] = {}
        for party in parties:
            name, identifier = scalar_text(party.get("name")), scalar_text(party.get("id"))
            if name and identifier:
                # Two parties of one name: the name says nothing.
                self._by_name[name] = (
                    identifier if self._by_name.get(name, identifier) == identifier else None
                )

    def identify(self, identifier: Mapping[str, Any], name: str) -> str:
        """Scheme and number of the identifier, else the number alone, else the name; empty when nothing is
        sure.

        A scheme with spaces is a description, not a code, and makes no id.
        """
        scheme, number = scalar_text(identifier.get("scheme")), scalar_text(identifier.get("id"))
        if number:
            known = next((each for each in (f"{scheme}-{number}", number) if each in self.ids), "")
            return known or (f"{scheme}-{number}" if scheme and " " not in scheme else number)
        return self._by_name.get(name) or "" if self.ids else name


def upgrade_release(release: dict[str, Any]) -> bool:
    """Bring one release to OCDS 1.1, in place; whether anything had to be changed. Shapes must be repaired
    before.
    """
    parties = _Parties(release)
    changed = False
    for transaction in _transactions(release):
        changed |= _upgrade_transaction(transaction, parties)
    for _, reference in _references(release):
        if reference and not scalar_text(reference.get("id")):
            found = parties.identify(_dict(reference.get("identifier")), scalar_text(reference.get("name")))
            if found:
                reference["id"] = found
                changed = True
    holders = [
        _dict(release.get("tender")),
        *_dicts(release.get("awards")),
        *_dicts(release.get("contracts")),
    ]
    for holder in holders:
        changed |= _upgrade_amendment(holder)
    return changed


def _upgrade_transaction(transaction: dict[str, Any], parties: _Parties) -> bool:
    changed = False
    if isinstance(transaction.get("amount"), dict) and transaction.get("value") in (
        None,
        {},
        transaction["amount"],
    ):
        transaction["value"] = transaction.pop("amount")
        changed = True
    for old, new in _TRANSACTION_PARTIES.items():
        organization = transaction.get(old)
        if isinstance(organization, dict) and organization and not _dict(transaction.get(new)):
            # OCDS 1.0 has an identifier here: scheme, id, legalName, uri.
            name = scalar_text(organization.get("legalName"))
            reference = {"id": parties.identify(organization, name), "name": name, "identifier": organization}
            transaction[new] = {key: value for key, value in reference.items() if value}
            del transaction[old]
            changed = True
    return changed


def _upgrade_amendment(holder: dict[str, Any]) -> bool:
    amendment = holder.get("amendment")
    if not isinstance(amendment, dict) or not amendment:
        return False
    del holder["amendment"]
    amendments = holder["amendments"] = _dicts(holder.get("amendments"))
    if not any(all(each.get(name) == value for name, value in amendment.items()) for each in amendments):
        if not scalar_text(amendment.get("id")):
            amendment["id"] = scalar_text(amendment.get("date")) or str(len(amendments) + 1)
        amendments.append(amendment)
    return True


def gather_parties(release: dict[str, Any]) -> bool:
    """Fill ``parties`` of a merged release from its organization references, in place; whether anything
    changed.

    A party is made where a reference brings details (OCDS 1.0) or where the release lists no parties at all;
    a reference to a party that is missing from a list of parties stays a fault for the validation to find.
    """
    listed = _dicts(release.get("parties"))
    by_id = {scalar_text(party.get("id")): party for party in listed}
    by_id.pop("", None)
    none_listed, made, changed = not listed, set(), False
    for role, reference in _references(release):
        identifier = scalar_text(reference.get("id"))
        has_details = any(reference.get(key) for key in DETAILS)
        if not identifier or (identifier not in by_id and not has_details and not none_listed):
            continue
        if identifier not in by_id:
            by_id[identifier] = {"id": identifier}
            listed.append(by_id[identifier])
            made.add(identifier)
            changed = True
        party = by_id[identifier]
        if identifier in made or has_details:
            if identifier in made and role not in party.setdefault("roles", []):
                party["roles"].append(role)
            if not party.get("name") and reference.get("name"):
                party["name"] = reference["name"]
            changed |= _move_details(reference, party)
    if changed:
        release["parties"] = listed
    return changed


def _move_details(reference: dict[str, Any], party: dict[str, Any]) -> bool:
    changed = False
    for key in DETAILS:
        if key in reference and _move(reference, party, key):
            changed = True
    return changed


def _move(source: dict[str, Any], target: dict[str, Any], key: str) -> bool:
    """Move a value unless the target says otherwise; of two objects, the members that do not contradict."""
    value, there = source[key], target.get(key)
    if there in (None, "", [], {}):
        target[key] = source.pop(key)
        return True
    if value in (there, None, "", [], {}):
        del source[key]
        return True
    if isinstance(value, dict) and isinstance(there, dict):
        moved = [_move(value, there, name) for name in list(value)]
        if not value:
            del source[key]
        return any(moved)
    return False
