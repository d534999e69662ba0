from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.engine import connect, fetch_one, quote_name, quote_text


def test_settings_hold(tmp_path: Path) -> None:
    with connect("512MB", threads=1, temp=tmp_path / "spill") as connection:
        wanted = ("memory_limit", "threads", "temp_directory", "autoinstall_known_extensions", "TimeZone")
        found = [fetch_one(connection, f"SELECT current_setting('{name}')")[0] for name in wanted]
    assert found == ["488.2 MiB", 1, str(tmp_path / "spill"), False, "UTC"]
    assert (tmp_path / "spill").is_dir()


def test_instants_are_utc() -> None:
    with connect() as connection:
        (instant,) = fetch_one(connection, "SELECT TIMESTAMPTZ '2026-01-01 10:00:00-05'")
        assert instant == datetime(2026, 1, 1, 15, tzinfo=UTC)
        assert fetch_one(connection, "SELECT (TIMESTAMPTZ '2026-01-01 22:00:00-05')::DATE::VARCHAR") == (
            "2026-01-02",
        )


def test_it_is_closed_on_leaving() -> None:
    with connect() as connection:
        pass
    with pytest.raises(Exception, match="closed"):
        connection.execute("SELECT 1")


@pytest.mark.parametrize("name", ["plain", 'with "quotes"', "it's", "año; DROP TABLE x"])
def test_names_and_texts_are_quoted(name: str) -> None:
    with connect() as connection:
        relation = connection.sql(f"SELECT {quote_text(name)} AS {quote_name(name)}")
        assert (relation.columns, relation.fetchall()) == ([name], [(name,)])
