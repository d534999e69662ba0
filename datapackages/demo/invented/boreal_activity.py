"""XBB as a member that reports its activity. XBB is not the network: these are its own, invented events."""

import json
from pathlib import Path

from invented.packages import Row, write_package

from pipelines.catalogue import Catalogue

BOARD = "Boreal Islands Procurement Board (demo)"
SITE = "https://marches.boreal.example"


def write_xbb_activity(catalogue: Catalogue, folder: Path) -> None:
    facts = json.loads(Path(__file__).with_name("activity.json").read_text(encoding="utf-8"))
    common: dict[str, Row] = {
        "activities": {"organizer": BOARD},
        "publications": {"publisher": BOARD, "licence": "CC-BY-4.0"},
        "courses": {"provider": BOARD},
    }
    key = {"activities": "activity_id", "publications": "publication_id", "courses": "course_id"}
    tables = {
        table: [
            {
                **row,
                **common[table],
                "url": f"{SITE}/{table}/{row[key[table]]}",
                "source": f"Register of {BOARD}",
            }
            for row in rows
        ]
        for table, rows in facts.items()
    }
    about = {
        "name": "xbb-activity-2025",
        "title": "Activities 2025, Boreal Islands (demo)",
        "description": "Invented data of an invented member, not of the network: its year 2025.",
    }
    write_package(folder, catalogue.package_type("activity"), "XBB", about, tables)
