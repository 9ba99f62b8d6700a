"""Papers of the origin for procedures at the destination (message 16): references by procedure and mover, sealed."""

from collections.abc import Iterable, Mapping
from functools import cache
from uuid import UUID

import msgspec

from hub.procedures import tables
from hub.procedures.models import DocumentSheet, Task
from hub.rows import Reader
from hub.vault import cipher

#: References by procedure and mover.
Documents = Mapping[tuple[str, int], tuple[str, ...]]

SHEETS = Reader(DocumentSheet, "WHERE relocation_id = %s ORDER BY number")
_references = msgspec.json.Decoder(tuple[str, ...])


@cache
def takes_documents(procedure: str) -> bool:
    """Tell whether departments of a destination work on this procedure at all."""
    return any(
        rule.procedure == procedure and (rule.kind, rule.side) == ("task", "destination") for rule in tables.rules()
    )


def keep(relocation_id: UUID, given: Documents, key: bytes) -> set[tuple[str, int]]:
    """Keep them; returns of which procedures and movers something is new. The caller holds the relocation's lock."""
    last = {(sheet.procedure, sheet.ordinal): sheet for sheet in SHEETS(relocation_id)}
    changed = set()
    for place, references in sorted(given.items()):
        before = last.get(place)
        if before is not None and _read(before, key) == references:
            continue
        number = before.number + 1 if before else 1
        sheet = DocumentSheet(relocation_id=relocation_id, procedure=place[0], ordinal=place[1], number=number)
        sheet.body = cipher.seal(key, msgspec.json.encode(references), sheet.identity)
        sheet.save(force_insert=True)
        changed.add(place)
    return changed


def known(relocation_id: UUID, key: bytes) -> Documents:
    """Return what was said last of each procedure and mover. Read as the hub, for whoever may open the key."""
    last = {(sheet.procedure, sheet.ordinal): sheet for sheet in SHEETS(relocation_id)}
    return {place: _read(sheet, key) for place, sheet in last.items()}


def _read(sheet: DocumentSheet, key: bytes) -> tuple[str, ...]:
    return _references.decode(cipher.unseal(key, bytes(sheet.body), sheet.identity))


def in_words(found: Documents, tasks: Iterable[Task]) -> str:
    """Return the documents of these tasks as a record carries them: «1:4500-12 2:4500-13», by mover."""
    places = [(task.procedure, task.ordinal) for task in tasks if task.side == "destination"]
    return " ".join(f"{place[1]}:{reference}" for place in places for reference in found.get(place, ()))
