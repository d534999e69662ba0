"""Metadata against shapes: DCAT-AP 3 and schema.org/Dataset, as a harvester would read them."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyshacl import validate
from rdflib import DCAT, DCTERMS, RDF, Graph
from rdflib.compare import isomorphic

from pipelines import workflow
from pipelines.publication import current_release
from pipelines.publication.metadata.documents import document
from pipelines.settings import Settings
from pipelines.workflow import Installation

SHAPES = Path(__file__).with_name("shapes") / "dcat-ap-3.ttl"
TABLE = "procurement_contracts_flat"
ROWS = (
    "contract_id;ocid;buyer_name;supplier_name;contract_date_signed;contract_value_amount;contract_value_currency\n"
    '007;L1;Salud "Á" \\ <b>;Uno & Hijos;31/12/2024;1.234,50;HNL\n'
)
# rdflib's own reader of JSON-LD uses a class that rdflib deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
PARTS = ((None, None), (TABLE, None), (None, "HND"), (TABLE, "HND"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("release")
    site = Installation.open(Settings(data_dir=base / "var", memory_limit="1GB", threads=1))
    path = base / "c.csv"
    path.write_text(ROWS, encoding="utf-8")
    workflow.submit(site, [path], "HND")
    workflow.publish(site)
    folder = current_release(site.zones)
    assert folder is not None
    return json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))


def conforms(graph: Graph) -> str:
    """What the shapes find fault with; "" for nothing."""
    sound, _report, text = validate(graph, shacl_graph=Graph().parse(SHAPES), advanced=False)
    return "" if sound else text


@pytest.mark.parametrize(("table", "member"), PARTS)
def test_dcat_keeps_the_obligations_of_dcat_ap(package: Any, catalogue: Any, table: str, member: str) -> None:
    turtle = Graph().parse(data=document(package, catalogue, "dcat.ttl", table, member), format="turtle")
    assert list(turtle.subjects(RDF.type, DCAT.Distribution))
    assert conforms(turtle) == ""
    linked = Graph().parse(data=document(package, catalogue, "dcat.jsonld", table, member), format="json-ld")
    assert isomorphic(turtle, linked)


@pytest.mark.parametrize(("table", "member"), PARTS)
def test_schemaorg_says_what_search_engines_ask_for(
    package: Any, catalogue: Any, table: str, member: str
) -> None:
    data = json.loads(document(package, catalogue, "schemaorg.jsonld", table, member))
    assert data.pop("@context") == "https://schema.org/"
    # The remote context only says that every word is schema.org's: nothing is fetched here.
    graph = Graph().parse(
        data=json.dumps({"@context": {"@vocab": "https://schema.org/"}, **data}), format="json-ld"
    )
    assert conforms(graph) == ""


def test_the_shapes_find_faults(package: Any, catalogue: Any) -> None:
    graph = Graph().parse(data=document(package, catalogue, "dcat.ttl", TABLE, None), format="turtle")
    graph.remove((None, DCTERMS.publisher, None))
    assert "publisher" in conforms(graph)


def test_csvw_and_data_package_name_whole_addresses(package: Any, catalogue: Any) -> None:
    base = f"{package['homepage'].rstrip('/')}/v/{package['version']}"
    (table,) = json.loads(document(package, catalogue, "csvw.json", TABLE, None))["tables"]
    assert table["url"] == f"{base}/csv/{TABLE}.csv"
    part = json.loads(document(package, catalogue, "datapackage.json", None, "HND"))
    assert {each["member"] for each in part["resources"]} == {"HND"}
    assert all(each["path"].startswith(f"{base}/parquet/HND/") for each in part["resources"])
