"""Which addresses speak a language, and where it stands in them."""

import pytest

from pipelines.serving.addresses import has_language, split_language, with_language, without_base


@pytest.mark.parametrize(
    "path",
    ["/", "/ingp", "/ingp/t/A,b~2Ecsv", "/v/2026.11.1", "/v/2026.11.2/changes/2026.11.1", "/v/2026.11.1/ingp/t?_next=a.b",
     "/ingp/t?url=x.csv", "/#downloads", "/ingp/t.atom?a=b", "/es-MX"],
)  # fmt: skip
def test_pages_have_a_language(path: str) -> None:
    assert has_language(path)
    assert with_language(path, "es") == f"/es{path}" and with_language(path, None) == path
    assert with_language(f"/fr{path}", "es") == f"/fr{path}"
    assert with_language(f"/a/b{path}", "es", "/a/b/") == f"/a/b/es{path}"


@pytest.mark.parametrize(
    "path",
    ["/ingp.json", "/ingp/t.csv?a=b", "/v/2026.11.1/ingp.db", "/v/2026.11.1/csv/t.csv", "/robots.txt", "/ingp/t?_format=json",
     "/assets/site.css?_hash=1", "/files/parquet/", "/-/lang/es", "/v/1/parquet/A/2024/t.parquet#x", "/X.JSON"],
)  # fmt: skip
def test_files_have_none(path: str) -> None:
    assert not has_language(path)
    assert with_language(path, "es") == path == with_language(f"/es{path}", None)
    assert with_language(f"/a/fr{path}", "es", "/a/") == f"/a{path}"


def test_a_language_is_a_whole_part_of_the_path() -> None:
    assert split_language("/es") == ("es", "/") and split_language("/es/ingp") == ("es", "/ingp")
    assert split_language("/estonia") == (None, "/estonia") and split_language("/de/x") == (None, "/de/x")
    assert split_language("/ingp/es") == (None, "/ingp/es")


def test_a_base_is_whole_parts_too() -> None:
    assert without_base("/a/b/c", "/a/b/") == "/c" and without_base("/a/b", "/a/b/") == "/"
    assert without_base("/a/bc", "/a/b/") == "/a/bc" and without_base("/x", "/") == "/x"
