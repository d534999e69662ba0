"""What counts as a complete package, and where it goes."""

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from flows import inbox as module
from flows.inbox import (
    InboxPackage,
    complete_packages,
    find_packages,
    find_strays,
    fingerprint,
    move_taken,
    one_receiver,
)
from pipelines.exceptions import IntakeError
from pipelines.identifiers import SubmissionId

MEMBERS = ("PRY", "INGP")
SUBMISSION = SubmissionId("PRY-procurement-0123456789ab")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    for member in MEMBERS:
        (tmp_path / "inbox" / member).mkdir(parents=True)
    return tmp_path / "inbox"


def put(path: Path, text: str = "a\n1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(inbox: Path, only: str | None = None) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (
            each.path.relative_to(inbox).as_posix(),
            each.member,
            each.period,
            each.sidecar and each.sidecar.name,
        )
        for each in find_packages(inbox, MEMBERS, only)
    ]


def test_a_file_and_a_folder_are_a_package_each(inbox: Path) -> None:
    put(inbox / "PRY" / "awards.csv")
    put(inbox / "INGP" / "network" / "data" / "members.csv")
    assert found(inbox) == [("INGP/network", "INGP", None, None), ("PRY/awards.csv", "PRY", None, None)]
    assert found(inbox, only="pry") == [("PRY/awards.csv", "PRY", None, None)]


@pytest.mark.parametrize("period", ["2024", "2024-03", "2024-Q1", "2024-q1", "all"])
def test_a_folder_named_like_a_period_tells_the_period(inbox: Path, period: str) -> None:
    put(inbox / "PRY" / period / "awards.csv")
    put(inbox / "PRY" / period / "2023" / "awards.csv")
    assert found(inbox) == [
        (f"PRY/{period}/2023", "PRY", period, None),
        (f"PRY/{period}/awards.csv", "PRY", period, None),
    ]


@pytest.mark.parametrize("name", ["2024-13", "24", "March", "2024.csv"])
def test_other_names_are_no_period(inbox: Path, name: str) -> None:
    put(inbox / "PRY" / name / "awards.csv")
    assert found(inbox) == [(f"PRY/{name}", "PRY", None, None)]


def test_a_data_package_named_like_a_period_stays_whole(inbox: Path) -> None:
    put(inbox / "PRY" / "2024" / "datapackage.json", "{}")
    put(inbox / "PRY" / "2024" / "awards.csv")
    assert found(inbox) == [("PRY/2024", "PRY", "2024", None)]


@pytest.mark.parametrize(
    "name",
    [".hidden.csv", "~$awards.xlsx", "awards.csv.part", "awards.TMP", "awards.zip.filepart", "Thumbs.db"],
)
def test_unfinished_and_system_files_are_passed_over(inbox: Path, name: str) -> None:
    put(inbox / "PRY" / name)
    assert found(inbox) == []


def test_what_was_taken_is_not_found_again(inbox: Path) -> None:
    put(inbox / ".taken" / SUBMISSION / "awards.csv")
    assert found(inbox) == []
    assert find_strays(inbox, MEMBERS) == []


def test_a_mapping_file_goes_with_its_package(inbox: Path) -> None:
    put(inbox / "PRY" / "awards.csv")
    put(inbox / "PRY" / "awards.csv.mapping.json", "{}")
    put(inbox / "PRY" / "2024" / "offers.xlsx")
    put(inbox / "PRY" / "2024" / "offers.mapping.json", "{}")
    assert found(inbox) == [
        ("PRY/2024/offers.xlsx", "PRY", "2024", "offers.mapping.json"),
        ("PRY/awards.csv", "PRY", None, "awards.csv.mapping.json"),
    ]


def test_a_mapping_file_that_fits_two_packages_goes_with_none(inbox: Path) -> None:
    for name in ("awards.csv", "awards.xlsx", "awards.mapping.json"):
        put(inbox / "PRY" / name, "{}")
    assert found(inbox) == [("PRY/awards.csv", "PRY", None, None), ("PRY/awards.xlsx", "PRY", None, None)]


def test_what_is_in_no_members_folder_is_a_stray(inbox: Path) -> None:
    put(inbox / "ZZZ" / "awards.csv")
    put(inbox / "loose.csv")
    put(inbox / "PRY" / "awards.csv")
    assert [path.name for path in find_strays(inbox, MEMBERS)] == ["ZZZ", "loose.csv"]


def test_a_growing_file_is_not_complete_and_an_old_one_is(inbox: Path) -> None:
    put(inbox / "PRY" / "still.csv")
    growing = put(inbox / "PRY" / "growing.csv")
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with growing.open("a") as file:
                file.write("more\n")
            time.sleep(0.01)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        complete = complete_packages(find_packages(inbox, MEMBERS), 0.2)
    finally:
        stop.set()
        writer.join()
    assert [package.path.name for package in complete] == ["still.csv"]


def test_a_file_that_disappears_meanwhile_is_not_complete(inbox: Path) -> None:
    put(inbox / "PRY" / "awards.csv")
    packages = find_packages(inbox, MEMBERS)
    packages[0].path.unlink()
    assert complete_packages(packages, 0) == []


def test_the_file_written_last_comes_last(inbox: Path) -> None:
    for name, seconds in (("a.csv", 2000), ("b.csv", 1000)):
        os.utime(put(inbox / "PRY" / name), (seconds, seconds))
    complete = complete_packages(find_packages(inbox, MEMBERS), 0)
    assert [package.path.name for package in complete] == ["b.csv", "a.csv"]


@pytest.mark.parametrize("inside", [[], ["awards.csv", "offers.csv.part"], ["~$awards.xlsx"], [".DS_Store"]])
def test_a_folder_that_is_not_ready(inbox: Path, inside: list[str]) -> None:
    folder = inbox / "PRY" / "package"
    folder.mkdir()
    for name in inside:
        put(folder / name)
    (package,) = find_packages(inbox, MEMBERS)
    assert fingerprint(package) is None


def test_a_link_is_not_followed(inbox: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "secret.csv", "x" * 1000)
    (inbox / "PRY" / "package").symlink_to(tmp_path / "elsewhere")
    (package,) = find_packages(inbox, MEMBERS)
    ((name, size, _),) = fingerprint(package) or ()
    assert name.endswith("package") and size != 1000
    move_taken(package, SUBMISSION, inbox)
    assert (tmp_path / "elsewhere" / "secret.csv").exists()


def test_moving_keeps_what_is_there_already(inbox: Path) -> None:
    for text in ("first", "second"):
        path = put(inbox / "PRY" / "awards.csv", text)
        sidecar = put(inbox / "PRY" / "awards.csv.mapping.json", text)
        move_taken(InboxPackage(path, SUBMISSION.member, None, sidecar), SUBMISSION, inbox)
    taken = {path.name: path.read_text() for path in (inbox / ".taken" / SUBMISSION).iterdir()}
    assert taken == {
        "awards.csv": "first",
        "awards.csv.mapping.json": "first",
        "2-awards.csv": "second",
        "2-awards.csv.mapping.json": "second",
    }
    assert not list((inbox / "PRY").iterdir())


def test_one_receiver_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    lock = tmp_path / "lock"
    with one_receiver(lock), pytest.raises(IntakeError), one_receiver(lock):
        pass
    with one_receiver(lock):
        pass


def test_a_trouble_inside_the_lock_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), one_receiver(tmp_path / "lock"):
        raise sqlite3.OperationalError("disk I/O error")
    with one_receiver(tmp_path / "lock"):
        pass
