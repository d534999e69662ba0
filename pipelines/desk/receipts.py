"""The receipt of a submission: what was received when, what became of it, and where it can be seen."""

from datetime import UTC, datetime
from typing import Any

from pipelines.desk.desk import Desk
from pipelines.intake import read_staged
from pipelines.store import State


def receipt(desk: Desk, submission_id: str, public: str) -> dict[str, Any]:
    """JSON data. public: address of the public site. Persons are numbers, never names; instants are in UTC.

    files: name, bytes and sha256 of each as it was sent, so that whoever holds it can compare. An event that has not happened is None. When bytes came again, the last acceptance and publication count.
    """
    ledger, public = desk.site.ledger, public.rstrip("/")
    entry = ledger.submission(submission_id)
    instants: dict[str, str] = {}
    release, accepted_by = None, None
    for event in ledger.events(submission_id):
        if event.to_state is not None and event.to_state is not event.from_state:
            instants[event.to_state.value] = _instant(event.at)
            if event.to_state is State.PUBLISHED:
                release = event.detail.get("release")
            if event.to_state is State.ACCEPTED:
                accepted_by = event.actor
    senders = [event.actor for event in ledger.events(submission_id) if event.from_state is None]
    page = f"{public}/members/{entry.member}"
    return {
        "submission": str(entry.submission_id),
        "member": str(entry.member),
        "package_type": entry.package_type,
        "period": entry.period,
        "file": entry.source_name,
        "files": read_staged(desk.site.zones.staged_folder(entry.submission_id)).understood.get("sent", []),
        "state": entry.state.value,
        "rows": entry.rows_accepted,
        "received_at": _instant(entry.received_at),
        "checked_at": instants.get("ready"),
        "accepted_at": instants.get("accepted"),
        "published_at": instants.get("published"),
        "ended_at": instants.get("withdrawn") or instants.get("superseded"),
        "version": entry.version_number,
        "release": release,
        "sent_by": senders[0] if senders else None,
        "asked_by": entry.asked_by,
        "approved_by": entry.approved_by or accepted_by,
        "address": page if release else None,
        "release_address": f"{public}/v/{release}" if release else None,
        "feed": f"{page}.atom",
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
