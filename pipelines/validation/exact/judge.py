"""Frictionless judges: the rows that could not be proved clean, in order, with its own `Row` and its own errors.

The loop is that of `TableResource` (unique, primary key, foreign keys) inside that of `Resource.validate` (limits),
over some of the rows instead of all: the others add nothing to either. The numbers of the rows are the file's.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from frictionless import Error, FrictionlessException, errors
from frictionless.errors import DataError
from frictionless.table import Row

from pipelines.validation.exact.keys import Key


@dataclass(slots=True)
class Verdict:
    """What the judge found. errors: in Frictionless' order. warnings: its own, about limits.

    rows: rows that Frictionless would have counted. partial: a limit ended the run, so that no count is compared.
    last: number of the row at which it ended, 0 when it was the end of the file. bad: numbers of rows with an error.
    """

    errors: list[Error]
    warnings: list[str] = field(default_factory=list)
    rows: int = 0
    partial: bool = False
    last: int = 0
    bad: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Judge:
    """A court over the rows of one table.

    handlers: Frictionless' cell handlers. lookups: per foreign key, the keys of the referenced table. scope: types of
    error asked for, None for all. comment, blank: Frictionless' filters of rows, None where there are none.
    first: number of the first content row.
    """

    handlers: dict[str, Any]
    unique: list[Key]
    primary: Key | None
    foreign: list[tuple[Key, set[tuple[Any, ...]]]]
    scope: frozenset[str] | None = None
    comment: Callable[[int, list[Any]], bool] | None = None
    blank: Callable[[list[Any]], bool] | None = None
    first: int = 2
    limit_errors: int = 1000
    limit_rows: int | None = None

    def keep(self, number: int, cells: list[Any]) -> bool:
        """Whether Frictionless would make a row of this record."""
        if self.comment and not self.comment(number, cells):
            return False
        return not (self.blank and not self.blank(cells))

    def wants(self, error: Error) -> bool:
        return self.scope is None or not isinstance(error, DataError) or error.type in self.scope

    def own_errors(self, number: int, cells: list[Any]) -> int:
        """Errors of a row by itself, without keys: a lower bound of what it will be charged with."""
        if not self.keep(number, cells):
            return 0
        try:
            return sum(map(self.wants, Row(cells, handlers=self.handlers, row_number=number).errors))
        except Exception:  # the judge stops at this row, if a limit does not stop it before
            return 0

    def run(
        self,
        rows: Iterable[tuple[int, list[Any]]],
        *,
        records: int,
        found: list[Error],
        terminal: FrictionlessException | None = None,
        stop: Callable[[int], bool] | None = None,
    ) -> Verdict:
        """Judge `rows`, (number, cells) in order of number; the first content row must be one of them.

        records: number of the last record of the file. found: errors before the first row. terminal: what ended the
        reading of the file, if anything did. stop: asked with each number whether to end before it.
        """
        verdict = Verdict([error for error in found if self.wants(error)])
        seen: dict[str, dict[Any, int]] = {key.names[0]: {} for key in self.unique}
        primary: dict[tuple[Any, ...], int] = {}
        dropped = 0
        for number, cells in rows:
            place = number - self.first + 1 - dropped
            if place > 1 and self._is_full(verdict) and self.limit_rows != 1:
                return self._error_limit(verdict, 1, number - place + 1)
            if self.limit_rows and place > self.limit_rows:
                return self._row_limit(verdict, number - (place - self.limit_rows))
            if stop and stop(number):
                verdict.rows, verdict.partial, verdict.last = place - 1, True, number - 1
                return verdict
            if not self.keep(number, cells):
                dropped += 1
                continue
            row = Row(cells, handlers=self.handlers, row_number=number)
            self._check_unique(row, seen)
            self._check_primary(row, primary)
            self._check_foreign(row)
            if row.errors:
                verdict.bad.append(number)
            verdict.errors += [error for error in row.errors if self.wants(error)]
            if self.limit_rows and place >= self.limit_rows:
                return self._row_limit(verdict, number)
            if self._is_full(verdict):
                return self._error_limit(verdict, place, number)
        verdict.rows = max(records - self.first + 1, 0) - dropped
        if verdict.rows and self._is_full(verdict) and self.limit_rows != 1:
            return self._error_limit(verdict, 1, records - verdict.rows + 1)
        if self.limit_rows and verdict.rows >= self.limit_rows:
            return self._row_limit(verdict, records - (verdict.rows - self.limit_rows))
        if terminal:
            verdict.errors.append(terminal.error)
        return verdict

    def _is_full(self, verdict: Verdict) -> bool:
        return bool(self.limit_errors) and len(verdict.errors) >= self.limit_errors

    def _error_limit(self, verdict: Verdict, rows: int, last: int) -> Verdict:
        """The limit was reached by the `last` row; by the heading alone, it takes effect after the first row."""
        verdict.errors = verdict.errors[: self.limit_errors]
        verdict.warnings.append(f"reached error limit: {self.limit_errors}")
        verdict.rows, verdict.partial, verdict.last = rows, True, last
        return verdict

    def _row_limit(self, verdict: Verdict, last: int) -> Verdict:
        assert self.limit_rows
        verdict.warnings.append(f"reached row limit: {self.limit_rows}")
        verdict.rows, verdict.partial, verdict.last = self.limit_rows, True, last
        return verdict

    def _check_unique(self, row: Row, seen: dict[str, dict[Any, int]]) -> None:
        for name, known in seen.items():
            cell = row[name]
            if cell is None:
                continue
            match = known.get(cell)
            known[cell] = row.row_number
            if match:
                note = f"the same as in the row at position {match}"
                row.errors.append(errors.UniqueError.from_row(row, note=note, field_name=name))

    def _check_primary(self, row: Row, known: dict[tuple[Any, ...], int]) -> None:
        if self.primary is None:
            return
        cells = tuple(row[name] for name in self.primary.names)
        if set(cells) == {None}:
            note = 'cells composing the primary keys are all "None"'
            row.errors.append(errors.PrimaryKeyError.from_row(row, note=note))
            return
        match = known.get(cells)
        known[cells] = row.row_number
        if match:
            note = f"the same as in the row at position {match}"
            row.errors.append(errors.PrimaryKeyError.from_row(row, note=note))

    def _check_foreign(self, row: Row) -> None:
        for key, lookup in self.foreign:
            cells = tuple(row[name] for name in key.names)
            if set(cells) == {None} or cells in lookup:
                continue
            listed, values = ", ".join(key.names), ", ".join(str(cell) for cell in cells)
            wanted = ", ".join(key.source_key)
            row.errors.append(
                errors.ForeignKeyError.from_row(
                    row,
                    note=f'for "{listed}": values "{values}" not found in the lookup table "{key.source}" as "{wanted}"',
                    field_names=list(key.names),
                    field_values=list(cells),
                    reference_name=key.source,
                    reference_field_names=list(key.source_key),
                )
            )
