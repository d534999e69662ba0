"""``/processes/<ocid>``: a contracting process on one page, from planning to payments; ``.json`` is its OCDS.

A number that two members use leads to both: ``/processes/<member>/<ocid>``.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from babel.numbers import format_decimal
from datasette import NotFound, Request, Response, hookimpl
from datasette.utils import tilde_decode, tilde_encode
from markupsafe import Markup

from pipelines.publication.formats.ocds import OcdsFacts, completed, is_registered, package_head, record
from pipelines.publication.formats.ocds_tree import Builder
from pipelines.publication.metadata.citation import apa
from pipelines.publication.metadata.described import describe
from pipelines.publication.organisations import AWARD, CONTRACT
from pipelines.serving.organisations import suppliers_of
from pipelines.serving.process import (
    FLAT,
    SHOWN,
    STAGES,
    Event,
    Row,
    events,
    find_process,
    from_flat,
    missing,
    rows_sql,
)

SECONDS = 10
SAME_DAY = 3
"""Events of one kind and day that the timeline tells one by one."""
OPEN = {"access-control-allow-origin": "*", "cache-control": "public, max-age=60"}
COLUMNS = {
    "planning": ("budget_description", "budget_amount", "rationale"),
    "tenderers": ("name", "party_id"),
    "awards": ("award_id", "title", "status", "date", "value_amount"),
    "award_suppliers": ("award_id", "name", "party_id"),
    "contracts": ("contract_id", "title", "status", "date_signed", "period_start", "period_end", "value_amount"),
    "contract_suppliers": ("contract_id", "name", "party_id"),
    "amendments": ("date", "stage", "parent_id", "rationale", "description"),
    "milestones": ("title", "type", "status", "due_date", "date_met"),
    "transactions": ("transaction_id", "contract_id", "date", "payer_name", "payee_name", "value_amount"),
    "items": ("description", "classification_description", "classification_id", "quantity", "unit_name", "unit_value_amount"),
    "documents": ("title", "document_type", "date_published", "url"),
    "parties": ("name", "roles", "identifier_scheme", "identifier_id", "country_code"),
    "related_processes": ("relationship", "title", "identifier"),
    "withheld": ("table_name", "field", "rationale_code", "rationale"),
}  # fmt: skip
"""What the page of a process shows of each table; the row's own page has every column."""

HEAD = (
    "procurement_method", "procurement_method_details", "main_procurement_category", "tender_status", "tender_value_amount",
    "number_of_tenderers", "award_criteria", "eligibility_criteria", "local_process_id",
)  # fmt: skip


def process_path(datasette: Any, ocid: str, member: str | None = None) -> str:
    parts = [member, tilde_encode(ocid)] if member else [tilde_encode(ocid)]
    return datasette.urls.path("/processes/" + "/".join(parts))


async def read_process(datasette: Any, ocid: str, member: str | None, limit: int | None) -> Any:
    """(members that have the number, table -> its rows, table -> how many there are)."""
    database = datasette.get_database("ingp")
    columns = database.columns
    if columns is None:
        raise NotFound("This release has no pages of processes")
    served = datasette.releases.served
    tables = [
        name
        for name, kinds in columns.kinds.items()
        if name.startswith("procurement_")
        and "ocid" in kinds
        and not datasette.withdrawals.of_table(served, name)
    ]
    find = partial(find_process, tables=tables, ocid=ocid, member=member, limit=limit)
    members, places = await database.execute_fn(lambda con: find(con))
    rows: dict[str, list[Row]] = {}
    for table, place in places.items():
        name = f"procurement_{table}"
        fetched = await database._fetch(rows_sql(name, columns.kinds[name], place.numbers), SECONDS)
        rows[table] = [dict(zip(columns.kinds[name], row, strict=True)) for row in fetched]
    counts = {table: place.rows for table, place in places.items()}
    if rows and "processes" not in rows and FLAT in rows:
        package_type = datasette.published.catalogue.package_type("procurement")
        for table, made in from_flat(package_type, rows[FLAT]).items():
            if table not in rows:
                rows[table], counts[table] = made, len(made)
    return members, rows, counts


