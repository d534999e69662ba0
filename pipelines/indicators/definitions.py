"""The definitions of the indicators, from ``schemas/indicators.csv``, their SQL and their words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from pipelines.catalogue import LANGUAGES
from pipelines.catalogue.texts import read_rows
from pipelines.exceptions import CatalogueError

KINDS = ("use-case", "red-flag", "theme")
METHODS = (
    "count", "sum", "share", "mean", "median", "distinct", "mean_per", "pairs_per", "group_share", "part", "top10", "largest", "hhi", "flag",
)  # fmt: skip
"""How the observations of an SQL file become a figure; `pipelines.indicators.compute` says what each does."""

SCOPES = ("network", "member", "buyer", "supplier")
UNITS = ("count", "share", "days", "money", "number", "index")

_SQL = Path(__file__).with_name("sql")


class IndicatorText(NamedTuple):
    """Words of an indicator: its name, how it is worked out, what it does not say."""

    title: str
    meaning: str
    caveats: str


@dataclass(frozen=True)
class Indicator:
    """A definition.

    method: one of `METHODS`; "" when it cannot be computed from the tables, and then `absent` names what is missing.
    needs: requirements that must all be met, each a set of alternatives, each alternative fields (``table.column``) that
    are needed together. unit: one of `UNITS`. minimum: observations below which no figure is given. parameters: name ->
    default of what the SQL reads by ``getvariable``. formula: whose formula it is (``ocp``, ``cardinal``, ``platform``).
    """

    code: str
    kind: str
    method: str
    unit: str
    scopes: tuple[str, ...]
    minimum: int
    needs: tuple[tuple[tuple[str, ...], ...], ...]
    parameters: Mapping[str, str]
    absent: tuple[str, ...]
    formula: str
    source: str
    texts: Mapping[str, IndicatorText]

    @property
    def is_computed(self) -> bool:
        return bool(self.method)

    @property
    def is_flag(self) -> bool:
        return self.method == "flag"

    @cached_property
    def sql(self) -> str:
        """The query of its observations; raises FileNotFoundError for one that is not computed."""
        return (_SQL / f"{self.code}.sql").read_text(encoding="utf-8").strip()

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that it can use, each once."""
        named = (name for need in self.needs for choice in need for name in choice)
        return tuple(dict.fromkeys(named))

    def missing(self, filled: frozenset[str]) -> tuple[str, ...]:
        """Fields to publish so that it can be computed, given the filled ones: of alternatives, the shortest way."""
        lacking: list[str] = []
        for need in self.needs:
            ways: list[list[str]] = [[name for name in choice if name not in filled] for choice in need]
            shortest = min(ways, key=len)
            lacking += shortest
        return tuple(dict.fromkeys(lacking))


def _needs(text: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """``a.b;c.d+c.e|f.g``: ``;`` and, ``|`` or, ``+`` together."""
    return tuple(
        tuple(tuple(choice.split("+")) for choice in need.split("|")) for need in text.split(";") if need
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


@cache
def load_indicators(schemas: Path) -> Mapping[str, Indicator]:
    """All definitions by code, in the order of the file; read once per process. schemas: the folder ``schemas/``.

    Raises CatalogueError for a definition that contradicts itself or has no words in one of the languages.
    """
    texts: dict[str, dict[str, IndicatorText]] = {}
    for language in LANGUAGES:
        for row in read_rows(schemas / "translations" / language / "indicators.csv"):
            texts.setdefault(row["code"], {})[language] = IndicatorText(
                row["title"], row["meaning"], row["caveats"]
            )
    found = {}
    for row in read_rows(schemas / "indicators.csv"):
        each = Indicator(
            row["code"],
            row["kind"],
            row["method"],
            row["unit"],
            _words(row["scopes"]),
            int(row["minimum_n"] or 0),
            _needs(row["needs"]),
            dict(pair.split("=", 1) for pair in _words(row["parameters"])),
            _words(row["absent"]),
            row["formula"],
            row["source"],
            texts.get(row["code"], {}),
        )
        _check(each)
        found[each.code] = each
    return found


def _check(each: Indicator) -> None:
    if each.kind not in KINDS or (each.method and each.method not in METHODS):
        raise CatalogueError(f"indicator {each.code}: unknown kind {each.kind!r} or method {each.method!r}")
    if each.is_computed and (each.unit not in UNITS or not set(each.scopes) <= set(SCOPES)):
        raise CatalogueError(f"indicator {each.code}: unknown unit {each.unit!r} or scope in {each.scopes}")
    if each.is_computed == bool(each.absent):
        raise CatalogueError(f"indicator {each.code}: either it is computed or something is absent")
    if set(each.texts) != set(LANGUAGES):
        raise CatalogueError(
            f"indicator {each.code}: words are missing in {set(LANGUAGES) - set(each.texts)}"
        )
