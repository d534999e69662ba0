"""A Python regular expression as an RE2 one that matches no text that Python would refuse.

Table Schema's `pattern` is Python's to Frictionless, and is applied as ``^pattern$`` without a group around it. RE2
reads ``\\d``, ``\\b``, flags and lookaround differently or not at all. So the expression is not handed over:
Python's own parse of it is written out again from the few nodes whose meaning is certain. None when there is another.
"""

import re
from re import _constants, _parser  # type: ignore[attr-defined]  # the only parse tree of Python's syntax there is
from typing import Any

MAX_REPEAT = 1000
"""RE2 refuses counts above this."""

_UNICODE_ONLY = re.UNICODE.value
_FIRST_WIDE, _LAST_WIDE = 0x80, 0x10FFFF


def to_re2(pattern: str) -> str | None:
    """The expression to match against the whole cell, or None. Whatever it matches, Frictionless accepts."""
    try:
        tree = _parser.parse(f"^{pattern}$")
    except (re.error, RecursionError, OverflowError):
        return None
    nodes = list(tree)
    if tree.state.flags != _UNICODE_ONLY or len(nodes) < 2:
        return None
    start, stop = (_constants.AT, _constants.AT_BEGINNING), (_constants.AT, _constants.AT_END)
    # ``a|b`` becomes ``^a|b$``: then the anchors are inside the branches, and the whole means something else.
    if nodes[0] != start or nodes[-1] != stop:
        return None
    return _sequence(nodes[1:-1])


def _sequence(nodes: list[tuple[Any, Any]]) -> str | None:
    parts = [_node(kind, value) for kind, value in nodes]
    return None if None in parts else "".join(part for part in parts if part)


def _node(kind: Any, value: Any) -> str | None:
    match kind:
        case _constants.LITERAL:
            return _character(value)
        case _constants.NOT_LITERAL:
            return _class([(_constants.NEGATE, None), (_constants.LITERAL, value)])
        case _constants.ANY:
            return r"[^\n]"
        case _constants.IN:
            return _class(value)
        case _constants.MAX_REPEAT | _constants.MIN_REPEAT:
            return _repeat(*value)
        case _constants.SUBPATTERN:
            _, added, removed, inner = value
            body = None if added or removed else _sequence(list(inner))
            return None if body is None else f"(?:{body})"
        case _constants.BRANCH:
            branches = [_sequence(list(branch)) for branch in value[1]]
            return None if None in branches else f"(?:{'|'.join(each or '' for each in branches)})"
    return None


def _repeat(low: int, high: Any, inner: Any) -> str | None:
    body = _sequence(list(inner))
    unbounded = high is _constants.MAXREPEAT
    if body is None or low > MAX_REPEAT or (not unbounded and high > MAX_REPEAT):
        return None
    return f"(?:{body}){{{low},{'' if unbounded else high}}}"


def _character(code: int) -> str:
    return f"\\x{{{code:x}}}" if not chr(code).isalnum() or code >= _FIRST_WIDE else chr(code)


def _class(items: list[tuple[Any, Any]]) -> str | None:
    """A class: Python's meaning over ASCII, and beyond it only what is certain (shorthands are Unicode in Python)."""
    negated = items[0][0] is _constants.NEGATE
    items = items[1:] if negated else items
    narrow: set[int] = set()
    wide: list[tuple[int, int]] = []
    shorthand = False
    for kind, value in items:
        if kind is _constants.LITERAL:
            low = high = value
        elif kind is _constants.RANGE:
            low, high = value
        elif kind is _constants.CATEGORY:
            members = _category(value)
            if members is None:
                return None
            narrow |= members
            shorthand = True
            continue
        else:
            return None
        narrow |= set(range(low, min(high, _FIRST_WIDE - 1) + 1))
        if high >= _FIRST_WIDE:
            wide.append((max(low, _FIRST_WIDE), high))
    if negated:
        narrow = set(range(_FIRST_WIDE)) - narrow
        # A shorthand covers characters beyond ASCII that are not listed here: then none of them is certain.
        wide = [(_FIRST_WIDE, _LAST_WIDE)] if not wide and not shorthand else []
    spans = _spans(narrow) + wide
    return "[" + "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in spans) + "]" if spans else None


def _category(category: Any) -> set[int] | None:
    """ASCII members of a shorthand."""
    shorthand = {
        _constants.CATEGORY_DIGIT: r"\d",
        _constants.CATEGORY_NOT_DIGIT: r"\D",
        _constants.CATEGORY_SPACE: r"\s",
        _constants.CATEGORY_NOT_SPACE: r"\S",
        _constants.CATEGORY_WORD: r"\w",
        _constants.CATEGORY_NOT_WORD: r"\W",
    }.get(category)
    if shorthand is None:
        return None
    return {code for code in range(_FIRST_WIDE) if re.fullmatch(shorthand, chr(code))}


def _spans(codes: set[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for code in sorted(codes):
        if spans and spans[-1][1] == code - 1:
            spans[-1] = (spans[-1][0], code)
        else:
            spans.append((code, code))
    return spans
