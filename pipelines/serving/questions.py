"""The guided query: choices of a reader, checked one by one, and the SQL that they come to.

Everything that reaches the SQL is a code of the standard, a number, or a text in quotes. Amounts of different
currencies are never added: every figure is of one currency. What a table has no column for is left out and named in
`Question.left_out`, so that the page can say it.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.engine import quote_name, quote_text

GROUPS = ("member", "year", "method", "category", "status", "buyer", "supplier")
MEASURES = ("count", "sum", "median")
CODELISTS = {"method": "method", "category": "procurementCategory", "currency": "currency"}
YEARS = (1900, 2199)
LONGEST_TEXT = 200
MOST_CODES = 40
_LARGEST = Decimal(10) ** 18
_PROCESS = {
    "method": "procurement_method",
    "category": "main_procurement_category",
    "buyer": "buyer_name",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is counted. columns: property -> column of `table`; joined: property -> column of the row's process."""

    name: str
    table: str
    columns: Mapping[str, str]
    status: str
    joined: Mapping[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.columns or name in self.joined

    def column(self, name: str) -> str:
        """SQL of a property."""
        if name in self.columns:
            return f"t.{quote_name(self.columns[name])}"
        return f"p.{quote_name(self.joined[name])}"

    def source(self, used: Iterable[str]) -> str:
        """FROM with the process joined if one of the properties `used` needs it."""
        source = f"{quote_name(self.table)} AS t"
        if any(name not in self.columns and name in self.joined for name in used):
            source += (
                " LEFT JOIN procurement_processes AS p ON p.member_code = t.member_code AND p.ocid = t.ocid"
            )
        return source


_OWN = {"member": "member_code", "year": "year"}
_VALUE = {"amount": "value_amount", "currency": "value_currency"}
SUBJECTS = (
    Subject(
        "contracts",
        "procurement_contracts_flat",
        {
            **_OWN, **_PROCESS, "status": "contract_status", "supplier": "supplier_name",
            "amount": "contract_value_amount", "currency": "contract_value_currency",
        },
        "contractStatus",
    ),
    Subject("contracts", "procurement_contracts", {**_OWN, **_VALUE, "status": "status"}, "contractStatus", _PROCESS),
    Subject("awards", "procurement_awards", {**_OWN, **_VALUE, "status": "status"}, "awardStatus", _PROCESS),
    Subject(
        "tenders",
        "procurement_processes",
        {
            **_OWN, **_PROCESS, "status": "tender_status",
            "amount": "tender_value_amount", "currency": "tender_value_currency",
        },
        "tenderStatus",
    ),
    Subject(
        "payments",
        "procurement_transactions",
        {**_OWN, **_VALUE, "buyer": "payer_name", "supplier": "payee_name"},
        "",
        {name: _PROCESS[name] for name in ("method", "category")},
    ),
)  # fmt: skip


def subjects(columns: Mapping[str, Collection[str]]) -> dict[str, Subject]:
    """The subjects that a release can answer for. columns: published table -> its columns."""
    found: dict[str, Subject] = {}
    for subject in SUBJECTS:
        own = columns.get(subject.table)
        if own is None or subject.name in found:
            continue
        there = {name: column for name, column in subject.columns.items() if column in own}
        process = columns.get("procurement_processes", ())
        joined = {name: column for name, column in subject.joined.items() if column in process}
        found[subject.name] = replace(subject, columns=there, joined=joined)
    return found


@dataclass(frozen=True, slots=True)
class Question:
    """A guided query. left_out: (argument, value) of choices that are unknown, or that the subject has no column for."""

    what: str
    over: Decimal | None = None
    under: Decimal | None = None
    currency: str = ""
    since: int | None = None
    until: int | None = None
    method: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    member: tuple[str, ...] = ()
    buyer: str = ""
    supplier: str = ""
    by: str = "member"
    measure: str = "count"
    left_out: tuple[tuple[str, str], ...] = ()

    def pairs(self) -> list[tuple[str, str]]:
        """The arguments of its address, in a fixed order."""
        pairs = []
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "left_out" or value is None or value == "" or value == ():
                continue
            if isinstance(value, tuple):
                pairs += [(each.name, code) for code in value]
            else:
                pairs.append((each.name, f"{value:f}" if isinstance(value, Decimal) else str(value)))
        return pairs

    def narrowed(self, name: str, code: str) -> "Question":
        """The same question with one code of a property."""
        changes: dict[str, Any] = {name: (code,)}
        return replace(self, **changes)

    def without(self, name: str) -> "Question":
        """The same question without a choice."""
        empty = {each.name: each.default for each in fields(self)}
        changes = {name: empty[name]} if name != "years" else {"since": None, "until": None}
        return replace(self, **changes)

    @property
    def is_filtered(self) -> bool:
        return any(name not in ("what", "by", "measure") for name, _value in self.pairs())


def read_amount(text: str) -> Decimal | None:
    """An amount as people of any of the languages write it (1,000,000.50; 1.000.000,50; 1 000 000); None if unclear."""
    plain = re.sub(r"[\s\u00a0\u202f'’_]", "", text)
    if not re.fullmatch(r"\d[\d.,]*", plain, re.ASCII) or len(plain) > 40:
        return None
    last = max(plain.rfind("."), plain.rfind(","))
    if last >= 0:
        sign, other = plain[last], "," if plain[last] == "." else "."
        in_threes = re.fullmatch(rf"\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+", plain)
        if in_threes or plain.count(sign) > 1:
            if not in_threes:
                return None
            plain = plain.replace(sign, "")
        else:
            plain = plain.replace(other, "").replace(sign, ".")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        return None
    return amount.normalize() + 0 if amount <= _LARGEST else None


def read_question(
    pairs: Iterable[tuple[str, str]],
    known: Mapping[str, Subject],
    codes: Mapping[str, Collection[str]],
    members: Collection[str],
) -> Question:
    """The question of an address. codes: codelist -> its codes; unknown arguments are not looked at.

    Raises ValueError when the release has nothing that could be asked for.
    """
    if not known:
        raise ValueError("nothing to ask for")
    asked: dict[str, list[str]] = {}
    for name, value in pairs:
        if value.strip() and len(asked.setdefault(name, [])) < MOST_CODES:
            asked[name].append(value.replace("\0", "").strip()[:LONGEST_TEXT])
    left: list[tuple[str, str]] = []
    what = _choice(asked, "what", tuple(known), left) or next(iter(known))
    subject = known[what]
    values: dict[str, Any] = {
        "by": _choice(asked, "by", ("none", *GROUPS), left) or "member",
        "measure": _choice(asked, "measure", MEASURES, left) or "count",
        "currency": _choice(asked, "currency", codes["currency"], left, str.upper),
    }
    for name in ("over", "under"):
        for text in asked.get(name, [])[-1:]:
            values[name] = read_amount(text)
            if values[name] is None:
                left.append((name, text))
    for name in ("since", "until"):
        for text in (asked.get(name) or asked.get("year", []))[-1:]:
            values[name] = int(text) if re.fullmatch(r"\d{4}", text, re.ASCII) else None
            if values[name] is None or not YEARS[0] <= values[name] <= YEARS[1]:
                values[name] = None
                left.append((name, text))
    for name in ("method", "category", "status"):
        listed = codes.get(subject.status if name == "status" else CODELISTS[name], ())
        values[name] = _several(asked, name, listed, left)
    values["member"] = _several(asked, "member", members, left, str.upper)
    for name in ("buyer", "supplier"):
        values[name] = asked.get(name, [""])[-1]
    for name in ("method", "category", "status", "buyer", "supplier"):
        if values[name] and not subject.has(name):
            left.append((name, ", ".join(values[name]) if isinstance(values[name], tuple) else values[name]))
            values[name] = () if isinstance(values[name], tuple) else ""
    if values["by"] != "none" and not subject.has(values["by"]):
        left.append(("by", values["by"]))
        values["by"] = "member"
    return Question(what, **values, left_out=tuple(dict.fromkeys(left)))


def _choice(
    asked: Mapping[str, list[str]],
    name: str,
    offered: Collection[str],
    left: list[tuple[str, str]],
    form: Any = str,
) -> str:
    text = form(asked.get(name, [""])[-1])
    if text and text not in offered:
        left.append((name, text))
        return ""
    return text


def _several(
    asked: Mapping[str, list[str]],
    name: str,
    offered: Collection[str],
    left: list[tuple[str, str]],
    form: Any = str,
) -> tuple[str, ...]:
    texts = [form(text) for text in asked.get(name, ())]
    left += [(name, text) for text in texts if text not in offered]
    return tuple(dict.fromkeys(text for text in texts if text in offered))


def conditions(question: Question, subject: Subject) -> list[str]:
    """SQL of what a row must be like."""
    found = []
    if question.member:
        found.append(_among(subject.column("member"), question.member))
    if question.since is not None:
        found.append(f"{subject.column('year')} >= {question.since}")
    if question.until is not None:
        found.append(f"{subject.column('year')} <= {question.until}")
    for name, chosen in (("method", question.method), ("category", question.category), ("status", question.status)):  # fmt: skip
        if chosen:
            found.append(_among(subject.column(name), chosen))
    if question.currency:
        found.append(f"{subject.column('currency')} = {quote_text(question.currency)}")
    if question.over is not None:
        found.append(f"{subject.column('amount')} > {question.over:f}")
    if question.under is not None:
        found.append(f"{subject.column('amount')} < {question.under:f}")
    for name, text in (("buyer", question.buyer), ("supplier", question.supplier)):
        if text:
            found.append(f"regexp_matches({subject.column(name)}, {quote_text(_loosely(text))})")
    return found


def _loosely(text: str) -> str:
    """A pattern (RE2) that finds a text whatever its accents and capitals: stripping those of millions of names takes seconds."""
    parts = ["(?i)"]
    for letter in unicodedata.normalize("NFC", text):
        base = unicodedata.normalize("NFD", letter)[0].lower()
        if base in _ACCENTED:
            parts.append(f"[{base}{_ACCENTED[base]}]")
        elif letter.isalnum() or not letter.isascii() or letter == " ":
            parts.append(letter)
        else:
            parts.append(f"\\x{{{ord(letter):x}}}")
    return "".join(parts)


_ACCENTED = {
    "a": "áàâãäå", "c": "ç", "e": "éèêë", "i": "íìîï", "n": "ñ", "o": "óòôõö", "u": "úùûü", "y": "ýÿ",
}  # fmt: skip


def _among(column: str, codes: tuple[str, ...]) -> str:
    if len(codes) == 1:
        return f"{column} = {quote_text(codes[0])}"
    return f"{column} IN ({', '.join(map(quote_text, codes))})"


def _used(question: Question) -> set[str]:
    used = {name for name, _value in question.pairs()}
    return (used - {"by", "what", "measure"}) | {question.by}


def _where(question: Question, subject: Subject) -> str:
    found = conditions(question, subject)
    return "\nWHERE " + "\n  AND ".join(found) if found else ""


def figures_sql(question: Question, subject: Subject) -> str:
    """SQL of (group, currency, n, n_with_amount, total, median): one line for each group and currency."""
    group = "NULL" if question.by == "none" else subject.column(question.by)
    amount = subject.column("amount")
    order = {"count": "n DESC", "sum": "total DESC NULLS LAST", "median": "median DESC NULLS LAST"}[
        question.measure
    ]
    first = '"group" NULLS LAST, ' if question.by == "year" else ""
    return (
        f'SELECT {group} AS "group", {subject.column("currency")} AS currency, count(*) AS n,\n'
        f"  count({amount}) AS n_with_amount, sum({amount}) AS total, median({amount}) AS median\n"
        f"FROM {subject.source(_used(question))}{_where(question, subject)}\n"
        f'GROUP BY ALL\nORDER BY {first}{order}, "group", currency'
    )


def rows_sql(question: Question, subject: Subject) -> str:
    """SQL of the rows behind a question."""
    return f"SELECT t.*\nFROM {subject.source(_used(question))}{_where(question, subject)}\nORDER BY ALL"


def coverage_sql(subject: Subject) -> str:
    """SQL of how much of every property a member states in a year: (member, year, n, then one count each of `COVERED`)."""
    there = [name for name in COVERED if subject.has(name)]
    counts = ", ".join(f"count({subject.column(name)}) AS {quote_name(name)}" for name in there)
    return (
        f"SELECT {subject.column('member')} AS member, {subject.column('year')} AS year, count(*) AS n, {counts}\n"
        f"FROM {subject.source(there)}\nGROUP BY 1, 2"
    )


COVERED = ("method", "category", "status", "buyer", "supplier", "amount", "currency")


def page_filters(question: Question, subject: Subject) -> list[tuple[str, str]] | None:
    """The same rows as filters of the table's page; None when a page cannot say it."""
    if question.buyer or question.supplier:
        return None
    pairs: list[tuple[str, str]] = []
    for name in ("member", "method", "category", "status"):
        chosen = getattr(question, name)
        if chosen and name not in subject.columns:
            return None
        if len(chosen) == 1:
            pairs.append((subject.columns[name], chosen[0]))
        elif chosen:
            pairs.append((f"{subject.columns[name]}__in", ",".join(chosen)))
    year, amount = subject.columns["year"], subject.columns["amount"]
    if question.since is not None and question.since == question.until:
        pairs.append((year, str(question.since)))
    else:
        pairs += [(f"{year}__gte", str(question.since))] if question.since is not None else []
        pairs += [(f"{year}__lte", str(question.until))] if question.until is not None else []
    if question.currency:
        pairs.append((subject.columns["currency"], question.currency))
    pairs += [(f"{amount}__gt", f"{question.over:f}")] if question.over is not None else []
    pairs += [(f"{amount}__lt", f"{question.under:f}")] if question.under is not None else []
    return pairs


def group_filters(
    question: Question, subject: Subject, group: Any, currency: str | None
) -> list[tuple[str, str]] | None:
    """Filters of the table's page for one figure of an answer; None when a page cannot say it.

    currency: of the figure; "" for a figure of all currencies, None for rows that state none.
    """
    narrowed = question
    if question.by in ("member", "method", "category", "status") and group is not None:
        narrowed = question.narrowed(question.by, str(group))
    elif question.by == "year" and group is not None:
        narrowed = replace(question, since=int(group), until=int(group))
    pairs = page_filters(narrowed, subject)
    if pairs is None:
        return None
    if question.by in ("buyer", "supplier") or (group is None and question.by != "none"):
        if question.by not in subject.columns:
            return None
        column = subject.columns[question.by]
        pairs.append((column, str(group)) if group is not None else (f"{column}__isnull", "1"))
    if currency is None:
        pairs.append((f"{subject.columns['currency']}__isnull", "1"))
    elif currency and not question.currency:
        pairs.append((subject.columns["currency"], currency))
    return pairs
