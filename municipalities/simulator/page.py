"""What the towns are doing, as a page for people: who behaves how, what came in, what waits, what went wrong.

Ids, codes and numbers only; no record's content is ever shown. Japanese, or English where the reader prefers it.
"""

import csv
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from municipalities.opening import JST
from municipalities.simulator.faults import CAREFUL
from municipalities.simulator.office import Office
from municipalities.simulator.town import Town

WORDS = Path(__file__).with_name("words.csv")
LANGUAGES = ("ja", "en")
#: As the hub's own pages look.
STYLE = (
    ':root{color-scheme:light}body{margin:0 auto;max-width:75rem;padding:1rem;color:#1a1a1a;background:#fff;'
    'font:1rem/1.7 "Noto Sans JP","Hiragino Sans","Yu Gothic",Meiryo,sans-serif}h1{font-size:1.75rem;line-height:1.3}'
    "h2{font-size:1.25rem;margin-top:2rem}a{color:#0017c1}a:focus-visible{outline:3px solid #b78f00;outline-offset:2px}"
    "nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}div{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "thead th{background:#e8f1fe}tbody th{font-weight:400}td.n{text-align:right}"
    'pre{overflow-x:auto;border:1px solid #767676;background:#f2f2f2;padding:.75rem}code,pre{font-size:.875rem}'
)  # fmt: skip


@cache
def words(language: str) -> dict[str, str]:
    """All words of the page in one language."""
    with WORDS.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row[language] for row in csv.DictReader(file)}


def render(office: Office, request: web.Request, town: Town | None = None) -> str:
    """The page about all towns, or about one."""
    language = spoken(request)
    view = _View(office, words(language), language, str(request.url.origin()))
    body = view.one(town) if town else view.all(everyone=request.query.get("all") == "1")
    other = next(one for one in LANGUAGES if one != language)
    title = f"{view.words['title']}{f' · {town.code} {town.name}' if town else ''}"
    links = [f'<a href="?language={other}" lang="{other}" hreflang="{other}">{view.words["other_language"]}</a>']
    links += [f'<a href="?language={language}">{view.words["refresh"]}</a>']
    if town:
        links += [f'<a href="/?language={language}">{view.words["back"]}</a>']
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f"<nav>{''.join(links)}</nav>{body}</main></body></html>"
    )


def spoken(request: web.Request) -> str:
    """The language asked for by name, else the first of the reader's that there is, else Japanese."""
    wanted = [request.query.get("language", "")]
    wanted += [
        part.partition(";")[0].strip()[:2].lower() for part in request.headers.get("Accept-Language", "").split(",")
    ]
    return next((one for one in wanted if one in LANGUAGES), LANGUAGES[0])


