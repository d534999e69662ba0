"""One Prefect server for all flow tests, and tiny packages to send through it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Before Prefect is imported: its files belong to the tests, not to the developer's installation.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="ingp-prefect-")

HEADINGS = (
    "contract_id,local_process_id,buyer_name,buyer_id,tender_title,procurement_method,main_procurement_category,"
    "award_date,supplier_name,supplier_id,contract_title,contract_status,contract_date_signed,"
    "contract_period_start,contract_period_end,contract_value_amount,contract_value_currency"
)

PutContracts = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on one worker of xdist: a second test server would cost more than it gives."""
    own = Path(__file__).parent
    for item in items:
        if own in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("prefect"))


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that flows find through the environment, as they do in production."""
    for name in ("INGP_LAKE_URL", "INGP_LEDGER_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("INGP_LANGUAGE", "en")
    monkeypatch.setenv("INGP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("INGP_MEMORY_LIMIT", "1GB")
    return tmp_path


@pytest.fixture
def put_contracts(data_dir: Path) -> PutContracts:
    """Put a flat contracts table into an inbox: (name below the inbox, rows, method). Returns its path.

    The member BRB is one whose language is English.
    """

    def write(name: str, rows: int = 3, method: str = "open") -> Path:
        lines = [
            f"C-{each},P-{each},Ministry of Works,0105,School desks,{method},goods,2025-03-01T00:00:00Z,"
            "Desks SA,30-1,Desks,active,2025-04-01T00:00:00Z,2025-05-01T00:00:00Z,2025-06-01T00:00:00Z,"
            "100.50,BBD"
            for each in range(1, rows + 1)
        ]
        path = data_dir / "inbox" / "BRB" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADINGS, *lines, ""]), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Prefect's own test server, started once: 20 s on a busy machine."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield
