"""Harvests ask through the same guard as everything that members let fetch."""

import re
from pathlib import Path

import pytest

from pipelines.desk import fetching
from pipelines.desk.fetching import Limits, NotFetchedError
from pipelines.desk.harvesting import asking
from pipelines.desk.harvesting.asking import Guarded
from pipelines.desk.harvesting.trouble import HarvestError, Trouble


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/x", "http://localhost/x", "http://[::1]/", "file:///etc/passwd"]
)
def test_our_own_network_is_not_asked(tmp_path: Path, address: str) -> None:
    with pytest.raises(HarvestError, match=Trouble.ADDRESS_REFUSED.value):
        Guarded(Limits()).check(address)
    with pytest.raises(HarvestError, match=Trouble.ADDRESS_REFUSED.value):
        Guarded(Limits()).fetch(address, tmp_path, most_bytes=10, seconds=5, etag=None, modified=None)
    assert list(tmp_path.iterdir()) == []


def test_every_code_is_a_trouble() -> None:
    codes = set(
        re.findall(r'NotFetchedError\(\s*"([a-z-]+)"', Path(fetching.__file__).read_text(encoding="utf-8"))
    )
    assert len(codes) == 8 and codes == {*asking._TROUBLES, "status"}


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        ("404", Trouble.NOT_FOUND), ("410", Trouble.NOT_FOUND), ("401", Trouble.NOT_ALLOWED), ("403", Trouble.NOT_ALLOWED),
        ("429", Trouble.TOO_MANY_REQUESTS), ("500", Trouble.SERVER_BROKEN), ("503", Trouble.SERVER_BROKEN),
    ],
)  # fmt: skip
def test_what_a_status_means(status: str, trouble: Trouble) -> None:
    assert asking._trouble(NotFetchedError("status", status, 7.0)) is trouble