async def process(datasette: Any, request: Request) -> Response:
    ocid, member = tilde_decode(request.url_vars["ocid"]), request.url_vars.get("member")
    as_json = bool(request.url_vars.get("form"))
    members, rows, counts = await read_process(datasette, ocid, member, None if as_json else SHOWN)
    if not members:
        raise NotFound("No member has a contracting process with this number")
    if len(members) > 1:
        addresses = {code: process_path(datasette, ocid, code) for code in members}
        if as_json:
            found = {
                "ok": True,
                "ocid": ocid,
                "members": {code: f"{path}.json" for code, path in addresses.items()},
            }
            return Response.json(found, status=300, headers=OPEN)
        context = {"ocid": ocid, "addresses": addresses}
        html = await datasette.render_template("process_choice.html", context, request=request)
        return Response.html(html, status=300)
    (owner,) = members
    here = process_path(datasette, ocid, member)
    if as_json:
        # Amounts keep every digit: only orjson takes them as they are written.
        body = orjson.dumps(_ocds(datasette, ocid, owner, rows, here))
        return Response(body, content_type="application/json; charset=utf-8", headers=OPEN)
    page = Page(datasette, request, owner, rows, counts)
    suppliers: dict[str, str] = {}
    for what, table in ((AWARD, "awards"), (CONTRACT, FLAT)):
        numbers = [int(row["_rowid"]) for row in rows.get(table, ()) if "_table" not in row]
        if numbers and datasette.has_organisations():
            find = partial(suppliers_of, what=what, rows=numbers, limit=SHOWN)
            found = await datasette.get_database("ingp").execute_fn(lambda con, find=find: find(con))
            suppliers |= {each["id"]: each["name"] for each in found}
    context = {
        "ocid": ocid, "owner": owner, "page": page, "head": page.head, "stages": STAGES, "shown": SHOWN,
        "head_columns": HEAD, "columns": COLUMNS, "here": here,
        "suppliers": suppliers, **citation(datasette, request, here, page.title or ocid, owner),
    }  # fmt: skip
    return Response.html(await datasette.render_template("process.html", context, request=request))


def citation(
    datasette: Any, request: Request, here: str, title: str, member: str | None = None
) -> dict[str, str]:
    """``lasting``: path that pins the release; ``cited``: the citation of this page in the reader's language."""
    release = datasette.published.release
    base = datasette.urls.path("/")
    lasting = datasette.urls.path(f"/v/{datasette.releases.served}/{here.removeprefix(base)}")
    language = request.scope["language"]
    described = describe(release.descriptor, datasette.published.catalogue, member=member)
    titles = dict.fromkeys(described.titles, title)
    landing = release.descriptor["homepage"].rstrip("/") + "/" + lasting.removeprefix(base)
    return {"lasting": lasting, "cited": apa(replace(described, titles=titles, landing=landing), language)}


def _ocds(datasette: Any, ocid: str, member: str, rows: Mapping[str, list[Row]], here: str) -> dict[str, Any]:
    """A record package of one process. Numbers of members without a registered prefix stay the members' own."""
    catalogue, release = datasette.published.catalogue, datasette.published.release
    builder = Builder(catalogue.package_type("procurement"))
    made = builder.release(ocid, {table: own for table, own in rows.items() if table in builder.tables})
    home = release.descriptor["homepage"].rstrip("/")
    facts = OcdsFacts(
        f"{home}/v/{release.number}{here}.json", release.descriptor["created"], release.number, release.descriptor["licenses"][0]["path"], home,
    )  # fmt: skip
    head = package_head(catalogue.members[member], facts)
    return {
        **head,
        "ocidIsRegistered": is_registered(catalogue.members[member], ocid),
        "records": [record(completed(made, facts))],
    }


