"""What was decided about texts, kept and found again; the only place that knows how a text is recognised."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from hub import actors
from hub.actors import HUB, ActorKind, acting
from hub.audit import services as audit
from hub.fidelity.models import Decision, Kind
from hub.vault import services as vault

#: A character set's name and a text: what a decision is about.
Asked = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A decision that is in force, opened."""

    id: UUID
    kind: str
    writing: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was decided about the texts that were asked."""

    found: Mapping[Asked, Remembered] = field(default_factory=dict)

    @property
    def decisions(self) -> Mapping[Asked, str]:
        """The writings, as a record standard takes them."""
        return {asked: one.writing for asked, one in self.found.items() if one.kind == Kind.WRITE}

    def decided(self, original: str, written: str) -> UUID | None:
        """Return the decision by which this text was written so."""
        same = [one for (_, text), one in self.found.items() if text == original and one.kind == Kind.WRITE]
        return next((one.id for one in sorted(same, key=lambda one: one.writing != written)), None)


NOTHING = Recalled()


def mark(asked: Asked) -> bytes:
    """Return the keyed hash by which a decision about this text and character set is found again."""
    body = "\0".join(("fidelity.decision", *asked)).encode("utf-8", "surrogatepass")
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), body, hashlib.sha256).digest()


def recall(municipality: str, asked: Iterable[Asked]) -> Recalled:
    """Return what was decided for this municipality about these texts: one statement, as the hub.

    Its own clerk's decision goes before an operator's, which holds for every municipality.
    """
    marks = {mark(one): one for one in asked}
    if not marks:
        return NOTHING
    with acting(HUB):
        rows = Decision.objects.filter(
            Q(municipality=municipality) | Q(municipality=None), mark__in=list(marks), ended_at=None
        )
        # The own ones last: they take the place of the others.
        ordered = list(rows.order_by(F("municipality").asc(nulls_first=True)))
    return Recalled({marks[bytes(row.mark)]: Remembered(row.pk, row.kind, _texts(row)[1]) for row in ordered})


def _texts(row: Decision) -> list[str]:
    """The text as filed and the text to write."""
    return msgspec.json.decode(vault.masters().unwrap(bytes(row.texts), row.identity), type=list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person chose for one text; ``basis`` names the tables that allow it, if any does."""

    asked: Asked
    kind: Kind
    writing: str = ""
    points: str = ""
    basis: str = ""


def decide(municipality: str, choices: Sequence[Choice], delivery: UUID, relocation: UUID) -> list[Decision]:
    """Keep what a person chose, in the place of what was decided before; audited on the relocation's chain.

    A clerk's choice holds for the clerk's municipality, an operator's for every one. Where somebody else decided
    in the same moment, that stays. Texts are sealed with the hub's master key: they outlive the relocation.
    """
    actor = actors.current()
    code = None if actor.kind is ActorKind.OPERATOR else municipality
    rows = []
    for choice in choices:
        row = Decision(
            municipality_id=code,
            target=choice.asked[0],
            mark=mark(choice.asked),
            kind=choice.kind,
            points=choice.points[:200],
            basis=choice.basis[:300],
            decided_by_kind=actor.kind.value,
            decided_by=actor.name,
        )
        row.texts = vault.masters().wrap(msgspec.json.encode([choice.asked[1], choice.writing]), row.identity)
        rows.append(row)
    before = Decision.objects.filter(municipality=code, mark__in=[row.mark for row in rows], ended_at=None)
    before.update(ended_at=timezone.now(), ended_by=actor.name)
    Decision.objects.bulk_create(rows, ignore_conflicts=True)
    audit.record_all(
        audit.Act(
            "decision.made",
            f"delivery:{delivery}",
            {"decision": str(row.pk), "target": row.target, "kind": row.kind, "municipality": code or ""},
            relocation,
        )
        for row in rows
    )
    return rows


def end(rows: Iterable[Decision]) -> int:
    """End decisions that are in force: the next delivery with such a text is held and asked about again."""
    rows = [row for row in rows if row.ended_at is None]
    now, name = timezone.now(), actors.current().name
    Decision.objects.filter(pk__in=[row.pk for row in rows], ended_at=None).update(ended_at=now, ended_by=name)
    audit.record_all(audit.Act("decision.ended", f"decision:{row.pk}") for row in rows)
    return len(rows)
