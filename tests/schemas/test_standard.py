"""The standard contradicts itself nowhere, and every promise it makes is kept somewhere."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from frictionless import Schema

from pipelines.catalogue import LANGUAGES, Catalogue, Table, load_catalogue
from pipelines.catalogue.texts import read_rows
from pipelines.intake.canonical import CodeReader
from pipelines.intake.labels import fold
from pipelines.records import Severity

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue(ROOT / "schemas", ROOT / "datapackages")
TABLES = [table for package_type in CATALOGUE.package_types.values() for table in package_type.tables]
FIELDS = [(table, field) for table in TABLES for field in table.fields]


def table_id(table: Table) -> str:
    return table.published_name


@pytest.mark.parametrize("table", TABLES, ids=table_id)
def test_table_is_a_table_schema(table: Table) -> None:
    schema = Schema.from_descriptor(CATALOGUE.frictionless_schema(table))
    assert schema.field_names == list(table.by_name)
    assert len(set(schema.field_names)) == len(schema.field_names)


@pytest.mark.parametrize("table", TABLES, ids=table_id)
def test_examples_are_valid_under_their_own_field(table: Table) -> None:
    schema = Schema.from_descriptor(CATALOGUE.frictionless_schema(table))
    for field in schema.fields:
        example = table.by_name[field.name].descriptor["example"]
        value, notes = field.read_cell(example)
        assert not notes, (field.name, example, notes)
        assert value is not None, field.name


@pytest.mark.parametrize("table", TABLES, ids=table_id)
def test_keys_name_columns_that_exist(table: Table) -> None:
    assert set(table.primary_key) <= set(table.by_name)
    package_type = CATALOGUE.package_type(table.package_type)
    for key in table.foreign_keys:
        assert set(key.fields) <= set(table.by_name)
        parent = package_type.table(key.table)
        assert set(key.reference_fields) <= set(parent.by_name)
        if key.severity is Severity.ERROR:
            order = [each.name for each in package_type.tables]
            assert order.index(parent.name) < order.index(table.name), (
                "a refused parent is known before its children"
            )


@pytest.mark.parametrize("table", TABLES, ids=table_id)
def test_search_columns_and_facets_exist_and_are_published(table: Table) -> None:
    published = {field.name for field in table.published_fields}
    assert set(table.search_columns) <= published
    assert set(table.facets) <= published


def test_every_codelist_that_is_named_exists_and_is_used() -> None:
    named = {field.codelist for _, field in FIELDS if field.codelist}
    assert named <= set(CATALOGUE.codelists)
    elsewhere = {"accrualPeriodicity", "licence", "pidaDataset", "mediaType", "area"}
    assert set(CATALOGUE.codelists) - named <= elsewhere


def test_same_name_means_same_type_and_unit_within_a_package_type() -> None:
    seen = defaultdict(set)
    for table, field in FIELDS:
        seen[table.package_type, field.name].add((field.type, field.descriptor.get("unit")))
    assert {name: kinds for name, kinds in seen.items() if len(kinds) > 1} == {}


def test_names_are_snake_case_and_short_enough_for_every_database() -> None:
    for table, field in FIELDS:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", field.name), field.name
        assert len(table.published_name) <= 63


def test_every_amount_has_its_currency_beside_it() -> None:
    for table in TABLES:
        for name in table.by_name:
            if name.endswith("_amount"):
                assert name.replace("_amount", "_currency") in table.by_name, (table.name, name)


def test_linked_fields_of_the_flat_table_exist_with_the_same_type() -> None:
    procurement = CATALOGUE.package_type("procurement")
    for field in procurement.table("contracts_flat").fields:
        if field.linked_field:
            table, name = field.linked_field.split(".")
            linked = procurement.table(table).by_name[name]
            assert linked.type == field.type, field.name
            assert linked.codelist == field.codelist, field.name


def test_there_are_32_members_and_each_is_complete() -> None:
    members = [member for member in CATALOGUE.members.values() if member.kind == "member"]
    assert len(members) == 32
    for member in members:
        assert member.area in CATALOGUE.codelists["area"].codes
        assert member.currency in CATALOGUE.codelists["currency"].codes
        assert set(member.languages) <= set(CATALOGUE.codelists["language"].codes)
        assert all(member.names[language] for language in LANGUAGES)
        assert member.institution


def test_ocid_prefixes_belong_to_one_member_each() -> None:
    owners = defaultdict(set)
    for member in CATALOGUE.members.values():
        for prefix in member.ocid_prefixes if member.kind != "anybody" else ():
            assert re.fullmatch(r"ocds-[a-z0-9]{6}", prefix)
            owners[prefix].add(member.code)
    assert all(len(codes) == 1 for codes in owners.values())


def test_finding_codes_are_kebab_case_with_a_known_level() -> None:
    for code, policy in CATALOGUE.findings.items():
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", code)
        assert policy.level in ("package", "table", "row", "cell")
        assert policy.source


def test_finding_codes_of_the_sources_are_the_ones_of_the_policy(catalogue: Catalogue) -> None:
    """A code that no source raises, or a source that raises a code without policy, is a mistake."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "pipelines").rglob("*.py"))
    raised = set(re.findall(r'"([a-z]+(?:-[a-z0-9]+)+)"', text)) | {"file-ignored", "unsafe-path"}
    unused = set(catalogue.findings) - raised
    assert unused == set()


def test_a_synonym_means_one_code() -> None:
    """Nothing that is the label of another code, and nothing said of two codes of a list."""
    rows = read_rows(ROOT / "schemas" / "codelists" / "synonyms.csv")
    assert {row["language"] for row in rows} == set(LANGUAGES)
    meant: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        codelist = CATALOGUE.codelists[row["codelist"]]
        assert row["code"] in codelist.codes, row
        meant[row["codelist"], fold(row["said"])].add(row["code"])
        for code in set(codelist.codes) - {row["code"]}:
            labels = {CATALOGUE.texts.code(language, codelist.name, code) for language in LANGUAGES}
            assert fold(row["said"]) not in {fold(label) for label in labels | {code}}, row
    assert not [key for key, codes in meant.items() if len(codes) > 1]


def test_a_synonym_is_read_as_its_code() -> None:
    reader = CodeReader(CATALOGUE, CATALOGUE.codelists["method"])
    assert reader.read("Abierta", {}) == "open"
    assert reader.read("PREGÃO ELETRÔNICO", {}) == "open"
    assert reader.read("a dedo", {}) == "a dedo"
    assert not reader.is_label("Abierta", "open"), "the sender is told what was read"
