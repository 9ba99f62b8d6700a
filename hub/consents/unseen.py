"""Consents of a filing whose filer may not learn more (``frozen``): as they look, with what was said since."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import refuse
from hub.consents.models import Answer, Request
from hub.consents.wanted import amount_to, wanted_of
from hub.relocations import facts, frozen
from hub.relocations.filing import Filing
from hub.relocations.models import Relocation
from hub.vault.services import ShreddedError

#: What was said of a consent, by the event of it.
SAID = {"consent.confirmed": Answer.CONFIRMED, "consent.refused": Answer.REFUSED}


def as_it_stood(then: frozen.Look, at: datetime) -> list[Request]:
    """Return the consents as the filer is shown them who may not learn more; they are never stored.

    As of that moment, with what was answered since by links; what a counter wrote down since is not shown.
    """
    with acting(HUB):
        kept = frozen.kept_of(then.relocation)
        asked, voided = (
            {row.request_id for row in kept if row.request_id and row.type == type_}
            for type_ in ("consent.asked", "consent.voided")
        )
        shown = then.relocation.consents.filter(Q(asked_at__lte=at) | Q(pk__in=asked)).exclude(pk__in=voided)
        rows = {bytes(row.subject): row for row in shown.order_by("pk")}
        events = then.relocation.events.filter(type__in=SAID, at__lte=at).order_by("pk")
        answers = {(ordinal, row.at): SAID[row.type] for row in events for ordinal in row.detail["movers"]}
        said = {row.request_id: SAID[row.type] for row in kept if row.type in SAID}
        wanted = wanted_of(then.filing, facts.withdrawn(then.rows), timezone.localdate(then.filed_at))
    found = []
    for mark, ordinal in wanted.items():
        row = rows.get(mark)
        if row is None:
            continue
        before = [
            answer for (number, when), answer in answers.items() if number == row.ordinal and when >= row.asked_at
        ]
        row.ordinal, row.answer = ordinal, said.get(row.pk, before[-1] if before else Answer.PENDING)
        found.append(row)
    return sorted(found, key=lambda row: row.ordinal)


def shown(row: Request) -> tuple[Request | None, frozen.Look | None]:
    """Return a consent as its filer is shown it and, where that is how it stood once, how; as the hub."""
    relocation = row.relocation
    if relocation.frozen_at is None:
        return row, None
    try:
        then = frozen.look(relocation, relocation.frozen_at)
    except ShreddedError:
        raise refuse("E108") from None
    return next((one for one in as_it_stood(then, relocation.frozen_at) if one.pk == row.pk), None), then


def keep(row: Request, then: frozen.Look, type_: str, answer: Answer, account: str = "") -> None:
    """Keep what was said, which counts for nothing but what the filer is shown, until no measure is in force."""
    assert row.relocation.frozen_at is not None  # noqa: S101 - ``then`` is how it stood at that moment
    others = [one for one in as_it_stood(then, row.relocation.frozen_at) if one.pk != row.pk]
    answers = {one.answer for one in others} | ({answer} if answer != Answer.VOID else set())
    consent: dict[str, Any] = {"request_id": row.pk, "account": account} if account else {}
    frozen.keep(row.relocation, type_, [row.ordinal], amount_to(answers), **consent)


def ask(relocation: Relocation, before: frozen.Look, filing: Filing, gone: Collection[int], **_: Any) -> None:
    """As ``services.ask``, of a version that is only shown (receiver of ``signals.kept``): it waits in sight alone."""
    assert relocation.frozen_at is not None  # noqa: S101 - no other version is only shown
    wanted = wanted_of(filing, gone)
    rows = {bytes(row.subject): row for row in as_it_stood(before, relocation.frozen_at)}
    new = [
        Request(relocation=relocation, ordinal=wanted[mark], subject=mark, answer=Answer.VOID)
        for mark in wanted
        if mark not in rows
    ]
    Request.objects.bulk_create(new)
    answers = [row.answer for mark, row in rows.items() if mark in wanted] + [Answer.PENDING] * len(new)
    said = [("consent.voided", row) for mark, row in rows.items() if mark not in wanted]
    for type_, row in [*said, *(("consent.asked", row) for row in new)]:
        frozen.keep(relocation, type_, [row.ordinal], amount_to(answers), request_id=row.pk)
