"""The error catalogue: what can be wrong, who acts, and what to do, in Japanese and English.

The texts are data (``data/errors.csv``); ``Refusal`` carries one or more problems to a door, which
answers in its own form (problem+json, a form error, an admin message).
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.translation import get_language

TABLE = Path(__file__).parent / "data" / "errors.csv"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue; ``status`` is the HTTP status a door answers with."""

    code: str
    status: int
    who: str
    title_en: str
    title_ja: str
    remedy_en: str
    remedy_ja: str

    @property
    def title(self) -> str:
        """What is wrong, in the reader's language."""
        return self.title_en if get_language() == "en" else self.title_ja

    @property
    def remedy(self) -> str:
        """What the reader should do, in the reader's language."""
        return self.remedy_en if get_language() == "en" else self.remedy_ja


@cache
def entries() -> dict[str, Entry]:
    """Return the catalogue by code."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return {row["code"]: Entry(status=int(row.pop("status")), **row) for row in rows}


def entry(code: str) -> Entry:
    """Return one row; an unknown code is a fault of ours and raises ``KeyError``."""
    return entries()[code]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the catalogue's code and where (an RFC 6901 pointer into what was sent).

    ``detail`` is for technicians and never repeats what was sent: it may be personal. ``advice`` is what to do in
    this very case, in the reader's language, where more is known than the catalogue says.
    """

    code: str
    pointer: str = ""
    detail: str = ""
    advice: str = ""

    @property
    def entry(self) -> Entry:
        """The catalogue's row."""
        return entry(self.code)

    @property
    def remedy(self) -> str:
        """What the reader should do, in the reader's language."""
        return self.advice or self.entry.remedy


class Refusal(Exception):
    """Nothing was done, because of these problems; the first by the catalogue's precedence leads."""

    def __init__(self, *problems: Problem) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda problem: problem.code))
        super().__init__(" ".join(problem.code for problem in self.problems))

    @property
    def lead(self) -> Problem:
        """The problem to answer with first."""
        return self.problems[0]


def refuse(code: str, pointer: str = "", detail: str = "") -> Refusal:
    """Return a refusal for one problem, to be raised."""
    return Refusal(Problem(code, pointer, detail))


def raise_any(problems: Iterable[Problem]) -> None:
    """Raise one refusal with all the problems, if there are any."""
    found = tuple(problems)
    if found:
        raise Refusal(*found)
