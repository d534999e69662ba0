"""Text that was saved in one encoding and opened in another, and text of which letters are gone for ever (OG-34).

Clean text costs nothing: SQL picks the cells with the signs that such accidents leave, and only different values
of these are judged. What is garbled and how it was before is decided by ftfy, which knows the accidents and asks
whether the text would be less strange without them: ``LICITAÇÃO`` stays, ``LICITAÃ‡ÃƒO`` does not.
"""

import json
import re
from collections.abc import Iterator

import ftfy
import pyarrow as pa

from pipelines.catalogue import Table
from pipelines.engine import quote_text
from pipelines.validation.workspace import REFUSED, VALUE_CHARACTERS, Workspace

LOST = "\ufffd"
"""What a reader puts where a letter could not be read."""

MAX_REPAIR = 2_000
"""Longest text that a finding proposes whole, so that it may be put into the cell."""

_SIGNS = ("Ã", "Â", "â", "√", "├", LOST)
"""First signs of letters with accents in UTF-8 that was read as Windows-1252, Mac Roman or the code page of DOS."""

_TAIL = "\u00a0-\u00bf" + bytes(range(0x80, 0xA0)).decode("cp1252", "ignore") + "\u0080-\u009f"
_GARBLED = f"[ÃÂâ][{_TAIL}]|(?:^|[a-zß-ÿ\\s])Ã(?:\\s|$)|[√├{LOST}]"
"""What can follow such a sign: asked in SQL, since ftfy needs 0.1 ms for a text, and ``ÇÃO`` ends half of the titles in Brazil."""

_MARKED = r"(?:^|\s)[^\s/=:@?]*\pL\?{1,2}\pL[^\s/=:@?]*(?:\s|$)"
"""``Licitaci?n``: question marks between letters of one word; not in addresses, and not after a question."""

_MARKED_WORD = re.compile(r"(?<!\S)[^\s/=:@?]*[^\W\d_]\?{1,2}[^\W\d_][^\s/=:@?]*(?!\S)")
_WORD = 60
_BATCH = 10_000
_JUDGED = pa.schema([(name, pa.string()) for name in ("text", "code", "parameters")])


def check_garbled_text(space: Workspace, table: Table) -> None:
    """``text-garbled`` with the proposal, ``text-lost`` where only the original helps; cell by cell."""
    for name in space.columns[table.name]:
        field = table.by_name[name]
        if field.type != "string" or field.codelist or field.descriptor.get("format"):
            continue
        codes = _judge_column(space, table.name, name)
        for code in sorted(codes):
            space.add_findings_sql(
                code,
                table.name,
                f'SELECT t.rid, left(t."{name}", {VALUE_CHARACTERS}) AS value, j.parameters FROM "{table.name}" t '
                f"JOIN judged_texts j ON j.text = t.\"{name}\" AND j.code = '{code}' "
                f"WHERE t.rid NOT IN (SELECT rid FROM {REFUSED} WHERE table_name = '{table.name}' AND reason = 'invalid-bytes')",
                field=name,
            )


def _judge_column(space: Workspace, table: str, name: str) -> set[str]:
    """Fill the table ``judged_texts`` with the different texts at fault; the codes of their findings."""
    column = f'"{name}"'
    signs = " OR ".join(f"contains({column}, {quote_text(sign)})" for sign in _SIGNS)
    cursor = space.con.cursor()
    cursor.execute(
        f'SELECT DISTINCT {column} FROM "{table}" WHERE (strlen({column}) <> length({column}) AND ({signs}) '
        f"AND regexp_matches({column}, {quote_text(_GARBLED)})) "
        f"OR (contains({column}, '?') AND regexp_matches({column}, {quote_text(_MARKED)}))"
    )
    codes: set[str] = set()
    while rows := cursor.fetchmany(_BATCH):
        faults = [
            {"text": text, "code": code, "parameters": parameters}
            for (text,) in rows
            for code, parameters in judge_text(text)
        ]
        if not faults:
            continue
        if not codes:
            space.con.execute(
                "CREATE OR REPLACE TEMP TABLE judged_texts (text VARCHAR, code VARCHAR, parameters VARCHAR)"
            )
        space.con.register("batch_of_texts", pa.Table.from_pylist(faults, schema=_JUDGED))
        space.con.execute("INSERT INTO judged_texts SELECT * FROM batch_of_texts")
        space.con.unregister("batch_of_texts")
        codes |= {fault["code"] for fault in faults}
    cursor.close()
    return codes


def judge_text(text: str) -> Iterator[tuple[str, str]]:
    """(code, parameters as JSON) of a text with something wrong in it; nothing for a sound one.

    found: the first word at fault. repaired: the same word as it probably was. repair: the whole text so, unless
    it is very long.
    """
    repaired = ftfy.fix_encoding(text)
    lost = next((word for word in text.split() if LOST in word), None)
    marked = _MARKED_WORD.search(text)
    if lost is None and LOST not in repaired and marked is None:
        if repaired != text:
            found, better = _first_difference(text, repaired)
            parameters = {"found": found, "repaired": better}
            if len(repaired) <= MAX_REPAIR:
                parameters["repair"] = repaired
            yield "text-garbled", json.dumps(parameters, ensure_ascii=False)
    else:
        word = lost or (marked and marked[0]) or _first_difference(text, repaired)[0]
        yield "text-lost", json.dumps({"found": word[:_WORD]}, ensure_ascii=False)


def _first_difference(text: str, repaired: str) -> tuple[str, str]:
    """The first words that differ; the beginnings where the words do not."""
    pairs = zip(text.split(), repaired.split(), strict=False)
    found, better = next(((old, new) for old, new in pairs if old != new), (text, repaired))
    return found[:_WORD], better[:_WORD]
