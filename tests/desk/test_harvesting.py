"""Harvests over real HTTP: what comes becomes one arrival, what is not whole becomes none."""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from pipelines.desk import Desk, Person
from pipelines.desk.fetching import Limits
from pipelines.desk.harvesting import gathering, rounds
from pipelines.desk.harvesting.asking import Guarded
from pipelines.desk.harvesting.gathering import Bounds
from pipelines.desk.harvesting.rounds import harvest_due
from pipelines.desk.harvesting.sources import SILENCE, LostClaimError, Source, clean_address, sources
from pipelines.desk.harvesting.timetable import LONGEST_WAIT, next_time, next_try
from pipelines.desk.mail import sender
from pipelines.exceptions import StoreError
from pipelines.store import State
from tests.desk.serving import Agency, serve
from tests.desk.test_journey import work
from tests.pipelines.test_workflow import ONE, TWO, flat

FETCHER = Guarded(Limits(allowed=frozenset({"127.0.0.1"})))
NOON = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def agency(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agency]:
    monkeypatch.setattr(gathering, "TRIES", (0.01, 0.02))
    with serve() as own:
        yield own


def release(number: int) -> dict[str, Any]:
    return {
        "ocid": f"ocds-000000-{number}",
        "id": str(number),
        "date": "2024-01-01T00:00:00Z",
        "tag": ["tender"],
    }


def add(desk: Desk, agency: Agency, path: str, kind: str = "ocds") -> Source:
    return desk.harvests.add("HND", agency.url + path, kind, set_by="person:1", period="2024")


def outcome(desk: Desk, source: Source, bounds: Bounds | None = None) -> str | None:
    """What a harvest comes to, now."""
    desk.harvests.now(source.id)
    assert harvest_due(desk, FETCHER, bounds)
    return desk.harvests.runs(source.id)[0].outcome


def taken(desk: Desk) -> list[Any]:
    """The package of each arrival."""
    return [
        json.loads((desk.arrivals.folder(each.id) / f"harvest-{each.actor.partition(':')[2]}.json").read_bytes())
        for each in desk.arrivals.of_member("HND")
    ]  # fmt: skip


def left_over(desk: Desk) -> list[Path]:
    return [*(desk.site.zones.tmp / "harvest").iterdir()]


@pytest.mark.parametrize(
    ("often", "hour", "expected"),
    [
        ("daily", 13, "2026-11-25T13"),
        ("daily", 12, "2026-11-26T12"),
        ("weekly", 6, "2026-11-30T06"),
        ("monthly", 0, "2026-12-01T00"),
    ],
)
def test_the_timetable(often: str, hour: int, expected: str) -> None:
    assert f"{next_time(often, hour, NOON):%Y-%m-%dT%H}" == expected
    with pytest.raises(ValueError, match="no timetable"):
        next_time(often, 24, NOON)


def test_failures_make_it_wait_longer_and_the_server_is_heeded() -> None:
    minutes = [(next_try(each, None, NOON) - NOON).total_seconds() / 60 for each in range(1, 7)]
    assert minutes == [5, 30, 120, 720, 1440, 1440]
    assert next_try(1, 3600, NOON) - NOON == timedelta(hours=1)
    assert next_try(3, 10, NOON) - NOON == timedelta(hours=2)
    assert next_try(1, 1e30, NOON) - NOON == LONGEST_WAIT


@pytest.mark.parametrize(
    "wrong",
    ["", "ftp://example.org/x", "http://", "https://user:secret@example.org/", "http://[", "https://example.org/a b", "http://x/" + "a" * 2000],
)  # fmt: skip
def test_what_is_no_address(desk: Desk, wrong: str) -> None:
    with pytest.raises(StoreError):
        clean_address(wrong)


def test_pages_become_one_package_as_they_stand(desk: Desk, agency: Agency) -> None:
    agency.page("/first", [release(1), release(2)], "second?a=1", publisher={"name": "Agencia"})
    agency.page("/second?a=1", [], f"{agency.url}/third")
    exact = (
        json.dumps(release(3))[:-1]
        + ', "tender": {"id": "t", "value": {"amount": 1.10e2, "currency": "HNL"}}}'
    )
    agency.answers["/third"] = (200, {}, b'{"releases": [' + exact.encode() + b"]}")
    source = add(desk, agency, "/first")
    assert outcome(desk, source) == "arrived"
    package = taken(desk)[0]
    assert [each["id"] for each in package["releases"]] == ["1", "2", "3"]
    assert package["publisher"] == {"name": "Agencia"} and "links" not in package
    arrival = desk.arrivals.of_member("HND")[0]
    assert (arrival.actor, arrival.period) == (f"harvest:{source.id}", "2024")
    assert "1.10e2" in next(desk.arrivals.folder(arrival.id).iterdir()).read_text(), (
        "numbers as they were written"
    )
    assert desk.harvests.runs(source.id)[0].pages == 3 and left_over(desk) == []
    # Whoever asks later gets another hour in the head of the package, and the same data.
    agency.page("/first", [release(1), release(2)], "second?a=1", publishedDate="2026-11-26T00:00:00Z")
    assert outcome(desk, source) == "unchanged" and len(taken(desk)) == 1
    agency.page("/second?a=1", [release(9)], f"{agency.url}/third")
    assert outcome(desk, source) == "arrived" and len(taken(desk)) == 2


