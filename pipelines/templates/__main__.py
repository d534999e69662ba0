"""``python -m pipelines.templates [folder]``: write the templates of this checkout's ``schemas/``."""

import argparse
from pathlib import Path

from pipelines.catalogue import load_catalogue
from pipelines.templates import write_templates

CHECKOUT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pipelines.templates", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=CHECKOUT / "datapackages" / "templates")
    arguments = parser.parse_args()
    write_templates(load_catalogue(CHECKOUT / "schemas", CHECKOUT / "datapackages"), arguments.folder)


if __name__ == "__main__":
    main()
