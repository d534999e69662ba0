"""Zones: where each state of a package lives below the data folder. Nothing else builds such paths."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.identifiers import ReleaseId, SubmissionId


@dataclass(frozen=True, slots=True)
class Zones:
    """Folders of one installation.

    ::

        <root>/inbox/<member>/         files put there by people, taken by `flows.receive_submissions`
        <root>/staged/<submission>/    original/ (the bytes as sent), tables/*.parquet, manifest.json
        <root>/reports/<submission>/   report.json, findings.parquet
        <root>/lake/                   accepted versions (unless the lake is elsewhere)
        <root>/ledger.sqlite           people and process (unless the ledger is elsewhere)
        <root>/releases/<release>/     published files;  <root>/releases/current.json points to one
        <root>/arrivals/<arrival>/     files sent at the desk, taken by `flows.desk`
        <root>/uploads/<upload>/       files that come in pieces, until they are an arrival
        <root>/made/<work>/            what `flows.desk` made for a page; made again when it is gone
        <root>/outbox/*.eml            letters, where there is no mail server
        <root>/rechecked.json          what the rules of now say to what is accepted, of the last time
        <root>/tmp/                    unfinished work; safe to delete when nothing runs
    """

    root: Path

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def staged(self) -> Path:
        return self.root / "staged"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def current(self) -> Path:
        return self.releases / "current.json"

    @property
    def arrivals(self) -> Path:
        return self.root / "arrivals"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def made(self) -> Path:
        return self.root / "made"

    @property
    def rechecked(self) -> Path:
        return self.root / "rechecked.json"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def progress(self) -> Path:
        """How far the judging of each submission has come."""
        return self.tmp / "progress"

    def staged_folder(self, submission_id: SubmissionId) -> Path:
        return self.staged / submission_id

    def report_folder(self, submission_id: SubmissionId) -> Path:
        return self.reports / submission_id

    def release_folder(self, release_id: ReleaseId) -> Path:
        return self.releases / release_id

    def create(self) -> "Zones":
        for folder in (self.inbox, self.staged, self.reports, self.releases, self.tmp):
            folder.mkdir(parents=True, exist_ok=True)
        return self
