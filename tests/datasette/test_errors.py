"""What a reader, and a program, is told when something goes wrong."""

from typing import Any
from urllib.parse import urlencode

import pytest

ENDLESS = (
    "(with recursive c(x) as (select 1 union all select x + 1 from c where x < 1000000000)"
    " select count(*) from c) > 0"
)
TITLES = {
    404: {
        "es": "Esta página no existe",
        "en": "This page does not exist",
        "pt": "Esta página não existe",
        "fr": "Cette page n’existe pas",
    },
    403: {
        "es": "Esta página no está abierta a los visitantes",
        "en": "This page is not open to visitors",
        "pt": "Esta página não está aberta a visitantes",
        "fr": "Cette page n’est pas ouverte aux visiteurs",
    },
    400: {
        "es": "No podemos interpretar esta dirección",
        "en": "We cannot read this address",
        "pt": "Não conseguimos interpretar este endereço",
        "fr": "Nous ne comprenons pas cette adresse",
    },
    500: {
        "es": "Algo falló de nuestro lado",
        "en": "Something went wrong on our side",
        "pt": "Algo deu errado do nosso lado",
        "fr": "Une erreur s’est produite de notre côté",
    },
}
ADDRESSES = {
    404: "/nowhere",
    403: "/-/permissions",
    400: "/ingp/procurement_processes?_size=many",
    500: "/ingp?broken=1",
}


@pytest.fixture
def broken(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of tables fails."""
    monkeypatch.setattr(site.datasette, "summaries", None)


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
@pytest.mark.parametrize("status", TITLES)
@pytest.mark.usefixtures("broken")
def test_error_page(site: Any, status: int, language: str) -> None:
    answer = site.get(ADDRESSES[status], language)
    assert answer.status_code == status
    assert f"<h1>{TITLES[status][language]}</h1>" in answer.text
    assert 'name="robots" content="noindex"' in answer.text


@pytest.mark.usefixtures("broken")
def test_failure_keeps_its_details_for_the_log(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    answer = site.get("/ingp?broken=2", "en")
    assert "AttributeError" not in answer.text and "NoneType" not in answer.text
    assert "NoneType" in caplog.text


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
@pytest.mark.parametrize(
    "address",
    [
        f"/ingp/procurement_processes?{urlencode({'_where': ENDLESS, '_timelimit': 20})}",
        f"/ingp/-/query?{urlencode({'sql': 'select ' + ENDLESS, '_timelimit': 20})}",
    ],
)
def test_too_slow_says_what_to_do(site: Any, address: str, language: str) -> None:
    heading = {
        "es": "Esta consulta tarda demasiado",
        "en": "This question takes too long",
        "pt": "Esta consulta demora demais",
        "fr": "Cette requête prend trop de temps",
    }
    answer = site.get(address, language)
    assert answer.status_code == 400
    assert f"<h1>{heading[language]}</h1>" in answer.text
    assert 'href="/#downloads"' in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "?_facet=nothing",
        "?nothing=1",
        "?nothing__gt=1",
        "?_facet_array=tender_title",
        "?_sort=nothing",
        "?_where=nonsense(",
        "?_size=-1",
        "?_searchmode=raw&_search=%22",
        "?_through=x",
        "?_through=[]",
        "?_through={}",
        "?_timelimit=soon",
        "?_ttl=%C2%B2",
        f"?_ttl={'9' * 5000}",
        f"?_facet_size={'9' * 5000}",
        "?_facet_size=many",
        "?_where=$null",
        f"?year__gt={'9' * 30}",
    ],
)
def test_nonsense_in_the_address_is_not_our_failure(site: Any, address: str) -> None:
    for form in ("", ".json", ".csv", ".atom"):
        assert site.get(f"/ingp/procurement_processes{form}{address}", "en").status_code in (200, 400)
    assert site.get(f"/ingp/procurement_processes{address}", "en").status_code == 400


def test_a_number_that_nobody_can_count_to_finds_nothing(site: Any) -> None:
    for comparison in ("__in", "__exact", "__gt"):
        query = f"number_of_tenderers{comparison}={'9' * 5000}"
        assert site.get(f"/ingp/procurement_processes.json?{query}").json()["rows"] == []


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/ingp/nothing.json", 404),
        ("/ingp/procurement_processes.json?_size=many", 400),
        ("/ingp/procurement_processes.json?_facet=x", 400),
    ],
)
def test_programs_get_json(site: Any, address: str, status: int) -> None:
    answer = site.get(address, "fr")
    body = answer.json()
    assert answer.status_code == status == body["status"]
    assert body["ok"] is False and body["error"] == "; ".join(body["errors"])
    assert answer.headers["access-control-allow-origin"] == "*"


def test_csv_gets_text(site: Any) -> None:
    answer = site.get("/ingp/nothing.csv")
    assert answer.status_code == 404 and answer.headers["content-type"].startswith("text/plain")


def test_forms_of_other_sites_are_refused(site: Any) -> None:
    answer = site.runner.run(
        site.datasette.client.post(
            "/ingp/procurement_processes/-/insert",
            headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        )
    )
    assert answer.status_code == 403
    assert "This form came from another site" in answer.text


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/ingp/procurement_proceses", "/ingp/procurement_processes"),
        ("/ingp/contracts", "/ingp/procurement_contracts"),
        ("/members/XAB", "/members/XAA"),
    ],
)
def test_what_does_not_exist_names_what_is_near(site: Any, asked: str, meant: str, language: str) -> None:
    answer = site.get(f"/{language}{asked}")
    assert answer.status_code == 404 and f'<a href="/{language}{meant}">' in answer.text


def test_programs_are_told_what_is_near(site: Any) -> None:
    assert "procurement_processes" in site.get("/ingp/procurement_proceses.json").json()["error"]
    assert "near" not in site.get("/ingp/zzzz.json").json()["error"]
