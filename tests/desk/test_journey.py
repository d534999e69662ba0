"""A submission on its pages: from what was sent to what is published, with everything that a person can do on the way."""

import asyncio
import re
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from pipelines import review, workflow
from pipelines.desk import Desk, MemberPolicy, Person
from pipelines.desk.making import make_waiting
from pipelines.desk.receipts import receipt
from pipelines.desk.staging import stage_arrival, write_progress
from pipelines.identifiers import SubmissionId
from pipelines.store import State
from tests.desk.conftest import as_actor
from tests.pipelines.test_workflow import BAD, HEADING, ONE, TWO, flat

HOSTILE = 'C-004;L4;"<script>alert(1)</script>";"=HYPERLINK(""http://x"")";Cuatro;45/01/2024;5,00;HNL'


def work(desk: Desk, times: int = 2) -> None:
    """What the worker does, without Prefect."""
    for _ in range(times):
        for arrival in desk.arrivals.waiting():
            stage_arrival(desk, arrival)
        for own in workflow.unfinished(desk.site):
            workflow.process(desk.site, own)
        make_waiting(desk)


def send(
    desk: Desk, person: Person, *rows: str, name: str = "contratos.csv", period: str = "2024"
) -> SubmissionId:
    identifier, folder = desk.arrivals.new_folder()
    flat(folder / name, *rows)
    desk.arrivals.add(identifier, "HND", person.actor, period=period)
    work(desk)
    return SubmissionId(str(desk.arrivals.get(identifier).submission_id))


def newest(desk: Desk) -> SubmissionId:
    return desk.site.ledger.submissions("HND")[0].submission_id


