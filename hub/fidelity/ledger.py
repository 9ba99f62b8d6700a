"""The fidelity ledger: rows of what a delivery changed, sealed where it is written and kept in one statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from django.db import connection
from django.utils import timezone

from hub.fidelity.characters import in_points
from hub.fidelity.models import Substitution
from hub.fidelity.services import NOTHING, Recalled
from hub.vault import cipher
from municipalities.characters import Fallback


@dataclass(frozen=True, slots=True)
class Subject:
    """Which delivery was written, for whom and in what."""

    delivery_id: UUID
    relocation_id: UUID
    municipality: str
    standard: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be kept; lighter than a model's, for every delivery to a narrow layout has some."""

    subject: Subject
    number: int
    path: str
    points: str
    rule: str
    decision: UUID | None
    texts: bytes


def rows(of: Subject, fallbacks: Sequence[Fallback], key: bytes, recalled: Recalled = NOTHING) -> tuple[Row, ...]:
    """Return a row for every value that the town reads otherwise than it was filed; nothing is saved."""
    return tuple(
        Row(
            subject=of,
            number=number,
            path=fallback.path,
            points=in_points(fallback.original, fallback.written),
            rule=fallback.rule,
            decision=recalled.decided(fallback.original, fallback.written),
            texts=cipher.seal(
                key,
                msgspec.json.encode((fallback.original, fallback.written)),
                Substitution.identity_of(of.delivery_id, number),
            ),
        )
        for number, fallback in enumerate(fallbacks, start=1)
    )


KEEP = """
INSERT INTO fidelity_substitution (at, delivery_id, relocation_id, municipality_id, standard,
                                   number, path, points, rule, decision_id, texts)
SELECT %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::varchar[], %s::varchar[],
                         %s::smallint[], %s::varchar[], %s::text[], %s::text[], %s::uuid[], %s::bytea[])
"""


def keep(found: Iterable[Row]) -> None:
    """Save rows, all in one statement; none costs none. They are written as the hub."""
    found = list(found)
    if not found:
        return
    subjects = [row.subject for row in found]
    with connection.cursor() as cursor:
        cursor.execute(
            KEEP,
            [
                timezone.now(),
                [one.delivery_id for one in subjects],
                [one.relocation_id for one in subjects],
                [one.municipality for one in subjects],
                [one.standard for one in subjects],
                [row.number for row in found],
                [row.path for row in found],
                [row.points for row in found],
                [row.rule for row in found],
                [row.decision for row in found],
                [row.texts for row in found],
            ],
        )


def texts(row: Substitution, key: bytes) -> tuple[str, str]:
    """Return the text as filed and as the town reads it."""
    original, written = msgspec.json.decode(cipher.unseal(key, bytes(row.texts), row.identity), type=list[str])
    return original, written