class Page:
    """What the template asks of a process."""

    def __init__(
        self,
        datasette: Any,
        request: Request,
        member: str,
        rows: Mapping[str, list[Row]],
        counts: Mapping[str, int],
    ) -> None:
        self.datasette, self.member, self.rows, self.counts = datasette, member, rows, counts
        self.language = request.scope["language"]
        self.site = datasette.published.in_language(self.language)
        package_type = datasette.published.catalogue.package_type("procurement")
        self.head: Row = next(iter(rows.get("processes", ())), next(iter(rows.get(FLAT, ())), {}))
        self.events = events(package_type, rows)
        self.missing_tables, self.missing_columns = missing({**rows, "processes": [self.head]})
        self.title = self.head.get("tender_title") or next(
            (row["title"] for name in ("contracts", "awards") for row in rows.get(name, ()) if row.get("title")), None
        )  # fmt: skip
        self.codelists = {
            (table.name, field.name): field.codelist
            for table in package_type.tables
            for field in table.fields
            if field.codelist
        }

    @property
    def timeline(self) -> list[tuple[Event, int]]:
        """Events with how many more of the same kind are on the same day: the first of each kind stands for all."""
        found: dict[tuple[str, str, str], list[Event]] = {}
        for event in self.events:
            found.setdefault((event.day, event.table, event.column), []).append(event)
        told: list[tuple[Event, int]] = []
        for same in found.values():
            told += [(each, 0) for each in same] if len(same) <= SAME_DAY else [(same[0], len(same) - 1)]
        return told

    def name(self, table: str) -> str:
        return self.site.table(f"procurement_{table}")["title"]

    def column(self, table: str, column: str) -> str:
        return self.site.column(f"procurement_{table}", column).title

    def of(self, table: str) -> list[Row]:
        return self.rows.get(table, [])

    def filled(self, table: str) -> list[str]:
        return [
            name
            for name in COLUMNS[table]
            if any(row.get(name) not in (None, "") for row in self.rows[table])
        ]

    def day(self, text: str) -> str:
        return self.site.day(text[:10])

    def amount(self, row: Row, column: str = "value_amount") -> str:
        """The exact amount with its currency; empty when there is none."""
        text = row.get(column)
        if text in (None, ""):
            return ""
        currency = row.get(column.removesuffix("amount") + "currency") or ""
        return f"{exact(text, self.language)} {currency}".strip()

    def value(self, table: str, column: str, row: Row) -> str:
        """A cell in words: label of a code, day, exact number; the data itself otherwise."""
        text = row.get(column) or ""
        field = self.datasette.published.tables[f"procurement_{table}"].by_name[column]
        if column.endswith("_amount"):
            return self.amount(row, column)
        if text and field.codelist and field.codelist != "currency":
            return ", ".join(self.site.code(each, field.codelist) or each for each in text.split(";"))
        if field.type == "number" and text:
            return exact(text, self.language)
        if field.type in ("datetime", "date") and text:
            return self.day(text)
        return text

    def row_path(self, table: str, row: Row) -> str:
        """Address of the page of the row where it really stands."""
        name = f"procurement_{row.get('_table', table)}"
        keys = self.datasette.get_database("ingp").keys[name]
        # A linked row made from the flat table has the keys of its contract only by way of the flat row.
        source = next((each for each in self.rows[FLAT] if each["_rowid"] == row["_rowid"]), row) if "_table" in row else row  # fmt: skip
        path = ",".join(tilde_encode(str(source.get(key) or "")) for key in keys) if keys else row["_rowid"]
        return f"{self.datasette.urls.table('ingp', name)}/{path}"

    def real_table(self, table: str) -> str:
        """The published table in which the rows of this part of the process stand."""
        return f"procurement_{next(iter(self.rows[table])).get('_table', table)}"

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Which files of which version the shown rows were read from, with the submission."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        submissions = {
            (version["member"], str(each["number"])): each["submission_id"]
            for version in self.datasette.published.release.descriptor["versions"]
            if version["package_type"] == "procurement"
            for each in version.get("periods", ())
        }
        for table, rows in self.rows.items():
            for row in rows:
                if row.get("source_file") and "_table" not in row:
                    key = (row["version_number"], row["source_file"])
                    entry = found.setdefault(
                        key, {"version": key[0], "file": key[1], "rows": [], "tables": []}
                    )
                    entry["submission"] = submissions.get((self.member, str(key[0])))
                    entry["rows"].append(int(row["source_row_number"] or 0))
                    if table not in entry["tables"]:
                        entry["tables"].append(table)
        return list(found.values())


def exact(text: str, language: str) -> str:
    """A decimal with every digit that it has, as the language writes numbers."""
    return format_decimal(Decimal(text), locale=language, decimal_quantization=False)


def is_address(text: str | None) -> bool:
    """Whether a text of the data may become a link: only to the web, and in one piece."""
    return bool(text) and text.lower().startswith(("http://", "https://")) and not any(map(str.isspace, text))


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [
        (r"^/processes/((?P<member>[A-Z]{3,4})/)?(?P<ocid>[^/]+?)(?P<form>\.json)?$", process),
    ]


@hookimpl
def top_row(datasette: Any, request: Request, database: str, table: str, row: Any) -> Markup | None:
    """From a row to its whole process: that of a member without OCDS identifiers has the number `pipelines.flat` gave it."""
    names = row.keys()
    number = next(
        (row[name] for name in ("ocid", "local_process_id", "contract_id") if name in names and row[name]),
        None,
    )
    if database != "ingp" or "ocid" not in names or not number:
        return None
    site = datasette.published.in_language(request.scope["language"])
    path = process_path(datasette, number, row["member_code"])
    words = site._("The whole contracting process on one page, from planning to payments")
    return Markup('<p><a class="button" href="{}">{}</a></p>').format(path, words)


@hookimpl
def startup(datasette: Any) -> None:
    datasette.cite_page = citation
    datasette.process_path = process_path


@hookimpl
def extra_template_vars(datasette: Any) -> dict[str, Any]:
    return {"is_address": is_address, "exact": exact, "process_path": partial(process_path, datasette)}
