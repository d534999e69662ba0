"""Between ``contracts_flat`` and the linked tables: one spreadsheet row per contract, there and back.

A member with nothing but a spreadsheet submits the flat table and the linked ones are made from it; for
members who submit linked tables the flat one is made, so that readers find it for everybody. What a member
submitted is never rebuilt: only the other shape is derived.

All functions give SQL over text tables (every column VARCHAR) that also carry the provenance columns.
"""

from collections.abc import Callable, Mapping

from pipelines.catalogue import PackageType

FLAT = "contracts_flat"


def party_id(scheme: str, identifier: str, name: str) -> str:
    """SQL of a party id: ``scheme-id`` as OCDS builds it; a digest of the name where there is no number at all."""
    return (
        f"CASE WHEN {identifier} IS NULL THEN CASE WHEN {name} IS NULL THEN NULL "
        f"ELSE 'name-' || md5(lower(strip_accents({name})))[:12] END "
        f"WHEN {scheme} IS NULL OR starts_with({identifier}, {scheme} || '-') THEN {identifier} "
        f"ELSE {scheme} || '-' || {identifier} END"
    )


def _first(column: str) -> str:
    """First value that is not empty, in the order of the rows."""
    return f"arg_min({column}, seq) FILTER ({column} IS NOT NULL)"


def _fields_of(package_type: PackageType, linked: str) -> dict[str, str]:
    """Linked column -> flat column, for the columns that go over unchanged."""
    found = {}
    for field in package_type.table(FLAT).fields:
        if field.linked_field and field.linked_field.startswith(f"{linked}."):
            found[field.linked_field.split(".")[1]] = field.name
    return found


def flat_column(package_type: PackageType, table: str, field: str | None) -> str | None:
    """The flat column that a linked field came from; None when none did."""
    if field is None:
        return None
    return _fields_of(package_type, table).get(field)


def conflicting_fields(package_type: PackageType) -> Mapping[str, tuple[str, ...]]:
    """Flat columns that describe the process or the award: rows of one process should agree on them."""
    return {
        "ocid": tuple(
            column for name, column in _fields_of(package_type, "processes").items() if name != "ocid"
        ),
        "award_id": tuple(
            column for name, column in _fields_of(package_type, "awards").items() if name != "award_id"
        ),
    }


def base(package_type: PackageType, source: str, delivered: tuple[str, ...]) -> str:
    """SQL of the flat rows with every column of the table, keys filled in, and ``seq`` = order of the rows."""
    columns = [
        f'"{field.name}"' if field.name in delivered else f'CAST(NULL AS VARCHAR) AS "{field.name}"'
        for field in package_type.table(FLAT).fields
    ]
    all_columns = f"SELECT {', '.join(columns)}, source_file, source_row_number, row_number() OVER (ORDER BY source_file, source_row_number) AS seq FROM {source}"
    buyer = party_id("buyer_id_scheme", "buyer_id", "buyer_name")
    supplier = party_id("supplier_id_scheme", "supplier_id", "supplier_name")
    return (
        f"SELECT * REPLACE (coalesce(ocid, local_process_id, contract_id) AS ocid, coalesce(award_id, contract_id) AS award_id), "
        f"{buyer} AS buyer_party, {supplier} AS supplier_party FROM ({all_columns})"
    )


def split_contracts_flat(package_type: PackageType, source: str) -> dict[str, str]:
    """Linked table -> SQL that makes its rows from `source`, a table made by `base`."""
    process = _fields_of(package_type, "processes")
    award = _fields_of(package_type, "awards")
    contract = _fields_of(package_type, "contracts")
    item = _fields_of(package_type, "items")
    provenance = (
        "arg_min(source_file, seq) AS source_file, arg_min(source_row_number, seq) AS source_row_number"
    )

    def grouped(columns: Mapping[str, str], keys: tuple[str, ...]) -> str:
        return ", ".join(
            f"{_first(flat)} AS {name}" for name, flat in columns.items() if name not in (*keys, "buyer_id")
        )

    parties = " UNION ALL ".join(
        f"SELECT ocid, {role}_party AS party_id, {role}_name AS name, '{role}' AS role, {role}_id_scheme AS scheme, "
        f"{role}_id AS id, {kind} AS kind, {scale} AS scale, {country} AS country, {women} AS women, "
        f"seq, source_file, source_row_number FROM {source} WHERE {role}_party IS NOT NULL"
        for role, kind, scale, country, women in (
            ("buyer", "NULL::VARCHAR", "NULL::VARCHAR", "NULL::VARCHAR", "NULL::VARCHAR"),
            ("supplier", "supplier_kind", "supplier_scale", "supplier_country_code", "supplier_women_owned"),
        )
    )
    items = ", ".join(f"{flat} AS {name}" for name, flat in item.items())
    any_item = " OR ".join(f"{flat} IS NOT NULL" for flat in item.values())
    contracts = ", ".join(f"{flat} AS {name}" for name, flat in contract.items())
    return {
        "processes": f"SELECT ocid, {_first('buyer_party')} AS buyer_id, {grouped(process, ('ocid',))}, {provenance} "
        f"FROM {source} GROUP BY ocid ORDER BY min(seq)",
        "parties": f"SELECT ocid, party_id, {_first('name')} AS name, string_agg(DISTINCT role, ';' ORDER BY role) AS roles, "
        f"{_first('scheme')} AS identifier_scheme, {_first('id')} AS identifier_id, {_first('kind')} AS party_kind, "
        f"{_first('scale')} AS scale, {_first('country')} AS country_code, {_first('women')} AS women_owned, {provenance} "
        f"FROM ({parties}) GROUP BY ocid, party_id ORDER BY min(seq)",
        "awards": f"SELECT ocid, award_id, {grouped(award, ('award_id',))}, {provenance} "
        f"FROM {source} GROUP BY ocid, award_id ORDER BY min(seq)",
        "award_suppliers": f"SELECT ocid, award_id, supplier_party AS party_id, {_first('supplier_name')} AS name, {provenance} "
        f"FROM {source} WHERE supplier_party IS NOT NULL GROUP BY ocid, award_id, supplier_party ORDER BY min(seq)",
        "contracts": f"SELECT ocid, award_id, {contracts}, source_file, source_row_number FROM {source}",
        "items": f"SELECT ocid, 'contract' AS stage, contract_id AS parent_id, '1' AS item_id, {items}, source_file, "
        f"source_row_number FROM {source} WHERE {any_item}",
        "documents": "SELECT ocid, 'contract' AS stage, contract_id AS parent_id, '1' AS document_id, document_url AS url, "
        f"source_file, source_row_number FROM {source} WHERE document_url IS NOT NULL",
    }


