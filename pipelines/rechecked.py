"""What the rules of now would say to what is accepted, kept until it is asked again: for commands, flows and the Secretariat's board."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.identifiers import SubmissionId
from pipelines.records import Verdict
from pipelines.zones import Zones


@dataclass(frozen=True, slots=True)
class Recheck:
    """A submission that counts today, judged again by the rules of now."""

    submission_id: SubmissionId
    before: Verdict
    after: Verdict
    new_codes: tuple[str, ...]

    @property
    def is_otherwise(self) -> bool:
        return self.before != self.after or bool(self.new_codes)


@dataclass(frozen=True, slots=True)
class Rechecked:
    """The last time: when it was over, and every submission that was judged."""

    at: datetime
    results: tuple[Recheck, ...]


def keep(zones: Zones, results: Iterable[Recheck]) -> None:
    """Keep in the place of what was found the last time; a reader sees either, never half of one."""
    told = {
        "at": datetime.now(UTC).isoformat(),
        "results": [[str(each.submission_id), each.before, each.after, each.new_codes] for each in results],
    }
    zones.root.mkdir(parents=True, exist_ok=True)
    part = zones.rechecked.with_name(f".{zones.rechecked.name}.{os.getpid()}")
    part.write_text(json.dumps(told), encoding="utf-8")
    part.replace(zones.rechecked)


def last(zones: Zones) -> Rechecked | None:
    """What was found the last time; None when nobody has asked yet, or it cannot be read any more."""
    try:
        told = json.loads(zones.rechecked.read_text(encoding="utf-8"))
        return Rechecked(
            datetime.fromisoformat(told["at"]),
            tuple(
                Recheck(SubmissionId(number), Verdict(before), Verdict(after), tuple(codes))
                for number, before, after, codes in told["results"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
