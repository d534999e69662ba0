"""The kinds of pages that the site has. A new kind is one line; every test of `test_pages.py` then walks it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One address that stands for all of its kind.

    path: with ``{newer}`` and ``{older}`` for the two releases. status: what the site answers.
    """

    name: str
    path: str
    status: int = 200


PROCESS = "/ingp/procurement_processes"
CONTRACT = "/ingp/procurement_contracts/XAA,CD-2025-0010,C-0010-1"
COUNT = "select member_code, count(*) as n, sum(value_amount) as total from procurement_contracts group by 1 order by 1"

KINDS = (
    Kind("home", "/"),
    Kind("database", "/ingp"),
    Kind("members", "/members"),
    Kind("member", "/members/XBB"),
    Kind("member without data", "/members/ARG"),
    Kind("about a table", "/tables/procurement_contracts"),
    Kind("about a column", "/tables/procurement_processes/procurement_method"),
    Kind("questions", "/questions"),
    Kind("question", "/questions/single-bid"),
    Kind("question by member", "/questions/direct-awards?member=XAA"),
    Kind("question, what changed", "/questions/what-changed"),
    Kind("question, no answer", "/questions/under-thresholds"),
    Kind("question of an older release", "/v/{older}/questions/direct-awards"),
    Kind("ask, form", "/ask"),
    Kind("ask", "/ask?q=contratos+diretos+2025"),
    Kind("ask, many groups", "/ask?what=contracts&by=supplier&measure=sum"),
    Kind("ask, no row", "/ask?what=contracts&over=999999999999"),
    Kind("search, form", "/search"),
    Kind("search", "/search?q=servicio"),
    Kind("search, narrowed down", "/search?q=servicio&table=procurement_items&member=XAA"),
    Kind("search, a question", "/search?q=contratos+directos+2025"),
    Kind("search, nothing found", "/search?q=zzzz"),
    Kind("embedded answer", "/embed/ask?q=contratos+diretos+2025"),
    Kind("embedded table", "/embed/ingp/procurement_contracts?member_code=XAA"),
    Kind("embedded SQL", f"/embed/sql?sql={COUNT}"),
    Kind("process", "/processes/XAA/CD-2025-0010"),
    Kind("buyers", "/buyers"),
    Kind("suppliers, found", "/suppliers?q=rio"),
    Kind("buyer", "/buyers/of/processes/XAA,CD-2025-0010"),
    Kind("supplier", "/suppliers/of/contracts_flat/XAA,,C-0010-1"),
    Kind("downloads of a table", "/v/{newer}/downloads/procurement_contracts"),
    Kind("downloads of a member", "/v/{newer}/downloads/XCC"),
    Kind("feeds", "/feeds"),
    Kind("developers", "/developers"),
    Kind("table", PROCESS),
    Kind("wide table", "/ingp/procurement_contracts_flat"),
    Kind("table without search", "/ingp/procurement_transactions"),
    Kind("table of the network", "/ingp/activity_declarations"),
    Kind("table of codes", "/ingp/codelists"),
    Kind("table, filtered", f"{PROCESS}?member_code=XBB&tender_status__exact=complete&_search=services"),
    Kind("table, facets", f"{PROCESS}?_facet=procurement_method&_facet=tender_status&member_code=XCC"),
    Kind("table, sorted", f"{PROCESS}?_sort_desc=tender_value_amount&_size=5"),
    Kind("table, all columns", f"{PROCESS}?_empty=1&_size=10"),
    Kind("table, nothing found", f"{PROCESS}?_search=zzzz"),
    Kind("row", CONTRACT),
    Kind("row with long texts", "/ingp/activity_declarations/INGP,declaration-women"),
    Kind("SQL page", f"/ingp/-/query?sql={COUNT}"),
    Kind("SQL page, refused", "/ingp/-/query?sql=select+nonsense"),
    Kind("analytics", f"/ingp/-/analytics?sql={COUNT}"),
    Kind("analytics, no result", "/ingp/-/analytics?sql=select+1+as+n+where+false"),
    Kind("analytics, form", "/ingp/-/analytics"),
    Kind("analytics, refused", "/ingp/-/analytics?sql=select+*+from+nonsense", 400),
    Kind("definition of tables", "/ingp/-/schema"),
    Kind("releases", "/v/"),
    Kind("release", "/v/{newer}/"),
    Kind("older release", "/v/{older}/"),
    Kind("table of an older release", "/v/{older}/ingp/procurement_contracts"),
    Kind("changes", "/v/{newer}/changes/{older}"),
    Kind("changes of a table", "/v/{newer}/changes/{older}/activity_activities"),
    Kind("page of an older release", "/v/{older}/buyers", 404),
    Kind("not found", "/nothing-of-the-kind", 404),
    Kind("bad address", f"{PROCESS}?_size=many", 400),
    Kind("refused", "/-/permissions", 403),
    Kind("withdrawn", "/v/{older}/ingp/procurement_parties", 410),
)
