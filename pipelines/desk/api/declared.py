"""What an operation is. Routes, checks of what comes in, and the OpenAPI description are all made from these declarations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from jsonschema import Draft202012Validator

from pipelines.desk.api.problems import ProblemError
from pipelines.desk.desk import Desk
from pipelines.desk.people import Person
from pipelines.desk.permissions import Action
from pipelines.store import LedgerEntry

PREFIX = "/api/v1"
JSON, FORM = "application/json", "multipart/form-data"


@dataclass(frozen=True)
class Query:
    """A parameter of the query. schema: JSON Schema; integers are read from their digits."""

    name: str
    words: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """file: sent as it is in place of `body`."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None


@dataclass(frozen=True)
class Call:
    """A request that may be made: who asks, and what for, read and checked.

    scopes: of the token that speaks, None for a session. entry: the submission of the address, where it names one.
    files: (name, bytes) of a form. home, public: addresses of the desk and of the public site, without a final slash.
    """

    desk: Desk
    person: Person
    scopes: tuple[str, ...] | None
    home: str
    public: str
    place: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    files: Sequence[tuple[str, BinaryIO]]
    entry: LedgerEntry | None

    @property
    def submission(self) -> LedgerEntry:
        assert self.entry is not None
        return self.entry


@dataclass(frozen=True)
class Operation:
    """One method of one address. action: what somebody has to be allowed; of the member of the submission that the address
    names (``{id}`` below ``/submissions``), otherwise of the person's own. answers: status -> (words, name of a schema or None).
    body: JSON Schema of a JSON body. form: of a form of files. problems: codes that are its own.
    """

    name: str
    method: str
    path: str
    summary: str
    action: Action
    handler: Callable[[Call], Answer]
    answers: Mapping[int, tuple[str, str | None]]
    body: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    query: tuple[Query, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def of_submission(self) -> bool:
        return self.path.startswith("/submissions/{id}")

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @cached_property
    def _body(self) -> Draft202012Validator:
        return Draft202012Validator(self.body or {})

    @cached_property
    def _form(self) -> Draft202012Validator:
        return Draft202012Validator(self.form or {})

    def check_body(self, told: Any, *, is_form: bool = False) -> None:
        """`ProblemError` ``values`` with every value that is wrong."""
        found = sorted((self._form if is_form else self._body).iter_errors(told), key=str)
        if found:
            raise ProblemError(
                "values",
                [
                    {
                        "detail": _short(each.message),
                        "pointer": "#/" + "/".join(str(part) for part in each.absolute_path),
                    }
                    for each in found[:20]
                ],
            )

    def read_query(self, told: Mapping[str, str]) -> dict[str, Any]:
        """The parameters that are declared, as their kinds; others are none of ours."""
        found: dict[str, Any] = {}
        wrong: list[dict[str, Any]] = []
        for each in self.query:
            if each.name not in told:
                continue
            value: Any = told[each.name]
            if each.schema.get("type") == "integer" and value.isascii() and value.isdigit():
                value = int(value) if len(value) < 10 else 10**9
            for error in Draft202012Validator(each.schema).iter_errors(value):
                wrong.append({"detail": _short(error.message), "parameter": each.name})
            found[each.name] = value
        if wrong:
            raise ProblemError("values", wrong)
        return found


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


OPERATIONS: list[Operation] = []


def operation(
    method: str, path: str, summary: str, action: Action, answers: Mapping[int, tuple[str, str | None]], **more: Any
) -> Callable[[Callable[[Call], Answer]], Callable[[Call], Answer]]:  # fmt: skip
    """Declare the function below as what does it; its name is the operation's."""

    def declare(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        words = handler.__name__.split("_")
        name = words[0] + "".join(word.title() for word in words[1:])
        OPERATIONS.append(Operation(name, method, path, summary, action, handler, answers, **more))
        return handler

    return declare
