"""A script: a TOML file that says which towns behave how, and when.

::

    [[act]]
    towns = ["012025", "131016"]       # codes, "all" or a share of them such as "10%"
    profile = ["locking", "wrong"]     # one or several of the profiles
    from = 09:00:00                    # a time of day, a date with a time, or seconds after the start
    until = 17:15:00
    locked_for = [5.0, 20.0]           # parameters of the profile

Of several acts that fall on a town at the same time the last one counts.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from municipalities.opening import JST
from municipalities.simulator.faults import PROFILES, Act, Profile, mixed

OWN = ("towns", "profile", "from", "until")
PARAMETERS = tuple(name for name in Profile.__struct_fields__ if name != "name")


class ScriptError(ValueError):
    """The script cannot be played; the text names file, line and key."""


class _Wrong(Exception):
    """What is wrong with a key of an act."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key


def read(path: Path, codes: Collection[str] | None = None) -> tuple[Act, ...]:
    """The acts of a script. With ``codes``, the towns that are played: nobody else may be named.

    Raises ``ScriptError``.
    """
    try:
        text = path.read_text(encoding="utf-8")
        told = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ScriptError(f"{path}: {error}") from None  # which names line and column
    acts = told.get("act")
    for key in told:
        if key != "act":
            raise ScriptError(f"{path}{_line(text, key)}: «{key}»: a script holds [[act]] tables only")
    if not isinstance(acts, list) or not acts:
        raise ScriptError(f"{path}: there is no [[act]] table")
    return tuple(_act(path, text, number, one, codes) for number, one in enumerate(acts))


def _act(path: Path, text: str, number: int, told: Any, codes: Collection[str] | None) -> Act:
    try:
        return _read(told, codes)
    except _Wrong as wrong:
        where = f"{path}{_line(text, wrong.key, number)}"
        raise ScriptError(f"{where}: [[act]] {number + 1}, «{wrong.key}»: {wrong}") from None


def _line(text: str, key: str, act: int | None = None) -> str:
    """``:LINE`` of a key within the act's table (of the table itself, if it does not stand there)."""
    lines = text.splitlines()
    heads = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*act\s*\]\]", line)]
    ranges = [(0, heads[0] if heads else len(lines)), *pairwise([*heads, len(lines)])]
    begins, ends = ranges[0] if act is None or act + 1 >= len(ranges) else ranges[act + 1]
    for n in range(begins, ends):
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", lines[n]):
            return f":{n + 1}"
    return f":{begins + 1}"


def _read(told: Mapping[str, Any], codes: Collection[str] | None) -> Act:
    towns, percent = _towns(told.get("towns"), codes)
    names = told.get("profile")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names or not all(name in PROFILES for name in names):
        raise _Wrong("profile", f"one or several of {', '.join(PROFILES)}")
    parameters = {key: value for key, value in told.items() if key not in OWN}
    for key, value in parameters.items():
        if key not in PARAMETERS:
            raise _Wrong(key, f"one of {', '.join((*OWN, *PARAMETERS))}")
        try:
            mixed(names, {key: value})
        except msgspec.ValidationError as error:
            raise _Wrong(key, str(error).partition(" - at")[0]) from None
    return Act(profile=mixed(names, parameters), towns=towns, percent=percent, **_times(told))


def _times(told: Mapping[str, Any]) -> dict[str, Any]:
    """From when until when: two moments, or two times of every day."""
    begins, ends = _when("from", told.get("from")), _when("until", told.get("until"))
    if isinstance(begins, time) and isinstance(ends, time):
        return {"daily": (begins, ends)}
    for key, when in (("from", begins), ("until", ends)):
        if isinstance(when, time):
            raise _Wrong(key, "times of day go in pairs, from and until")
    seconds = isinstance(begins, int | float) and isinstance(ends, int | float)
    if (seconds or (isinstance(begins, datetime) and isinstance(ends, datetime))) and ends <= begins:  # type: ignore[operator]
        raise _Wrong("until", "not after «from»")
    return {"begins": begins, "ends": ends}


def _towns(told: Any, codes: Collection[str] | None) -> tuple[tuple[str, ...], float | None]:
    """Codes, or a percentage; neither means all."""
    if told == "all":
        return (), None
    if isinstance(told, str) and re.fullmatch(r"\d{1,3}(\.\d+)?%", told) and float(told[:-1]) <= 100:
        return (), float(told[:-1])
    if not isinstance(told, list) or not told or not all(isinstance(one, str) for one in told):
        raise _Wrong("towns", 'a list of codes, "all" or a share such as "10%"')
    strangers = [one for one in told if codes is not None and one not in codes]
    if strangers:
        raise _Wrong("towns", f"not played here: {', '.join(strangers)}")
    return tuple(told), None


def _when(key: str, told: Any) -> datetime | time | float | None:
    if told is None or (isinstance(told, int | float) and not isinstance(told, bool) and told >= 0):
        return told
    if isinstance(told, datetime):
        return told if told.tzinfo else told.replace(tzinfo=JST)
    if isinstance(told, time):
        return told
    raise _Wrong(key, "a time of day, a date with a time, or seconds after the start")
