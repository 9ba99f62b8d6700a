"""New versions of a filing: what the filer amends, and what a town corrects. The earlier versions stay as they were.

A correction (誤記修正, resident-record standard 4.2.3.3) is no move: it says which fields differ, so that a
procedure is looked at again only when an input of its rule changed (order rule O11).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from django.utils import timezone

from hub.catalogue import raise_any, refuse
from hub.relocations import signals
from hub.relocations.checks import check_document
from hub.relocations.filing import Document, Filing
from hub.relocations.models import Relocation, Version
from hub.vault import cipher
from municipalities.notice import Mover


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field of the document as it should read: an RFC 6901 pointer into the filing, and the value."""

    pointer: str
    value: Any


#: What a correction may not touch: who is meant, where to and how is another filing, not an error in a record.
FIXED = re.compile(
    "/(kind|flow|scope|filer|follows|lastRegistered|movers|movers/[0-9]+(/ordinal)?"
    "|(old|new)Address/localGovernmentCode)"
)


def corrected(filing: Filing, changes: Sequence[Change], *, moved: bool = False) -> Filing:
    """Return the document with these changes; ``Refusal`` E104 or whatever the new document is refused for.

    ``moved``: the address may be in another municipality than planned.
    """
    document = msgspec.json.decode(msgspec.json.encode(filing))
    for index, change in enumerate(changes):
        at = f"/changes/{index}/pointer"
        if FIXED.fullmatch(change.pointer) and not (moved and change.pointer.startswith("/newAddress")):
            raise refuse("E104", at, "This field is not corrected; it needs another filing.")
        _put(document, change, at)
    try:
        found = msgspec.convert(document, Filing)
    except msgspec.ValidationError as error:
        raise refuse("E104", "/changes", str(error).partition(" - at ")[0].partition("'")[0]) from None
    code = found.new_address.local_government_code == filing.new_address.local_government_code
    if not moved and (not code or found.old_address.local_government_code != filing.old_address.local_government_code):
        raise refuse("E104", "/changes", "A correction leaves the municipality as it is.")
    raise_any(check_document(found, timezone.localdate()))
    return found


def _put(document: Any, change: Change, at: str) -> None:
    *path, last = change.pointer.removeprefix("/").split("/")
    for step in path:
        if isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            document = document.get(step) if isinstance(document, dict) else None
    if not isinstance(document, dict) or last not in document:
        raise refuse("E104", at, "The pointer names no field of the filing.")
    document[last] = change.value


def changed_fields(before: Document, after: Document) -> frozenset[str]:
    """Return the names of the fields that differ, never a value: those of movers with ``movers.`` before them.

    ``movers`` alone says that somebody joined.
    """
    return frozenset(_changed(before, after))


def _changed(before: Document, after: Document) -> Iterator[str]:
    for name in Filing.__struct_fields__:
        if name != "movers" and getattr(before, name) != getattr(after, name):
            yield name
    if before.elsewhere != after.elsewhere:
        yield "new_address"
    if len(before.movers) != len(after.movers):
        yield "movers"
    for one, other in zip(before.movers, after.movers, strict=False):
        for name in Mover.__struct_fields__:
            if getattr(one, name) != getattr(other, name):
                yield f"movers.{name}"


def write(relocation: Relocation, before: Document, after: Document, key: bytes, by: str) -> frozenset[str]:
    """Add a version to the relocation, whose lock the caller holds; returns the names of what changed."""
    relocation.version += 1
    relocation.version_by = by
    version = Version(relocation=relocation, number=relocation.version, by=by)
    version.body = cipher.seal(key, msgspec.json.encode(after), version.identity)
    version.save(force_insert=True)
    relocation.save(update_fields=["version", "version_by"])
    changed = changed_fields(before, after)
    signals.corrected.send(sender=Relocation, relocation=relocation, filing=after.filing, by=by, changed=changed)
    return changed
