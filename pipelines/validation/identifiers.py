"""Identifiers of organizations and persons against the register that gave them (OG-46, OG-47).

What is known of a register stands in ``schemas/codelists/identifierScheme.csv``: ``pattern`` (form of the whole
number), ``check`` (module of python-stdnum that knows its check digit), ``bare`` (forms that carry no check
digit) and ``person`` (numbers that are, or may be, those of natural persons: shown masked).

Only check digits are asked of python-stdnum. Its lists of classes and provinces age, so that a class it does not
know says nothing; the last character of a Mexican RFC is wrong in one number of seventy that the tax office
itself gave out, so that the RFC has no ``check``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import product
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from stdnum.exceptions import InvalidChecksum, ValidationError

from pipelines.catalogue import Codelist, Table
from pipelines.catalogue.model import Code
from pipelines.validation.codes import quoted_list
from pipelines.validation.workspace import Workspace, json_object

SHOWN = 3
"""Last characters of a natural person's number that a finding shows."""

MOST_ZEROS = 3
"""Zeros at the start that a spreadsheet is thought to have taken away; fewer digits are another number."""

_BATCH = 50_000
_SEPARATORS = re.compile(r"[./ ]")
_OPTIONAL = re.compile(r"\([^()]*\)\?")
_DIGITS = "0123456789"
_JUDGED = pa.schema([(name, pa.string()) for name in ("scheme", "identifier", "code", "value", "parameters")])


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a number cannot stand. suggestion: the number that was probably meant, empty when nothing is sure."""

    code: str
    suggestion: str = ""


class Register:
    """One register of identifiers: what its numbers look like and when they cannot be right."""

    def __init__(self, code: Code) -> None:
        self.scheme = code.code
        self.is_personal = code.extra.get("kind") == "person"
        self._pattern = re.compile(code.extra.get("pattern") or r"[\s\S]*")
        self._bare = re.compile(code.extra.get("bare") or r"(?!)")
        self._person = re.compile(code.extra.get("person") or r"(?!)")
        self._check = _load_check(code.extra.get("check", ""))
        main = _OPTIONAL.sub("", code.extra.get("pattern", "").split("|")[0])
        self.is_judged = bool(main or code.extra.get("check"))
        self._has_fixed_length = bool(main) and not re.search(r"\{\d+,\d*\}|[+*?]", main.replace("-?", ""))
        self.example = _shape(main)

    def bare_number(self, identifier: str) -> str:
        """The number without its scheme in front and without the signs with which registers group digits.

        ``15.413.826/0001-50`` is a CNPJ, ``61.202.000-0`` a RUT. The hyphen stays: it sets the check digit apart.
        """
        return _SEPARATORS.sub("", identifier.removeprefix(f"{self.scheme}-").strip()).upper()

    def judge(self, identifier: str) -> Judgement | None:
        """None for a number that can stand, or of which nothing is known."""
        number = self.bare_number(identifier)
        if self._pattern.fullmatch(number):
            if self._bare.fullmatch(number) or not self._fails(number):
                return None
            return Judgement("identifier-check-digit")
        return (
            self._lost_zeros(number) or self._without_check_digit(number) or Judgement("identifier-malformed")
        )

    def may_be_a_person(self, identifier: str) -> bool:
        """Whether the number is, or may be, that of a natural person: only ever used to show less of it."""
        return self.is_personal or bool(self._person.match(self.bare_number(identifier)))

    def _fails(self, number: str) -> bool:
        try:
            self._check(_without_unit(number))
        except InvalidChecksum:
            return True
        except ValidationError:
            return False
        return False

    def _stands(self, number: str) -> bool:
        """Whether a number that we made up is one that the register could have given."""
        try:
            return bool(self._pattern.fullmatch(number) and self._check(number))
        except ValidationError:
            return False

    def _lost_zeros(self, number: str) -> Judgement | None:
        if not self._has_fixed_length or not number.isdecimal() or number.startswith("0"):
            return None
        for count in range(1, MOST_ZEROS + 1):
            whole = "0" * count + number
            if self._stands(whole):
                return Judgement("identifier-zeros-lost", whole)
        return None

    def _without_check_digit(self, number: str) -> Judgement | None:
        if self._check is _no_check or not number.isdecimal():
            return None
        for length, separator in product((1, 2), ("", "-")):
            if not self._pattern.fullmatch(number + separator + "0" * length):
                continue
            ends = ("".join(each) for each in product(_DIGITS, repeat=length))
            found = [end for end in ends if self._stands(number + separator + end)]
            if len(found) == 1:
                return Judgement("identifier-check-digit-missing", number + separator + found[0])
        return None


def _no_check(number: str) -> str:
    return number


@cache
def _load_check(module: str) -> Any:
    return import_module(f"stdnum.{module}").validate if module else _no_check


def _without_unit(number: str) -> str:
    """Ecuador writes the unit of an institution behind its RUC: ``1768007200001-36136``."""
    head, _, tail = number.rpartition("-")
    return head if len(tail) > 2 and len(head) == 13 else number


def _shape(pattern: str) -> str:
    """``^\\d{7,8}-?[0-9K]$`` -> ``99999999-9``: the form to type, for people; letters are X."""
    text = re.sub(r"\[A-Z[^\]]*\]", "X", re.sub(r"\\d|\[0-9[^\]]*\]", "9", pattern.strip("^$")))
    text = re.sub(r"(.)\{(?:\d+,)?(\d+)\}", lambda found: found[1] * int(found[2]), text)
    return re.sub(r"[?+]", "", text)


def mask(number: str) -> str:
    """A natural person's number as a finding shows it: its row and its last characters are enough to find it."""
    return "*" * max(len(number) - SHOWN, 0) + number[-SHOWN:]