@pytest.mark.parametrize(
    ("parameter", "second"), [("page={page}", "page=2"), ("offset={offset}", "offset=2")]
)
def test_counted_pages_end_where_nothing_is(desk: Desk, agency: Agency, parameter: str, second: str) -> None:
    start = parameter.replace("{page}", "1").replace("{offset}", "0")
    end = "page=3" if "page" in parameter else "offset=3"
    agency.page(f"/r?{start}", [release(1), release(2)])
    agency.page(f"/r?{second}", [release(3)])
    agency.page(f"/r?{end}", [])
    source = add(desk, agency, f"/r?{parameter}")
    assert outcome(desk, source) == "arrived"
    assert len(taken(desk)[0]["releases"]) == 3


def test_a_file_comes_once(desk: Desk, agency: Agency, tmp_path: Path) -> None:
    flat(tmp_path / "x.csv", ONE)
    data = (tmp_path / "x.csv").read_bytes()
    agency.answers["/datos.csv"] = (200, {"etag": '"v1"'}, data)
    source = add(desk, agency, "/datos.csv", "file")
    assert [outcome(desk, source) for _ in range(2)] == ["arrived", "unchanged"]
    assert agency.asked == [("/datos.csv", None), ("/datos.csv", '"v1"')]
    agency.answers["/datos.csv"] = (200, {"etag": '"v2"'}, data)
    assert outcome(desk, source) == "unchanged", "the same bytes under another tag"
    flat(tmp_path / "x.csv", ONE, TWO)
    agency.answers["/datos.csv"] = (200, {}, (tmp_path / "x.csv").read_bytes())
    assert outcome(desk, source) == "arrived" and len(desk.arrivals.of_member("HND")) == 2
    work(desk)
    entry = desk.site.ledger.submissions("HND")[0]
    assert entry.state is State.READY, "a person of the member says yes, as for any file"
    assert next(iter(desk.site.ledger.events(entry.submission_id))).actor == source.actor


def test_a_first_page_that_stays_says_nothing_of_the_others(desk: Desk, agency: Agency) -> None:
    agency.page("/a", [release(1)], "b")
    agency.answers["/a"] = (200, {"etag": '"same"'}, agency.answers["/a"][2])
    agency.page("/b", [release(2)])
    source = add(desk, agency, "/a")
    assert outcome(desk, source) == "arrived"
    agency.page("/b", [release(3)])
    assert outcome(desk, source) == "arrived"
    agency.page("/only", [release(1)])
    agency.answers["/only"] = (200, {"etag": '"one"'}, agency.answers["/only"][2])
    source = add(desk, agency, "/only")
    assert [outcome(desk, source) for _ in range(2)] == ["arrived", "unchanged"]
    assert agency.asked[-1] == ("/only", '"one"')


def test_what_passes_is_tried_again_at_once(desk: Desk, agency: Agency) -> None:
    agency.page("/a", [release(1)], "b")
    agency.page("/b", [release(2)])
    fine = agency.answers["/b"]
    agency.answers["/b"] = [(500, {}, b""), (429, {"retry-after": "0"}, b""), fine]
    source = add(desk, agency, "/a")
    assert outcome(desk, source) == "arrived" and len(taken(desk)[0]["releases"]) == 2


