"""The desk as a whole: its languages, and that nothing of Datasette's own can be reached."""

from typing import Any

import pytest

from tests.desk.conftest import as_actor


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "La mesa de los miembros"), ("en", "The members' desk"), ("pt", "A mesa dos membros"), ("fr", "Le bureau des membres")],
)  # fmt: skip
async def test_a_stranger_is_answered_in_her_language(pages: Any, language: str, words: str) -> None:
    answer = await pages.get("/", headers={"accept-language": f"{language};q=0.9, xx"})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text and words in answer.text
    chosen = await pages.get(f"/?lang={language}")
    assert f"ingp_lang={language};" in chosen.headers["set-cookie"]


async def test_a_person_is_answered_in_hers(pages: Any, people: Any) -> None:
    answer = await pages.get("/", actor=as_actor(people["other"]), headers={"accept-language": "fr"})
    assert "Bom dia, Outra pessoa" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/_memory", "/_internal", "/-/databases", "/-/settings", "/-/plugins.json", "/-/permissions", "/-/create-token",
     "/-/allow-debug", "/-/actor.json", "/-/threads", "/-/logout", "/-/messages", "/-/api", "/_memory/-/query.json?sql=select+1",
     "/-/jump", "/-/tables", "/%2d/settings", "//-/settings"],
)  # fmt: skip
async def test_datasettes_own_pages_are_for_nobody(pages: Any, people: Any, path: str) -> None:
    for actor in (None, as_actor(people["administrator"]), {"id": "root"}):
        answer = await pages.get(path, actor=actor)
        assert answer.status_code == 404, path
        assert "settings" not in answer.text or "html" in answer.headers["content-type"]