def check_identifiers(
    space: Workspace, table: Table, declared: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> None:
    """Schemes that no register knows, and identifiers that their register cannot have given.

    declared: codes that the sender explains, by codelist; registers are those of ``identifierScheme``.
    """
    codelist = space.catalogue.codelists["identifierScheme"]
    own = {each for member in space.catalogue.members.values() for each in member.identifier_schemes}
    known = quoted_list(sorted({*codelist.codes, *own, *declared.get(codelist.name, ())}))
    for scheme, identifier in _scheme_pairs(space, table):
        parameters = json_object(scheme=f'"{scheme}"')
        space.add_findings_sql(
            "identifier-scheme-unknown",
            table.name,
            f'SELECT rid, "{scheme}" AS value, {parameters} AS parameters FROM "{table.name}" '
            f'WHERE "{scheme}" IS NOT NULL AND NOT list_contains({known}, "{scheme}")',
            field=scheme,
        )
        _check_numbers(space, table, codelist, scheme, identifier)


def _check_numbers(space: Workspace, table: Table, codelist: Codelist, scheme: str, identifier: str) -> None:
    """Different numbers only are judged, in Python; their rows are found in SQL."""
    registers = {code.code: Register(code) for code in codelist.codes.values()}
    judged = quoted_list([name for name, register in registers.items() if register.is_judged])
    space.con.execute(
        "CREATE OR REPLACE TEMP TABLE judged_identifiers (scheme VARCHAR, identifier VARCHAR, code VARCHAR, value VARCHAR, parameters VARCHAR)"
    )
    cursor = space.con.cursor()
    cursor.execute(
        f'SELECT DISTINCT "{scheme}", "{identifier}" FROM "{table.name}" '
        f'WHERE "{identifier}" IS NOT NULL AND list_contains({judged}, "{scheme}")'
    )
    codes: set[str] = set()
    while rows := cursor.fetchmany(_BATCH):
        faults = list(_faults(registers, rows))
        if faults:
            batch = pa.Table.from_pylist(faults, schema=_JUDGED)
            space.con.register("batch_of_identifiers", batch)
            space.con.execute("INSERT INTO judged_identifiers SELECT * FROM batch_of_identifiers")
            space.con.unregister("batch_of_identifiers")
            codes |= {fault["code"] for fault in faults}
    cursor.close()
    for code in sorted(codes):
        space.add_findings_sql(
            code,
            table.name,
            f'SELECT t.rid, j.value, j.parameters FROM "{table.name}" t JOIN judged_identifiers j '
            f'ON j.scheme = t."{scheme}" AND j.identifier = t."{identifier}" AND j.code = \'{code}\'',
            field=identifier,
        )


def _faults(registers: dict[str, Register], rows: list[tuple[str, str]]) -> Iterator[dict[str, str]]:
    for scheme, identifier in rows:
        register = registers[scheme]
        judgement = register.judge(identifier)
        if judgement is None:
            continue
        personal = register.may_be_a_person(judgement.suggestion or identifier)
        parameters = {"scheme": scheme, "example": register.example}
        if judgement.suggestion and not personal:
            parameters["suggestion"] = judgement.suggestion
        yield {
            "scheme": scheme,
            "identifier": identifier,
            "code": judgement.code,
            "value": mask(identifier) if personal else identifier,
            "parameters": json.dumps(parameters, ensure_ascii=False),
        }


def _scheme_pairs(space: Workspace, table: Table) -> list[tuple[str, str]]:
    pairs = []
    for scheme, identifier in (
        ("identifier_scheme", "identifier_id"),
        ("scheme", "identifier_id"),
        ("buyer_id_scheme", "buyer_id"),
        ("supplier_id_scheme", "supplier_id"),
    ):
        if space.has(table.name, scheme, identifier) and table.by_name[scheme].codelist == "identifierScheme":
            pairs.append((scheme, identifier))
    return pairs
