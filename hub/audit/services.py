"""Record acts and verify the chains."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection
from django.utils import timezone

from hub import actors
from hub.audit.models import GENERAL, Chain, Entry
from hub.rows import sent


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, to what; who does it is the actor of the transaction."""

    action: str
    subject: str
    detail: dict[str, Any] = field(default_factory=dict)
    chain: UUID = GENERAL


def record(*acts: Act) -> None:
    """Append acts to their chains, in one round of statements however many they are."""
    record_all(acts)


def record_all(acts: Iterable[Act]) -> None:
    """As ``record``. The heads are locked in the order of their ids, so that two writers cannot deadlock."""
    acts = list(acts)
    if not acts:
        return
    heads = _lock_heads(sorted({act.chain for act in acts}))
    actor, now, rows = actors.current(), timezone.now(), []
    for act in acts:
        length, head = heads[act.chain]
        row = Entry(
            chain_id=act.chain,
            number=length + 1,
            at=now,
            actor_kind=actor.kind.value,
            actor=actor.name,
            municipality=actor.municipality,
            action=act.action,
            subject=act.subject,
            detail=act.detail,
        )
        row.code = code(head, row)
        heads[act.chain] = (row.number, row.code)
        rows.append(row)
    _append(rows, heads)


# One statement for entries and heads, and no model's way of saving rows: every act of the hub passes here.
APPEND = """
WITH entries AS (
    INSERT INTO audit_entry (chain_id, number, at, actor_kind, actor, municipality, action, subject, detail, code)
    SELECT e.chain, e.number, %(at)s, %(kind)s, %(actor)s, %(municipality)s, e.action, e.subject, e.detail, e.code
      FROM jsonb_to_recordset(%(entries)s::jsonb)
           AS e(chain uuid, number int, action varchar, subject varchar, detail jsonb, code bytea)
)
UPDATE audit_chain AS c SET length = n.length, head = n.head, seal = n.seal
  FROM jsonb_to_recordset(%(heads)s::jsonb) AS n(id uuid, length int, head bytea, seal bytea)
 WHERE c.id = n.id
"""


def lock(chain: UUID) -> None:
    """Lock a chain before what is locked after it, where it is not known yet whether anything will be recorded."""
    _lock_heads([chain])


def _append(rows: list[Entry], heads: dict[UUID, tuple[int, bytes]]) -> None:
    """Write entries, all of one actor and one moment, and the heads of their chains."""
    with connection.cursor() as cursor:
        cursor.execute(
            APPEND,
            {
                "at": rows[0].at,
                "kind": rows[0].actor_kind,
                "actor": rows[0].actor,
                "municipality": rows[0].municipality,
                "entries": sent(
                    {
                        "chain": row.chain_id,
                        "number": row.number,
                        "action": row.action,
                        "subject": row.subject,
                        "detail": row.detail,
                        "code": row.code,
                    }
                    for row in rows
                ),
                "heads": sent(
                    {"id": chain, "length": length, "head": head, "seal": seal(chain, length, head)}
                    for chain, (length, head) in heads.items()
                ),
            },
        )


def _lock_heads(chains: list[UUID]) -> dict[UUID, tuple[int, bytes]]:
    """Make missing chains, lock all of them (the update that changes nothing does) and return their heads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_chain (id, length, head, seal) SELECT unnest(%s::uuid[]), 0, '', ''"
            " ON CONFLICT (id) DO UPDATE SET length = audit_chain.length RETURNING id, length, head",
            [chains],
        )
        return {pk: (length, bytes(head)) for pk, length, head in cursor.fetchall()}


def seal(chain: UUID, length: int, head: bytes) -> bytes:
    """Return the seal of a chain's head: HMAC-SHA256 over its id, length and last code."""
    return _hmac(b"head" + chain.bytes + length.to_bytes(8, "big") + head)


def _hmac(text: bytes) -> bytes:
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), text, hashlib.sha256).digest()


def code(previous: bytes, entry: Entry) -> bytes:
    """Return the entry's code: HMAC-SHA256 (RFC 2104) over the previous code and the entry."""
    text = msgspec.json.encode(
        [
            str(entry.chain_id),
            entry.number,
            entry.at.timestamp(),
            entry.actor_kind,
            entry.actor,
            entry.municipality,
            entry.action,
            entry.subject,
            entry.detail,
        ],
        order="deterministic",
    )
    return _hmac(previous + text)


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain breaks."""

    chain: UUID
    number: int
    what: str


def verify() -> Iterator[Fault | int]:
    """Walk every chain; yield each fault, and after each chain the number of entries read."""
    heads = {chain.pk: chain for chain in Chain.objects.all()}
    seen: UUID | None = None
    number, previous = 0, b""
    for entry in Entry.objects.order_by("chain_id", "number").iterator(chunk_size=2_000):
        if entry.chain_id != seen:
            if seen is not None:
                yield from _end(heads.pop(seen, None), seen, number, previous)
            seen, number, previous = entry.chain_id, 0, b""
        number += 1
        if entry.number != number:
            yield Fault(seen, number, "entry is missing")
            number = entry.number
        elif code(previous, entry) != bytes(entry.code):
            yield Fault(seen, number, "entry was changed")
        previous = bytes(entry.code)
    if seen is not None:
        yield from _end(heads.pop(seen, None), seen, number, previous)
    for chain in heads.values():
        if chain.length:
            yield Fault(chain.pk, chain.length, "all entries of the chain are missing")


def _end(head: Chain | None, chain: UUID, number: int, previous: bytes) -> Iterator[Fault | int]:
    if head is None:
        yield Fault(chain, number, "the head of the chain is missing")
    elif bytes(head.seal) != seal(chain, head.length, bytes(head.head)):
        yield Fault(chain, number, "the head of the chain was changed")
    elif head.length != number or bytes(head.head) != previous:
        yield Fault(chain, number, "the chain's end does not match its head")
    yield number
