"""The demo's folder: its own, fresh, and nobody else's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.demo import MARK, NotADemoFolderError, demo_environment, fill_inboxes, make_folder, show_summary
from flows.inbox import find_packages, find_strays
from pipelines import workflow
from pipelines.cli.show import out
from pipelines.workflow import Installation


def test_a_folder_of_an_earlier_demo_is_made_anew(tmp_path: Path) -> None:
    make_folder(tmp_path / "var" / "demo")
    (tmp_path / "var" / "demo" / "old").touch()
    make_folder(tmp_path / "var" / "demo")
    assert [path.name for path in (tmp_path / "var" / "demo").iterdir()] == [MARK]


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("years of work")
    with pytest.raises(NotADemoFolderError):
        make_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_it_never_uses_the_lake_or_the_ledger_of_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGP_LAKE_URL", "s3://the-real-one")
    monkeypatch.setenv("INGP_LEDGER_URL", "postgresql+psycopg://the-real-one")
    for name, value in demo_environment(tmp_path, 8001).items():
        monkeypatch.setenv(name, value)
    site = Installation.open()
    assert site.zones.root == tmp_path
    assert (site.settings.lake_url, site.settings.ledger_url) == ("", "")


def test_every_package_lies_in_the_inbox_of_a_member(site: Installation) -> None:
    count = fill_inboxes(site)
    packages = find_packages(site.zones.inbox, site.catalogue.members)
    assert len(packages) == count
    assert {package.member for package in packages} == {"XAA", "XBB", "XCC", "INGP"}
    assert not find_strays(site.zones.inbox, site.catalogue.members)


def test_the_summary_says_what_was_refused_and_why(
    site: Installation, put_contracts: Callable[..., Path]
) -> None:
    path = put_contracts("bad.csv", method="by lottery")
    staged = workflow.receive(site, [path], "BRB")
    workflow.process(site, staged.submission.submission_id)
    with out.capture() as captured:
        show_summary(site)
    text = " ".join(captured.get().split())
    assert "Barbados" in text and "by lottery" in text
    assert "bad.csv, row 2, column F" in text
