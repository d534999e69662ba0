"""Sent at the desk, judged, approved and published, killed at every step; run by test_interrupted.py as a script.

python interrupted.py <folder>       prints the steps at which it was killed, as JSON
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import duckdb  # noqa: E402
import frictionless  # noqa: E402, F401  imported before forking, so that no child has to
import pandas  # noqa: E402, F401
from faults import kill_at_every_step  # noqa: E402

from pipelines import review, workflow  # noqa: E402
from pipelines.catalogue import load_catalogue  # noqa: E402
from pipelines.desk import Desk  # noqa: E402
from pipelines.desk.staging import stage_arrival  # noqa: E402
from pipelines.intake import receive  # noqa: E402
from pipelines.publication import assemble, current_release, read_release  # noqa: E402
from pipelines.settings import Settings  # noqa: E402
from pipelines.store import State, newest_versions, read_history, verify_version  # noqa: E402
from pipelines.store.audit import check as check_chain  # noqa: E402
from pipelines.validation import rules, validate  # noqa: E402

ROWS = 3
ARRIVAL, ANA = "a" * 32, "person:1"
TOPICS = "topic,position,title\nopenData,1,Open data\nwomen,2,Women\nmsme,3,Small firms\n"

WRITERS = [
    (receive, "write_manifest"),
    (receive, "stage_raw_table"),
    (validate, "check_contents"),
    (validate, "write_report"),
    (validate, "_write_table"),
    (assemble, "gather_tables"),
    (assemble, "write_parquet"),
    (assemble, "write_csv"),
    (assemble, "write_sqlite"),
    (assemble, "write_duckdb"),
    (assemble, "verify_release"),
    (workflow, "switch_current"),
]


def open_desk(folder: Path) -> Desk:
    return Desk.of(
        workflow.Installation.open(Settings(data_dir=folder / "var", threads=1, memory_limit="500MB"))
    )


def work(folder: Path) -> None:
    """Everything that has not been done yet, as pages and worker do it."""
    desk = open_desk(folder)
    if not desk.arrivals.of_member("INGP"):
        own = desk.arrivals.folder(ARRIVAL)
        own.mkdir(parents=True, exist_ok=True)
        (own / "topics.csv").write_text(TOPICS, encoding="utf-8")
        desk.arrivals.add(ARRIVAL, "INGP", ANA, package_type="activity")
    for arrival in desk.arrivals.waiting():
        stage_arrival(desk, arrival)
    for submission_id in workflow.unfinished(desk.site):
        workflow.process(desk.site, submission_id)
    for entry in desk.site.ledger.submissions(state=State.READY):
        review.approve(desk.site, entry.submission_id, by=ANA)
    workflow.publish(desk.site)


def check(folder: Path, step: int) -> None:
    """Before the rerun nothing is half there; after it everything is there once, and nobody is asked twice."""
    desk = open_desk(folder)
    site = desk.site
    read_whole(site)
    assert check_chain(desk.database).broken is None
    said_yes = {entry.submission_id for entry in site.ledger.submissions() if entry.approved_by}
    for submission_id in workflow.unfinished(site):
        workflow.process(site, submission_id)
    assert not said_yes & {entry.submission_id for entry in site.ledger.submissions(state=State.READY)}
    work(folder)
    versions = newest_versions(site.lake)
    assert [int(version.number) for version in versions] == [1], versions
    assert len(read_history(site.lake, "INGP", "activity")) == 1
    assert sum(each.rows for each in versions[0].tables) == ROWS
    (record,) = site.ledger.submissions()
    assert record.state == State.PUBLISHED, record
    assert (record.rows_in, record.rows_accepted, record.rows_refused) == (ROWS, ROWS, 0)
    assert len(list(site.zones.staged.iterdir())) == 1
    told = [event.to_state for event in site.ledger.events(record.submission_id)]
    assert all(told.count(state) == 1 for state in (State.RECEIVED, State.ACCEPTED, State.PUBLISHED)), told
    assert check_chain(desk.database).broken is None
    read_whole(site, expect=True)


def read_whole(site: workflow.Installation, *, expect: bool = False) -> None:
    """Whatever a reader can reach is complete: the versions, and the release that is served."""
    for version in newest_versions(site.lake):
        verify_version(site.lake, version)
    folder = current_release(site.zones)
    assert folder is not None or not expect
    if folder is None:
        return
    release = read_release(folder)
    assert all((folder / file.path).stat().st_size == file.bytes for file in release.files)
    with duckdb.connect(str(folder / "ingp.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM activity_topics").fetchall() == [(ROWS,)]


def main(folder: Path) -> None:
    load_catalogue(ROOT / "schemas", ROOT / "datapackages")
    rules.load_rules()

    def prepare(step: int) -> Path:
        own = folder / str(step)
        own.mkdir(parents=True)
        (own / "topics.csv").write_text(TOPICS, encoding="utf-8")
        return own

    print(json.dumps(kill_at_every_step(prepare, work, check, wrap=WRITERS, lanes=2)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
