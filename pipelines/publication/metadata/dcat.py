"""DCAT-AP 3 as JSON-LD and Turtle. Cardinalities are those of DCAT-AP 3.0.0; its vocabularies of the Union are not used.

The description is made once, as a tree of nodes (`graph`); both forms are written from it, so they cannot differ.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.publication.metadata.described import PUBLISHER, SECRETARIAT, Described

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_LANGUAGE = "http://id.loc.gov/vocabulary/iso639-1/"
_MEDIA = "https://www.iana.org/assignments/media-types/"
Node = dict[str, Any]


def _iri(address: str) -> Node:
    return {"@id": address}


def _texts(texts: Mapping[str, str]) -> list[Node]:
    return [{"@value": text, "@language": language} for language, text in texts.items()]


def _typed(value: object, kind: str) -> Node:
    return {"@value": str(value), "@type": f"xsd:{kind}"}


def _agent(name: str) -> Node:
    return {"@type": "foaf:Agent", "foaf:name": {"@value": name}}


def dataset(described: Described) -> Node:
    """The data set with a distribution for every file."""
    node: Node = {
        "@id": described.identifier,
        "@type": "dcat:Dataset",
        "dct:title": _texts(described.titles),
        "dct:description": _texts(described.descriptions),
        "dct:identifier": {"@value": described.identifier},
        "dcat:version": {"@value": described.release_id},
        "dct:issued": _typed(described.released_at, "dateTime"),
        "dct:license": _iri(described.licence["path"]),
        "dct:publisher": _agent(PUBLISHER),
        "dct:creator": [_agent(agency) for agency in described.agencies],
        "dcat:contactPoint": {"@type": "vcard:Organization", "vcard:fn": {"@value": SECRETARIAT}},
        "dcat:keyword": [{"@value": word, "@language": "en"} for word in described.keywords],
        "dct:language": [_iri(_LANGUAGE + language) for language in described.languages],
        "dcat:landingPage": _iri(described.landing),
        "dct:spatial": [
            {"@type": "dct:Location", "http://www.w3.org/2000/01/rdf-schema#label": {"@value": name}}
            for name in described.countries
        ],
        "dcat:distribution": [distribution(described, resource) for resource in described.resources],
    }
    if described.years:
        first, last = described.years
        node["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _typed(f"{first:04d}-01-01", "date"),
            "dcat:endDate": _typed(f"{last:04d}-12-31", "date"),
        }
    return {name: value for name, value in node.items() if value not in ([], None)}


def distribution(described: Described, resource: Mapping[str, Any]) -> Node:
    """One file: where it is, how large, its hash, its licence."""
    address = f"{described.base}/{resource['path']}"
    node: Node = {
        "@id": address,
        "@type": "dcat:Distribution",
        "dcat:accessURL": _iri(address),
        "dcat:downloadURL": _iri(address),
        "dcat:mediaType": _iri(_MEDIA + resource["mediatype"]),
        "dct:format": _iri(_MEDIA + resource["mediatype"]),
        "dct:license": _iri(described.licence["path"]),
        "dcat:byteSize": _typed(resource["bytes"], "nonNegativeInteger"),
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": _iri(PREFIXES["spdx"] + "checksumAlgorithm_sha256"),
            "spdx:checksumValue": _typed(resource["hash"].removeprefix("sha256:"), "hexBinary"),
        },
    }
    if "titles" in resource:
        node["dct:title"] = _texts(resource["titles"])
    return node


def graph(described: Sequence[Described], home: str) -> Node:
    """The catalogue of the site with these data sets; the first one's titles and licence are the catalogue's."""
    first = described[0]
    return {
        "@id": f"{home}/#catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _texts(first.titles),
        "dct:description": _texts(first.descriptions),
        "dct:publisher": _agent(PUBLISHER),
        "dct:license": _iri(first.licence["path"]),
        "dct:issued": _typed(first.released_at, "dateTime"),
        "dct:language": [_iri(_LANGUAGE + language) for language in first.languages],
        "foaf:homepage": _iri(home),
        "dcat:dataset": [dataset(each) for each in described],
    }


def jsonld(node: Node) -> str:
    return json.dumps({"@context": PREFIXES, **node}, ensure_ascii=False, indent=1)


def turtle(node: Node) -> str:
    """The same triples in Turtle. Nodes with an address stand by themselves, the others in brackets."""
    blocks: list[str] = []
    _block(node, blocks)
    head = "".join(f"@prefix {name}: <{address}> .\n" for name, address in PREFIXES.items())
    return head + "\n" + "\n".join(blocks)


def _block(node: Node, blocks: list[str]) -> None:
    place = len(blocks)
    blocks.append("")
    blocks[place] = f"<{_address(node['@id'])}> {_predicates(node, blocks)} .\n"


def _predicates(node: Node, blocks: list[str]) -> str:
    parts = []
    for name, value in node.items():
        if name == "@id":
            continue
        if name == "@type":
            parts.append(f"a {value}")
            continue
        predicate = f"<{name}>" if name.startswith("http") else name
        values = value if isinstance(value, list) else [value]
        parts.append(f"{predicate} {', '.join(_object(each, blocks) for each in values)}")
    return " ;\n  ".join(parts)


def _object(value: Node, blocks: list[str]) -> str:
    if "@value" in value:
        # JSON escapes are Turtle's, save that Turtle takes every other sign as it is.
        text = json.dumps(value["@value"], ensure_ascii=False)
        if "@language" in value:
            return f"{text}@{value['@language']}"
        return f"{text}^^{value['@type']}" if "@type" in value else text
    if "@id" in value:
        if len(value) > 1:
            _block(value, blocks)
        return f"<{_address(value['@id'])}>"
    return f"[ {_predicates(value, blocks)} ]"


def _address(address: str) -> str:
    return "".join(f"%{ord(sign):02X}" if sign in ' <>"{}|\\^`' else sign for sign in address)