class _View:
    def __init__(self, office: Office, said: dict[str, str], language: str, origin: str) -> None:
        self.office, self.words, self.language, self.origin = office, said, language, origin

    def all(self, *, everyone: bool) -> str:
        """Every behaviour with how many towns have it, then the towns where something happened."""
        faults, sums = self.office.faults, self.office.ledger.by_town()
        counts = faults.counts()
        counts = {CAREFUL.name: len(self.office.towns) - sum(counts.values())} | counts
        behaviours = [[_code(name), str(number), self._meaning(name)] for name, number in counts.items()]
        shown = [
            town
            for code, town in sorted(self.office.towns.items())
            if everyone or code in sums or faults.of(code).name != CAREFUL.name
        ]
        rows = [self._row(town, sums.get(town.code, {})) for town in shown]
        heads = ("code", "town", "profile", "now", "way", "standard", "received", "again", "answered", "waiting",
                 "problems", "faults")  # fmt: skip
        word = self.words["active" if everyone else "all"]
        other = "" if everyone else "&amp;all=1"
        return (
            f"<p>{self.words['lead']}</p>"
            f"<p>{self.words['hub']}: {escape(self.office.settings.hub)} · "
            f"{self.words['played']}: {len(self.office.towns):,}</p>"
            + self._table("behaviours", ("profile", "towns_count", "meaning"), behaviours, number=1)
            + f'<h2>{self.words["change"]}</h2><pre tabindex="0">{escape(self._order())}</pre>'
            + f'<p><a href="?language={self.language}{other}">{word}</a></p>'
            + self._table("title", heads, rows, number=6)
        )

    def _row(self, town: Town, sums: dict[str, int]) -> list[str]:
        link = f'<a href="/towns/{town.code}?language={self.language}">{town.code}</a>'
        names = ("received", "again", "answered", "waiting", "problems")
        return [
            link, escape(town.name), _code(self.office.faults.of(town.code).name), self._now(town.code),
            self.words[town.way], _code(town.standard), *[str(sums.get(name, 0)) for name in names], self._faults(town),
        ]  # fmt: skip

    def one(self, town: Town) -> str:
        """One town: its behaviour with all parameters, its last notices and what a person should look at."""
        profile, ledger = self.office.faults.of(town.code), self.office.ledger
        set_ = {
            name: value
            for name, value in msgspec.to_builtins(profile).items()
            if name != "name" and value != getattr(CAREFUL, name)
        }
        parameters = ", ".join(f"{name} = {value}" for name, value in set_.items())
        rows = [
            ("profile", f"{_code(profile.name)} {self._meaning(profile.name)}"),
            ("parameters", escape(parameters) or self.words["none"]),
            ("now", self._now(town.code)),
            ("way", self.words[town.way]),
            ("standard", _code(town.standard)),
            ("faults", self._faults(town)),
        ]
        about = "".join(f'<tr><th scope="row">{self.words[name]}</th><td>{text}</td></tr>' for name, text in rows)
        notices = [
            [_code(i), _code(kind), str(arrivals), str(times), self.words["open" if waits else "done"]]
            for i, kind, arrivals, times, waits in ledger.last_notices(town.code)
        ]
        problems = [
            [escape(row["name"]), str(row["status"] or ""), escape(row["code"]), str(row["count"])]
            for row in ledger.problems(town.code)
        ]
        return (
            f"<table><tbody>{about}</tbody></table>"
            + self._table("notices", ("delivery", "type", "arrivals", "effects", "state"), notices)
            + self._table("problems", ("what", "status", "error_code", "count"), problems)
        )

    def _table(self, title: str, heads: Iterable[str], rows: list[list[str]], number: int = 99) -> str:
        """A table; columns from ``number`` on that hold figures stand to the right."""
        if not rows:
            return f"<h2>{self.words[title]}</h2><p>{self.words['none']}</p>"
        head = "".join(f'<th scope="col">{self.words[name]}</th>' for name in heads)
        body = "".join(f"<tr>{_cells(row, number)}</tr>" for row in rows)
        return (
            f'<h2>{self.words[title]}</h2><div tabindex="0" role="region" aria-label="{self.words[title]}">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _now(self, code: str) -> str:
        faults = self.office.faults
        return self.words["is_away" if faults.is_away(code) else "is_resting" if faults.rests(code) else "is_up"]

    def _meaning(self, profile: str) -> str:
        return " ".join(self.words[f"profile.{name}"] for name in profile.split("+"))

    def _faults(self, town: Town) -> str:
        said = [
            f"{datetime.fromtimestamp(entry.at, JST):%H:%M:%S} {self.words[f'fault.{entry.what}']}"
            for entry in self.office.diary.last(town.code)
        ]
        return "<br>".join(said) or self.words["none"]

    def _order(self) -> str:
        """A request that gives a behaviour to a town for a minute."""
        code = min(self.office.towns, default="")
        order: dict[str, Any] = {"profile": "locking+wrong", "towns": [code], "seconds": 60}
        return f"curl {self.origin}/faults -d '{msgspec.json.encode(order).decode()}'"


def _cells(row: list[str], number: int) -> str:
    first, *others = row
    marks = [' class="n"' if n >= number and text.isdigit() else "" for n, text in enumerate(others, 1)]
    cells = "".join(f"<td{mark}>{text}</td>" for mark, text in zip(marks, others, strict=True))
    return f'<th scope="row">{first}</th>{cells}'


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