BROKEN: Mapping[str, tuple[dict[str, Any], str]] = {
    "page missing in the middle": ({}, "not-found"),
    "always broken": ({"/b": (503, {}, b"")}, "server-broken"),
    "cut off": ({"/b": (200, {"content-length": "900"}, b'{"releases": [')}, "cut-off"),
    "cut where nobody told the length": ({"/b": (200, {}, b'{"releases": [{"ocid": "x", "id"')}, "not-json"),
    "no JSON": ({"/b": (200, {}, b"<html>Mantenimiento</html>")}, "not-json"),
    "something behind": ({"/b": (200, {}, b'{"releases": []} {"releases": []}')}, "not-json"),
    "no package": ({"/b": (200, {}, b'{"error": "too many"}')}, "not-a-package"),
    "a list": ({"/b": (200, {}, b"[]")}, "not-a-package"),
    "no releases in it": ({"/b": (200, {}, b'{"releases": [{"id": 1}]}')}, "not-a-package"),
    "records after releases": ({"/b": (200, {}, b'{"records": [{"ocid": "x"}]}')}, "mixed-pages"),
    "back to the first": ({"/b": (200, {}, b'{"releases": [], "links": {"next": "/a#again"}}')}, "loop"),
    "the same page again": (
        {"/b": (200, {}, json.dumps({"releases": [release(1)], "links": {"next": "/c"}}).encode())},
        "loop",
    ),
    "another network": (
        {"/b": (200, {}, b'{"releases": [], "links": {"next": "http://169.254.169.254/latest"}}')},
        "address-refused",
    ),
    "huge": ({"/b": (200, {}, b'{"releases": ["' + b"x" * 30_000)}, "too-large"),
    "next is no address": ({"/b": (200, {}, b'{"releases": [], "links": {"next": {}}}')}, "not-a-package"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_part_never_passes_for_the_whole(desk: Desk, agency: Agency, case: str) -> None:
    answers, expected = BROKEN[case]
    agency.page("/a", [release(1)], "b")
    agency.answers |= answers
    source = add(desk, agency, "/a")
    assert outcome(desk, source, Bounds(most_bytes=20_000)) == expected
    assert desk.arrivals.of_member("HND") == () and left_over(desk) == []
    after = desk.harvests.get(source.id)
    assert after.failures == 1 and after.sha256 is None and after.failing_since is not None
    assert not harvest_due(desk, FETCHER), "not at once again"


def test_bounds_of_pages_and_time_and_nothing_there(desk: Desk, agency: Agency) -> None:
    for number in range(5):
        agency.page(f"/{number}", [release(number)], str(number + 1))
    agency.page("/empty", [])
    source = add(desk, agency, "/0")
    assert outcome(desk, source, Bounds(pages=3)) == "too-many-pages"
    assert outcome(desk, source, Bounds(seconds=0)) == "too-slow"
    assert outcome(desk, add(desk, agency, "/empty")) == "nothing-there"
    agency.answers["/x.csv"] = (200, {}, b"\n <!DOCTYPE html><p>Sign in")
    assert outcome(desk, add(desk, agency, "/x.csv", "file")) == "a-web-page"
    agency.answers["/x.csv"] = (200, {}, b"")
    assert outcome(desk, add(desk, agency, "/x.csv", "file")) == "nothing-there"


def test_a_server_that_wants_rest_gets_it(desk: Desk, agency: Agency) -> None:
    agency.answers["/a"] = (429, {"retry-after": "7200"}, b"")
    source = add(desk, agency, "/a")
    assert outcome(desk, source) == "too-many-requests" and len(agency.asked) == 1
    rest = desk.harvests.get(source.id).next_at - datetime.now(UTC)
    assert timedelta(minutes=119) < rest <= timedelta(hours=2)


def test_after_three_days_the_approvers_are_told_once(
    desk: Desk, agency: Agency, people: Mapping[str, Person], tmp_path: Path
) -> None:
    source = add(desk, agency, "/gone")
    outcome(desk, source)
    post = sender("", "a@example.org", tmp_path / "outbox")
    assert desk.mail.deliver(post) == 0
    with desk.database.write() as connection:
        connection.execute(
            update(sources).values(failing_since=datetime.now(UTC) - timedelta(days=3, minutes=1))
        )
    for _ in range(2):
        assert outcome(desk, source) == "not-found"
    assert desk.mail.deliver(post) == 2, "both approvers of the member, once, and nobody else"
    letters = [
        message_from_bytes(each.read_bytes(), policy=default) for each in (tmp_path / "outbox").iterdir()
    ]
    assert {each["To"] for each in letters} == {people["approver"].email, people["second"].email}
    assert all(f"/harvest/{source.id}" in each.get_content() for each in letters)
    agency.page("/gone", [release(1)])
    assert outcome(desk, source) == "arrived"
    well = desk.harvests.get(source.id)
    assert well.failures == 0 and well.failing_since is None and well.next_at > datetime.now(UTC)


def test_two_workers_never_fetch_the_same(desk: Desk, agency: Agency) -> None:
    agency.page("/a", [release(1)])
    source = add(desk, agency, "/a")
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: harvest_due(desk, FETCHER), range(4))) == [False, False, False, True]
    assert len(agency.asked) == 1 and len(desk.arrivals.of_member("HND")) == 1
    assert [each.outcome for each in desk.harvests.runs(source.id)] == ["arrived"]


