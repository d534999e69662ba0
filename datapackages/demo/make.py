"""Writes the demo packages of the invented members XAA, XBB and XCC: ``python datapackages/demo/make.py``.

The same code gives the same data: everything follows from seeds. What each file is for stands in README.md;
the invented countries are in ``invented/``.
"""

import argparse
from pathlib import Path

from invented.aurelia import write_xaa
from invented.boreal import write_xbb
from invented.boreal_activity import write_xbb_activity
from invented.cordilheira import write_xcc

from pipelines.catalogue import load_catalogue

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the demo packages.")
    parser.add_argument("folder", nargs="?", type=Path, default=HERE)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = load_catalogue(CHECKOUT / "schemas", CHECKOUT / "datapackages")
    write_xaa(catalogue, folder)
    write_xbb(catalogue, folder / "xbb-2025")
    write_xbb_activity(catalogue, folder / "xbb-activity")
    write_xcc(folder / "xcc-2025-ocds.json.gz")


if __name__ == "__main__":
    main()
