"""Parts -> staged tables: numbers, dates, booleans and codes in the one spelling that the standard knows.

Types come from the schema, never from a sample; what is decided by looking is only *how the sender writes*
(decimal sign, order of day and month), and it is decided over the whole column, told in the manifest, and
can be told by the sender instead (mapping file).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue import LANGUAGES, PROVENANCE, Catalogue, Codelist, Field, PackageType
from pipelines.engine import fetch_one, quote_name, quote_text
from pipelines.intake import readings
from pipelines.intake.labels import fold
from pipelines.intake.tabular import Part
from pipelines.records import Finding, StagedTable

MAX_DISTINCT_CODES = 5_000
"""A coded column with more different texts than this is not a coded column; its cells are left as they are."""

_END_SUFFIXES = ("_end", "_max_extent", "_until")


@dataclass(slots=True)
class _Column:
    """How a column of a part is read, and what was seen in it."""

    field: Field
    expression: str
    understood: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Cells of a column that stand for "nothing", that are not canonical as they are, that have blanks around them."""

    marks: int
    odd: int
    blanks: int


class CodeReader:
    """Codes by what people write: the code in any case, its label in any of the four languages, or a synonym."""

    def __init__(self, catalogue: Catalogue, codelist: Codelist) -> None:
        self.codes = codelist.codes
        self._by_label: dict[str, str] = {}
        self._labels = {
            code: {catalogue.texts.code(language, codelist.name, code) for language in LANGUAGES}
            for code in codelist.codes
        }
        for code in codelist.codes:
            for language in LANGUAGES:
                self._by_label.setdefault(fold(catalogue.texts.code(language, codelist.name, code)), code)
        for code in codelist.codes:
            self._by_label[fold(code)] = code
        for said, code in codelist.synonyms.items():
            self._by_label.setdefault(fold(said), code)

    def is_label(self, text: str, code: str) -> bool:
        """Whether a text is the code in another case or its official label: nothing that the sender need be told."""
        return text.casefold() == code.casefold() or text in self._labels.get(code, ())

    def read(self, text: str, told: Mapping[str, str]) -> str:
        if text in told:
            return told[text]
        return text if text in self.codes else self._by_label.get(fold(text), text)

    def read_list(self, text: str, told: Mapping[str, str]) -> str:
        """Each element of a list; a comma or bar separates too when every piece is then a code."""
        for separator in (";", ",", "|"):
            pieces = [piece.strip() for piece in text.split(separator) if piece.strip()]
            read = [self.read(piece, told) for piece in pieces]
            if separator == ";" or all(piece in self.codes for piece in read):
                if separator == ";" and len(pieces) == 1 and read[0] not in self.codes:
                    continue
                return ";".join(read)
        return text