def join_contracts_flat(package_type: PackageType, has: Callable[[str, str], bool]) -> str:
    """SQL of the flat table from linked tables, named ``sound_<table>``.

    has(table, field) says whether a table has the column; a column that nobody delivered is NULL.
    Several suppliers of one contract stand in one cell, joined by ``; ``.
    """

    def column(alias: str, table: str, field: str) -> str:
        return f"{alias}.{field}" if has(table, field) else "CAST(NULL AS VARCHAR)"

    alias = {"contracts": "c", "processes": "p", "awards": "a", "items": "i", "documents": "d"}
    selected = []
    for field in package_type.table(FLAT).fields:
        if field.name.startswith("supplier_"):
            selected.append(f"s.{field.name}")
        elif field.name == "buyer_id_scheme":
            selected.append(f"{column('b', 'parties', 'identifier_scheme')} AS buyer_id_scheme")
        elif field.name == "buyer_id":
            selected.append(f"{column('p', 'processes', 'buyer_id')} AS buyer_id")
        elif field.linked_field is None:
            selected.append(f"CAST(NULL AS VARCHAR) AS {field.name}")
        else:
            table, name = field.linked_field.split(".")
            selected.append(f"{column(alias[table], table, name)} AS {field.name}")

    supplier_sources = []
    if has("contract_suppliers", "party_id"):
        name = column("x", "contract_suppliers", "name")
        supplier_sources.append(
            f"SELECT ocid, contract_id, party_id, {name} AS name FROM sound_contract_suppliers x"
        )
    if has("award_suppliers", "party_id"):
        name = column("x", "award_suppliers", "name")
        supplier_sources.append(
            f"SELECT c.ocid, c.contract_id, x.party_id, {name} AS name FROM sound_award_suppliers x "
            "JOIN sound_contracts c ON c.ocid = x.ocid AND c.award_id = x.award_id"
        )
    party = {
        "supplier_id_scheme": "identifier_scheme",
        "supplier_kind": "party_kind",
        "supplier_scale": "scale",
        "supplier_country_code": "country_code",
        "supplier_women_owned": "women_owned",
    }
    has_parties = has("parties", "party_id")
    details = ", ".join(
        f"string_agg(DISTINCT {column('y', 'parties', name) if has_parties else 'CAST(NULL AS VARCHAR)'}, '; ') AS {flat}"
        for flat, name in party.items()
    )
    party_name = "y.name" if has("parties", "name") else "CAST(NULL AS VARCHAR)"
    parties_join = (
        "LEFT JOIN sound_parties y ON y.ocid = x.ocid AND y.party_id = x.party_id" if has_parties else ""
    )
    if supplier_sources:
        suppliers = (
            f"SELECT x.ocid, x.contract_id, string_agg(coalesce(x.name, {party_name if has_parties else 'NULL'}), '; ' ORDER BY x.party_id) "
            f"AS supplier_name, string_agg(x.party_id, '; ' ORDER BY x.party_id) AS supplier_id, {details} FROM "
            f"(SELECT ocid, contract_id, party_id, any_value(name) AS name FROM ({' UNION ALL '.join(supplier_sources)}) GROUP BY ALL) x "
            f"{parties_join} GROUP BY x.ocid, x.contract_id"
        )
    else:
        nulls = ", ".join(
            f"CAST(NULL AS VARCHAR) AS {name}"
            for name in ("ocid", "contract_id", "supplier_name", "supplier_id", *party)
        )
        suppliers = f"SELECT {nulls} WHERE false"

    joins = [f"LEFT JOIN ({suppliers}) s ON s.ocid = c.ocid AND s.contract_id = c.contract_id"]
    if has("processes", "ocid"):
        joins.append("LEFT JOIN sound_processes p ON p.ocid = c.ocid")
        if has_parties and has("processes", "buyer_id"):
            joins.append("LEFT JOIN sound_parties b ON b.ocid = p.ocid AND b.party_id = p.buyer_id")
        else:
            joins.append("LEFT JOIN (SELECT NULL::VARCHAR AS identifier_scheme) b ON false")
    if has("awards", "award_id"):
        joins.append("LEFT JOIN sound_awards a ON a.ocid = c.ocid AND a.award_id = c.award_id")
    for table, key in (("items", "item_id"), ("documents", "document_id")):
        if has(table, key):
            joins.append(
                f"LEFT JOIN (SELECT * FROM sound_{table} WHERE stage = 'contract' QUALIFY row_number() OVER "
                f"(PARTITION BY ocid, parent_id ORDER BY source_row_number, {key}) = 1) {alias[table]} "
                f"ON {alias[table]}.ocid = c.ocid AND {alias[table]}.parent_id = c.contract_id"
            )
    return f"SELECT {', '.join(selected)}, c.source_file, c.source_row_number FROM sound_contracts c {' '.join(joins)}"
