"""Licences by SPDX id: their addresses come from the codelist ``licence``."""

from pipelines.catalogue import Catalogue
from pipelines.exceptions import CatalogueError


def licence_of(catalogue: Catalogue, spdx: str) -> dict[str, str]:
    """Licence as Data Package v2 writes it: name, path, title."""
    try:
        code = catalogue.codelists["licence"].codes[spdx]
    except KeyError:
        raise CatalogueError(f"licence {spdx!r} is not in the codelist") from None
    return {"name": spdx, "path": code.extra.get("url", ""), "title": code.title}
