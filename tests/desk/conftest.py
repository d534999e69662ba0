"""A desk with persons, and its pages in this process.

``pages.get(path, actor=as_actor(person))`` asks as somebody who is signed in.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette
from datasette.plugins import pm

from pipelines.desk import Desk, Person
from pipelines.workflow import Installation

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = {
    "reader": ("HND", "es"),
    "submitter": ("HND", "es"),
    "approver": ("HND", "es"),
    "secretariat": (None, "en"),
    "administrator": (None, "en"),
}


@pytest.fixture
def desk(site: Installation) -> Desk:
    """An installation of its own with its desk."""
    return Desk.of(site)


@pytest.fixture
def people(desk: Desk) -> Mapping[str, Person]:
    """One person of each role; ``other`` and ``second`` are an approver of another member and a second one of the first."""
    made = {
        role: desk.people.add(f"{role}@example.org", f"Persona {role}", role, member, language)
        for role, (member, language) in PEOPLE.items()
    }
    made["second"] = desk.people.add("second@example.org", "Persona dos", "approver", "HND", "es")
    made["other"] = desk.people.add("other@example.org", "Outra pessoa", "approver", "BRA", "pt")
    return made


def as_actor(person: Person) -> dict[str, Any]:
    """The actor that a session of this person gives."""
    return {"id": person.actor, "language": person.language}


@contextmanager
def plugins_of_the_desk() -> Iterator[None]:
    """Datasette's plugins are those of the process: without the public site's, while a desk is being tested."""

    def ours() -> list[tuple[str, Any]]:
        found = [(name, each) for name, each in pm.list_name_plugin() if each is not None]
        return [
            (name, each)
            for name, each in found
            if (getattr(each, "__file__", None) or "").startswith(str(ROOT / "datasette"))
        ]

    others = ours()
    for _name, each in others:
        pm.unregister(each)
    try:
        yield
    finally:
        for _name, each in ours():
            pm.unregister(each)
        for name, each in others:
            pm.register(each, name=name)


@pytest.fixture
async def pages(desk: Desk) -> Any:
    """A client of the desk's Datasette."""
    with plugins_of_the_desk():
        yield await _served(desk)


async def _served(desk: Desk) -> Any:
    served = Datasette(
        template_dir=str(ROOT / "datasette/desk/templates"),
        plugins_dir=str(ROOT / "datasette/desk/plugins"),
        static_mounts=[("assets", str(ROOT / "datasette/static"))],
        settings={"default_allow_sql": False, "allow_signed_tokens": False},
    )
    served.desk = desk
    await served.invoke_startup()
    return served.client
