"""What the files of a release say to people, in four languages (``texts.json``).

Titles and descriptions of tables, columns and codes are not here: they come from ``schemas/``.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("texts.json")


@cache
def load_texts() -> Mapping[str, Mapping[str, Any]]:
    """Language -> name -> text, or list or map of texts."""
    return json.loads(_FILE.read_text(encoding="utf-8"))
