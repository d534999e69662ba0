"""Comments below a submission: both sides write, the other side gets a letter, nobody else learns that it exists."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from pipelines import workflow
from pipelines.desk import Desk, Person
from pipelines.desk.mail import mail
from tests.desk.conftest import as_actor
from tests.pipelines.test_workflow import ONE, flat


async def test_both_sides_write(desk: Desk, pages: Any, people: Mapping[str, Person], tmp_path: Path) -> None:
    sent = workflow.submit(desk.site, [flat(tmp_path / "a.csv", ONE)], "HND").staged.submission.submission_id
    path, told = f"/submissions/{sent}/comments", {"text": "¿Falta marzo?", "question": "1"}
    assert (await pages.post(path, data=told, actor=as_actor(people["other"]))).status_code == 404
    assert (await pages.post(path, data=told)).headers["location"] == "/sign-in"
    assert (await pages.post(path, data=told, actor=as_actor(people["secretariat"]))).status_code == 302
    with desk.database.read() as connection:
        assert {row.to.split("@")[0] for row in connection.execute(select(mail.c.to))} == {
            "reader", "submitter", "approver", "second"
        }  # fmt: skip
    assert desk.comments.open_questions() == {"HND": 1}
    (kept,) = desk.comments.of_submission(sent)
    await pages.post(path, data={"text": "<script>x</script>\nsí"}, actor=as_actor(people["reader"]))
    page = (await pages.get(f"/submissions/{sent}", actor=as_actor(people["approver"]))).text
    assert "¿Falta marzo?" in page and "pregunta abierta" in page and "<script>x" not in page
    assert (
        await pages.post(f"{path}/{kept.id}/answered", actor=as_actor(people["other"]))
    ).status_code == 404
    assert (
        await pages.get(f"{path}/{kept.id}/answered", actor=as_actor(people["reader"]))
    ).status_code == 404
    await pages.post(f"{path}/{kept.id}/answered", actor=as_actor(people["reader"]))
    assert desk.comments.open_questions() == {}
    empty = await pages.post(path, data={"text": " "}, actor=as_actor(people["reader"]))
    assert "trouble=comment-empty" in empty.headers["location"]
