"""What every operation of the API promises, declared beside its code: parameters, bodies, answers, errors.

The document of ``openapi.py`` and the page of ``documentation.py`` are made from these declarations; their words are
data (``data/operations.csv``, ``data/parameters.csv``, ``data/changelog.csv``) in Japanese and English.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from django.utils.translation import get_language

DATA = Path(__file__).parent / "data"
F = TypeVar("F", bound=Callable[..., Any])

#: What the body or the answer of an operation may be, by media type: a msgspec type, several of which one, or a schema.
Media = dict[str, Any]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query, a header or the path; its words stand in ``data/parameters.csv`` under its name."""

    name: str
    schema: Mapping[str, Any]
    where: str = "query"
    required: bool = False
    example: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a success looks like: its body by media type, and the headers it carries."""

    body: Media = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address."""

    id: str
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    body: Media = field(default_factory=dict)
    #: Codes of the catalogue besides those that every door may answer with.
    errors: tuple[str, ...] = ()
    #: What may be called next: operation and its parameters, as expressions over the answer (OpenAPI, Link Object).
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def words(self) -> "Words":
        """What it is called and does, in the reader's language."""
        return words("operations")[self.id]


@dataclass(frozen=True, slots=True)
class Words:
    """A row of words: where it belongs, what it is called, what it does."""

    group: str
    ja: tuple[str, str]
    en: tuple[str, str]

    @property
    def title(self) -> str:
        """A short name, in the reader's language."""
        return self._texts[0]

    @property
    def text(self) -> str:
        """A few sentences, in the reader's language."""
        return self._texts[1]

    @property
    def _texts(self) -> tuple[str, str]:
        return self.en if get_language() == "en" else self.ja


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def words(name: str) -> dict[str, Words]:
    """Return the words of a table by their key."""
    return {
        row["id"]: Words(
            row.get("group", ""), (row.get("title_ja", ""), row["ja"]), (row.get("title_en", ""), row["en"])
        )
        for row in _rows(name)
    }


@cache
def codes() -> dict[str, dict[str, Words]]:
    """Return the words of the hub's enumerations, by table and value."""
    found: dict[str, dict[str, Words]] = {}
    for row in _rows("codes"):
        found.setdefault(row["table"], {})[row["value"]] = Words("", ("", row["ja"]), ("", row["en"]))
    return found


def operation(declared: Operation) -> Callable[[F], F]:
    """Declare what a handler promises."""

    def declare(handler: F) -> F:
        handler.operation = declared  # type: ignore[attr-defined]
        return handler

    return declare


def declared(view: Any) -> Iterator[tuple[str, Operation]]:
    """Yield method and operation of a view."""
    for method in ("get", "post", "put", "patch", "delete"):
        found = getattr(getattr(view, method, None), "operation", None)
        if found is not None:
            yield method, found


# --- What changes with time ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the changelog; a deprecated operation names the day after which it may be gone."""

    on: date
    kind: str  #: added, changed, deprecated or removed
    operation: str
    sunset: date | None
    words: Words


@cache
def changelog() -> tuple[Change, ...]:
    """Return the changelog, newest first."""
    rows = [
        Change(
            on=date.fromisoformat(row["on"]),
            kind=row["kind"],
            operation=row["operation"],
            sunset=date.fromisoformat(row["sunset"]) if row["sunset"] else None,
            words=Words("", ("", row["ja"]), ("", row["en"])),
        )
        for row in _rows("changelog")
    ]
    return tuple(sorted(rows, key=lambda row: row.on, reverse=True))


def deprecation(operation_id: str) -> Change | None:
    """Return the deprecation of an operation, if there is one."""
    return next((row for row in changelog() if row.kind == "deprecated" and row.operation == operation_id), None)


# --- Shapes that many operations share ---------------------------------------------------------------------

DAY = {"type": "string", "format": "date"}
ID = {"type": "string", "format": "uuid"}


def limit(default: int, most: int) -> Parameter:
    """How many rows a page has at most."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", schema, example=default)


def path(name: str, schema: Mapping[str, Any] = ID, example: Any = "0197f000-0000-7000-8000-000000000001") -> Parameter:
    """A parameter in the address."""
    return Parameter(name, schema, "path", required=True, example=example)


def json(kind: Any) -> Media:
    """A body of JSON."""
    return {JSON: kind}