async def test_from_a_bad_file_to_a_published_one(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    actor = as_actor(people["approver"])
    first = send(desk, people["approver"], ONE, BAD)
    answer = await pages.get(f"/submissions/{first}", actor=actor)
    assert answer.status_code == 200 and len(answer.content) < 100_000
    assert "1 problema por corregir" in answer.text and "F3" in answer.text.replace("fila 3, columna F", "F3")
    answer = await pages.get(f"/submissions/{first}/cells", actor=actor)
    number = re.search(r'name="cell-(\d+)" value="32/01/2024"', answer.text)[1]
    judged = re.search(r'name="report" value="([^"]+)"', answer.text)[1]
    form = {"report": judged, f"cell-{number}": "2024-01-31"}
    answer = await pages.post(f"/submissions/{first}/cells", actor=actor, data=form)
    assert answer.status_code == 303
    again = await pages.post(f"/submissions/{first}/cells", actor=actor, data=form)
    assert again.headers["location"] == answer.headers["location"], "a second click is the same work"
    work(desk)
    answer = await pages.get(answer.headers["location"], actor=actor)
    arrival = answer.headers["location"].removeprefix("/arrivals/")
    second = SubmissionId(str(desk.arrivals.get(arrival).submission_id))
    assert second != first and desk.site.ledger.submission(second).state is State.READY
    assert desk.site.ledger.submission(first).state is State.SUPERSEDED
    original = desk.site.zones.staged_folder(first) / "original" / "contratos.csv"
    assert "32/01/2024" in original.read_text(encoding="utf-8")
    answer = await pages.get(f"/submissions/{second}", actor=actor)
    assert "1 corregido" in answer.text
    await pages.get(f"/submissions/{second}/preview", actor=actor)
    work(desk)
    answer = await pages.get(f"/submissions/{second}/preview", actor=actor)
    assert "1.239,5" in answer.text and "HNL" in answer.text
    form = {"work": re.search(r'name="work" value="([^"]+)"', answer.text)[1]}
    for _ in range(2):
        answer = await pages.post(f"/submissions/{second}/approve", actor=actor, data=form)
        assert answer.status_code == 302
    work(desk)
    assert desk.site.ledger.submission(second).state is State.ACCEPTED
    assert (await pages.post(f"/submissions/{second}/approve", actor=actor, data=form)).status_code == 302
    assert workflow.publish(desk.site) is not None
    answer = await pages.get(f"/submissions/{second}/receipt", actor=actor)
    entry = desk.site.ledger.submission(second)
    assert entry.state is State.PUBLISHED and all(
        each["sha256"] in answer.text for each in receipt(desk, str(entry.submission_id), "")["files"]
    )
    told = (await pages.get(f"/submissions/{second}/receipt.json", actor=actor)).json()
    assert told["approved_by"] == people["approver"].actor and told["release"] and told["version"] == 1
    assert people["approver"].name not in str(told)
    answer = await pages.get(f"/submissions/{second}/history", actor=actor)
    for words in ("Recibido", "Aceptado como versión 1", "Publicado en la entrega", people["approver"].name):
        assert words in answer.text
    accepted = [each for each in desk.site.ledger.events(str(second)) if each.to_state is State.ACCEPTED]
    assert len(accepted) == 1
    answer = await pages.post(f"/submissions/{second}/withdraw", actor=actor, data={"reason": " "})
    assert answer.headers["location"].endswith("?needs=reason#decide")
    await pages.post(f"/submissions/{second}/withdraw", actor=actor, data={"reason": "Faltaba un anexo"})
    assert desk.site.ledger.submission(second).state is State.WITHDRAWN
    answer = await pages.get(f"/submissions/{second}/history", actor=actor)
    assert "Faltaba un anexo" in answer.text
    emptied = workflow.publish(desk.site)
    assert emptied is None or not emptied.versions


async def test_safe_fixes_are_offered_kind_by_kind(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    actor = as_actor(people["submitter"])
    first = send(desk, people["submitter"], ONE, TWO, BAD)
    answer = await pages.get(f"/submissions/{first}/fixes", actor=actor)
    assert 'http-equiv="refresh"' in answer.text
    work(desk)
    answer = await pages.get(f"/submissions/{first}/fixes", actor=actor)
    kinds = re.findall(r'name="kind" value="(\w+)"', answer.text)
    assert "dates" in kinds or "numbers" in kinds
    changes = re.search(r'href="([^"]+\.csv)"', answer.text)[1]
    listed = await pages.get(changes, actor=actor)
    assert listed.headers["content-disposition"].startswith("attachment") and "1.234,50" in listed.text
    answer = await pages.post(f"/submissions/{first}/fixes", actor=actor, data={})
    assert answer.status_code == 200, "nothing chosen, nothing done"
    answer = await pages.post(f"/submissions/{first}/fixes", actor=actor, data={"kind": kinds[-1]})
    work(desk)
    answer = await pages.get(answer.headers["location"], actor=actor)
    arrival = desk.arrivals.get(answer.headers["location"].removeprefix("/arrivals/"))
    assert (arrival.member, arrival.period, arrival.actor) == ("HND", "2024", people["submitter"].actor)
    assert arrival.submission_id not in (None, str(first))


async def test_cells_of_a_workbook_are_typed_and_its_formats_stay(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    identifier, folder = desk.arrivals.new_folder()
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADING.strip().split(";"))
    sheet.append(["C-001", "L1", "Obras", "Puente", "Uno", "2024-12-31", 1234.5, "HNL"])
    sheet.append(["C-002", "L2", "Salud", "Camas", "Dos", "32/01/2024", 7, "XXZ"])
    sheet["C2"].font = openpyxl.styles.Font(bold=True)
    sheet["J1"] = "=SUM(G2:G3)"
    book.save(folder / "libro ñ.xlsx")
    desk.arrivals.add(identifier, "HND", people["submitter"].actor, period="2024")
    work(desk)
    actor, first = as_actor(people["submitter"]), newest(desk)
    answer = await pages.get(f"/submissions/{first}/cells", actor=actor)
    judged = re.search(r'name="report" value="([^"]+)"', answer.text)[1]
    cells = {value: number for number, value in re.findall(r'name="cell-(\d+)" value="([^"]*)"', answer.text)}
    form = {"report": judged, f"cell-{cells['32/01/2024']}": "2024-01-31", f"cell-{cells['XXZ']}": "HNL"}
    answer = await pages.post(f"/submissions/{first}/cells", actor=actor, data=form)
    work(desk)
    answer = await pages.get(answer.headers["location"], actor=actor)
    arrival = desk.arrivals.get(answer.headers["location"].removeprefix("/arrivals/"))
    (path,) = desk.arrivals.folder(arrival.id).iterdir()
    assert path.name == "libro ñ.xlsx"
    mended = openpyxl.load_workbook(path).active
    assert mended["F3"].value.strftime("%Y-%m-%d") == "2024-01-31" and mended["H3"].value == "HNL"
    assert mended["C2"].font.bold and mended["J1"].value == "=SUM(G2:G3)" and mended["G3"].value == 7
    stale = form | {"report": "2020-01-01T00:00:00+00:00"}
    assert (await pages.post(f"/submissions/{first}/cells", actor=actor, data=stale)).status_code == 400


async def test_two_persons_and_two_at_once(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    desk.policies.set(MemberPolicy("HND", two_persons=True))
    own = send(desk, people["submitter"], ONE, TWO)
    one, two = as_actor(people["approver"]), as_actor(people["second"])
    await pages.get(f"/submissions/{own}/preview", actor=one)
    work(desk)
    answer = await pages.get(f"/submissions/{own}/preview", actor=one)
    form = {"work": re.search(r'name="work" value="([^"]+)"', answer.text)[1]}
    assert (
        await pages.post(f"/submissions/{own}/approve", actor=as_actor(people["submitter"]), data=form)
    ).status_code == 403
    await pages.post(f"/submissions/{own}/approve", actor=one, data=form)
    assert desk.site.ledger.submission(own).state is State.IN_REVIEW
    await pages.post(f"/submissions/{own}/approve", actor=one, data=form)
    assert desk.site.ledger.submission(own).approved_by is None, "her second click is not a second person"
    answer = await pages.get(f"/submissions/{own}/preview", actor=two)
    assert people["approver"].name in answer.text and 'name="second"' in answer.text
    await pages.post(f"/submissions/{own}/ask-again", actor=two, data={"reason": "Miremos otra vez"})
    assert desk.site.ledger.submission(own).state is State.READY
    await pages.post(f"/submissions/{own}/approve", actor=one, data=form)
    await pages.post(f"/submissions/{own}/approve", actor=two, data=form | {"second": "1"})
    late = await pages.post(f"/submissions/{own}/approve", actor=one, data=form)
    assert late.status_code in (302, 409)
    work(desk)
    assert desk.site.ledger.submission(own).state is State.ACCEPTED


def test_of_two_approvers_at_once_one_is_told(desk: Desk, people: Mapping[str, Person]) -> None:
    own = send(desk, people["submitter"], ONE, TWO)
    told: list[str] = []
    both = threading.Barrier(2)

    def approve(person: Person) -> None:
        both.wait()
        try:
            review.say_yes(desk.site, own, by=person.actor)
            told.append("yes")
        except review.DecidedError:
            told.append("late")

    threads = [threading.Thread(target=approve, args=(people[name],)) for name in ("approver", "second")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == ["late", "yes"]
    work(desk)
    accepted = [each for each in desk.site.ledger.events(str(own)) if each.to_state is State.ACCEPTED]
    assert len(accepted) == 1
    with pytest.raises(review.DecidedError):
        review.say_yes(desk.site, own, by=people["second"].actor)


async def test_a_loss_is_agreed_to_and_a_day_is_kept(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    actor = as_actor(people["approver"])
    rows = [f"C-{n:03};L{n};Obras;Puente;Uno;2024-12-31;10,00;HNL" for n in range(20)]
    first = send(desk, people["approver"], *rows)
    review.approve(desk.site, first, by=people["approver"].actor)
    own = send(desk, people["approver"], *rows[:5])
    await pages.get(f"/submissions/{own}/preview", actor=actor)
    work(desk)
    answer = await pages.get(f"/submissions/{own}/preview", actor=actor)
    assert 'name="agrees"' in answer.text and "-150" in answer.text
    form = {"work": re.search(r'name="work" value="([^"]+)"', answer.text)[1], "publish_on": "2099-01-31"}
    answer = await pages.post(f"/submissions/{own}/approve", actor=actor, data=form)
    assert answer.status_code == 409 and desk.site.ledger.submission(own).state is State.READY
    assert (
        await pages.post(f"/submissions/{own}/approve", actor=actor, data=form | {"publish_on": "mañana"})
    ).status_code == 409
    answer = await pages.post(f"/submissions/{own}/approve", actor=actor, data=form | {"agrees": "yes"})
    assert answer.status_code == 302
    work(desk)
    assert desk.site.ledger.submission(own).state is State.IN_REVIEW
    answer = await pages.get(f"/submissions/{own}", actor=actor)
    assert "31 de enero de 2099" in answer.text
    await pages.post(f"/submissions/{own}/send-back", actor=actor, data={"reason": "<b>Faltan</b> 15"})
    answer = await pages.get(f"/submissions/{own}", actor=actor)
    assert (
        "&lt;b&gt;Faltan&lt;/b&gt; 15" in answer.text
        and desk.site.ledger.submission(own).state is State.NEEDS_WORK
    )
    await pages.post(f"/submissions/{own}/take-back", actor=actor, data={"reason": "Era una prueba"})
    assert desk.site.ledger.submission(own).state is State.WITHDRAWN
    answer = await pages.post(f"/submissions/{own}/send-back", actor=actor, data={"reason": "tarde"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "path",
    ["", "/preview", "/fixes", "/cells", "/receipt", "/receipt.json", "/history", "/files/original", "/files/marked", "/files/report.html",
     "/files/report.json", "/files/findings.csv"],
)  # fmt: skip
async def test_other_members_learn_nothing(
    desk: Desk, people: Mapping[str, Person], pages: Any, path: str
) -> None:
    own = send(desk, people["submitter"], ONE, BAD)
    for where in (f"/submissions/{own}{path}", f"/submissions/nobody{path}"):
        answer = await pages.get(where, actor=as_actor(people["other"]))
        assert answer.status_code == 404, where
        answer = await pages.get(where)
        assert answer.status_code == 302 and answer.headers["location"].startswith(
            "/sign-in?next=%2Fsubmissions"
        )
    token = as_actor(people["submitter"]) | {"token": {"id": 1, "scopes": ["read"], "member": "HND"}}
    assert (await pages.get(f"/submissions/{own}{path}", actor=token)).status_code == 302


async def test_what_strangers_wrote_is_never_run(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    actor = as_actor(people["submitter"])
    name = "a\"><img src=x onerror=alert(1)>';=1+1ñ.csv"
    own = send(desk, people["submitter"], HOSTILE, BAD, name=name)
    make_waiting(desk)
    for path in ("", "/cells", "/fixes", "/history", "/receipt"):
        answer = await pages.get(f"/submissions/{own}{path}", actor=actor)
        work(desk)
        answer = await pages.get(f"/submissions/{own}{path}", actor=actor)
        assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, path
    assert "<img src=x" not in (await pages.get("/submissions", actor=actor)).text
    for file in ("original", "marked", "report.html", "report.json", "findings.csv"):
        answer = await pages.get(f"/submissions/{own}/files/{file}", actor=actor)
        if "attachment" not in answer.headers.get("content-disposition", ""):
            work(desk)
            answer = await pages.get(f"/submissions/{own}/files/{file}", actor=actor)
        told = answer.headers["content-disposition"]
        assert told.startswith('attachment; filename="') and told.count('"') == 2 and told.isascii()
        assert (
            answer.headers["x-content-type-options"] == "nosniff"
            and "no-store" in answer.headers["cache-control"]
        )
        assert "sandbox" in answer.headers["content-security-policy"]
        if file == "findings.csv":
            assert not re.search(r'(^|,)"?=', answer.text, re.MULTILINE)
        if file == "original":
            assert answer.text == HEADING + f"{HOSTILE}\n{BAD}\n"


async def test_the_list_is_of_one_member(desk: Desk, people: Mapping[str, Person], pages: Any) -> None:
    own = send(desk, people["submitter"], ONE, BAD)
    answer = await pages.get("/submissions", actor=as_actor(people["reader"]))
    assert str(own) in answer.text and "contratos.csv" in answer.text
    assert (
        "contratos.csv"
        not in (await pages.get("/submissions?state=published", actor=as_actor(people["reader"]))).text
    )
    assert (await pages.get("/submissions?member=HND", actor=as_actor(people["other"]))).status_code == 404
    assert str(own) not in (await pages.get("/submissions", actor=as_actor(people["other"]))).text
    assert (
        str(own) in (await pages.get("/submissions?member=HND", actor=as_actor(people["secretariat"]))).text
    )
    assert "?member=HND" in (await pages.get("/submissions", actor=as_actor(people["secretariat"]))).text
    assert (await pages.get("/submissions")).status_code == 302


async def test_a_hundred_thousand_like_errors_are_one_line_and_a_file(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    rows = [f"C-{n};L{n};Obras;Puente;Uno;32/01/2024;1,00;HNL" for n in range(20_000)]
    own = send(desk, people["submitter"], *rows)
    answer = await pages.get(f"/submissions/{own}", actor=as_actor(people["submitter"]))
    assert len(answer.content) < 100_000 and "20.000" in answer.text and "findings.csv" in answer.text
    answer = await pages.get(f"/submissions/{own}/files/findings.csv", actor=as_actor(people["submitter"]))
    assert answer.text.count("32/01/2024") >= 20_000
    answer = await pages.get(f"/submissions/{own}/cells", actor=as_actor(people["submitter"]))
    assert answer.text.count('name="cell-') == 50 and "20.000" in answer.text.replace("20000", "20.000")


async def test_while_it_is_checked_the_page_renews_itself(
    desk: Desk, people: Mapping[str, Person], pages: Any
) -> None:
    identifier, folder = desk.arrivals.new_folder()
    flat(folder / "contratos.csv", ONE)
    arrival = desk.arrivals.add(identifier, "HND", people["submitter"].actor, period="2024")
    own = str(stage_arrival(desk, arrival))
    write_progress(desk.site.zones.progress, own, 5, 20)
    answer = await pages.get(f"/submissions/{own}", actor=as_actor(people["submitter"]))
    assert 'http-equiv="refresh"' in answer.text and '<progress max="20" value="5"' in answer.text
    await asyncio.to_thread(work, desk)
    answer = await pages.get(f"/submissions/{own}", actor=as_actor(people["submitter"]))
    assert 'http-equiv="refresh"' not in answer.text


def test_what_breaks_is_told_and_stops_nothing(
    desk: Desk, people: Mapping[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = send(desk, people["submitter"], ONE, BAD)
    desk.made.ask(str(own), "nonsense", "person:1")
    good = desk.made.ask(str(own), "fixes", "person:1", report="x")
    assert make_waiting(desk)
    assert desk.made.ask(str(own), "nonsense", "person:1").trouble == "broken"
    assert desk.made.get(good.id).is_done and desk.made.get(good.id).trouble is None
    monkeypatch.setattr("pipelines.desk.made.REST", -timedelta(minutes=5))
    assert not desk.made.ask(str(own), "nonsense", "person:1").is_done, "it is tried anew"
