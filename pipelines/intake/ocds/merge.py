"""All releases of one contracting process -> its compiled release (OCDS 1.1 merging, by ocdsmerge)."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocdsmerge import CompiledRelease
from ocdsmerge.exceptions import DuplicateIdValueWarning

from pipelines.intake.ocds.shape import Leaf, ReleaseSchema, Repair, drop_twins, pointer_step, strip_to_schema
from pipelines.intake.ocds.spill import StoredRelease
from pipelines.intake.ocds.upgrade import gather_parties, upgrade_release

LoadRelease = Callable[[StoredRelease], dict[str, Any]]


@dataclass(slots=True)
class Process:
    """A contracting process as it stands after its newest release.

    newest: the release that decides the provenance of the rows. merged, duplicates: how many releases went
    in, and how many had nothing to add: equal copies, and the `contained` ones that a compiled release
    already holds. conflicting: releases that repeat the id of an earlier one with other content.
    unplaced: leaves without a place in the shape of OCDS; `outside`: leaves beyond the standard, of a process
    whose releases disagree about the shape at the pointer `clash`, so that only what the standard knows could
    be merged.
    """

    release: dict[str, Any]
    newest: StoredRelease
    merged: int = 0
    duplicates: int = 0
    contained: int = 0
    conflicting: list[StoredRelease] = field(default_factory=list)
    unplaced: list[Leaf] = field(default_factory=list)
    outside: list[Leaf] = field(default_factory=list)
    clash: str | None = None
    upgraded: bool = False


class MergeFailedError(Exception):
    """ocdsmerge could not merge the releases of a process, even without what is outside of the standard."""


class _ClashError(ValueError):
    """Two releases disagree about the shape at a place outside of the standard."""

    def __init__(self, pointer: str) -> None:
        super().__init__(pointer)
        self.pointer = pointer


def merge_process(releases: Sequence[StoredRelease], load: LoadRelease, schema: ReleaseSchema) -> Process:
    """Merge the releases of one ocid, given from oldest to newest; each is loaded once, one at a time.

    Equal copies count once. A compiled release stands for every release it was made from (named by its
    record, or not newer than itself), so that a record beside its own releases doubles nothing; newer
    releases are merged onto it. A single release passes as it is, apart from its shape and the upgrade to
    OCDS 1.1.
    """
    distinct = _without_copies(releases)
    taken = _without_contained(distinct)
    process = Process({}, taken[-1], len(taken), len(releases) - len(taken), len(distinct) - len(taken))
    process.conflicting = _conflicting(taken)
    if len(taken) == 1:
        process.release = _prepare(taken[0], load, schema, process)
    else:
        try:
            process.release = _merge(taken, load, schema, process)
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            # Beyond the standard, one release may hold a text where another holds an object.
            process.clash = error.pointer if isinstance(error, _ClashError) else ""
            process.unplaced.clear()
            process.release = _merge_core(taken, load, schema, process)
        drop_twins(process.release)
    process.upgraded |= gather_parties(process.release)
    return process


def _without_copies(releases: Sequence[StoredRelease]) -> list[StoredRelease]:
    seen: set[tuple[str, bytes]] = set()
    distinct = []
    for release in releases:
        key = (release.release_id, release.digest)
        if key not in seen:
            seen.add(key)
            distinct.append(release)
    return distinct


def _without_contained(releases: list[StoredRelease]) -> list[StoredRelease]:
    """The newest compiled release, and what it cannot have known; everything when there is none."""
    base = next((release for release in reversed(releases) if release.compiled), None)
    if base is None:
        return releases
    moments = {(date, tags) for _, date, tags in base.links}
    # An address ends with the id of the release, after "/", "#", "=" or the like.
    tails = {url[start:] for url, _, _ in base.links for start in _starts(url)} if base.links else set()
    later = releases[releases.index(base) + 1 :]
    news = [
        release
        for release in later
        if release.release_id not in tails and (release.date, release.tags) not in moments
    ]
    return [base, *news]


def _starts(url: str) -> list[int]:
    """Where the last part of an address may begin: behind every sign that separates parts of it."""
    return [0, *(index + 1 for index, character in enumerate(url) if character in "/#?=&")]


def _conflicting(releases: Sequence[StoredRelease]) -> list[StoredRelease]:
    """Releases that repeat the id of an earlier one with other content."""
    seen: set[str] = set()
    found = []
    for release in releases:
        if release.release_id and not release.compiled:
            if release.release_id in seen:
                found.append(release)
            seen.add(release.release_id)
    return found


def _prepare(
    stored: StoredRelease,
    load: LoadRelease,
    schema: ReleaseSchema,
    process: Process,
    *,
    merging: bool = False,
) -> dict[str, Any]:
    release = load(stored)
    repair = Repair(schema.shape, for_merging=merging)
    repair.release(release)
    process.unplaced += repair.misplaced
    process.upgraded |= upgrade_release(release)
    return release


def _merge(
    releases: Sequence[StoredRelease],
    load: LoadRelease,
    schema: ReleaseSchema,
    process: Process,
    *,
    core: bool = False,
) -> dict[str, Any]:
    compiled = CompiledRelease(merge_rules=schema.merge_rules)
    with warnings.catch_warnings():
        # Repeated ids were told apart while repairing; those left are in arrays that merge as a whole.
        warnings.simplefilter("ignore", DuplicateIdValueWarning)
        for stored in releases:
            release = _prepare(stored, load, schema, process, merging=True)
            if core:
                strip_to_schema(release, schema.shape, process.outside)
            compiled.append(release)
        if not core:
            _refuse_clashes(compiled.data)
        merged = compiled.asdict()
    newest = next((release for release in reversed(releases) if release.date), releases[-1])
    if not releases[-1].date:
        # ocdsmerge makes the id from the date; without one, the id of the newest release stands.
        merged["id"] = newest.release_id or newest.ocid
        merged["date"] = newest.date
    return merged


def _refuse_clashes(flat: Mapping[tuple[Any, ...], Any]) -> None:
    """Raise where one release has a value and another something below it: ocdsmerge would keep the older."""
    for path in flat:
        for end in range(1, len(path)):
            if flat.get(path[:end]) is not None:
                # Ids of array elements are a type of their own, and no step of a pointer.
                raise _ClashError("".join(pointer_step(name) for name in path[:end] if type(name) is str))


def _merge_core(
    releases: Sequence[StoredRelease], load: LoadRelease, schema: ReleaseSchema, process: Process
) -> dict[str, Any]:
    try:
        merged = _merge(releases, load, schema, process, core=True)
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise MergeFailedError(str(error)) from error
    process.outside = list(dict.fromkeys(process.outside))
    return merged