class Canonicaliser:
    """Turns the parts of a submission into its staged tables."""

    def __init__(self, con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
        self.con = con
        self.catalogue = catalogue
        self.findings: list[Finding] = []
        self._code_readers: dict[str, CodeReader] = {}

    def stage(
        self, package_type: PackageType, parts: Sequence[Part], folder: Path
    ) -> tuple[list[StagedTable], list[Any]]:
        """Write one staged table per table that has parts; (tables, what was understood per part)."""
        tables, understood = [], []
        for table in package_type.tables:
            own = [part for part in parts if part.table.name == table.name]
            if not own:
                continue
            selects, as_is = [], True
            for part in own:
                select, reading, part_as_is = self._select(part)
                selects.append(select)
                as_is = as_is and part_as_is
                understood.append(
                    {
                        "table": table.name,
                        "file": part.source_file,
                        "sheet": part.sheet,
                        "rows": part.rows,
                        "reading": reading,
                    }
                )
            columns = tuple(name for name in table.by_name if any(name in part.columns for part in own))
            target = folder / f"{table.name}.parquet"
            listed = ", ".join(quote_name(name) for name in (*columns, *PROVENANCE))
            if as_is and len(own) == 1:
                # Every cell is in the one spelling already: the part is the staged table.
                own[0].path.rename(target)
                tables.append(StagedTable(table.name, str(target), own[0].rows, columns))
                continue
            self.con.execute(
                f"COPY (SELECT {listed} FROM ({' UNION ALL BY NAME '.join(selects)})) TO {quote_text(str(target))} "
                "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
            )
            tables.append(StagedTable(table.name, str(target), sum(part.rows for part in own), columns))
        return tables, understood

    def _select(self, part: Part) -> tuple[str, dict[str, Any], bool]:
        """SQL of a part's canonical rows, what was understood, and whether they are its rows as they are."""
        source = f"read_parquet({quote_text(str(part.path))})"
        fields = [part.table.by_name[name] for name in part.columns]
        seen = self._profile(part, source, fields)
        columns = [self._read(part, source, field, seen[field.name]) for field in fields]
        listed = ", ".join(f"{column.expression} AS {quote_name(column.field.name)}" for column in columns)
        cleaned = ", ".join(
            f"{self._cleaned(part, field, seen[field.name])} AS {quote_name(field.name)}" for field in fields
        )
        provenance = ", ".join(PROVENANCE)
        sql = f"(SELECT {listed}, {provenance} FROM (SELECT {cleaned}, {provenance} FROM {source}))"
        understood = {column.field.name: column.understood for column in columns if column.understood}
        as_is = all(
            column.expression == quote_name(name) == self._cleaned(part, column.field, seen[name])
            for column in columns
            for name in (column.field.name,)
        )
        return sql, understood, as_is

    def _profile(self, part: Part, source: str, fields: Sequence[Field]) -> dict[str, _Seen]:
        """One look at all columns, and a second at those with blanks around their texts: what needs reading at all."""
        if not fields:
            return {}
        blanks = self._count(source, [readings.has_blanks(field.name) for field in fields])
        questions = []
        for field, blank in zip(fields, blanks, strict=True):
            text = readings.clean(field.name) if blank else quote_name(field.name)
            canonical = readings.CANONICAL.get(field.type)
            questions.append(self._is_mark(part, field, text))
            questions.append(
                f"NOT regexp_full_match({text}, {quote_text(canonical)})" if canonical else "false"
            )
        found = self._count(source, questions)
        return {
            field.name: _Seen(found[2 * at], found[2 * at + 1], blanks[at]) for at, field in enumerate(fields)
        }

    def _count(self, source: str, conditions: Sequence[str]) -> tuple[int, ...]:
        """For how many rows each condition is true."""
        counts = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions)
        return fetch_one(self.con, f"SELECT {counts} FROM {source}")

    def _is_mark(self, part: Part, field: Field, text: str) -> str:
        marks = self._marks(part, field)
        return (
            f"length({text}) < 12 AND lower({text}) IN ({', '.join(map(quote_text, marks))})"
            if marks
            else "false"
        )

    def _marks(self, part: Part, field: Field) -> list[str]:
        marks = [str(mark).casefold() for mark in part.told.get("missing", readings.MISSING_MARKS)]
        codelist = self.catalogue.codelists.get(field.codelist or "")
        codes = {code.casefold() for code in codelist.codes} if codelist else set()
        return [mark for mark in marks if mark not in codes]

    def _cleaned(self, part: Part, field: Field, seen: _Seen) -> str:
        text = readings.clean(field.name) if seen.blanks else quote_name(field.name)
        return (
            f"CASE WHEN {self._is_mark(part, field, text)} THEN NULL ELSE {text} END" if seen.marks else text
        )

    def _read(self, part: Part, source: str, field: Field, seen: _Seen) -> _Column:
        if seen.marks:
            self._tell_marks(part, source, field)
        text = quote_name(field.name)
        cleaned = f"(SELECT {self._cleaned(part, field, seen)} AS v FROM {source})"
        if field.codelist in self.catalogue.codelists:
            return self._read_codes(part, cleaned, field)
        if not seen.odd:
            return _Column(field, text)
        if field.type in ("number", "integer"):
            decimal, understood = self._decimal_sign(part, cleaned, field)
            read = readings.number if field.type == "number" else readings.integer
            return _Column(field, read(text, decimal), understood)
        if field.type in ("date", "datetime"):
            return self._read_dates(part, cleaned, field)
        return _Column(field, readings.boolean(text) if field.type == "boolean" else text)

    def _tell(
        self, finding: str, part: Part, field: Field, value: str | None = None, **parameters: Any
    ) -> None:
        self.findings.append(
            Finding(
                finding,
                table=part.table.name,
                field=field.name,
                source_file=part.source_file,
                sheet=part.sheet,
                column=part.letters.get(field.name),
                value=value,
                parameters=parameters,
            )
        )

    def _tell_marks(self, part: Part, source: str, field: Field) -> None:
        text = readings.clean(field.name)
        found = self.con.execute(
            f"SELECT {text} AS mark, count(*) FROM {source} WHERE {self._is_mark(part, field, text)} GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        self._tell(
            "missing-marks",
            part,
            field,
            marks=[mark for mark, _ in found],
            count=sum(count for _, count in found),
        )

    def _decimal_sign(self, part: Part, cleaned: str, field: Field) -> tuple[str, dict[str, Any]]:
        """The decimal sign of a column: told, typed, seen, or (nothing tells) a finding and the dot."""
        if part.told.get("decimal") in (".", ","):
            return part.told["decimal"], {"decimal": part.told["decimal"], "told": True}
        bare = readings.bare_number("v")

        def share(pattern: str) -> str:
            return f"count(*) FILTER (WHERE regexp_full_match(b, {quote_text(pattern)}))"

        dots, commas, grouped_dots, grouped_commas, ungrouped, example_dot, example_comma = fetch_one(
            self.con,
            f"SELECT {share(readings.ONLY_DOT_DECIMAL)}, {share(readings.ONLY_COMMA_DECIMAL)}, "
            f"{share(readings.GROUPED_BY_DOT)}, {share(readings.GROUPED_BY_COMMA)}, {share(readings.NOT_GROUPED)}, "
            f"min(b) FILTER (WHERE regexp_full_match(b, {quote_text(readings.GROUPED_BY_DOT)})), "
            f"min(b) FILTER (WHERE regexp_full_match(b, {quote_text(readings.GROUPED_BY_COMMA)})) "
            f"FROM (SELECT {bare} AS b FROM {cleaned} WHERE v IS NOT NULL AND NOT regexp_full_match(v, '-?\\d{{1,3}}'))",
        )
        if part.typed and not part.sheet:
            return ".", {}
        if dots and commas:
            decimal = "." if dots >= commas else ","
            if grouped_dots or grouped_commas:
                example = example_dot if decimal == "," else example_comma
                example = example or example_dot or example_comma
                self._tell(
                    "numbers-mixed", part, field, example=example, read_as=decimal, count=min(dots, commas)
                )
            return decimal, {"decimal": decimal, "mixed": True}
        if dots or commas:
            decimal = "." if dots else ","
            return decimal, {"decimal": decimal}
        if grouped_dots and not grouped_commas:
            # 12500 beside 1.500: whoever writes 12500 puts no thousands sign, so the dot is a decimal sign.
            if ungrouped:
                return ".", {"decimal": "."}
            self._tell("numbers-ambiguous", part, field, value=example_dot, example=example_dot, read_as=".")
            return ".", {"decimal": "?"}
        if grouped_commas and not grouped_dots:
            if ungrouped:
                return ",", {"decimal": ","}
            self._tell(
                "numbers-ambiguous", part, field, value=example_comma, example=example_comma, read_as="."
            )
            return ".", {"decimal": "?"}
        return ".", {}

    def _read_dates(self, part: Part, cleaned: str, field: Field) -> _Column:
        text = quote_name(field.name)
        split = quote_text(readings.SPLIT_DATE)
        first = r"try_cast(regexp_extract(v, '^(\d{1,2})', 1) AS INTEGER)"
        second = r"try_cast(regexp_extract(v, '^\d{1,2}[/.-](\d{1,2})', 1) AS INTEGER)"
        naive = r"regexp_matches(v, '\d:\d') AND NOT regexp_matches(v, '(Z|z|GMT|UTC|[+-]\d{2}(:?\d{2})?)$')"
        splits, day_first, month_first, example, naives = fetch_one(
            self.con,
            f"SELECT count(*) FILTER (WHERE s), count(*) FILTER (WHERE s AND {first} > 12), "
            f"count(*) FILTER (WHERE s AND {second} > 12), min(v) FILTER (WHERE s AND {first} <= 12 AND {second} <= 12), "
            f"count(*) FILTER (WHERE {naive}) FROM (SELECT v, regexp_full_match(v, {split}) AS s FROM {cleaned} WHERE v IS NOT NULL)",
        )
        told = part.told.get("date_order")
        order = told or ("mdy" if month_first > day_first else "dmy")
        understood: dict[str, Any] = {}
        if splits:
            understood["date_order"] = order
            if not told and example and bool(day_first) == bool(month_first):
                self._tell("dates-ambiguous", part, field, value=example, example=example, read_as=order)
        time_zone = part.told.get("time_zone", "UTC")
        if field.type == "date":
            return _Column(field, readings.date(text, order == "dmy"), understood)
        if naives:
            understood["time_zone"] = time_zone
            if "time_zone" not in part.told:
                self._tell("time-zone-assumed", part, field, time_zone=time_zone, count=naives)
        is_end = field.name.endswith(_END_SUFFIXES)
        return _Column(field, readings.datetime(text, order == "dmy", is_end, time_zone), understood)

    def _read_codes(self, part: Part, cleaned: str, field: Field) -> _Column:
        codelist = self.catalogue.codelists[field.codelist or ""]
        reader = self._code_readers.setdefault(codelist.name, CodeReader(self.catalogue, codelist))
        text = quote_name(field.name)
        told = {str(key): str(value) for key, value in part.told.get("codes", {}).get(field.name, {}).items()}
        distinct = self.con.execute(
            f"SELECT v, count(*) FROM {cleaned} WHERE v IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_DISTINCT_CODES + 1}"
        ).fetchall()
        if len(distinct) > MAX_DISTINCT_CODES:
            return _Column(field, text)
        read = reader.read_list if field.type == "list" else reader.read
        changed = {value: code for value, _ in distinct if (code := read(value, told)) != value}
        emptied = [(value, count) for value, count in distinct if changed.get(value) == ""]
        if emptied:
            marks = [value for value, _ in emptied]
            self._tell("missing-marks", part, field, marks=marks, count=sum(count for _, count in emptied))
        for value, count in distinct:
            if changed.get(value) and not reader.is_label(value, changed[value]):
                self._tell(
                    "code-translated", part, field, value=value, label=value, code=changed[value], count=count
                )
        return _Column(field, _recode(text, changed), {"codes": changed} if changed else {})


def _recode(text: str, changed: Mapping[str, str]) -> str:
    if not changed:
        return text
    # A mapping file says "" of a text that means no code at all.
    whens = " ".join(
        f"WHEN {quote_text(old)} THEN {quote_text(new) if new else 'NULL'}" for old, new in changed.items()
    )
    return f"CASE {text} {whens} ELSE {text} END"
