"""Proposals for cells that are wrong."""

import pytest

from pipelines.catalogue import Catalogue
from pipelines.validation.near import NearCodes, near_date


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2016-21-12", "2016-12-21"),
        ("2016-002-12", "2016-02-12"),
        ("2016-31-10", "2016-10-31"),
        ("2024 / 13 / 05", "2024-05-13"),
        ("05/13/2024", "2024-05-13"),
        ("2016-21-12T00:00:00Z", "2016-12-21"),
        ("31/02/2025", ""),
        ("2025-40-40", ""),
        ("0000-01-01", ""),
        ("12/13/24", ""),
        ("mañana", ""),
        ("", ""),
    ],
)
def test_an_impossible_date_and_what_was_meant(written: str, meant: str) -> None:
    assert near_date(written) == meant


@pytest.mark.parametrize(
    ("codelist", "written", "meant"),
    [
        ("method", "abierta", "open"),
        ("method", "ABIERTO", "open"),
        ("method", "oppen", "open"),
        ("method", "Contratación dirécta", "direct"),
        ("method", "restreint", "limited"),
        ("method", "licitación", ""),
        ("method", "", ""),
        ("method", "?", ""),
        ("tenderStatus", "desierta", "unsuccessful"),
        ("procurementCategory", "servicio", "services"),
        ("currency", "MNX", ""),
        ("no-such-list", "open", ""),
    ],
)
def test_a_code_that_was_meant(catalogue: Catalogue, codelist: str, written: str, meant: str) -> None:
    near = NearCodes(catalogue)
    assert near.find(codelist, written) == meant
    assert near.find(codelist, written) == meant, "the second time from memory"