@pytest.mark.parametrize("moment", ["before the file is in its place", "before it is written down"])
def test_a_worker_killed_before_the_arrival(desk: Desk, agency: Agency, moment: str) -> None:
    agency.page("/a", [release(1)])
    source = add(desk, agency, "/a")

    def die() -> None:
        """A worker of its own that ends as by `kill -9`: nothing of it is tidied up."""
        place, name = (
            (rounds, "write_down") if moment == "before it is written down" else (rounds.shutil, "move")
        )
        setattr(place, name, lambda *_ignored, **_named: os._exit(9))
        harvest_due(desk, FETCHER)

    worker = get_context("fork").Process(target=die)
    worker.start()
    worker.join(30)
    assert worker.exitcode == 9 and len(left_over(desk)) == 1
    assert desk.arrivals.of_member("HND") == () and not harvest_due(desk, FETCHER), (
        "its claim holds for a while"
    )
    with desk.database.write() as connection:
        connection.execute(
            update(sources).values(claimed_at=datetime.now(UTC) - SILENCE - timedelta(seconds=1))
        )
    assert harvest_due(desk, FETCHER) and not harvest_due(desk, FETCHER)
    assert len(taken(desk)) == 1 and len(list(desk.site.zones.arrivals.iterdir())) == 1
    assert left_over(desk) == []
    assert [each.outcome for each in desk.harvests.runs(source.id)] == ["arrived", "interrupted"]


def test_a_worker_that_was_believed_dead_changes_nothing(desk: Desk, agency: Agency) -> None:
    agency.page("/a", [release(1)])
    source = add(desk, agency, "/a")

    def meanwhile() -> Any:
        """While the first worker waits for its answer, another one takes over and is done."""
        agency.page("/a", [release(1)])
        with desk.database.write() as connection:
            connection.execute(update(sources).values(claimed_at=datetime.now(UTC) - SILENCE * 2))
        assert harvest_due(desk, FETCHER)
        return agency.answers["/a"]

    agency.answers["/a"] = meanwhile
    assert harvest_due(desk, FETCHER)
    assert len(taken(desk)) == 1 and len(list(desk.site.zones.arrivals.iterdir())) == 1
    with pytest.raises(LostClaimError), desk.harvests.finishing(source, "nobody", "arrived"):
        pass


def test_paused_and_changed_sources(desk: Desk, agency: Agency) -> None:
    agency.page("/a", [release(1)])
    source = add(desk, agency, "/a")
    desk.harvests.pause(source.id, set_by="person:2")
    assert not harvest_due(desk, FETCHER)
    desk.harvests.resume(source.id, set_by="person:2")
    assert harvest_due(desk, FETCHER)
    kept = {"kind": "ocds", "set_by": "person:2", "package_type": None, "often": "weekly", "hour": 3}
    desk.harvests.change(source.id, source.address, period="2024", **kept)
    after = desk.harvests.get(source.id)
    assert after.sha256 and after.next_at.weekday() == 0 and after.next_at.hour == 3
    desk.harvests.change(source.id, source.address, period="2025", **kept)
    assert desk.harvests.get(source.id).sha256 is None, "the same data for another time come again"
    with pytest.raises(StoreError):
        desk.harvests.change(source.id, "nowhere", period="2025", **kept)


@pytest.mark.parametrize("folder", ["ocds-mexico-gacm-2017", "ocds-mexico-inai-2017"])
def test_what_agencies_really_published_comes_to_a_verdict(
    desk: Desk, agency: Agency, shared: Path, folder: str
) -> None:
    found = [
        json.loads(each.read_bytes())
        for each in sorted((shared / "real" / folder / "releases").glob("*.json"))
    ][:20]
    pages = [found[start : start + 7] for start in range(0, len(found), 7)]
    for number, each in enumerate(pages):
        agency.page(f"/{number}", each, f"{number + 1}" if number + 1 < len(pages) else None)
    source = add(desk, agency, "/0")
    assert outcome(desk, source) == "arrived"
    assert taken(desk)[0]["releases"] == found
    work(desk)
    entry = desk.site.ledger.submissions("HND")[0]
    assert entry.state in {State.READY, State.NEEDS_WORK} and entry.errors is not None
