"""The last days of a relocation as a calendar file (RFC 5545). No person's name: a calendar is often kept elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext

#: Octets of a line, without its end (RFC 5545, 3.1).
LINE = 75


@dataclass(frozen=True, slots=True)
class Entry:
    """One last day; ``key`` stays the same, so that a later file replaces the entry of an earlier one."""

    key: str
    on: date
    title: str
    text: str


def render(entries: list[Entry], receipt_no: str, now: datetime) -> bytes:
    """Return the file in UTF-8: one entry for each last day, all day long, with a reminder three days before."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Hikkoshi Hub//Deadlines//JA",
        "METHOD:PUBLISH",
        *(line for entry in entries for line in _event(entry, receipt_no, now)),
        "END:VCALENDAR",
    ]
    return b"".join(fold(line) for line in lines)


def _event(entry: Entry, receipt_no: str, now: datetime) -> Iterator[str]:
    summary = gettext("Last day: %(title)s") % {"title": entry.title}
    yield "BEGIN:VEVENT"
    yield f"UID:{receipt_no}-{entry.key}@hikkoshi-hub"
    yield f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{entry.on:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{entry.on + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{escape(summary)}"
    yield f"DESCRIPTION:{escape(entry.text)}"
    yield "TRANSP:TRANSPARENT"
    yield from ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P3D", f"DESCRIPTION:{escape(entry.title)}", "END:VALARM")
    yield "END:VEVENT"


def escape(text: str) -> str:
    r"""Write a text value (3.3.11).

    >>> escape("a, b; c\n")
    'a\\, b\\; c\\n'
    """
    for character, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(character, written)
    return text


def fold(line: str) -> bytes:
    """Break a long line after at most 75 octets, never inside a character (3.1)."""
    parts, size = [bytearray()], 0
    for character in line:
        octets = character.encode()
        if size + len(octets) > LINE:
            parts.append(bytearray(b" "))
            size = 1
        parts[-1] += octets
        size += len(octets)
    return b"\r\n".join(bytes(part) for part in parts) + b"\r\n"
