"""Files that frictionless leaves open when a table is broken: collected here, not in the tests that come after."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """After the tests of a module, its garbage is taken away without a warning about open files."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
